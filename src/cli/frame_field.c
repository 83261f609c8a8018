/* SPDX-License-Identifier: BSD-2-Clause */
/* What may be said of a packet, word by word. */
#include "cli/frame_draft.h"

#include "cli/build.h"
#include "cli/names.h"
#include "cli/option.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

struct field;
typedef int field_fn(struct draft *d, const struct field *f);

/* A word and what it says. */
struct field {
	const char *names;
	field_fn *read;
	uint32_t num; /* the largest value, or what a plain word means */
	size_t at;    /* of an int in struct draft */
	const struct name *table;
};

/* ---- words ---- */

static const struct word *
here(const struct draft *d)
{
	return &d->w[d->i - 1];
}

static const char *
peek(const struct draft *d)
{
	return d->i < d->n ? d->w[d->i].s : NULL;
}

static bool
accept_word(struct draft *d, const char *s)
{
	if (peek(d) == NULL || strcmp(peek(d), s) != 0)
		return false;
	d->i++;
	return true;
}

/* The value of the word read last. */
static int
take(struct draft *d, const char *what, const char **s)
{
	if (d->i == d->n) {
		err_at(d->e, EINVAL, here(d)->pos + 1,
		    "missing %s after word %d \"%.40s\"", what, here(d)->pos,
		    here(d)->s);
		return EX_USAGE;
	}
	*s = d->w[d->i++].s;
	return 0;
}

int
draft_wrong(struct draft *d, const struct word *w, const char *why)
{
	return word_err(d->e, EX_DATAERR, w, "%s", why);
}

/* ---- shapes of fields ---- */

static int
read_in(struct draft *d, const struct field *f)
{
	d->f->way.out = f->num != 0;
	return 0;
}

static int
read_if(struct draft *d, const struct field *f)
{
	char *to = f->num != 0 ? d->f->way.out_if : d->f->way.in_if;
	const char *s;
	int r = take(d, "an interface", &s);

	if (r != 0)
		return r;
	if (strlen(s) >= FRAME_IF)
		return draft_wrong(d, here(d), "longer than 15 octets");
	snprintf(to, FRAME_IF, "%s", s);
	return 0;
}

static int
read_nothing(struct draft *d, const struct field *f)
{
	(void)d, (void)f;
	return 0;
}

/* A number, or a name of the table, into an int. */
static int
read_int(struct draft *d, const struct field *f)
{
	const struct name *row;
	const char *s;
	uint32_t v;
	int r = take(d, "a number", &s);

	if (r != 0)
		return r;
	row = f->table != NULL ? name_find(f->table, s) : NULL;
	if (row != NULL)
		v = row->value;
	else if (!number(s, f->num, &v))
		return word_err(d->e, EX_DATAERR, here(d),
		    "not a number up to %u", f->num);
	*(int *)(void *)((char *)d + f->at) = (int)v;
	return 0;
}

static int
read_u32(struct draft *d, const struct field *f)
{
	uint32_t *to = (uint32_t *)(void *)((char *)d + f->at);
	const char *s;
	int r = take(d, "a number", &s);

	if (r == 0 && !number(s, UINT32_MAX, to))
		return draft_wrong(d, here(d), "not a number of 32 bits");
	return r;
}

/* Names with ',' between. */
static int
read_names(struct draft *d, const struct name *table, unsigned *bits)
{
	const char *s;
	char name[16];
	int r = take(d, "names", &s);

	if (r != 0)
		return r;
	while (*s != '\0') {
		size_t len = strcspn(s, ",");
		const struct name *row;

		snprintf(name, sizeof(name), "%.*s", (int)len, s);
		row = len < sizeof(name) ? name_find(table, name) : NULL;
		if (row == NULL)
			return word_err(d->e, EX_DATAERR, here(d),
			    "\"%.15s\" is none of its names", name);
		*bits |= row->value;
		s += len + (s[len] == ',');
	}
	return 0;
}

/* ---- Ethernet ---- */

static bool
mac_of(const char *s, uint8_t mac[6])
{
	unsigned m[6];
	char end;

	if (sscanf(s, "%2x:%2x:%2x:%2x:%2x:%2x%c", &m[0], &m[1], &m[2], &m[3],
		&m[4], &m[5], &end) != 6)
		return false;
	for (unsigned k = 0; k < 6; k++)
		mac[k] = (uint8_t)m[k];
	return true;
}

