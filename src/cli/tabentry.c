/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/tabentry.h"

#include "cli/build.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include <arpa/inet.h>

const struct name names_table_type[] = {
    {"addr", TABLE_ADDR}, {"cidr", TABLE_ADDR}, {"iface", TABLE_IFACE},
    {"number", TABLE_NUMBER}, {"flow", TABLE_FLOW}, {"mac", TABLE_MAC},
    {NULL, 0}};

/* In the order of a key. */
const struct name names_flow_field[] = {
    {"src-ip", FLOW_SRC_IP}, {"proto", FLOW_PROTO},
    {"src-port", FLOW_SRC_PORT}, {"dst-ip", FLOW_DST_IP},
    {"dst-port", FLOW_DST_PORT}, {NULL, 0}};

/* In the order of a value. */
const struct name names_value_type[] = {
    {"skipto", VTYPE_SKIPTO}, {"pipe", VTYPE_PIPE}, {"fib", VTYPE_FIB},
    {"nat", VTYPE_NAT}, {"dscp", VTYPE_DSCP}, {"tag", VTYPE_TAG},
    {"divert", VTYPE_DIVERT}, {"netgraph", VTYPE_NETGRAPH},
    {"limit", VTYPE_LIMIT}, {"ipv4", VTYPE_NH4}, {"ipv6", VTYPE_NH6},
    {"mark", VTYPE_MARK}, {NULL, 0}};

enum { PART_MAX = 64, AF4 = 2 };

/* Cuts the next of several parts that ',' separates; false if it is too long
 * or there is none. */
static bool
next_part(const char **s, char part[PART_MAX])
{
	size_t len;

	if (*s == NULL)
		return false;
	len = strcspn(*s, ",");
	if (len == 0 || len >= PART_MAX)
		return false;
	memcpy(part, *s, len);
	part[len] = '\0';
	*s = (*s)[len] == ',' ? *s + len + 1 : NULL;
	return true;
}

/* ---- keys ---- */

static int
bad_key(const struct word *w, const char *what, struct err *e)
{
	return word_err(e, EX_DATAERR, w, "not %s", what);
}

/* The first address of a host, IPv4's before IPv6's. */
static int
key_host(const struct word *w, struct obj_tentry *out, struct err *e)
{
	out->subtype = AF4;
	out->masklen = 32;
	if (host_addr(w->s, AF_INET, out->k.addr))
		return 0;
	out->subtype = AF_V6_LINUX;
	out->masklen = 128;
	if (host_addr(w->s, AF_INET6, out->k.addr))
		return 0;
	return word_err(e, EX_NOHOST, w, "neither an address or prefix nor the "
					 "name of a host that is known");
}

/* 'asks_names': what is no address may be a host. */
static int
key_addr(const struct word *w, bool asks_names, struct obj_tentry *out,
    struct err *e)
{
	char part[PART_MAX];
	const char *slash = strchr(w->s, '/');
	size_t len = slash != NULL ? (size_t)(slash - w->s) : strlen(w->s);
	uint32_t bits = 128;

	if (len >= sizeof(part))
		return slash == NULL && asks_names ? key_host(w, out, e) :
						     bad_key(w, "an address", e);
	memcpy(part, w->s, len);
	part[len] = '\0';
	if (inet_pton(AF_INET, part, out->k.addr) == 1) {
		out->subtype = AF4;
		bits = 32;
	} else if (inet_pton(AF_INET6, part, out->k.addr) == 1) {
		out->subtype = AF_V6_LINUX;
	} else if (slash == NULL && asks_names) {
		return key_host(w, out, e);
	} else {
		return bad_key(w, "an IPv4 or IPv6 address or prefix", e);
	}
	if (slash != NULL && !number(slash + 1, bits, &bits))
		return word_err(e, EX_DATAERR, w,
		    "the length after '/' is not 0 to %u", bits);
	out->masklen = (uint8_t)bits;
	return 0;
}

