/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ranges of IP addresses and ports, and of MAC addresses, from text.
 *
 *	10.0.0.1   10.0.0.1:53   10.0.0.1-10.0.0.9   10.0.0.1:1000-10.0.0.9:2000
 *	fd00::1    [fd00::1]:53  fd00::1-fd00::9     [fd00::1]:1-[fd00::9]:2
 *	02:00:00:00:00:01        02:00:00:00:00:01-02:00:00:00:00:ff
 *
 * Place      pkt-gen's -s -d -S -D; what is parsed here feeds gen_flow.
 * Invariant  lo <= hi and port_lo <= port_hi: a reversed range is refused.  An
 *            IPv6 range lies within one /64, so that it can be counted in one
 *            64-bit word.
 */
#pragma once

#include "base/err.h"

#include <stdint.h>

enum { GEN_PORT_DEFAULT = 1234 };

struct gen_range {
	int af;		  /* AF_INET or AF_INET6 */
	uint64_t prefix;  /* IPv6: the upper 64 bits, host order; else 0 */
	uint64_t lo;	  /* first address: IPv4, or lower 64 bits of IPv6 */
	uint64_t hi;	  /* last address */
	uint16_t port_lo; /* first port */
	uint16_t port_hi; /* last port */
};

struct gen_macs {
	uint64_t lo; /* 48 bits, first octet on top */
	uint64_t hi;
};

/* FIRST[-LAST], each an address with or without a port.  The family is the
 * text's own.  -EINVAL with a sentence that names the part at fault. */
int gen_range_parse(const char *text, struct gen_range *out, struct err *e);

/* FIRST[-LAST] of MAC addresses, six pairs of hexadecimal digits each. */
int gen_macs_parse(const char *text, struct gen_macs *out, struct err *e);
