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
    {"mark", 9}, {NULL, 0}};

enum shape { OF_NUMBER, OF_IP4, OF_IP6, OF_MAC };

/* Those that can have a mask, and their shapes. */
static const struct masked {
	const char *name;
	uint32_t key;
	enum shape shape;
} masked_keys[] = {
    {"dst-ip4", 0, OF_IP4}, {"dst-ip6", 0, OF_IP6}, {"src-ip4", 1, OF_IP4},
    {"src-ip6", 1, OF_IP6}, {"dst-port", 2, OF_NUMBER},
    {"src-port", 3, OF_NUMBER}, {"dscp", 6, OF_NUMBER},
    {"dst-mac", 7, OF_MAC}, {"src-mac", 8, OF_MAC}, {"mark", 9, OF_NUMBER},
    {"rulenum", 10, OF_NUMBER},
};

enum { RULENUM = 10 };

/* Words of a mask. */
static const uint8_t mask_words[] = {
    [OF_NUMBER] = 1, [OF_IP4] = 1, [OF_IP6] = 4, [OF_MAC] = 2};

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

/* Reads a mask of the shape; without one, all bits count. */
static bool
read_mask(enum shape shape, const char *s, uint32_t mask[4])
{
	unsigned m[6];
	int end = 0;

	memset(mask, 0xff, 4 * sizeof(*mask));
	if (s == NULL)
		return true;
	switch (shape) {
	case OF_NUMBER:
		return number(s, UINT32_MAX, mask) ||
		    inet_pton(AF_INET, s, mask) == 1;
	case OF_IP4:
		return inet_pton(AF_INET, s, mask) == 1;
	case OF_IP6:
		return inet_pton(AF_INET6, s, mask) == 1;
	case OF_MAC:
		if (sscanf(s, "%2x:%2x:%2x:%2x:%2x:%2x%n", &m[0], &m[1], &m[2],
			&m[3], &m[4], &m[5], &end) != 6 || s[end] != '\0')
			return false;
		for (unsigned k = 0; k < 6; k++)
			((uint8_t *)mask)[k] = (uint8_t)m[k];
		return true;
	}
	return false;
}

static const struct masked *
find_masked(const char *name)
{
	for (size_t k = 0; k < ARRAY_LEN(masked_keys); k++)
		if (strcmp(masked_keys[k].name, name) == 0)
			return &masked_keys[k];
	return NULL;
}

static int
unknown_key(struct build *b, const char *name)
{
	struct suggest g;
	char hint[64];

	suggest_init(&g, name);
	suggest_names(&g, lookup_keys);
	for (size_t k = 0; k < ARRAY_LEN(masked_keys); k++)
		suggest_try(&g, masked_keys[k].name);
	return build_err(b, EX_DATAERR, "not a key of lookup%s",
	    suggest_text(&g, hint, sizeof(hint)));
}

/* Emits lookup of a key with a mask, or of one family of addresses. */
static int
emit_masked(struct build *b, const struct masked *k, const uint32_t mask[4],
    uint16_t idx)
{
	unsigned words = mask_words[k->shape];
	struct insn *i = build_emit(b, O_TABLE_LOOKUP,
	    2 + words + (k->key == RULENUM));

	if (i == NULL)
		return EX_DATAERR;
	i->arg1 = idx;
	memcpy(i + 1, &k->key, sizeof(k->key));
	memcpy(i + 2, mask, words * sizeof(*mask));
	if (k->shape == OF_MAC)
		memset((char *)(i + 2) + 6, 0, 2);
	return 0;
}

int
parse_lookup(struct build *b, const struct option *o)
{
	const struct masked *masked = NULL;
	const struct name *key;
	struct insn *i;
	uint16_t idx = 0;
	uint32_t mask[4];
	const char *s, *colon;
	char name[32];
	int r = build_word(b, "the key of lookup", &s);

	if (r != 0)
		return r;
	colon = strchr(s, ':');
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(s, ":"), s);
	key = name_find(lookup_keys, name);
	if (colon != NULL || key == NULL)
		masked = find_masked(name);
	if (key == NULL && masked == NULL)
		return unknown_key(b, name);
	if (colon != NULL && masked == NULL)
		return build_err(b, EX_DATAERR, "%s takes no mask%s", name,
		    strstr(name, "-ip") != NULL ? ": it has two families, "
		    "say ip4 or ip6" : "");
	if (masked != NULL && !read_mask(masked->shape,
		colon != NULL ? colon + 1 : NULL, mask))
		return build_err(b, EX_DATAERR, "\"%.40s\" is not a mask for %s",
		    colon + 1, name);
	r = build_word(b, "the name of the table", &s);
	if (r == 0)
		r = name_index(b, s, &idx);
	if (r != 0)
		return r;
	if (masked != NULL)
		return emit_masked(b, masked, mask, idx);
	i = build_emit(b, o->op, 3);
	if (i == NULL)
		return EX_DATAERR;
	i->arg1 = idx;
	memcpy(i + 2, &key->value, sizeof(key->value));
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

/* " KEY:MASK", the mask only if a bit does not count. */
static void
put_masked_key(struct text *t, const struct masked *k, const uint32_t *mask)
{
	const uint8_t *m = (const uint8_t *)mask;
	char addr[INET6_ADDRSTRLEN];
	size_t octets = k->shape == OF_MAC ? 6 : 4u * mask_words[k->shape];
	bool all = true;

	for (size_t n = 0; n < octets; n++)
		all = all && m[n] == 0xff;
	text_f(t, " %s", k->name);
	/* A number without a mask would be the other opcode, but for rulenum. */
	if (all && (k->shape == OF_IP4 || k->shape == OF_IP6 ||
		k->key == RULENUM))
		return;
	if (k->shape == OF_NUMBER)
		text_f(t, ":0x%x", mask[0]);
	else if (k->shape == OF_MAC)
		text_f(t, ":%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2],
		    m[3], m[4], m[5]);
	else
		text_f(t, ":%s", inet_ntop(k->shape == OF_IP4 ? AF_INET :
		    AF_INET6, m, addr, sizeof(addr)));
}

void
print_masked(struct text *t, const struct insn *i, const struct option *o,
    const struct show *show)
{
	const uint32_t *w = (const void *)(i + 1);

	(void)o;
	for (size_t k = 0; k < ARRAY_LEN(masked_keys); k++) {
		const struct masked *m = &masked_keys[k];

		if (m->key != w[0] || insn_words(i) !=
		    2u + mask_words[m->shape] + (m->key == RULENUM))
			continue;
		put_masked_key(t, m, w + 1);
		text_f(t, " ");
		put_table_name(t, i->arg1, show);
		return;
	}
	text_f(t, " <invalid> ");
	put_table_name(t, i->arg1, show);
}