static int
key_mac(const struct word *w, struct obj_tentry *out, struct err *e)
{
	unsigned m[6];
	uint32_t bits = 48;
	int used = 0;

	if (sscanf(w->s, "%2x:%2x:%2x:%2x:%2x:%2x%n", &m[0], &m[1], &m[2],
		&m[3], &m[4], &m[5], &used) != 6 ||
	    (w->s[used] != '\0' && w->s[used] != '/') ||
	    (w->s[used] == '/' && !number(w->s + used + 1, 48, &bits)))
		return bad_key(w, "a MAC address or prefix", e);
	for (int k = 0; k < 6; k++)
		out->k.mac[k] = (uint8_t)m[k];
	out->masklen = (uint8_t)bits;
	return 0;
}

static bool
flow_addr(const char *s, struct tflow_entry *f, bool dst)
{
	uint8_t addr[16];
	uint8_t af = AF4;

	if (inet_pton(AF_INET, s, addr) != 1) {
		af = AF_V6_LINUX;
		if (inet_pton(AF_INET6, s, addr) != 1)
			return false;
	}
	if (f->af != 0 && f->af != af)
		return false;
	f->af = af;
	memcpy(f->addr + (dst ? af == AF4 ? 4 : 16 : 0), addr,
	    af == AF4 ? 4 : 16);
	return true;
}

static bool
flow_part(const char *s, uint32_t field, struct tflow_entry *f)
{
	uint32_t v = 0;
	int n = -1;

	if (field == FLOW_SRC_IP || field == FLOW_DST_IP)
		return flow_addr(s, f, field == FLOW_DST_IP);
	if (!number(s, field == FLOW_PROTO ? 255 : 65535, &v)) {
		n = field == FLOW_PROTO ? proto_number(s) :
					  service_port(s, f->proto);
		if (n < 0)
			return false;
		v = (uint32_t)n;
	}
	if (field == FLOW_PROTO)
		f->proto = (uint8_t)v;
	else if (field == FLOW_SRC_PORT)
		f->sport = htons((uint16_t)v);
	else
		f->dport = htons((uint16_t)v);
	return true;
}

static int
key_flow(const struct table_info *i, const struct word *w,
    struct obj_tentry *out, struct err *e)
{
	const char *s = w->s;
	char part[PART_MAX];

	for (const struct name *n = names_flow_field; n->s != NULL; n++) {
		if ((i->tflags & n->value) == 0)
			continue;
		if (!next_part(&s, part))
			return word_err(e, EX_DATAERR, w,
			    "the key lacks its %s", n->s);
		if (!flow_part(part, n->value, &out->k.flow))
			return word_err(e, EX_DATAERR, w,
			    "\"%.40s\" is not a %s of this key", part, n->s);
	}
	if (s != NULL)
		return word_err(e, EX_DATAERR, w, "the key has too many parts");
	out->subtype = out->k.flow.af;
	return 0;
}

int
tabentry_key(const struct table_info *i, const struct word *w,
    struct obj_tentry *out, struct err *e)
{
	uint32_t v;

	memset(&out->k, 0, sizeof(out->k));
	switch (i->type) {
	case TABLE_ADDR:
		return key_addr(w, true, out, e);
	case TABLE_MAC:
		return key_mac(w, out, e);
	case TABLE_NUMBER:
		if (!number(w->s, UINT32_MAX, &v))
			return bad_key(w, "a number", e);
		out->k.number = v;
		out->masklen = 32;
		return 0;
	case TABLE_IFACE:
		if (strlen(w->s) >= sizeof(out->k.iface))
			return bad_key(w, "an interface name of at most 15 "
			    "characters", e);
		memcpy(out->k.iface, w->s, strlen(w->s));
		out->masklen = 8 * sizeof(out->k.iface);
		return 0;
	case TABLE_FLOW:
		return key_flow(i, w, out, e);
	default:
		return word_err(e, EX_UNAVAILABLE, w,
		    "the table is of unknown type %u", i->type);
	}
}

uint8_t
tabentry_guess(const char *key)
{
	struct obj_tentry en = {.subtype = 0};
	char bare[64]; /* without a length, which may be wrong */
	struct word w = {bare, 0};
	struct err e;
	uint32_t v;

	snprintf(bare, sizeof(bare), "%.*s", (int)strcspn(key, "/"), key);
	if (number(key, UINT32_MAX, &v))
		return TABLE_NUMBER;
	if (key_addr(&w, false, &en, &e) == 0)
		return TABLE_ADDR;
	if (key_mac(&w, &en, &e) == 0)
		return TABLE_MAC;
	/* Digits and dots are an address that was mistyped. */
	if (bare[strspn(bare, "0123456789.")] == '\0')
		return TABLE_ADDR;
	/* Names of hosts have a dot, those of interfaces rarely. */
	w.s = key;
	return strchr(key, '.') != NULL && key_host(&w, &en, &e) == 0 ?
	    TABLE_ADDR : TABLE_IFACE;
}

