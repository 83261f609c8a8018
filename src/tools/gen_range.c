/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/gen_range.h"

#include "tools/gen_num.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* The longest half: [v6 address]:65535. */
enum { HALF_MAX = INET6_ADDRSTRLEN + 8 };

/* One end of a range. */
struct half {
	int af;
	uint64_t prefix;
	uint64_t addr;
	bool has_port;
	uint16_t port;
};

/* Splits FIRST[-LAST]; *has_last says whether there is a second part. */
static int
split(const char *text, char first[HALF_MAX], char last[HALF_MAX],
      bool *has_last, struct err *e)
{
	const char *dash = strchr(text, '-');
	size_t len = dash != NULL ? (size_t)(dash - text) : strlen(text);

	*has_last = dash != NULL;
	if (len >= HALF_MAX || (dash != NULL && strlen(dash + 1) >= HALF_MAX))
		return err_set(e, EINVAL, "too long for an address");
	memcpy(first, text, len);
	first[len] = '\0';
	strcpy(last, dash != NULL ? dash + 1 : "");
	return 0;
}

static uint64_t
word64(const uint8_t *b)
{
	uint64_t v = 0;

	for (int i = 0; i < 8; i++)
		v = v << 8 | b[i];
	return v;
}

static int
parse_port(const char *text, struct half *h, struct err *e)
{
	uint64_t port = 0;

	if (gen_num_parse(text, 0, UINT16_MAX, &port, NULL) != 0)
		return err_set(e, EINVAL,
			       "port '%s' is not a number from 0 to 65535",
			       text);
	h->has_port = true;
	h->port = (uint16_t)port;
	return 0;
}

/* The address of 's' (writable), family by its looks. */
static int
parse_half(char *s, struct half *h, struct err *e)
{
	uint8_t raw[16];
	char *colon = strchr(s, ':');
	char *port = NULL;

	*h = (struct half){.port = GEN_PORT_DEFAULT};
	if (s[0] == '[') {
		char *end = strchr(s, ']');

		if (end == NULL || (end[1] != '\0' && end[1] != ':'))
			return err_set(e, EINVAL, "'%s' has no closing ]", s);
		*end = '\0';
		port = end[1] == ':' ? end + 2 : NULL;
		s++;
		h->af = AF_INET6;
	} else if (colon != NULL && strchr(colon + 1, ':') != NULL) {
		h->af = AF_INET6;
	} else {
		if (colon != NULL) {
			*colon = '\0';
			port = colon + 1;
		}
		h->af = AF_INET;
	}
	if (inet_pton(h->af, s, raw) != 1)
		return err_set(e, EINVAL, "'%s' is not an IPv%c address", s,
			       h->af == AF_INET ? '4' : '6');
	if (h->af == AF_INET) {
		h->addr = (uint64_t)raw[0] << 24 | (uint64_t)raw[1] << 16 |
			  (uint64_t)raw[2] << 8 | raw[3];
	} else {
		h->prefix = word64(raw);
		h->addr = word64(raw + 8);
	}
	return port != NULL ? parse_port(port, h, e) : 0;
}

/* May these two be the ends of one range?  As in netmap's pkt-gen, a port at
 * the first end only means that one port. */
static int
check_ends(const struct half *a, struct half *b, struct err *e)
{
	if (a->af != b->af)
		return err_set(e, EINVAL, "one end is IPv4, the other IPv6");
	if (a->prefix != b->prefix)
		return err_set(e, EINVAL,
			       "an IPv6 range must lie within one /64");
	if (b->has_port && !a->has_port)
		return err_set(e, EINVAL, "the first address has no port");
	if (!b->has_port)
		b->port = a->port;
	if (a->addr > b->addr)
		return err_set(e, EINVAL, "the range of addresses is reversed");
	if (a->port > b->port)
		return err_set(e, EINVAL, "the range of ports is reversed");
	return 0;
}

int
gen_range_parse(const char *text, struct gen_range *out, struct err *e)
{
	char first[HALF_MAX], last[HALF_MAX];
	bool has_last;
	struct half a, b;
	int rc = split(text, first, last, &has_last, e);

	if (rc == 0)
		rc = parse_half(first, &a, e);
	if (rc != 0)
		return rc;
	b = a;
	if (has_last) {
		rc = parse_half(last, &b, e);
		if (rc == 0)
			rc = check_ends(&a, &b, e);
		if (rc != 0)
			return rc;
	}
	*out = (struct gen_range){
	    .af = a.af,
	    .prefix = a.prefix,
	    .lo = a.addr,
	    .hi = b.addr,
	    .port_lo = a.port,
	    .port_hi = b.port,
	};
	return 0;
}

static int
hex_digit(char c)
{
	const char *digits = "0123456789abcdef";
	const char *at = strchr(digits, c >= 'A' && c <= 'F' ? c + 32 : c);

	return c == '\0' || at == NULL ? -1 : (int)(at - digits);
}

static int
parse_mac(const char *s, uint64_t *out, struct err *e)
{
	uint64_t v = 0;

	if (strlen(s) != 17)
		return err_set(e, EINVAL, "'%s' is not a MAC address", s);
	for (int i = 0; i < 6; i++) {
		int hi = hex_digit(s[3 * i]), lo = hex_digit(s[3 * i + 1]);

		if (hi < 0 || lo < 0 || (i < 5 && s[3 * i + 2] != ':'))
			return err_set(e, EINVAL, "'%s' is not a MAC address",
				       s);
		v = v << 8 | (uint64_t)(hi << 4 | lo);
	}
	*out = v;
	return 0;
}

int
gen_macs_parse(const char *text, struct gen_macs *out, struct err *e)
{
	char first[HALF_MAX], last[HALF_MAX];
	bool has_last;
	struct gen_macs m;
	int rc = split(text, first, last, &has_last, e);

	if (rc == 0)
		rc = parse_mac(first, &m.lo, e);
	if (rc != 0)
		return rc;
	m.hi = m.lo;
	if (has_last) {
		rc = parse_mac(last, &m.hi, e);
		if (rc != 0)
			return rc;
	}
	if (m.lo > m.hi)
		return err_set(e, EINVAL,
			       "the range of MAC addresses is reversed");
	*out = m;
	return 0;
}
