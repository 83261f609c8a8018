/* SPDX-License-Identifier: BSD-2-Clause */
#include "packet/checksum.h"

#include "base/bytes.h"

uint32_t
checksum_add(uint32_t sum, const void *data, size_t n)
{
	const uint8_t *at = data;

	for (; n > 1; n -= 2, at += 2)
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
