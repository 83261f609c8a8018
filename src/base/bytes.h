/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers from and to octets in network order, wherever they are aligned. */
#pragma once

#include <stdint.h>
#include <string.h>

/* One octet, read exactly once: for lengths that decide an access and may
 * change under our feet. */
static inline uint8_t
get8_once(const void *from)
{
	return *(const volatile uint8_t *)from;
}

static inline uint16_t
get16(const void *from)
{
	uint16_t v;

	memcpy(&v, from, sizeof(v));
	return __builtin_bswap16(v);
}

static inline uint32_t
get32(const void *from)
{
	uint32_t v;

	memcpy(&v, from, sizeof(v));
	return __builtin_bswap32(v);
}

/* As it lies in memory: network order stays network order. */
static inline uint32_t
raw32(const void *from)
{
	uint32_t v;

	memcpy(&v, from, sizeof(v));
	return v;
}

static inline void
put16(void *to, uint16_t v)
{
	v = __builtin_bswap16(v);
	memcpy(to, &v, sizeof(v));
}

static inline void
put32(void *to, uint32_t v)
{
	v = __builtin_bswap32(v);
	memcpy(to, &v, sizeof(v));
}
