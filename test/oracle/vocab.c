/* SPDX-License-Identifier: BSD-2-Clause */
#include "test/oracle/vocab.h"

#include "packet/proto.h"

#include <string.h>

const char vocab_ifs[VOCAB_IFS][16] = {"em0", "em1", "vlan7"};

const uint8_t vocab_macs[VOCAB_MACS][6] = {
    {2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 2}, {2, 0, 0, 1, 0, 1},
    {1, 0, 0x5e, 0, 0, 1}, /* a group */
};

const uint8_t vocab_protos[8] = {PROTO_TCP, PROTO_TCP, PROTO_TCP, PROTO_UDP,
    PROTO_UDP, PROTO_ICMP, PROTO_SCTP, PROTO_GRE};

/* Addresses in a few networks, so that prefixes nest. */
static void
init_addrs(struct vocab *v, struct chance *c)
{
	static const uint8_t base6[4] = {0x20, 0x01, 0x0d, 0xb8};
	bool wide = once_in(c, 3);

	for (unsigned i = 0; i < v->n_addrs; i++) {
		uint8_t *a = v->addrs6[i];
		uint32_t host = wide ? draw(c, 256) : draw(c, 4);
		uint32_t net = wide ? draw(c, 64) : draw(c, 2);

		v->addrs4[i] = 0x0a000000 | net << 16 | draw(c, 2) << 15 | host;
		memcpy(a, base6, sizeof(base6));
		a[5] = (uint8_t)net;
		a[7] = (uint8_t)draw(c, 2);
		a[9] = (uint8_t)draw(c, 2); /* beyond the first 64 bits */
		a[11] = (uint8_t)(once_in(c, 3) ? draw(c, 4) : 0);
		a[15] = (uint8_t)host;
	}
	if (once_in(c, 8)) { /* the ends of what there is */
		v->addrs4[0] = 0xffffffff;
		v->addrs4[1] = 0;
		memset(v->addrs6[0], 0xff, 16);
		memset(v->addrs6[1], 0, 16);
	}
}

void
vocab_init(struct vocab *v, struct chance *c)
{
	static const uint8_t n_addrs[] = {3, 8, 24, VOCAB_ADDRS};
	static const uint8_t n_ports[] = {2, 5, 16, VOCAB_PORTS};
	static const uint16_t tops[] = {12, 60, 1000, 65534};

	memset(v, 0, sizeof(*v));
	v->n_addrs = n_addrs[draw(c, 4)];
	v->n_ports = n_ports[draw(c, 4)];
	v->top = tops[draw(c, 4)];
	init_addrs(v, c);
	/* Some of them are where a cut would begin. */
	for (unsigned i = 0; i < v->n_ports; i++)
		v->ports[i] = (uint16_t)(once_in(c, 4) ? draw(c, 65536) :
			once_in(c, 4) ? draw(c, 32) << (5 + draw(c, 7)) :
			i < 8 ? i * 10 : draw(c, 2048));
	v->ports[0] = 0;
	v->ports[1] = 65535;
}

uint32_t
vocab_addr4(const struct vocab *v, struct chance *c)
{
	uint32_t a = v->addrs4[draw(c, v->n_addrs)];

	return once_in(c, 16) ? a ^ 1u << draw(c, 32) : a;
}

void
vocab_addr6(const struct vocab *v, struct chance *c, uint8_t to[16])
{
	memcpy(to, v->addrs6[draw(c, v->n_addrs)], 16);
	if (once_in(c, 16)) {
		unsigned bit = draw(c, 128);

		to[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
	}
}

uint16_t
vocab_port(const struct vocab *v, struct chance *c)
{
	uint16_t p = v->ports[draw(c, v->n_ports)];

	return (uint16_t)(once_in(c, 8) ? p + draw(c, 3) - 1 : p);
}
