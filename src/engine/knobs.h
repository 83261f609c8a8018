/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Settings that the control thread writes and workers read once per burst.
 *
 * Threads    each is one relaxed atomic word; no order between them is promised.
 */
#pragma once

#include "base/cdefs.h"

#include <stdatomic.h>

struct knobs {
#define KNOB(field, name, def, min, max) _Atomic uint32_t field;
#include "engine/knobs.def"
};

struct knob_info {
	const char *name;
	size_t offset; /* of its word in struct knobs */
	uint32_t def;
	uint32_t min; /* min == max: read only */
	uint32_t max;
};

/* One row a knob, in the order of knobs.def; ends with a NULL name. */
extern const struct knob_info knob_table[];

/* Sets every knob to its default. */
void knobs_init(struct knobs *k);

static inline uint32_t
knob_get(const _Atomic uint32_t *k)
{
	return atomic_load_explicit(k, memory_order_relaxed);
}

static inline void
knob_set(_Atomic uint32_t *k, uint32_t v)
{
	atomic_store_explicit(k, v, memory_order_relaxed);
}

/* The word of the knob that 'info' describes. */
static inline _Atomic uint32_t *
knob_word(struct knobs *k, const struct knob_info *info)
{
	return (_Atomic uint32_t *)(void *)((char *)k + info->offset);
}
