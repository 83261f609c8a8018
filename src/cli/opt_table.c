/* SPDX-License-Identifier: BSD-2-Clause */
/* Lookup tables in rules: table(NAME[,VALUE]), lookup KEY NAME, tablearg. */
#include "cli/option.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include <arpa/inet.h>

/* The keys of lookup, in the order of the bytecode. */
static const struct name lookup_keys[] = {
    {"dst-ip", 0}, {"src-ip", 1}, {"dst-port", 2}, {"src-port", 3},
    {"uid", 4}, {"jail", 5}, {"dscp", 6}, {"dst-mac", 7}, {"src-mac", 8},
    {"mark", 9}, {"dst-ip4", 0}, {"dst-ip6", 0}, {"src-ip4", 1},
    {"src-ip6", 1}, {NULL, 0}};

bool
is_table(const char *word)
{
	return strncmp(word, "table(", 6) == 0;
}

static int
name_index(struct build *b, const char *name, uint16_t *idx)
{
	if (!tabname_valid(name))
		return build_err(b, EX_DATAERR,
		    "\"%.64s\" is not a name of a table (1 to 63 of letters, "
		    "digits, \"_.-\")", name);
	*idx = tabnames_add(b->tables, name);
	return *idx != 0 ? 0 : build_err(b, EX_OSERR, "no memory for a name");
}

int
table_word(struct build *b, const char *word, uint16_t *idx, uint32_t *value,
    bool *has_value)
{
	char text[160];
	size_t len = strlen(word);
	char *comma;
	uint32_t ip;

	if (!is_table(word) || word[len - 1] != ')' || len >= sizeof(text))
		return build_err(b, EX_DATAERR,
		    "not a table like table(NAME) or table(NAME,VALUE)");
	snprintf(text, sizeof(text), "%.*s", (int)(len - 7), word + 6);
	comma = strchr(text, ',');
	*has_value = comma != NULL;
	if (comma != NULL) {
		*comma++ = '\0';
		if (inet_pton(AF_INET, comma, &ip) == 1)
			*value = ntohl(ip);
		else if (!number(comma, UINT32_MAX, value))
			return build_err(b, EX_DATAERR,
			    "\"%.40s\" is not a value of a table", comma);
	}
	return name_index(b, text, idx);
}

int
emit_table(struct build *b, unsigned opcode, const char *word)
{
	struct insn_u32 *i;
	uint16_t idx = 0;
	uint32_t value = 0;
	bool has_value = false;
	int r = table_word(b, word, &idx, &value, &has_value);

	if (r != 0)
		return r;
	i = build_emit(b, opcode, has_value ? 2 : 1);
	if (i == NULL)
		return EX_DATAERR;
	i->o.arg1 = idx;
	if (has_value)
		i->d[0] = value;
	return 0;
}

int
parse_table(struct build *b, const struct option *o)
{
	const char *s;
	int r = build_word(b, "table(NAME)", &s);

	return r != 0 ? r : emit_table(b, o->op, s);
}

int
parse_lookup(struct build *b, const struct option *o)
{
	const struct name *key;
	struct insn *i;
	uint32_t *w;
	uint16_t idx = 0;
	struct suggest g;
	const char *s;
	char hint[64];
	int r = build_word(b, "the key of lookup", &s);

	if (r != 0)
		return r;
	key = name_find(lookup_keys, s);
	if (key == NULL) {
		suggest_init(&g, s);
		suggest_names(&g, lookup_keys);
		return build_err(b, EX_DATAERR, "not a key of lookup%s",
		    suggest_text(&g, hint, sizeof(hint)));
	}
	r = build_word(b, "the name of the table", &s);
	if (r == 0)
		r = name_index(b, s, &idx);
	if (r != 0)
		return r;
	i = build_emit(b, o->op, 3);
	if (i == NULL)
		return EX_DATAERR;
	i->arg1 = idx;
	w = (void *)(i + 1);
	w[1] = key->value;
	return 0;
}

void
put_table_name(struct text *t, unsigned idx, const struct show *show)
{
	const char *name = tabnames_find(show->tables, idx);

	if (name != NULL)
		text_f(t, "%s", name);
	else
		text_f(t, "%u", idx);
}

void
print_table(struct text *t, const struct insn *i, const struct option *o,
    const struct show *show)
{
	const struct insn_u32 *u = (const void *)i;

	(void)o;
	text_f(t, " table(");
	put_table_name(t, i->arg1, show);
	if (insn_words(i) == 2)
		text_f(t, ",%u", u->d[0]);
	text_f(t, ")");
}

void
print_lookup(struct text *t, const struct insn *i, const struct option *o,
    const struct show *show)
{
	const uint32_t *w = (const void *)(i + 1);
	const char *key = insn_words(i) == 3 ? name_of(lookup_keys, w[1]) : NULL;

	(void)o;
	text_f(t, " %s ", key != NULL ? key : "<invalid>");
	put_table_name(t, i->arg1, show);
}