/* ---- values ---- */

static bool
value_part(const char *s, uint32_t bit, struct table_value *v)
{
	uint32_t max = bit == VTYPE_SKIPTO || bit == VTYPE_DIVERT ? 65535 :
		       bit == VTYPE_DSCP			    ? 63 :
								      UINT32_MAX;
	const struct name *dscp;
	uint32_t n = 0;

	if (bit == VTYPE_NH6)
		return inet_pton(AF_INET6, s, v->nh6) == 1;
	if (bit == VTYPE_NH4) {
		if (inet_pton(AF_INET, s, &n) != 1)
			return false;
		v->nh4 = ntohl(n);
		return true;
	}
	dscp = bit == VTYPE_DSCP ? name_find(names_dscp, s) : NULL;
	if (dscp != NULL)
		n = dscp->value;
	else if (!number(s, max, &n))
		return false;
	switch (bit) {
	case VTYPE_SKIPTO:
		v->skipto = (uint16_t)n;
		break;
	case VTYPE_PIPE:
		v->pipe = n;
		break;
	case VTYPE_FIB:
		v->fib = n;
		break;
	case VTYPE_NAT:
		v->nat = n;
		break;
	case VTYPE_DSCP:
		v->dscp = (uint8_t)n;
		break;
	case VTYPE_TAG:
		v->tag = n;
		break;
	case VTYPE_DIVERT:
		v->divert = (uint16_t)n;
		break;
	case VTYPE_NETGRAPH:
		v->netgraph = n;
		break;
	case VTYPE_LIMIT:
		v->limit = n;
		break;
	case VTYPE_MARK:
		v->mark = n;
		break;
	}
	return true;
}

/* One number in every member, as before there were types of values. */
static int
legacy_value(const struct word *w, struct table_value *v, struct err *e)
{
	uint32_t n;

	if (inet_pton(AF_INET, w->s, &n) == 1)
		n = ntohl(n);
	else if (!number(w->s, UINT32_MAX, &n))
		return word_err(e, EX_OSERR, w, "unable to parse value");
	*v = (struct table_value){.tag = n, .pipe = n,
	    .divert = (uint16_t)n, .skipto = (uint16_t)n, .netgraph = n,
	    .fib = n, .nat = n, .nh4 = n, .dscp = (uint8_t)n, .limit = n,
	    .mark = n};
	return 0;
}

int
tabentry_value(const struct table_info *i, const struct word *w,
    struct table_value *out, struct err *e)
{
	const char *s = w->s;
	char part[PART_MAX];

	memset(out, 0, sizeof(*out));
	if (i->vmask == VTYPE_LEGACY)
		return legacy_value(w, out, e);
	for (const struct name *n = names_value_type; n->s != NULL; n++) {
		if ((i->vmask & n->value) == 0)
			continue;
		if (!next_part(&s, part))
			return word_err(e, EX_USAGE, w,
			    "not enough fields inside value: %s is missing",
			    n->s);
		if (!value_part(part, n->value, out))
			return word_err(e, EX_USAGE, w,
			    "unable to parse %.40s as %s", part, n->s);
	}
	if (s != NULL)
		return word_err(e, EX_USAGE, w, "too many fields inside value");
	return 0;
}

/* ---- printing ---- */

static uint32_t
value_member(const struct table_value *v, uint32_t bit)
{
	switch (bit) {
	case VTYPE_SKIPTO:
		return v->skipto;
	case VTYPE_PIPE:
		return v->pipe;
	case VTYPE_FIB:
		return v->fib;
	case VTYPE_NAT:
		return v->nat;
	case VTYPE_DSCP:
		return v->dscp;
	case VTYPE_TAG:
		return v->tag;
	case VTYPE_DIVERT:
		return v->divert;
	case VTYPE_NETGRAPH:
		return v->netgraph;
	case VTYPE_LIMIT:
		return v->limit;
	default:
		return v->mark;
	}
}

