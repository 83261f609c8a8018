/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The values that rules and packets of one world share, so that they meet.
 *
 * Few values make every rule overlap with every other one; many let the index
 * cut.  How many is drawn anew for each world.
 */
#pragma once

#include "test/oracle/chance.h"

enum {
	VOCAB_ADDRS = 64, /* of each family */
	VOCAB_PORTS = 64,
	VOCAB_MACS = 4,
	VOCAB_IFS = 3,
	VOCAB_TAGS = 4,
	VOCAB_NAMES = 3,  /* of states; 0 is any */
};

/* Tables, in the order they are made: the first has index 1. */
enum vocab_table {
	TAB_ADDR = 1,
	TAB_ADDR2,
	TAB_IFACE,
	TAB_PORT,
	TAB_FLOW,
	TAB_MAC,
	N_TABS = TAB_MAC,
};

struct vocab {
	unsigned n_addrs, n_ports;
	uint32_t addrs4[VOCAB_ADDRS]; /* host order */
	uint8_t addrs6[VOCAB_ADDRS][16];
	uint16_t ports[VOCAB_PORTS];
	uint16_t top; /* rule numbers are 1 to top */
};

extern const char vocab_ifs[VOCAB_IFS][16];
extern const uint8_t vocab_macs[VOCAB_MACS][6];
extern const uint8_t vocab_protos[8];

void vocab_init(struct vocab *v, struct chance *c);

/* One of the addresses in host order, sometimes a neighbour of it. */
uint32_t vocab_addr4(const struct vocab *v, struct chance *c);
void vocab_addr6(const struct vocab *v, struct chance *c, uint8_t to[16]);
uint16_t vocab_port(const struct vocab *v, struct chance *c);
