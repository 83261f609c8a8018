/* SPDX-License-Identifier: BSD-2-Clause */
/* Options that are a plain keyword or take names: flags, fragments, text. */
#include "cli/option.h"

#include <string.h>
#include <sysexits.h>

enum { COMMENT_MAX = 83, SETUP = 0x1002 };

int
parse_plain(struct build *b, const struct option *o)
{
	struct insn *i = build_emit(b, o->op, 1);

	if (i == NULL)
		return EX_DATAERR;
	i->arg1 = (uint16_t)o->num;
	return 0;
}

void
print_nothing(struct text *t, const struct insn *i, const struct option *o,
    const struct show *show)
{
	(void)t, (void)i, (void)o, (void)show;
}

/* 'out' is the negation of 'in'. */
int
parse_out(struct build *b, const struct option *o)
{
	struct insn *i = build_emit(b, o->op, 1);

	if (i == NULL)
		return EX_DATAERR;
	i->len |= INSN_NOT;
	return 0;
}

void
print_in(struct text *t, const struct insn *i, const struct option *o,
    const struct show *show)
{
	(void)o, (void)show;
	text_f(t, (i->len & INSN_NOT) != 0 ? " out" : " in");
}

/* Cuts the next name off the list '*s' into 'buf'; false if it is too long. */
static bool
cut_name(const char **s, char *buf, size_t size)
{
	size_t len = strcspn(*s, ",");

	if (len >= size)
		return false;
	memcpy(buf, *s, len);
	buf[len] = '\0';
	*s += len;
	if (**s == ',')
		++*s;
	return true;
}

static int
unknown_name(struct build *b, const struct option *o, const char *name)
{
	char kw[32], hint[64];
	struct suggest g;

	suggest_init(&g, name);
	suggest_names(&g, o->table);
	return build_err(b, EX_DATAERR, "unknown name in the list of %s%s",
	    option_keyword(o, kw, sizeof(kw)),
	    suggest_text(&g, hint, sizeof(hint)));
}

/* Reads "syn,!ack" into bits to be set (low octet) and clear (high octet).  A
 * '!' at the start is a word of its own by now.  Returns false at the end of
 * the rule (then 'name' is empty) and at an unknown name. */
static bool
read_flags(struct build *b, const struct name *table, char name[32],
    uint16_t *bits)
{
	bool first_clear = build_accept(b, "!");
	const char *s = build_peek(b);
	uint32_t set[2] = {0, 0};

	name[0] = '\0';
	if (s == NULL)
		return false;
	b->i++;
	do {
		const struct name *n;
		bool clear = *s == '!' || first_clear;

		s += *s == '!';
		first_clear = false;
		name[0] = '\0';
		if (!cut_name(&s, name, 32))
			return false;
		n = name_find(table, name);
		if (n == NULL)
			return false;
		set[clear] |= n->value;
	} while (*s != '\0');
	*bits = (uint16_t)(set[0] | set[1] << 8);
	return true;
}

int
parse_flags(struct build *b, const struct option *o)
{
	char name[32];
	uint16_t bits;
	struct insn *i;

	if (build_peek(b) == NULL)
		return build_err_next(b, EX_USAGE, "missing the list of flags");
	if (!read_flags(b, o->table, name, &bits))
		return unknown_name(b, o, name);
	i = build_emit(b, o->op, 1);
	if (i == NULL)
		return EX_DATAERR;
	i->arg1 = bits;
	return 0;
}

/* The list after 'frag' may be missing: then any fragment but the first. */
int
parse_frag(struct build *b, const struct option *o)
{
	unsigned start = b->i;
	char name[32];
	uint16_t bits = 0;
	struct insn *i = build_emit(b, o->op, 1);

	if (i == NULL)
		return EX_DATAERR;
	if (read_flags(b, o->table, name, &bits)) {
		i->arg1 = bits;
		return 0;
	}
	if (b->i > start && strchr(b->w[b->i - 1].s, ',') != NULL)
		return unknown_name(b, o, name);
	b->i = start;
	return 0;
}

