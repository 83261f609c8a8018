/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A rule under construction: the words still to read, the bytecode so far.
 *
 * Place      between compile.c (the grammar) and the parsers of opt_*.c and
 *            action.c, each of which reads its own argument and emits one
 *            instruction.
 * Life       on the stack of compile_rule().
 * Invariant  no section grows past RULE_MAX_WORDS; a parser that fails has
 *            filled 'e' and returns a sysexits code, and the rule is dropped.
 */
#pragma once

#include "base/err.h"
#include "cli/tabnames.h"
#include "cli/words.h"
#include "ipfw_abi.h"
#include "rule/insn.h"

enum { RULE_MAX_NAMES = 8 };

struct section {
	uint32_t word[RULE_MAX_WORDS];
	unsigned n;
};

struct build {
	const struct word *w; /* the rule, after 'add' */
	unsigned n;
	unsigned i; /* next word to read */
	struct section pat;
	struct section mod;
	struct section act;
	struct section state;	/* keep-state and limit: ends the patterns */
	bool keeps;		/* one of them was given */
	bool probes;		/* and looks for states first, by */
	uint16_t probe_name;
	bool defers;		/* defer-action */
	struct section *to;	/* where build_emit() writes */
	uint8_t proto;		/* of the body, for service names; 0 = any */
	uint8_t family;		/* 4, 6; 0 = either */
	bool negated;		/* a 'not' stands before this item */
	unsigned n_names;
	struct obj_ntlv names[RULE_MAX_NAMES]; /* index i + 1 */
	uint32_t log_default;	/* for 'log' without logamount */
	struct tabnames *tables; /* that the rule names */
	struct err *e;
};

/* The next word, NULL at the end. */
const char *build_peek(const struct build *b);

/* True, and the word is read, if it is 's'. */
bool build_accept(struct build *b, const char *s);

/* Reads the next word into '*s'; at the end: 'what' is missing, EX_USAGE. */
int build_word(struct build *b, const char *what, const char **s);

/* Appends a zeroed instruction of so many words; NULL if the rule is full. */
void *build_emit(struct build *b, unsigned opcode, unsigned words);

/* The index under which the rule mentions this name, 1 and up; 0 if there are
 * too many (with the error).  'type' is that of the name's TLV. */
uint16_t build_name(struct build *b, unsigned type, const char *name);

/* Fills the error for the word read last, or the one at 'i', or the end of
 * the rule; return 'exitcode'. */
int build_err(struct build *b, int exitcode, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
int build_err_next(struct build *b, int exitcode, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* A number of base 10, 8 (0...) or 16 (0x...) up to 'max' that fills 's'. */
bool number(const char *s, uint32_t max, uint32_t *value);

/* The same up to one of the characters in 'ends' or the end; sets '*end'. */
bool number_until(const char *s, const char *ends, uint32_t max,
    uint32_t *value, const char **end);