/* Destination first, as in rules. */
static int
read_macs(struct draft *d, const struct field *f)
{
	const char *s;

	(void)f;
	for (unsigned k = 0; k < 2; k++) {
		int r = take(d, "a MAC address", &s);

		if (r != 0)
			return r;
		if (strcmp(s, "any") != 0 && !mac_of(s, d->macs + 6 * k))
			return draft_wrong(d, here(d),
			    "neither a MAC address nor 'any'");
	}
	return 0;
}

/* ---- protocols and addresses ---- */

int
draft_family(struct draft *d, const struct word *w, unsigned family)
{
	if (d->family != 0 && d->family != family)
		return word_err(d->e, EX_DATAERR, w,
		    "IPv%u, and \"%.40s\" is IPv%u", family,
		    d->family_word->s, d->family);
	d->family = family;
	d->family_word = w;
	return 0;
}

int
draft_proto(struct draft *d, const struct word *w, int proto)
{
	if (d->proto >= 0 && d->proto != proto)
		return word_err(d->e, EX_DATAERR, w,
		    "protocol %d, and %d before", proto, d->proto);
	d->proto = proto;
	if (proto == P_ICMP6)
		return draft_family(d, w, 6);
	return proto == P_ICMP ? draft_family(d, w, 4) : 0;
}

/* 'tcp', 'udp', '6', 'ip', 'ip6' ...; false if it is none of them. */
static bool
read_proto_word(struct draft *d, int *r)
{
	const struct word *w = &d->w[d->i];
	uint32_t num;
	int proto;

	*r = 0;
	if (strcmp(w->s, "ip") == 0 || strcmp(w->s, "all") == 0) {
		d->i++;
		return true;
	}
	if (strcmp(w->s, "ip4") == 0 || strcmp(w->s, "ipv4") == 0 ||
	    strcmp(w->s, "ip6") == 0 || strcmp(w->s, "ipv6") == 0) {
		d->i++;
		*r = draft_family(d, w, w->s[strlen(w->s) - 1] == '6' ? 6 : 4);
		return true;
	}
	proto = number(w->s, 255, &num) ? (int)num : proto_number(w->s);
	if (strcmp(w->s, "icmp6") == 0)
		proto = P_ICMP6;
	if (proto < 0)
		return false;
	d->i++;
	*r = draft_proto(d, w, proto);
	return true;
}

static int
read_proto(struct draft *d, const struct field *f)
{
	const char *s;
	int r = take(d, "a protocol", &s);

	(void)f;
	if (r != 0)
		return r;
	d->i--;
	if (!read_proto_word(d, &r))
		return draft_wrong(d, &d->w[d->i], "unknown protocol");
	return r;
}

static int
read_addr(struct draft *d, bool dst)
{
	uint8_t *to = dst ? d->dst : d->src;
	const char *s;
	int r = take(d, "an address", &s);

	if (r != 0)
		return r;
	*(dst ? &d->has_dst : &d->has_src) = true;
	if (inet_pton(AF_INET, s, to) == 1)
		return draft_family(d, here(d), 4);
	if (inet_pton(AF_INET6, s, to) == 1)
		return draft_family(d, here(d), 6);
	if (strchr(s, '/') != NULL || strchr(s, ',') != NULL)
		return draft_wrong(d, here(d), "a packet has one address");
	if (d->family != 6 && host_addr(s, AF_INET, to))
		return draft_family(d, here(d), 4);
	if (d->family != 4 && host_addr(s, AF_INET6, to))
		return draft_family(d, here(d), 6);
	return draft_wrong(d, here(d), "not an address of a packet");
}

static int
read_port(struct draft *d, const struct field *f)
{
	const char *s;
	uint32_t v;
	int r = take(d, "a port", &s), port;

	if (r != 0)
		return r;
	port = number(s, 65535, &v) ? (int)v :
	    service_port(s, d->proto > 0 ? (unsigned)d->proto : 0);
	if (port < 0)
		return draft_wrong(d, here(d), "not a port of a packet");
	d->ports_word = here(d);
	*(int *)(void *)((char *)d + f->at) = port;
	return 0;
}

