/* SPDX-License-Identifier: BSD-2-Clause */
/* Options that take numbers: one, ranges of them, or a set as a bitmap. */
#include "cli/option.h"

#include <ctype.h>
#include <string.h>
#include <sysexits.h>

#include <arpa/inet.h>

enum { RANGES_MAX = 30 };

/* Reads a service name at 's'; '\' takes the next character as it is. */
static bool
read_name(const char *s, const struct option *o, unsigned proto,
    uint32_t *value, const char **end)
{
	char name[64];
	size_t n = 0;
	int port;

	while (isalnum((unsigned char)*s) || *s == '_' || *s == '\\') {
		if (*s == '\\' && *++s == '\0')
			return false;
		if (n + 1 >= sizeof(name))
			return false;
		name[n++] = *s++;
	}
	name[n] = '\0';
	if (o->table != NULL) {
		const struct name *row = name_find(o->table, name);

		if (row == NULL)
			return false;
		*value = row->value;
	} else {
		port = n == 0 ? -1 : service_port(name, proto);
		if (port < 0)
			return false;
		*value = (uint32_t)port;
	}
	*end = s;
	return true;
}

static bool
read_one(const char *s, const struct option *o, unsigned proto,
    uint32_t *value, const char **end)
{
	if (isdigit((unsigned char)*s))
		return number_until(s, "-,", o->num, value, end);
	return read_name(s, o, proto, value, end);
}

/* Reads "a,b-c" into pairs.  Returns how many, 0 if the text is none. */
static unsigned
read_ranges(const char *s, const struct option *o, unsigned proto,
    uint16_t pairs[][2], unsigned max, bool *backward)
{
	unsigned n = 0;

	*backward = false;
	do {
		uint32_t lo, hi;

		if (n == max || !read_one(s, o, proto, &lo, &s))
			return 0;
		hi = lo;
		if (*s == '-' && !read_one(s + 1, o, proto, &hi, &s))
			return 0;
		if (*s != ',' && *s != '\0')
			return 0;
		if (hi < lo)
			*backward = true;
		pairs[n][0] = (uint16_t)lo;
		pairs[n++][1] = (uint16_t)hi;
	} while (*s++ == ',');
	return n;
}

static int
bad_ranges(struct build *b, const struct option *o, const char *s)
{
	char kw[32];
	unsigned commas = 0;

	option_keyword(o, kw, sizeof(kw));
	for (const char *c = s; *c != '\0'; c++)
		commas += *c == ',';
	if (commas >= RANGES_MAX)
		return build_err(b, EX_DATAERR,
		    "more than %d ranges in the list of %s", RANGES_MAX, kw);
	return build_err(b, EX_DATAERR,
	    "not a number%s, a range or a list for %s (0 to %u)",
	    o->role != ROLE_OPTION ? " or service" : "", kw, o->num);
}

static int
emit_ranges(struct build *b, const struct option *o, bool short_form)
{
	uint16_t pairs[RANGES_MAX][2];
	struct insn_u16 *u;
	const char *s;
	bool backward;
	unsigned n;
	int r = build_word(b, "numbers", &s);

	if (r != 0)
		return r;
	n = read_ranges(s, o, b->proto, pairs, RANGES_MAX, &backward);
	if (n == 0)
		return bad_ranges(b, o, s);
	if (backward)
		return build_err(b, EX_DATAERR,
		    "a range that ends before it starts matches nothing");
	if (short_form && n == 1 && pairs[0][0] == pairs[0][1]) {
		struct insn *i = build_emit(b, o->op, 1);

		if (i == NULL)
			return EX_DATAERR;
		i->arg1 = pairs[0][0];
		return 0;
	}
	u = build_emit(b, o->op, 1 + n);
	if (u == NULL)
		return EX_DATAERR;
	memcpy(u->ports, pairs, n * sizeof(pairs[0]));
	return 0;
}

/* Lengths, TTLs...: a single number is stored in arg1. */
int
parse_ranges(struct build *b, const struct option *o)
{
	/* tagged: a single number of 0 is what the table says */
	if (o->op == O_TAGGED && build_accept(b, "tablearg"))
		return build_emit(b, o->op, 1) != NULL ? 0 : EX_DATAERR;
	if (o->op == O_TAGGED && build_accept(b, "0"))
		return build_err(b, EX_DATAERR, "not a tag (1 to 65534)");
	return emit_ranges(b, o, true);
}

/* Ports and ethertypes: always pairs; 'any' is no test. */
int
parse_ports(struct build *b, const struct option *o)
{
	if (build_accept(b, "any"))
		return 0;
	return emit_ranges(b, o, false);
}