void
tabentry_put_value(struct text *t, uint32_t vmask, const struct table_value *v,
    bool as_ip)
{
	const char *sep = "";
	char buf[INET6_ADDRSTRLEN];
	uint32_t ip;

	if (vmask == VTYPE_LEGACY) {
		ip = htonl(v->tag);
		if (as_ip)
			text_f(t, "%s",
			    inet_ntop(AF_INET, &ip, buf, sizeof(buf)));
		else
			text_f(t, "%u", v->tag);
		return;
	}
	for (const struct name *n = names_value_type; n->s != NULL; n++) {
		if ((vmask & n->value) == 0)
			continue;
		text_f(t, "%s", sep);
		sep = ",";
		ip = htonl(v->nh4);
		if (n->value == VTYPE_NH4)
			text_f(t, "%s",
			    inet_ntop(AF_INET, &ip, buf, sizeof(buf)));
		else if (n->value == VTYPE_NH6)
			text_f(t, "%s",
			    inet_ntop(AF_INET6, v->nh6, buf, sizeof(buf)));
		else
			text_f(t, "%u", value_member(v, n->value));
	}
}

static void
put_flow(struct text *t, const struct table_info *i,
    const struct tflow_entry *f)
{
	int family = f->af == AF4 ? AF_INET : AF_INET6;
	unsigned size = f->af == AF4 ? 4 : 16;
	char buf[INET6_ADDRSTRLEN];
	const char *sep = "";

	for (const struct name *n = names_flow_field; n->s != NULL; n++) {
		if ((i->tflags & n->value) == 0)
			continue;
		text_f(t, "%s", sep);
		sep = ",";
		switch (n->value) {
		case FLOW_SRC_IP:
		case FLOW_DST_IP:
			text_f(t, "%s",
			    inet_ntop(family, f->addr +
				(n->value == FLOW_DST_IP ? size : 0), buf,
				sizeof(buf)));
			break;
		case FLOW_PROTO:
			text_f(t, "%u", f->proto);
			break;
		default:
			text_f(t, "%u", ntohs(n->value == FLOW_SRC_PORT ?
						  f->sport : f->dport));
		}
	}
}

void
tabentry_put(struct text *t, const struct table_info *i,
    const struct obj_tentry *en, bool as_ip)
{
	const uint8_t *m = en->k.mac;
	char buf[INET6_ADDRSTRLEN];

	switch (i->type) {
	case TABLE_ADDR:
		text_f(t, "%s/%u",
		    inet_ntop(en->subtype == AF4 ? AF_INET : AF_INET6,
			en->k.addr, buf, sizeof(buf)), en->masklen);
		break;
	case TABLE_MAC:
		text_f(t, "%02x:%02x:%02x:%02x:%02x:%02x/%u", m[0], m[1],
		    m[2], m[3], m[4], m[5], en->masklen);
		break;
	case TABLE_IFACE:
		text_safe(t, en->k.iface, sizeof(en->k.iface));
		break;
	case TABLE_FLOW:
		put_flow(t, i, &en->k.flow);
		break;
	default:
		text_f(t, "%u", en->k.number);
	}
	text_f(t, " ");
	tabentry_put_value(t, i->vmask, &en->v, as_ip);
}

static void
put_names(struct text *t, const struct name *n, uint32_t bits,
    const char *sep)
{
	for (; n->s != NULL; n++) {
		if ((bits & n->value) == 0)
			continue;
		text_f(t, "%s%s", sep, n->s);
		sep = ",";
	}
}

void
tabentry_put_type(struct text *t, const struct table_info *i)
{
	const char *s = name_of(names_table_type, i->type);

	text_f(t, "%s", s != NULL ? s : "unknown");
	if (i->type == TABLE_FLOW)
		put_names(t, names_flow_field, i->tflags, ":");
}

void
tabentry_put_vtype(struct text *t, uint32_t vmask)
{
	if (vmask == VTYPE_LEGACY)
		text_f(t, "legacy");
	else
		put_names(t, names_value_type, vmask, "");
}
