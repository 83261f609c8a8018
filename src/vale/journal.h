/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The note a sender leaves before it exchanges two buffers: one word.
 *
 *	bits 0-23   buffer of the sender's slot before the exchange; 0 = no note
 *	bits 24-47  buffer of the ring's slot before the exchange
 *	bits 48-63  position of the sender's slot
 *
 * The ring's slot is not in it: it is the one that holds the sender's buffer,
 * if any does (sweep.h).
 */
#pragma once

#include "vale/layout.h"

struct swap_note {
	uint32_t src_buf, dst_buf, src_pos;
};

static inline uint64_t
swap_note_encode(uint32_t src_buf, uint32_t dst_buf, uint32_t src_pos)
{
	return (uint64_t)src_pos << 48 | (uint64_t)dst_buf << 24 | src_buf;
}

/* Numbers that cannot be are 'no note'. */
static inline struct swap_note
swap_note_decode(uint64_t w)
{
	struct swap_note n = { w & 0xffffff, w >> 24 & 0xffffff,
		(uint32_t)(w >> 48) };

	if (!buf_idx_ok(n.src_buf) || !buf_idx_ok(n.dst_buf))
		n = (struct swap_note){ 0 };
	return n;
}

_Static_assert(VALE_MAX_BUFS <= 1 << 24, "buffer numbers fit the note");
_Static_assert(VALE_MAX_SLOTS <= 1 << 16, "positions fit the note");