bool
looks_like_ports(const char *word, unsigned proto)
{
	static const struct option port = {.names = "", .num = 65535};
	uint32_t value;

	return isdigit((unsigned char)*word) ||
	       read_name(word, &port, proto, &value, &word);
}

static void
put_value(struct text *t, unsigned v, const struct option *o,
    const struct show *show)
{
	char buf[64];
	const char *s = NULL;

	if (show->resolve && o->table != NULL)
		s = name_of(o->table, v);
	else if (show->resolve && o->role != ROLE_OPTION)
		s = service_name(v, show->proto, buf, sizeof(buf));
	if (s == NULL) {
		text_f(t, o->table != NULL ? "0x%04x" : "%u", v);
		return;
	}
	for (; *s != '\0'; s++) /* what is read again needs its escapes */
		text_f(t, isalnum((unsigned char)*s) || *s == '_' ? "%c"
								  : "\\%c",
		    *s);
}

void
print_ranges(struct text *t, const struct insn *i, const struct option *o,
    const struct show *show)
{
	const struct insn_u16 *u = (const void *)i;
	const uint16_t *p = u->ports;
	const char *sep = " ";

	if (insn_words(i) == 1) {
		if (i->opcode == O_TAGGED && i->arg1 == TABLEARG)
			text_f(t, " tablearg");
		else
			text_f(t, " %u", i->arg1);
		return;
	}
	for (unsigned n = insn_words(i) - 1; n > 0; n--, p += 2) {
		text_f(t, "%s", sep);
		put_value(t, p[0], o, show);
		if (p[0] != p[1]) {
			text_f(t, "-");
			put_value(t, p[1], o, show);
		}
		sep = ",";
	}
}

static int
read_number(struct build *b, const struct option *o, uint32_t *v)
{
	char kw[32];
	const char *s;
	int r = build_word(b, "a number", &s);

	if (r != 0)
		return r;
	if (!number(s, o->num, v))
		return build_err(b, EX_DATAERR,
		    "not a number from 0 to %u, which %s needs", o->num,
		    option_keyword(o, kw, sizeof(kw)));
	return 0;
}

static int
emit_number(struct build *b, const struct option *o, unsigned shift)
{
	uint32_t v;
	struct insn *i;
	int r = read_number(b, o, &v);

	if (r != 0)
		return r;
	i = build_emit(b, o->op, 1);
	if (i == NULL)
		return EX_DATAERR;
	i->arg1 = (uint16_t)(v << shift);
	return 0;
}

int
parse_number(struct build *b, const struct option *o)
{
	return emit_number(b, o, 0);
}

void
print_number(struct text *t, const struct insn *i, const struct option *o,
    const struct show *show)
{
	(void)o, (void)show;
	text_f(t, " %u", i->arg1);
}

/* Stored where the TOS octet has it. */
int
parse_precedence(struct build *b, const struct option *o)
{
	return emit_number(b, o, 5);
}

void
print_precedence(struct text *t, const struct insn *i, const struct option *o,
    const struct show *show)
{
	(void)o, (void)show;
	text_f(t, " %u", i->arg1 >> 5);
}

static int
emit_u32(struct build *b, const struct option *o, bool network_order)
{
	uint32_t v;
	struct insn_u32 *u;
	int r = read_number(b, o, &v);

	if (r != 0)
		return r;
	u = build_emit(b, o->op, 2);
	if (u == NULL)
		return EX_DATAERR;
	u->d[0] = network_order ? htonl(v) : v;
	return 0;
}

int
parse_u32(struct build *b, const struct option *o)
{
	return emit_u32(b, o, false);
}

/* TCP sequence numbers are stored as the packet has them. */
int
parse_be32(struct build *b, const struct option *o)
{
	return emit_u32(b, o, true);
}

void
print_u32(struct text *t, const struct insn *i, const struct option *o,
    const struct show *show)
{
	const struct insn_u32 *u = (const void *)i;

	(void)o, (void)show;
	text_f(t, " %u", u->d[0]);
}

void
print_be32(struct text *t, const struct insn *i, const struct option *o,
    const struct show *show)
{
	const struct insn_u32 *u = (const void *)i;

	(void)o, (void)show;
	text_f(t, " %u", ntohl(u->d[0]));
}

/* Reads one member of a set: a number below 'num' or a name. */
static bool
read_member(const char *s, const struct option *o, uint32_t *v,
    const char **end)
{
	char name[16];
	size_t len = strcspn(s, ",");
	const struct name *row;

	if (number_until(s, ",", o->num - 1, v, end))
		return true;
	if (o->table == NULL || len >= sizeof(name))
		return false;
	memcpy(name, s, len);
	name[len] = '\0';
	row = name_find(o->table, name);
	if (row == NULL)
		return false;
	*v = row->value;
	*end = s + len;
	return true;
}

