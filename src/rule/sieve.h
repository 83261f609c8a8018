/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Few rules against many packets: one rule after the other, each compared with
 * sixteen packets at once.
 *
 * Place      what rule/plan asks for the packets of a burst while it has no forest.
 *            Single packets go through rule/block, which has eight rules at once.
 * Meaning    the first rule of each packet that fits by its key and, where that
 *            leaves out second halves of IPv6 addresses, by these.
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
	uint32_t more; /* enum sieve_more */
};

/* What only packets of IPv6 are asked. */
enum sieve_more {
	SIEVE_LONG = 1, /* second words of addresses, which the key has */
	SIEVE_REST = 2, /* second halves: */
};

/* Third and fourth words of addresses, and their masks. */
struct sieve_rest {
	uint32_t src[2], src_mask[2];
	uint32_t dst[2], dst_mask[2];
};

enum { SIEVE_ASK = 0xff }; /* in place of a verdict: see to the rule's act */

struct sieve {
	unsigned n;	   /* rules that are compared: all but the last one */
	bool is_long;	   /* some of them ask for more */
	struct sieve_rule *rules;
	struct sieve_rest *rests;
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