/* Writes the names of the bits and returns those that have none. */
static unsigned
put_flags(struct text *t, uint16_t arg, const struct name *table)
{
	unsigned set = arg & 0xff, clear = arg >> 8;
	const char *sep = " ";

	for (; table->s != NULL; table++) {
		if ((set & table->value) != 0) {
			text_f(t, "%s%s", sep, table->s);
			sep = ",";
		}
		if ((clear & table->value) != 0) {
			text_f(t, "%s!%s", sep, table->s);
			sep = ",";
		}
		set &= ~table->value;
		clear &= ~table->value;
	}
	return set | clear << 8;
}

void
print_flags(struct text *t, const struct insn *i, const struct option *o,
    const struct show *show)
{
	unsigned rest = put_flags(t, i->arg1, o->table);

	(void)show;
	if (rest != 0 || i->arg1 == 0)
		text_f(t, " [bits 0x%04x]", rest);
}

void
print_tcpflags(struct text *t, const struct insn *i, const struct option *o,
    const struct show *show)
{
	if (i->arg1 == SETUP) {
		text_f(t, " setup");
		return;
	}
	text_f(t, " tcpflags");
	print_flags(t, i, o, show);
}

void
print_frag(struct text *t, const struct insn *i, const struct option *o,
    const struct show *show)
{
	if (i->arg1 != 0)
		print_flags(t, i, o, show);
}

/* Names whose bits are or-ed into arg1. */
int
parse_names(struct build *b, const struct option *o)
{
	char name[32];
	const char *s;
	uint32_t bits = 0;
	struct insn *i;
	int r = build_word(b, "the list of names", &s);

	if (r != 0)
		return r;
	do {
		const struct name *n = NULL;

		if (cut_name(&s, name, sizeof(name)))
			n = name_find(o->table, name);
		if (n == NULL)
			return unknown_name(b, o, name);
		bits |= n->value;
	} while (*s != '\0');
	i = build_emit(b, o->op, 1);
	if (i == NULL)
		return EX_DATAERR;
	i->arg1 = (uint16_t)bits;
	return 0;
}

void
print_names(struct text *t, const struct insn *i, const struct option *o,
    const struct show *show)
{
	const char *sep = " ";
	unsigned rest = i->arg1;

	(void)show;
	for (const struct name *n = o->table; n->s != NULL; n++)
		if ((i->arg1 & n->value) != 0) {
			text_f(t, "%s%s", sep, n->s);
			sep = ",";
			rest &= ~n->value;
		}
	if (rest != 0 || i->arg1 == 0)
		text_f(t, " [bits 0x%04x]", rest);
}

void
print_diverted(struct text *t, const struct insn *i, const struct option *o,
    const struct show *show)
{
	static const struct name names[] = {{"diverted-loopback", 1},
	    {"diverted-output", 2}, {"diverted", 3}, {NULL, 0}};
	const char *s = name_of(names, i->arg1);

	(void)o, (void)show;
	if (s != NULL)
		text_f(t, " %s", s);
	else
		print_raw(t, i);
}

/* All words that are left, with one blank between them. */
int
parse_comment(struct build *b, const struct option *o)
{
	size_t len = 0;
	struct insn *i;
	char *to;

	for (unsigned k = b->i; k < b->n; k++)
		len += strlen(b->w[k].s) + 1; /* a blank, at last the \0 */
	if (len == 0)
		return 0;
	if (len > COMMENT_MAX + 1)
		return build_err(b, EX_DATAERR,
		    "the comment has %zu characters, more than %d", len - 1,
		    COMMENT_MAX);
	i = build_emit(b, o->op, 1 + (unsigned)(len + 3) / 4);
	if (i == NULL)
		return EX_DATAERR;
	to = (char *)(i + 1);
	for (; b->i < b->n; b->i++) {
		size_t n = strlen(b->w[b->i].s);

		memcpy(to, b->w[b->i].s, n);
		to += n;
		*to++ = ' ';
	}
	to[-1] = '\0';
	return 0;
}

void
print_comment(struct text *t, const struct insn *i, const struct option *o,
    const struct show *show)
{
	(void)o, (void)show;
	text_f(t, " ");
	text_safe(t, (const char *)(i + 1), 4 * (insn_words(i) - 1));
}
