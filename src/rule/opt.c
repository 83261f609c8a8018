/* SPDX-License-Identifier: BSD-2-Clause */
#include "rule/opt.h"

#include "base/bytes.h"
#include "packet/proto.h"
#include "rule/insn.h"

enum { OPT_EOL = 0, OPT_NOP = 1 }; /* the same in IPv4 and TCP */

/* The next whole option in [o, end): its address, kind and octets in all; NULL
 * at the end of the list. */
static const uint8_t *
next_option(const uint8_t *o, const uint8_t *end, unsigned *kind,
    unsigned *size)
{
	while (o < end && *o == OPT_NOP)
		o++;
	if (o + 1 >= end || *o == OPT_EOL)
		return NULL;
	*kind = o[0];
	*size = get8_once(o + 1);
	if (*size < 2 || *size > (unsigned)(end - o))
		return NULL;
	return o;
}

unsigned
opt_ip4(const struct pkt *p)
{
	const uint8_t *o = p->data + p->l3 + IP4_LEN, *end = p->data + p->l4;
	unsigned kind, size, seen = 0;

	for (; (o = next_option(o, end, &kind, &size)) != NULL; o += size) {
		switch (kind) {
		case 131:
			seen |= IPOPT_LSRR;
			break;
		case 137:
			seen |= IPOPT_SSRR;
			break;
		case 7:
			seen |= IPOPT_RR;
			break;
		case 68:
			seen |= IPOPT_TS;
			break;
		}
	}
	return seen;
}

void
opt_tcp(const struct pkt *p, struct opt_tcp *out)
{
	const uint8_t *h = p->data + p->l4, *o = h + TCP_LEN;
	unsigned there = (unsigned)p->len - p->l4;
	unsigned hlen = (unsigned)(get8_once(h + 12) >> 4) * 4;
	const uint8_t *end = h + (hlen < there ? hlen : there);
	unsigned kind, size;

	*out = (struct opt_tcp){0};
	for (; o < end && (o = next_option(o, end, &kind, &size)) != NULL;
	     o += size) {
		switch (kind) {
		case 2:
			if (size == 4) {
				out->seen |= TCPOPT_MSS;
				out->mss = get16(o + 2);
			}
			break;
		case 3:
			out->seen |= TCPOPT_WINDOW;
			break;
		case 4:
		case 5:
			out->seen |= TCPOPT_SACK;
			break;
		case 8:
			out->seen |= TCPOPT_TS;
			break;
		case 11:
		case 12:
		case 13:
			out->seen |= TCPOPT_CC;
			break;
		}
	}
}