/* A list as a bitmap of 'num' bits: ICMP types, code points. */
int
parse_bits(struct build *b, const struct option *o)
{
	uint32_t map[8] = {0}, v;
	char kw[32];
	const char *s;
	struct insn_u32 *u;
	int r = build_word(b, "a list of numbers", &s);

	if (r != 0)
		return r;
	do {
		if (!read_member(s, o, &v, &s))
			return build_err(b, EX_DATAERR,
			    "not a list of numbers from 0 to %u%s, which %s "
			    "needs", o->num - 1,
			    o->table != NULL ? " or names" : "",
			    option_keyword(o, kw, sizeof(kw)));
		map[v / 32] |= UINT32_C(1) << v % 32;
	} while (*s++ == ',');
	u = build_emit(b, o->op, 1 + o->num / 32);
	if (u == NULL)
		return EX_DATAERR;
	memcpy(u->d, map, o->num / 8);
	return 0;
}

void
print_bits(struct text *t, const struct insn *i, const struct option *o,
    const struct show *show)
{
	const struct insn_u32 *u = (const void *)i;
	const char *sep = " ";

	(void)show;
	for (unsigned v = 0; v < 32 * (insn_words(i) - 1); v++) {
		const char *s;

		if ((u->d[v / 32] >> v % 32 & 1) == 0)
			continue;
		s = o->table != NULL ? name_of(o->table, v) : NULL;
		if (s != NULL)
			text_f(t, "%s%s", sep, s);
		else
			text_f(t, "%s%u", sep, v);
		sep = ",";
	}
	if (*sep == ' ')
		text_f(t, " [empty]");
}

/* Labels follow one another; ipfw reserves a word after the last. */
int
parse_flow_id(struct build *b, const struct option *o)
{
	uint32_t ids[INSN_MAX_WORDS - 2];
	unsigned n = 0;
	const char *s;
	struct insn_u32 *u;
	int r = build_word(b, "a flow label", &s);

	if (r != 0)
		return r;
	do {
		if (n == ARRAY_LEN(ids))
			return build_err(b, EX_DATAERR,
			    "more than %zu flow labels", ARRAY_LEN(ids));
		if (!number_until(s, ",", o->num, &ids[n++], &s))
			return build_err(b, EX_DATAERR,
			    "not a list of flow labels (0 to 0x%x)", o->num);
	} while (*s++ == ',');
	u = build_emit(b, o->op, 2 + n);
	if (u == NULL)
		return EX_DATAERR;
	u->o.arg1 = (uint16_t)n;
	memcpy(u->d, ids, n * sizeof(ids[0]));
	return 0;
}

void
print_flow_id(struct text *t, const struct insn *i, const struct option *o,
    const struct show *show)
{
	const struct insn_u32 *u = (const void *)i;

	(void)o, (void)show;
	if (i->arg1 == 0 || i->arg1 > insn_words(i) - 1) {
		print_raw(t, i);
		return;
	}
	for (unsigned n = 0; n < i->arg1; n++)
		text_f(t, "%s%u", n == 0 ? " " : ",", u->d[n]);
}

/* VALUE or VALUE:MASK; the value is stored masked. */
int
parse_mark(struct build *b, const struct option *o)
{
	uint32_t value, mask = UINT32_MAX;
	const char *s;
	struct insn_u32 *u;
	int r = build_word(b, "a mark", &s);

	if (r != 0)
		return r;
	if (strcmp(s, "tablearg") == 0) {
		u = build_emit(b, o->op, 3);
		if (u == NULL)
			return EX_DATAERR;
		memcpy(u->d, (uint32_t[]){0, UINT32_MAX}, 8);
		return 0;
	}
	if (!number_until(s, ":", UINT32_MAX, &value, &s) ||
	    (*s == ':' && !number(s + 1, UINT32_MAX, &mask)))
		return build_err(b, EX_DATAERR, "not a mark or mark:mask");
	u = build_emit(b, o->op, 3);
	if (u == NULL)
		return EX_DATAERR;
	u->o.arg1 = (uint16_t)o->num;
	memcpy(u->d, (uint32_t[]){value & mask, mask}, 8);
	return 0;
}

void
print_mark(struct text *t, const struct insn *i, const struct option *o,
    const struct show *show)
{
	uint32_t v[2];

	(void)o, (void)show;
	memcpy(v, i + 1, sizeof(v));
	if (i->arg1 == TABLEARG) {
		text_f(t, " tablearg");
		return;
	}
	text_f(t, " 0x%x", v[0]);
	if (v[1] != UINT32_MAX)
		text_f(t, ":0x%x", v[1]);
}
