/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The options of a rule: one row per keyword, with its parser and printer.
 *
 * Place      compile.c finds rows by word, print.c by opcode.  A new option is
 *            a row here, and functions only if its argument has a new shape.
 * Rows       'names' holds the keyword that is printed and its aliases; a row
 *            without names only prints.  Several rows may share an opcode: the
 *            first with a printer prints it.
 * Contract   a parser reads its argument and emits at most one instruction;
 *            none means 'always true'.  A printer gets an instruction whose
 *            length fits insn.def and lies whole in the rule, may not trust
 *            anything else, and writes " ARGUMENT".
 */
#pragma once

#include "cli/build.h"
#include "cli/names.h"
#include "cli/tabnames.h"
#include "cli/text.h"

enum role { /* where the body of a rule may show the option */
	ROLE_OPTION,
	ROLE_PROTO,
	ROLE_SRC,
	ROLE_DST,
	ROLE_SRC_PORT,
	ROLE_DST_PORT,
};

struct show {
	bool resolve; /* -N: names for hosts and services */
	uint8_t proto;	/* of the rule, for service names */
	const struct tabnames *tables; /* may be NULL */
	bool probes;	/* the rule looks for states first */
	const struct obj_ntlv *names; /* of states */
	unsigned n_names;
};

struct option;
typedef int option_parse_fn(struct build *b, const struct option *o);
typedef void option_print_fn(struct text *t, const struct insn *i,
    const struct option *o, const struct show *show);

struct option {
	const char *names;
	uint8_t op;
	uint8_t role;		    /* enum role */
	bool own_keyword;	    /* print writes the keyword itself */
	option_parse_fn *parse;	    /* NULL: print only */
	option_print_fn *print;	    /* NULL: another row prints it */
	const struct name *table;   /* names of the argument */
	uint32_t num;		    /* arg1, or the largest value */
};

/* The row of a keyword or alias; NULL if there is none. */
const struct option *option_find(const char *word);

/* The row that prints an opcode; NULL if there is none. */
const struct option *option_of(unsigned opcode);

/* The keyword that is printed, in 'buf'. */
const char *option_keyword(const struct option *o, char *buf, size_t size);

/* Offers every keyword. */
void option_suggest(struct suggest *g);

/* " [opcode N len M arg A]": what cannot be shown otherwise. */
void print_raw(struct text *t, const struct insn *i);

/* ---- opt_addr.c: addresses and protocols ---- */
int parse_src(struct build *b, const struct option *o);
int parse_dst(struct build *b, const struct option *o);
int parse_proto(struct build *b, const struct option *o);
option_print_fn print_ip4, print_ip4_set, print_me, print_ip6, print_me6;
option_print_fn print_proto;

/* True if a word names a protocol, "ip" and "all" included. */
bool is_proto(const char *word);

/* ---- opt_range.c: numbers, ranges and sets of numbers ---- */
int parse_ranges(struct build *b, const struct option *o);
int parse_ports(struct build *b, const struct option *o);
int parse_number(struct build *b, const struct option *o);
int parse_precedence(struct build *b, const struct option *o);
int parse_u32(struct build *b, const struct option *o);
int parse_be32(struct build *b, const struct option *o);
int parse_bits(struct build *b, const struct option *o);
int parse_flow_id(struct build *b, const struct option *o);
int parse_mark(struct build *b, const struct option *o);
option_print_fn print_ranges, print_number, print_precedence, print_u32;
option_print_fn print_be32, print_bits, print_flow_id, print_mark;

/* ---- opt_owner.c ---- */
int parse_owner(struct build *b, const struct option *o);
option_print_fn print_owner;

/* True if a word can only be ports: it starts with a digit or is a service. */
bool looks_like_ports(const char *word, unsigned proto);

/* ---- opt_flag.c: plain keywords and lists of flags ---- */
int parse_plain(struct build *b, const struct option *o);
int parse_out(struct build *b, const struct option *o);
int parse_flags(struct build *b, const struct option *o);
int parse_frag(struct build *b, const struct option *o);
int parse_names(struct build *b, const struct option *o);
int parse_comment(struct build *b, const struct option *o);
option_print_fn print_nothing, print_in, print_flags, print_tcpflags;
option_print_fn print_frag, print_names, print_diverted, print_comment;

/* ---- opt_state.c: states ---- */
int parse_keep(struct build *b, const struct option *o);
int parse_limit(struct build *b, const struct option *o);
int parse_defer(struct build *b, const struct option *o);
option_print_fn print_keep, print_limit;

/* Reads ":name" if it comes next; without it the name is "default".  With
 * 'any', ":any" stands for every name: index 0. */
int parse_state_name(struct build *b, bool any, uint16_t *idx);

/* " :name" of an instruction about states. */
void print_state_name(struct text *t, const struct insn *i,
    const struct show *show);

/* ---- opt_link.c: interfaces and MAC addresses ---- */
int parse_iface(struct build *b, const struct option *o);
int parse_mac(struct build *b, const struct option *o);
option_print_fn print_iface, print_mac;

/* ---- opt_table.c: lookup tables ---- */
int parse_table(struct build *b, const struct option *o);
int parse_lookup(struct build *b, const struct option *o);
option_print_fn print_table, print_lookup, print_masked;

/* True if a word starts like "table(NAME)". */
bool is_table(const char *word);
/* Takes "table(NAME[,VALUE])" apart; the name becomes an index. */
int table_word(struct build *b, const char *word, uint16_t *idx,
    uint32_t *value, bool *has_value);
/* The instruction for such a word. */
int emit_table(struct build *b, unsigned opcode, const char *word);
/* The name behind an index, or the index. */
void put_table_name(struct text *t, unsigned idx, const struct show *show);

/* Number of leading ones in 'bits' bits at 'p'; -1 if ones follow a zero. */
int contiguous(const uint8_t *p, unsigned bits);
