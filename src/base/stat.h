/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers with one writer and any readers: relaxed atomics without a lock.
 *
 * The writer's add is a plain load, add and store; readers see some recent
 * value, never a torn one.
 */
#pragma once

#include <stdint.h>

/* For the only thread that writes '*s'. */
static inline void
stat_add(uint64_t *s, uint64_t n)
{
	__atomic_store_n(s, *s + n, __ATOMIC_RELAXED);
}

static inline void
stat_set(uint64_t *s, uint64_t v)
{
	__atomic_store_n(s, v, __ATOMIC_RELAXED);
}

/* For anybody. */
static inline uint64_t
stat_get(const uint64_t *s)
{
	return __atomic_load_n(s, __ATOMIC_RELAXED);
}
