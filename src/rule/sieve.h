/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Few rules against many packets: one rule after the other, each compared with
 * sixteen packets at once.
 *
 * Place      what rule/plan asks for the packets of a burst while it has no forest.
 *            Single packets go through rule/block, which has eight rules at once.
 * Meaning    the first rule of each packet that fits by its key and, where that
 *            leaves out second halves of IPv6 addresses, by these; not by what the
 *            key has of them (rest).  A sieve looks at one word more of an address
 *            than the first, which of a host is the fold of all others; whoever fits
 *            is compared with the whole.
 * Life       sieve_create -> immutable -> sieve_destroy.
 * Code       AVX2, SSE4.1 or plain C, as rule/block.
 * Cost       a rule and a packet: 2 to 3 instructions with AVX2, 4 to 5 with
 *            SSE4.1, twice that with long rules for IPv6.
 */
#pragma once

#include "rule/block.h"
#include "rule/rows.h"
#include "rule/ruleset.h"

/* What a rule asks, one line each. */
struct sieve_rule {
	_Alignas(CACHE_LINE) struct rule_key key;
	bool is_long;	 /* asks IPv6 for what is in these two rows: */
	uint8_t src_row; /* key.src2 is ROWS_SRC2, or ROWS_SRC_FOLD of a host */
	uint8_t dst_row;
};

/* IPv6 addresses that a rule asks for, whole: source, then destination, as in the
 * header.  The rows tell nearly all of it. */
struct sieve_addrs {
	_Alignas(CACHE_LINE) uint32_t value[8];
	uint32_t mask[8];
};

enum { SIEVE_ASK = 0xff }; /* in place of a verdict: see to the rule's act */

struct sieve {
	unsigned n;	   /* rules that are compared: all but the last one */
	bool is_long;	   /* some of them are */
	struct sieve_rule *rules;
	struct sieve_addrs *addrs; /* [n + 1] */
	uint32_t *acts;	   /* [n + 1], as in rule_key, but without ACT_REST */
	uint8_t *verdicts; /* [n + 1], where acts accept or deny; else SIEVE_ASK */
};

/* How long a sieve of 'rs' would take for a packet, in quarters of a rule that asks
 * nothing of IPv6.  Linear in the rules. */
unsigned sieve_cost(const struct ruleset *rs);

/* All rules of 'rs'.  Returns owned, NULL without memory. */
struct sieve *sieve_create(const struct ruleset *rs);
/* NULL is fine. */
void sieve_destroy(struct sieve *s);

/* Octets that it takes. */
size_t sieve_size(const struct sieve *s);

/* True if the key of rule 'r' at 'index', which the key of 'p' fits, leaves out
 * second halves of addresses, and those of 'p' do not fit. */
bool sieve_passes_over(const struct sieve *s, unsigned index,
    const struct rule *r, const struct pkt *p);

/* Fills in rows of pkts[ROWS] on the way that 'pass_out' tells, and the index of
 * each one's first rule, which is the last rule's if none fits.  'way' is one that
 * the machine has.  False if one of the packets is bad. */
bool sieve_firsts(const struct sieve *s, enum block_way way,
    struct pkt *const pkts[ROWS], bool pass_out, struct rows *rows,
    uint32_t index[ROWS]);
