/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mutations of bytecode that know where instructions begin: most of what they
 * make gets far into check, as random octets do not.
 *
 * Use        once a program, from LLVMFuzzerCustomMutator().
 * Chance     rand_r()'s, from libFuzzer's seed, so that runs can be repeated.
 */
#pragma once

#include "rule/insn.h"

#include <stdlib.h>
#include <string.h>

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

struct bytecode {
	uint32_t words[RULE_MAX_WORDS];
	unsigned n;	  /* words in use */
	unsigned act_ofs; /* where the action part begins */
	unsigned seed;
};

static inline unsigned
bc_random(struct bytecode *b, unsigned below)
{
	return (unsigned)rand_r(&b->seed) % below;
}

static inline struct insn *
bc_at(struct bytecode *b, unsigned at)
{
	return (struct insn *)(void *)&b->words[at];
}

/* Length of the instruction at a word, cut to what there is; at least 1. */
static inline unsigned
bc_len(struct bytecode *b, unsigned at)
{
	unsigned n = insn_words(bc_at(b, at));

	return n == 0 ? 1 : n > b->n - at ? b->n - at : n;
}

/* The beginning of a random instruction of a rule that has some. */
static inline unsigned
bc_pick(struct bytecode *b)
{
	unsigned count = 0, at, which;

	for (at = 0; at < b->n; at += bc_len(b, at))
		count++;
	which = bc_random(b, count);
	for (at = 0; which > 0; which--)
		at += bc_len(b, at);
	return at;
}

/* A number as they occur: small, at a border, or any. */
static inline uint32_t
bc_number(struct bytecode *b)
{
	static const uint32_t borders[] = {0, 1, 2, 0xff, 0x100, 0x7fff, 0x8000,
	    0xffff, 0x10000, 0x0000ffff, 0xffff0000, 0x7fffffff, 0x80000000,
	    0xffffffff};

	switch (bc_random(b, 4)) {
	case 0:
		return borders[bc_random(b, sizeof(borders) / 4)];
	case 1:
		return bc_random(b, 16);
	case 2:
		return bc_random(b, 256) << 16 | (256 + bc_random(b, 256));
	default:
		return (uint32_t)rand_r(&b->seed) * 2654435761u;
	}
}

/* Takes 'n' words out at 'at'. */
static inline void
bc_cut(struct bytecode *b, unsigned at, unsigned n)
{
	memmove(&b->words[at], &b->words[at + n], (b->n - at - n) * 4);
	b->n -= n;
	if (b->act_ofs > at)
		b->act_ofs -= b->act_ofs - at < n ? b->act_ofs - at : n;
}

/* Makes room for 'n' words; false if there is none. */
static inline bool
bc_open(struct bytecode *b, unsigned at, unsigned n)
{
	if (n > RULE_MAX_WORDS - b->n)
		return false;
	memmove(&b->words[at + n], &b->words[at], (b->n - at) * 4);
	b->n += n;
	if (b->act_ofs >= at && at != b->n - n)
		b->act_ofs += n;
	return true;
}

/* A random instruction of some kind that stands in the part where 'at' is, as
 * long as insn.def allows. */
static inline void
bc_insert(struct bytecode *b, unsigned at)
{
	bool in_pattern = at < b->act_ofs || (at == b->act_ofs && b->n > 0);
	const struct insn_info *info;
	unsigned op, len, room, tries = 0;
	struct insn *i;

	do
		op = bc_random(b, O_LAST);
	while (++tries < 20 && (insn_table[op].refusal != NULL ||
	    (insn_table[op].kind < INSN_MODIFIER) != in_pattern));
	info = &insn_table[op];
	room = info->max_words - info->min_words;
	len = info->min_words + (room > 0 ? bc_random(b, room < 9 ? room : 9) : 0);
	if (len == 0 || !bc_open(b, at, len))
		return;
	for (unsigned n = 1; n < len; n++)
		b->words[at + n] = bc_number(b);
	i = bc_at(b, at);
	*i = (struct insn){.opcode = (uint8_t)op, .len = (uint8_t)len,
	    .arg1 = bc_random(b, 2) ? (uint16_t)bc_number(b) : 0};
	if (in_pattern)
		i->len |= (uint8_t)(bc_random(b, 4) << 6);
}

static inline void
bc_duplicate(struct bytecode *b)
{
	uint32_t copy[INSN_MAX_WORDS];
	unsigned from = bc_pick(b), n = bc_len(b, from), to = bc_pick(b);

	memcpy(copy, &b->words[from], n * 4);
	if (bc_open(b, to, n))
		memcpy(&b->words[to], copy, n * 4);
}

/* One change. */
static inline void
bc_change(struct bytecode *b)
{
	unsigned at, len;

	if (b->n == 0) {
		bc_insert(b, 0);
		return;
	}
	at = bc_pick(b);
	len = bc_len(b, at);
	switch (bc_random(b, 8)) {
	case 0:
		bc_insert(b, at);
		break;
	case 1:
		bc_cut(b, at, len);
		break;
	case 2: /* another in its place */
		bc_cut(b, at, len);
		bc_insert(b, at);
		break;
	case 3:
		bc_duplicate(b);
		break;
	case 4:
		bc_at(b, at)->len ^= (uint8_t)(INSN_OR << bc_random(b, 2));
		break;
	case 5:
		bc_at(b, at)->arg1 = (uint16_t)bc_number(b);
		break;
	case 6:
		b->words[at + bc_random(b, len)] = bc_number(b);
		break;
	default: /* another opcode of the same shape, or another border */
		if (bc_random(b, 4) == 0)
			b->act_ofs = at;
		else
			bc_at(b, at)->opcode = (uint8_t)bc_random(b, O_LAST);
		break;
	}
}

/* The action part begins at the first modifier or action that there is. */
static inline void
bc_mend_border(struct bytecode *b)
{
	for (unsigned at = 0; at < b->n; at += bc_len(b, at)) {
		unsigned op = bc_at(b, at)->opcode;

		if (op < O_LAST && insn_table[op].kind >= INSN_MODIFIER) {
			b->act_ofs = at;
			return;
		}
	}
}

/* Some changes. */
static inline void
bc_mutate(struct bytecode *b)
{
	unsigned n = 1 + bc_random(b, 4);

	while (n-- > 0)
		bc_change(b);
	if (bc_random(b, 8) != 0)
		bc_mend_border(b);
}
