/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bytecode becomes text: what list, show and the reply of add print.
 *
 * Place      the inverse of compile.c: print(compile(print(r))) == print(r).
 * Form       that of FreeBSD 14; see ipfw(8).
 * Hostile    'r' comes from a daemon: nothing in it is trusted, what cannot be
 *            shown appears as [opcode N len M], and no octet past 'size' is
 *            read.
 */
#pragma once

#include "cli/tabnames.h"
#include "cli/text.h"
#include "ipfw_abi.h"
#include "rule/insn.h"

enum print_flags {
	PRINT_RESOLVE = 0x1,  /* -N */
	PRINT_COMPACT = 0x2,  /* -c */
	PRINT_COMMENT = 0x4,  /* -b: action and comment */
	PRINT_SET = 0x8,      /* -S */
	PRINT_COUNTERS = 0x10, /* -a */
	PRINT_TIME = 0x20,    /* -t */
	PRINT_EPOCH = 0x40,   /* -T */
};

struct print_opt {
	unsigned flags;	   /* PRINT_* */
	int pkts_width;	   /* columns of the counters */
	int bytes_width;
	const struct tabnames *tables; /* names in rules; may be NULL */
	const struct obj_ntlv *names; /* of states; may be NULL */
	unsigned n_names;
};

/* Appends the line of a rule, '\n' included.  'r' may be unaligned to 8 but is
 * to 4; 'size' octets may be read; 'counter' may be NULL. */
void print_rule(struct text *t, const struct abi_rule *r, size_t size,
    const struct abi_counter *counter, const struct print_opt *opt);

/* Digits of a counter. */
int digits(uint64_t v);

/* Appends the test that begins 'word' words behind the rule's first instruction,
 * with those that 'or' ties to it; an action likewise.  As the rule's line shows
 * it, but with a keyword where that has only its place: "src-ip", "dst-port". */
void print_test(struct text *t, const struct abi_rule *r, size_t size,
    unsigned word, const struct print_opt *opt);

/* Its instructions, in order, for whoever wants to say more: the first at 'word'
 * and the next ones in turn; NULL past the last.  'i' NULL begins. */
const struct insn *print_next(const struct abi_rule *r, size_t size,
    unsigned word, const struct insn *i);