/* An address, and a port if the word after it can be one. */
static int
read_side(struct draft *d, const struct field *f)
{
	const struct field port = {
	    .at = f->num != 0 ? offsetof(struct draft, dport) :
				offsetof(struct draft, sport)};
	int r = read_addr(d, f->num != 0);

	if (r != 0 || peek(d) == NULL)
		return r;
	if (accept_word(d, "port") || isdigit((unsigned char)peek(d)[0]) ||
	    (d->proto > 0 && service_port(peek(d), (unsigned)d->proto) >= 0))
		return read_port(d, &port);
	return 0;
}

static int
read_just_addr(struct draft *d, const struct field *f)
{
	return read_addr(d, f->num != 0);
}

/* ---- TCP, ICMP ---- */

static int
read_flag(struct draft *d, const struct field *f)
{
	d->tcp_word = here(d);
	d->has_flags = true;
	d->tcp_flags |= f->num;
	return 0;
}

static int
read_tcpflags(struct draft *d, const struct field *f)
{
	(void)f;
	d->tcp_word = here(d);
	d->has_flags = true;
	return read_names(d, names_tcpflags, &d->tcp_flags);
}

static int
read_tcpopts(struct draft *d, const struct field *f)
{
	(void)f;
	d->tcp_word = here(d);
	return read_names(d, names_tcpopts, &d->tcp_opts);
}

static int
read_tcp_int(struct draft *d, const struct field *f)
{
	d->tcp_word = here(d);
	return read_int(d, f);
}

static int
read_tcp_u32(struct draft *d, const struct field *f)
{
	d->tcp_word = here(d);
	return read_u32(d, f);
}

static int
read_icmp(struct draft *d, const struct field *f)
{
	d->icmp_word = here(d);
	return read_int(d, f);
}

static int
read_icmp6(struct draft *d, const struct field *f)
{
	int r = draft_proto(d, here(d), P_ICMP6);

	return r != 0 ? r : read_icmp(d, f);
}

/* ---- IP ---- */

/* True if the word is a list of the names of 'frag'. */
static bool
is_frag_list(const char *s)
{
	char name[8];

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(s, ","), s);
	return name_find(names_frag, name) != NULL;
}

static int
read_frag(struct draft *d, const struct field *f)
{
	(void)f;
	d->frag_word = here(d);
	if (peek(d) != NULL && is_frag_list(peek(d)))
		return read_names(d, names_frag, &d->frag);
	d->frag |= FRAG_OFFSET;
	return 0;
}

static int
read_iplen(struct draft *d, const struct field *f)
{
	d->iplen_word = here(d);
	return read_int(d, f);
}

static int
read_label(struct draft *d, const struct field *f)
{
	d->label_word = here(d);
	return read_u32(d, f);
}

static int
read_tos(struct draft *d, const struct field *f)
{
	unsigned bits = 0;
	uint32_t v;
	const char *s;
	int r;

	(void)f;
	if (peek(d) != NULL && number(peek(d), 255, &v)) {
		d->tos = v;
		return take(d, "a number", &s);
	}
	r = read_names(d, names_iptos, &bits);
	d->tos |= bits;
	return r;
}

/* 'num' is how far up it stands in the octet. */
static int
read_class(struct draft *d, const struct field *f)
{
	const struct field of = {.num = f->num == 2 ? 63 : f->num == 5 ? 7 : 3,
	    .at = offsetof(struct draft, part), .table = f->table};
	int r = read_int(d, &of);

	if (r == 0)
		d->tos |= (unsigned)d->part << f->num;
	return r;
}

static bool
read_hex(struct draft *d, const char *s)
{
	size_t n = strlen(s);

	for (size_t k = 0; k < n; k += 2) {
		unsigned v;

		if (!isxdigit((unsigned char)s[k]) ||
		    !isxdigit((unsigned char)s[k + 1]) ||
		    sscanf(s + k, "%2x", &v) != 1)
			return false;
		d->payload[d->payload_len++] = (uint8_t)v;
	}
	return true;
}

