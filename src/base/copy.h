/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copies of frames, most of which are small.
 *
 * Cost       for 32 to 64 octets, the shortest frames, a test and eight moves,
 *            where memcpy() is a call through a table; for others that.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Copies n octets; they do not overlap. */
static inline void
copy_frame(uint8_t *to, const uint8_t *from, size_t n)
{
	enum { HALF = 16, LEAST = 2 * HALF, MOST = 2 * LEAST };

	if (__builtin_expect(n - LEAST > MOST - LEAST, 0)) {
		memcpy(to, from, n);
		return;
	}
	/* The middle may be copied twice. */
	memcpy(to, from, HALF);
	memcpy(to + HALF, from + HALF, HALF);
	memcpy(to + n - LEAST, from + n - LEAST, HALF);
	memcpy(to + n - HALF, from + n - HALF, HALF);
}
