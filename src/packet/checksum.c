/* SPDX-License-Identifier: BSD-2-Clause */
#include "packet/checksum.h"

#include "base/bytes.h"

static inline uint64_t
raw64(const uint8_t *from)
{
	uint64_t v;

	memcpy(&v, from, sizeof(v));
	return v;
}

/* The sum with its carries brought back until 16 bits are left, as a number of
 * network order: the sum does not mind the order of octets (RFC 1071, 2). */
static uint16_t
fold64(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return __builtin_bswap16((uint16_t)((sum & 0xffff) + (sum >> 16)));
}

/* Of n octets, n a multiple of 32: four words a turn, two chains of carries. */
static uint64_t
add_wide(const uint8_t *at, size_t n)
{
	uint64_t a = 0, b = 0, w;

	for (; n > 0; n -= 32, at += 32) {
		a += w = raw64(at);
		a += a < w;
		b += w = raw64(at + 8);
		b += b < w;
		a += w = raw64(at + 16);
		a += a < w;
		b += w = raw64(at + 24);
		b += b < w;
	}
	a += b;
	return a + (a < b);
}

uint32_t
checksum_add(uint32_t sum, const void *data, size_t n)
{
	const uint8_t *at = data;
	size_t wide = n & ~(size_t)31;

	if (wide > 0)
		sum += fold64(add_wide(at, wide));
	at += wide;
	for (n -= wide; n > 1; n -= 2, at += 2)
		sum += get16(at);
	if (n == 1)
		sum += (uint32_t)*at << 8;
	return sum;
}

uint16_t
checksum_end(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~(sum + (sum >> 16));
}

uint32_t
checksum_crc32c(const void *data, size_t n)
{
	const uint8_t *at = data;
	uint32_t crc = 0xffffffff;

	for (; n > 0; n--, at++) {
		crc ^= *at;
		for (unsigned bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ ((crc & 1) != 0 ? 0x82f63b78 : 0);
	}
	return ~crc;
}
