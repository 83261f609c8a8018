/* SPDX-License-Identifier: BSD-2-Clause */
/* Interfaces and MAC addresses. */
#include "cli/option.h"

#include <ctype.h>
#include <string.h>
#include <sysexits.h>

#include <arpa/inet.h>

/* A table of interfaces, which the first octet of the name tells. */
static int
iface_table(struct build *b, const struct option *o, const char *s)
{
	struct insn_if *f;
	uint16_t idx = 0;
	uint32_t value = 0;
	bool has_value = false;
	int r = table_word(b, s, &idx, &value, &has_value);

	if (r != 0)
		return r;
	if (has_value)
		return build_err(b, EX_DATAERR,
		    "a table of interfaces is asked without a value");
	f = build_emit(b, o->op, 6);
	if (f == NULL)
		return EX_DATAERR;
	f->name[0] = '\1';
	f->p.kidx = idx;
	return 0;
}

/* True if the whole word can be shown as it is: \1 begins the name of a table,
 * and others would be printed as the pattern '?'. */
static bool
is_plain(const char *s)
{
	while (isgraph((unsigned char)*s))
		s++;
	return *s == '\0';
}

/* A name, a pattern, a table, an IPv4 address, or 'any'. */
int
parse_iface(struct build *b, const struct option *o)
{
	const char *s;
	uint32_t ip;
	struct insn_if *f;
	int r = build_word(b, "an interface name", &s);

	if (r != 0)
		return r;
	if (strcmp(s, "any") == 0)
		return 0;
	if (is_table(s))
		return iface_table(b, o, s);
	if (strlen(s) >= sizeof(f->name))
		return build_err(b, EX_DATAERR,
		    "an interface name has at most %zu characters",
		    sizeof(f->name) - 1);
	if (!is_plain(s))
		return build_err(b, EX_DATAERR,
		    "an interface name has only printable characters");
	if (isdigit((unsigned char)*s) && inet_pton(AF_INET, s, &ip) != 1)
		return build_err(b, EX_DATAERR,
		    "neither an interface name nor an IPv4 address");
	f = build_emit(b, o->op, 6);
	if (f == NULL)
		return EX_DATAERR;
	if (isdigit((unsigned char)*s)) {
		f->p.ip = ip;
		return 0;
	}
	memcpy(f->name, s, strlen(s));
	f->p.glob = strpbrk(s, "*?[") != NULL;
	return 0;
}

void
print_iface(struct text *t, const struct insn *i, const struct option *o,
    const struct show *show)
{
	const struct insn_if *f = (const void *)i;
	char buf[INET_ADDRSTRLEN];

	(void)o;
	text_f(t, " ");
	if (f->name[0] == '\0')
		text_f(t, "%s", inet_ntop(AF_INET, &f->p.ip, buf, sizeof(buf)));
	else if (f->name[0] == '\1') {
		text_f(t, "table(");
		put_table_name(t, f->p.kidx, show);
		text_f(t, ")");
	} else
		text_safe(t, f->name, sizeof(f->name));
}

/* Six octets in hex with colons, up to one of 'ends' or the end. */
static bool
read_ether(const char *s, const char *ends, uint8_t *mac, const char **end)
{
	for (int k = 0; k < 6; k++) {
		unsigned v = 0, digits = 0;

		for (; isxdigit((unsigned char)*s) && digits < 2; s++, digits++)
			v = v * 16 + (unsigned)(isdigit((unsigned char)*s)
						    ? *s - '0'
						    : (*s | 0x20) - 'a' + 10);
		if (digits == 0 || (k < 5 && *s++ != ':'))
			return false;
		mac[k] = (uint8_t)v;
	}
	*end = s;
	return *s == '\0' || strchr(ends, *s) != NULL;
}

/* ADDR, ADDR/LEN, ADDR&MASK or any. */
static int
read_mac(struct build *b, uint8_t *addr, uint8_t *mask)
{
	const char *s, *end;
	uint32_t len = 48;
	int r = build_word(b, "a MAC address (MAC DST SRC)", &s);

	if (r != 0)
		return r;
	memset(mask, 0, 6);
	memset(addr, 0, 6);
	if (strcmp(s, "any") == 0)
		return 0;
	if (!read_ether(s, "/&", addr, &end))
		return build_err(b, EX_DATAERR,
		    "not a MAC address like 02:00:00:00:00:01");
	if (*end == '/' && !number(end + 1, 48, &len))
		return build_err(b, EX_DATAERR,
		    "the length after '/' is not 0 to 48");
	if (*end == '&' && !read_ether(end + 1, "", mask, &end))
		return build_err(b, EX_DATAERR, "not a MAC mask after '&'");
	else if (strchr(s, '&') == NULL)
		for (unsigned k = 0; k < len; k++)
			mask[k / 8] |= (uint8_t)(0x80 >> k % 8);
	for (unsigned k = 0; k < 6; k++)
		addr[k] &= mask[k];
	return 0;
}

int
parse_mac(struct build *b, const struct option *o)
{
	struct insn_mac m = {.o = {.opcode = o->op}};
	struct insn *i;
	int r = read_mac(b, m.addr, m.mask);

	if (r == 0)
		r = read_mac(b, m.addr + 6, m.mask + 6);
	if (r != 0)
		return r;
	i = build_emit(b, o->op, sizeof(m) / 4);
	if (i == NULL)
		return EX_DATAERR;
	memcpy(i + 1, m.addr, sizeof(m) - sizeof(m.o));
	return 0;
}

static void
put_mac(struct text *t, const uint8_t *a, const uint8_t *m)
{
	int len = contiguous(m, 48);

	if (len == 0) {
		text_f(t, " any");
		return;
	}
	text_f(t, " %02x:%02x:%02x:%02x:%02x:%02x", a[0], a[1], a[2], a[3],
	    a[4], a[5]);
	if (len < 0)
		text_f(t, "&%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2],
		    m[3], m[4], m[5]);
	else if (len < 48)
		text_f(t, "/%d", len);
}

void
print_mac(struct text *t, const struct insn *i, const struct option *o,
    const struct show *show)
{
	const struct insn_mac *m = (const void *)i;

	(void)o, (void)show;
	put_mac(t, m->addr, m->mask);
	put_mac(t, m->addr + 6, m->mask + 6);
}
