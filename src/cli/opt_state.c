/* SPDX-License-Identifier: BSD-2-Clause */
/* Options that keep states: keep-state, limit and their kin, and their names. */
#include "cli/option.h"

#include <ctype.h>
#include <string.h>
#include <sysexits.h>

enum { NAME_SIZE = sizeof(((struct obj_ntlv *)0)->name) };

static bool
is_state_name(const char *s)
{
	size_t len = strlen(s);

	for (; *s != '\0'; s++)
		if (!isalnum((unsigned char)*s) && strchr("_-.", *s) == NULL)
			return false;
	return len > 0 && len < NAME_SIZE;
}

/* The index of a name in the request, new or known. */
static int
name_index(struct build *b, const char *s, uint16_t *idx)
{
	*idx = build_name(b, TLV_STATE_NAME, s);
	return *idx != 0 ? 0 : EX_DATAERR;
}

int
parse_state_name(struct build *b, bool any, uint16_t *idx)
{
	const char *s = build_peek(b);

	if (s == NULL || *s != ':')
		return name_index(b, "default", idx);
	b->i++;
	if (strcmp(s, ":any") == 0) {
		*idx = 0;
		return any ? 0 :
			     build_err(b, EX_DATAERR,
				 "only check-state looks for any state");
	}
	if (!is_state_name(s + 1))
		return build_err(b, EX_DATAERR,
		    "not the name of a state (1 to %d of letters, digits, "
		    "\"_\", \"-\" and \".\")", NAME_SIZE - 1);
	return name_index(b, s + 1, idx);
}

void
print_state_name(struct text *t, const struct insn *i, const struct show *show)
{
	bool has_names = false; /* the original daemon knows none */

	for (unsigned k = 0; k < show->n_names; k++) {
		if (show->names[k].head.type != TLV_STATE_NAME)
			continue;
		has_names = true;
		if (show->names[k].idx == i->arg1) {
			text_f(t, " :");
			text_safe(t, show->names[k].name, NAME_SIZE);
			return;
		}
	}
	if (i->arg1 != 0 && has_names)
		text_f(t, " :[%u]", i->arg1);
	else if (i->arg1 == 0 && i->opcode == O_CHECK_STATE)
		text_f(t, " :any");
}

/* Appends to the instructions about states, which end the pattern part. */
static struct insn *
emit_state(struct build *b, const struct option *o, unsigned words)
{
	struct section *to = b->to;
	struct insn *i;

	b->to = &b->state;
	i = build_emit(b, o->op, words);
	b->to = to;
	return i;
}

static int
only_one(struct build *b)
{
	return build_err(b, EX_USAGE,
	    "only one of keep-state, limit, record-state and set-limit can "
	    "be given");
}

/* The name at the end of the option; keep-state and limit, but not
 * record-state and set-limit, look for states first. */
static int
finish(struct build *b, const struct option *o, struct insn *i)
{
	int r = parse_state_name(b, false, &i->arg1);

	b->keeps = true;
	b->probes = o->num != 0;
	b->probe_name = i->arg1;
	return r;
}

int
parse_keep(struct build *b, const struct option *o)
{
	struct insn *i;

	if (b->keeps)
		return only_one(b);
	i = emit_state(b, o, 1);
	return i == NULL ? EX_DATAERR : finish(b, o, i);
}

/* Adds the fields named in one word, with commas between them; false if it
 * names anything else. */
static bool
read_fields(const char *s, const struct name *table, uint8_t *mask)
{
	char name[16];
	uint8_t bits = 0;

	while (*s != '\0') {
		size_t len = strcspn(s, ",");
		const struct name *n;

		if (len >= sizeof(name))
			return false;
		memcpy(name, s, len);
		name[len] = '\0';
		n = name_find(table, name);
		if (n == NULL)
			return false;
		bits |= (uint8_t)n->value;
		s += len + (s[len] == ',');
	}
	*mask |= bits;
	return bits != 0;
}

static int
no_fields(struct build *b, const struct option *o)
{
	const char *s = build_peek(b);
	struct suggest g;
	char hint[64] = "";

	if (s != NULL) {
		suggest_init(&g, s);
		suggest_names(&g, o->table);
		suggest_text(&g, hint, sizeof(hint));
	}
	return build_err_next(b, EX_USAGE,
	    "missing what limit counts by: src-addr, src-port, dst-addr, "
	    "dst-port%s", hint);
}

int
parse_limit(struct build *b, const struct option *o)
{
	struct insn_limit *l;
	const char *s;
	uint32_t v;
	int r;

	if (b->keeps)
		return only_one(b);
	l = (void *)emit_state(b, o, 2);
	if (l == NULL)
		return EX_DATAERR;
	while (build_peek(b) != NULL &&
	       read_fields(build_peek(b), o->table, &l->mask))
		b->i++;
	if (l->mask == 0)
		return no_fields(b, o);
	r = build_word(b, "the number of limit", &s);
	if (r != 0)
		return r;
	if (strcmp(s, "tablearg") == 0)
		v = TABLEARG;
	else if (!number(s, 65534, &v) || v == 0)
		return build_err(b, EX_DATAERR,
		    "not a number of states (1 to 65534, or tablearg)");
	l->limit = (uint16_t)v;
	return finish(b, o, &l->o);
}

void
print_keep(struct text *t, const struct insn *i, const struct option *o,
    const struct show *show)
{
	(void)o;
	text_f(t, show->probes ? " keep-state" : " record-state");
	print_state_name(t, i, show);
}

void
print_limit(struct text *t, const struct insn *i, const struct option *o,
    const struct show *show)
{
	const struct insn_limit *l = (const void *)i;
	unsigned rest = l->mask;
	const char *sep = " ";

	text_f(t, show->probes ? " limit" : " set-limit");
	for (const struct name *n = o->table; n->s != NULL; n++)
		if ((rest & n->value) == n->value) {
			text_f(t, "%s%s", sep, n->s);
			sep = ",";
			rest &= ~n->value;
		}
	if (l->limit == TABLEARG)
		text_f(t, " tablearg");
	else
		text_f(t, " %u", l->limit);
	print_state_name(t, i, show);
}

int
parse_defer(struct build *b, const struct option *o)
{
	(void)o;
	if (b->defers)
		return build_err(b, EX_USAGE, "a second defer-action");
	b->defers = true;
	return 0;
}