static int
read_payload(struct draft *d, const struct field *f)
{
	const char *s;
	int r = take(d, "octets", &s);
	size_t n;

	(void)f;
	if (r != 0)
		return r;
	n = strlen(s);
	d->payload_len = 0;
	if (n > FRAME_MAX / 2)
		return draft_wrong(d, here(d), "too long");
	if (strncmp(s, "0x", 2) == 0)
		return read_hex(d, s + 2) ? 0 :
		    draft_wrong(d, here(d), "not pairs of hexadecimal digits");
	memcpy(d->payload, s, n);
	d->payload_len = (unsigned)n;
	return 0;
}

#define AT(member) offsetof(struct draft, member)

static const struct field fields[] = {
    {"in", read_in, 0, 0, NULL},
    {"out", read_in, 1, 0, NULL},
    {"recv", read_if, 0, 0, NULL},
    {"xmit", read_if, 1, 0, NULL},
    {"layer2", read_nothing, 0, 0, NULL},
    {"MAC mac", read_macs, 0, 0, NULL},
    {"mac-type", read_int, 65535, AT(ethertype), names_ethertype},
    {"vlan", read_int, 4095, AT(vlan), NULL},
    {"proto", read_proto, 0, 0, NULL},
    {"from", read_side, 0, 0, NULL},
    {"to", read_side, 1, 0, NULL},
    {"src-ip src-ip6", read_just_addr, 0, 0, NULL},
    {"dst-ip dst-ip6", read_just_addr, 1, 0, NULL},
    {"src-port", read_port, 0, AT(sport), NULL},
    {"dst-port", read_port, 0, AT(dport), NULL},
    {"setup", read_flag, SYN, 0, NULL},
    {"established", read_flag, ACK, 0, NULL},
    {"tcpflags", read_tcpflags, 0, 0, NULL},
    {"tcpseq", read_tcp_u32, 0, AT(seq), NULL},
    {"tcpack", read_tcp_u32, 0, AT(ack), NULL},
    {"tcpwin", read_tcp_int, 65535, AT(window), NULL},
    {"tcpmss", read_tcp_int, 65535, AT(mss), NULL},
    {"tcpoptions", read_tcpopts, 0, 0, NULL},
    {"icmptypes icmptype", read_icmp, 255, AT(icmp_type), NULL},
    {"icmp6types icmp6type", read_icmp6, 255, AT(icmp_type), NULL},
    {"icmpcode", read_icmp, 255, AT(icmp_code), NULL},
    {"frag", read_frag, 0, 0, NULL},
    {"iplen length", read_iplen, 65535, AT(iplen), NULL},
    {"ipid", read_int, 65535, AT(ipid), NULL},
    {"ipttl ttl", read_int, 255, AT(ttl), NULL},
    {"iptos tos", read_tos, 0, 0, NULL},
    {"dscp", read_class, 2, 0, names_dscp},
    {"ipprecedence", read_class, 5, 0, NULL},
    {"ecn", read_class, 0, 0, NULL},
    {"flow-id", read_label, 0, AT(flow_label), NULL},
    {"payload", read_payload, 0, 0, NULL},
};

#undef AT

/* ---- all of them ---- */

static const struct field *
find_field(const char *s)
{
	for (size_t k = 0; k < ARRAY_LEN(fields); k++)
		if (name_in_list(fields[k].names, s))
			return &fields[k];
	return NULL;
}

static int
unknown(struct draft *d)
{
	const struct word *w = &d->w[d->i];
	struct suggest g;
	char hint[64];

	if (option_find(w->s) != NULL)
		return draft_wrong(d, w, "rules have this, packets do not");
	suggest_init(&g, w->s);
	for (size_t k = 0; k < ARRAY_LEN(fields); k++)
		suggest_try(&g, fields[k].names);
	return word_err(d->e, EX_DATAERR, w, "nothing that a packet has%s",
	    suggest_text(&g, hint, sizeof(hint)));
}

int
draft_read(struct draft *d)
{
	while (d->i < d->n) {
		const struct field *f = find_field(d->w[d->i].s);
		int r = 0;

		if (f != NULL) {
			d->i++;
			r = f->read(d, f);
		} else if (!read_proto_word(d, &r)) {
			r = unknown(d);
		}
		if (r != 0)
			return r;
	}
	return 0;
}
