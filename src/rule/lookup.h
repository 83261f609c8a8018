/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Instructions that ask a lookup table.
 *
 * Place      interp runs them, check and ctl/ ask which table they name.
 * Index      an instruction names its table by a u16; what a client sends are
 *            indexes of its own, which ctl/ replaces before a rule is made.
 */
#pragma once

#include "packet/pkt.h"
#include "rule/insn.h"
#include "table/table.h"

enum lookup_key { /* d[1] of O_IP_DST_LOOKUP, d[0] of O_TABLE_LOOKUP */
	LOOKUP_DST_IP,
	LOOKUP_SRC_IP,
	LOOKUP_DST_PORT,
	LOOKUP_SRC_PORT,
	LOOKUP_UID,
	LOOKUP_JAIL,
	LOOKUP_DSCP,
	LOOKUP_DST_MAC,
	LOOKUP_SRC_MAC,
	LOOKUP_MARK,
	LOOKUP_RULENUM, /* of O_TABLE_LOOKUP alone: of the rule itself */
	N_LOOKUP_KEYS,
};

struct pass;

/* A question that rules ask of a table about packets. */
struct lookup_ask {
	uint16_t kidx;
	uint8_t type; /* TABLE_* */
	uint8_t key;  /* enum lookup_key, or LOOKUP_FLOW */
};

enum {
	LOOKUP_ASKS = 4,	     /* of a ruleset; more are not prepared */
	LOOKUP_FLOW = N_LOOKUP_KEYS, /* all of the flow */
	LOOKUP_ANSWERS = 4,	     /* that are kept of a packet */
};

/* Whether it is worth while to prepare: a worker's. */
struct lookup_use {
	uint32_t asked;	   /* by rules since then */
	uint32_t prepared; /* by lookup_burst */
	uint32_t pause;	   /* bursts that are not prepared */
};

/* True if the instruction asks a table something that a whole burst can be
 * prepared for. */
bool lookup_ask_of(const struct insn *i, struct lookup_ask *ask);

/* Before rules look at pkts[n]: asks large tables what the rules will ask them,
 * for all packets together, so that the answers are in the cache.  Changes no
 * packet and no verdict.  Where rules turn out not to ask, it pauses. */
void lookup_burst(const struct pass *pass, const struct pkt *pkts, unsigned n);

/* What tables said about a packet while its rules are looked at: who asks the
 * same again is told the same, even if the table was changed meanwhile.  Only
 * what no rule can change about a packet is kept: no mark, no DSCP. */
struct answers {
	uint32_t tablearg; /* index of the value that the last lookup found */
	unsigned n;
	unsigned room; /* LOOKUP_ANSWERS; 0: each question is asked again */
	struct {
		uint16_t kidx;
		uint16_t key; /* enum lookup_key, or LOOKUP_FLOW */
		uint32_t value; /* index, 0 = none */
	} known[LOOKUP_ANSWERS];
};

static inline void
answers_init(struct answers *a)
{
	a->tablearg = a->n = a->room = 0;
}

/* Index of the value that the instruction's table has for a packet which came
 * in, or would leave, by interface 'ifname'; 0 = none, or not the value that
 * the instruction wants.  Counts the packet on the entry, asked again or not. */
uint32_t lookup_insn(const struct insn *i, const struct tables *ts,
    const struct pkt *p, const char *ifname, struct answers *a);

/* The same without counting. */
uint32_t lookup_peek(const struct insn *i, const struct tables *ts,
    const struct pkt *p, const char *ifname);

/* True if the instruction names a table: its index and the type it must have. */
bool lookup_table_of(const struct insn *i, uint16_t *kidx, uint8_t *type);

/* Lets it name another one. */
void lookup_set_table(struct insn *i, uint16_t kidx);

/* ---- lookup_masked.c: O_TABLE_LOOKUP, for a key of which some bits count ----
 *
 *	word 0	arg1: the table	    1  the key	    2 ...  the mask
 *	numbers	1 word, host order; rulenum: then a word for the rule's number
 *	IPv4	1 word, IPv6 4 words, MAC 2 words: octets as in the packet
 */

/* True if an instruction of so many words can have the key. */
bool lookup_masked_fits(uint32_t key, unsigned words);

/* Tells the instruction, if that is its key, the number of its rule. */
void lookup_set_rulenum(struct insn *i, uint16_t num);

/* Index of the value that the table has for the key; 0 = none, or the packet has
 * no such key (an IPv6 packet no IPv4 address). */
uint32_t lookup_masked(const struct insn *i, const struct tables *ts,
    const struct pkt *p);
