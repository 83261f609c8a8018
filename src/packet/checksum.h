/* SPDX-License-Identifier: BSD-2-Clause */
/* Checksums over octets: the Internet's (RFC 1071) and SCTP's CRC32c. */
#pragma once

#include "base/cdefs.h"

/* Adds 'n' octets to a sum that began as 0; an odd octet only at the end. */
uint32_t checksum_add(uint32_t sum, const void *data, size_t n);

/* Ends a sum: the value that goes into the header, in host order. */
uint16_t checksum_end(uint32_t sum);

/* CRC32c of 'n' octets, as the number whose octets, lowest first, SCTP sends.
 * Bit after bit: for a few octets. */
uint32_t checksum_crc32c(const void *data, size_t n);
