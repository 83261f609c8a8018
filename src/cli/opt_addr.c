/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses of IPv4 and IPv6, lists and sets of them. */
#include "cli/option.h"

#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include <arpa/inet.h>

enum {
	V4_MAX = (INSN_MAX_WORDS - 1) / 2,
	V6_MAX = (INSN_MAX_WORDS - 1) / 8,
	ELEM_MAX = 300, /* a host name and a mask */
};

/* The opcodes of one side of a packet. */
struct side {
	uint8_t host4, mask4, me4, set4;
	uint8_t host6, mask6, me6;
	uint8_t lookup;
};

static const struct side src_side = {O_IP_SRC, O_IP_SRC_MASK, O_IP_SRC_ME,
    O_IP_SRC_SET, O_IP6_SRC, O_IP6_SRC_MASK, O_IP6_SRC_ME,
    O_IP_SRC_LOOKUP};
static const struct side dst_side = {O_IP_DST, O_IP_DST_MASK, O_IP_DST_ME,
    O_IP_DST_SET, O_IP6_DST, O_IP6_DST_MASK, O_IP6_DST_ME,
    O_IP_DST_LOOKUP};

int
contiguous(const uint8_t *p, unsigned bits)
{
	unsigned n = 0;

	while (n < bits && (p[n / 8] & 0x80 >> n % 8) != 0)
		n++;
	for (unsigned i = n; i < bits; i++)
		if ((p[i / 8] & 0x80 >> i % 8) != 0)
			return -1;
	return (int)n;
}

static void
ones(uint8_t *mask, unsigned size, unsigned n)
{
	memset(mask, 0, size);
	for (unsigned i = 0; i < n; i++)
		mask[i / 8] |= (uint8_t)(0x80 >> i % 8);
}

/* One element of a list: "HOST" or "HOST<sep>MASK". */
struct elem {
	char text[ELEM_MAX];
	char *mask; /* NULL if none */
	char sep;
};

/* Cuts the next element off '*s'.  ':' separates a mask for IPv4 only. */
static bool
cut_elem(const char **s, const char *seps, struct elem *e)
{
	size_t len = strcspn(*s, ",");

	if (len >= sizeof(e->text))
		return false;
	memcpy(e->text, *s, len);
	e->text[len] = '\0';
	*s += len;
	e->mask = strpbrk(e->text, seps);
	e->sep = '\0';
	if (e->mask != NULL) {
		e->sep = *e->mask;
		*e->mask++ = '\0';
	}
	return true;
}

static int
check_host(struct build *b, const char *host)
{
	if (*host != '\0' && !name_in_list(names_no_host, host))
		return 0;
	if (*host == 'm' || *host == 'a')
		return build_err(b, EX_DATAERR,
		    "\"%s\" cannot be in a list; a block can hold it: "
		    "{ %s or ... }", host, host);
	return build_err(b, EX_DATAERR,
	    "an address is missing beside a comma");
}

static int
lookup(struct build *b, const char *host, int family, void *addr)
{
	int r = check_host(b, host);

	if (r != 0)
		return r;
	if (inet_pton(family, host, addr) == 1)
		return 0;
	if (host_addr(host, family, addr))
		return 0;
	if (isdigit((unsigned char)*host))
		return build_err(b, EX_DATAERR, "\"%.60s\" is not an IPv%d address",
		    host, family == AF_INET ? 4 : 6);
	return build_err(b, EX_NOHOST, "host \"%.60s\" is unknown", host);
}

/* ---- IPv4 ---- */

static int
read_elem4(struct build *b, struct elem *el, uint32_t *addr, uint32_t *mask)
{
	uint32_t bits;
	int r = lookup(b, el->text, AF_INET, addr);

	if (r != 0)
		return r;
	*mask = UINT32_MAX;
	if (el->sep == '/') {
		if (!number(el->mask, 32, &bits))
			return build_err(b, EX_DATAERR,
			    "\"%.40s\" is not a prefix length (0 to 32)",
			    el->mask);
		ones((uint8_t *)mask, 4, bits);
	} else if (el->sep == ':' && inet_pton(AF_INET, el->mask, mask) != 1) {
		return build_err(b, EX_DATAERR, "\"%.40s\" is not a mask",
		    el->mask);
	}
	*addr &= *mask;
	return 0;
}

/* The numbers in "{1,5-9}" as bits counted from 'base'. */
static int
read_members(struct build *b, const char *s, uint32_t base, unsigned size,
    uint32_t *map)
{
	uint32_t lo, hi;
	const char *at = s + 1;

	do {
		if (!number_until(at, ",-}", 255, &lo, &at))
			goto bad;
		hi = lo;
		if (*at == '-' && !number_until(at + 1, ",}", 255, &hi, &at))
			goto bad;
		if (lo > hi || lo < base || hi >= base + size)
			return build_err(b, EX_DATAERR,
			    "%u-%u is not a range within %u to %u", lo, hi,
			    base, base + size - 1);
		for (; lo <= hi; lo++)
			map[(lo - base) / 32] |= UINT32_C(1)
						 << (lo - base) % 32;
	} while (*at++ == ',');
	if (at[-1] == '}' && *at == '\0')
		return 0;
bad:
	return build_err(b, EX_DATAERR,
	    "\"%.40s\" is not a set like {1,5-9}", s);
}

/* BASE[/LEN]{N,N-N,...}: one bit per address, the base in host order. */
static int
parse_set4(struct build *b, const struct side *side, const char *s,
    const char *brace)
{
	char head[ELEM_MAX];
	const char *p = head;
	struct elem el;
	uint32_t addr, mask, map[8] = {0};
	unsigned size;
	struct insn_ip *ip;
	int len, r;

	if ((size_t)(brace - s) >= sizeof(head) ||
	    memchr(s, ',', (size_t)(brace - s)) != NULL)
		return build_err(b, EX_DATAERR,
		    "a set of addresses cannot be in a list");
	snprintf(head, sizeof(head), "%.*s", (int)(brace - s), s);
	cut_elem(&p, "/:", &el);
	r = read_elem4(b, &el, &addr, &mask);
	if (r != 0)
		return r;
	if (el.sep == '\0')
		mask = htonl(0xffffff00);
	addr &= mask;
	len = contiguous((const uint8_t *)&mask, 32);
	if (len < 24 || len > 31)
		return build_err(b, EX_DATAERR,
		    "a set needs a prefix length of 24 to 31");
	size = 1u << (32 - len);
	addr = ntohl(addr);
	r = read_members(b, brace, addr & 0xff, size, map);
	if (r != 0)
		return r;
	ip = build_emit(b, side->set4, 2 + (size + 31) / 32);
	if (ip == NULL)
		return EX_DATAERR;
	ip->o.arg1 = (uint16_t)size;
	ip->addr = addr;
	memcpy(&ip->mask, map, (size + 31) / 32 * 4);
	return 0;
}

static int
parse_list4(struct build *b, const struct side *side, const char *s)
{
	uint32_t pair[V4_MAX][2];
	bool all = false;
	unsigned n = 0, words;
	struct insn *i;

	do {
		struct elem el;
		int r;

		if (n == V4_MAX || !cut_elem(&s, "/:", &el))
			return build_err(b, EX_DATAERR,
			    "more than %d addresses in a list", V4_MAX);
		r = read_elem4(b, &el, &pair[n][0], &pair[n][1]);
		if (r != 0)
			return r;
		all = all || pair[n][1] == 0;
		n++;
	} while (*s++ == ',');
	if (all) /* a prefix of no bits: the list holds every address */
		return 0;
	words = n == 1 && pair[0][1] == UINT32_MAX ? 2 : 1 + 2 * n;
	i = build_emit(b, words == 2 ? side->host4 : side->mask4, words);
	if (i == NULL)
		return EX_DATAERR;
	memcpy(i + 1, pair, (words - 1) * 4);
	return 0;
}

/* ---- IPv6 ---- */

static int
read_elem6(struct build *b, struct elem *el, uint8_t *addr, uint8_t *mask)
{
	uint32_t bits = 128;
	int r = lookup(b, el->text, AF_INET6, addr);

	if (r != 0)
		return r;
	ones(mask, 16, 128);
	if (el->mask != NULL && inet_pton(AF_INET6, el->mask, mask) != 1) {
		if (!number(el->mask, 128, &bits))
			return build_err(b, EX_DATAERR,
			    "\"%.40s\" is not a prefix length (0 to 128) or a "
			    "mask", el->mask);
		ones(mask, 16, bits);
	}
	for (unsigned k = 0; k < 16; k++)
		addr[k] &= mask[k];
	return 0;
}

static int
parse_list6(struct build *b, const struct side *side, const char *s)
{
	uint8_t pair[V6_MAX][32];
	bool all = false;
	unsigned n = 0, words;
	struct insn *i;

	do {
		struct elem el;
		int r, bits;

		if (n == V6_MAX || !cut_elem(&s, "/", &el))
			return build_err(b, EX_DATAERR,
			    "more than %d IPv6 addresses in a list", V6_MAX);
		r = read_elem6(b, &el, pair[n], pair[n] + 16);
		if (r != 0)
			return r;
		bits = contiguous(pair[n] + 16, 128);
		all = all || bits == 0;
		n++;
	} while (*s++ == ',');
	if (all)
		return 0;
	words = n == 1 && contiguous(pair[0] + 16, 128) == 128 ? 5 : 1 + 8 * n;
	i = build_emit(b, words == 5 ? side->host6 : side->mask6, words);
	if (i == NULL)
		return EX_DATAERR;
	memcpy(i + 1, pair, (words - 1) * 4);
	return 0;
}

/* ---- both ---- */

static int
emit_me(struct build *b, unsigned opcode)
{
	return build_emit(b, opcode, 1) != NULL ? 0 : EX_DATAERR;
}

/* True if the first address of a list can only be one of IPv6. */
static bool
is_v6(const char *s)
{
	const char *colon = memchr(s, ':', strcspn(s, "/,"));

	return colon != NULL &&
	       memchr(colon + 1, ':', strcspn(colon + 1, "/,")) != NULL;
}

/* True if a list of names has to be looked up as IPv6. */
static bool
is_v6_name(const char *s)
{
	struct elem el;
	uint8_t addr[16];

	return cut_elem(&s, "/:", &el) &&
	       !isdigit((unsigned char)el.text[0]) &&
	       !host_addr(el.text, AF_INET, addr) &&
	       host_addr(el.text, AF_INET6, addr);
}

static int
parse_addr(struct build *b, const struct option *o, const struct side *side)
{
	unsigned family = o->num != 6 ? b->family : 6;
	const char *s, *brace;
	int r = build_word(b, "an address", &s);

	if (r != 0)
		return r;
	if (strcmp(s, "any") == 0)
		return 0;
	if (strpbrk(s, "{}()") == s || strcmp(s, "to") == 0 ||
	    strcmp(s, "from") == 0 || strcmp(s, "or") == 0)
		return build_err(b, EX_USAGE, "an address is missing here");
	if (strcmp(s, "me6") == 0)
		return emit_me(b, side->me6);
	if (strcmp(s, "me") == 0)
		return emit_me(b, family == 6 ? side->me6 : side->me4);
	if (is_table(s))
		return emit_table(b, side->lookup, s);
	if (is_v6(s))
		return parse_list6(b, side, s);
	brace = strchr(s, '{');
	if (brace != NULL)
		return parse_set4(b, side, s, brace);
	if ((family == 6 && !isdigit((unsigned char)*s)) ||
	    (family == 0 && is_v6_name(s)))
		return parse_list6(b, side, s);
	return parse_list4(b, side, s);
}

int
parse_src(struct build *b, const struct option *o)
{
	return parse_addr(b, o, &src_side);
}

int
parse_dst(struct build *b, const struct option *o)
{
	return parse_addr(b, o, &dst_side);
}

static bool
put_host(struct text *t, int family, const void *addr, const struct show *show)
{
	struct sockaddr_storage ss = {.ss_family = (sa_family_t)family};
	socklen_t size = sizeof(struct sockaddr_in);
	char name[NI_MAXHOST];

	if (!show->resolve)
		return false;
	if (family == AF_INET) {
		memcpy(&((struct sockaddr_in *)&ss)->sin_addr, addr, 4);
	} else {
		memcpy(&((struct sockaddr_in6 *)&ss)->sin6_addr, addr, 16);
		size = sizeof(struct sockaddr_in6);
	}
	if (getnameinfo((struct sockaddr *)&ss, size, name, sizeof(name), NULL,
		0, NI_NAMEREQD) != 0)
		return false;
	text_safe(t, name, sizeof(name));
	return true;
}

/* An address with its mask; 'mask' is NULL for a host. */
static void
put_addr(struct text *t, int family, const uint8_t *addr, const uint8_t *mask,
    const struct show *show)
{
	int bits = family == AF_INET ? 32 : 128;
	int len = mask != NULL ? contiguous(mask, (unsigned)bits) : bits;
	char buf[INET6_ADDRSTRLEN];

	if (len == 0) {
		text_f(t, "any");
		return;
	}
	if (len == bits && put_host(t, family, addr, show))
		return;
	text_f(t, "%s", inet_ntop(family, addr, buf, sizeof(buf)));
	if (len < 0)
		text_f(t, "%c%s", family == AF_INET ? ':' : '/',
		    inet_ntop(family, mask, buf, sizeof(buf)));
	else if (len < bits)
		text_f(t, "/%d", len);
}

static void
print_list(struct text *t, const struct insn *i, int family,
    const struct show *show)
{
	unsigned size = family == AF_INET ? 4 : 16;
	unsigned left = 4 * (insn_words(i) - 1);
	const uint8_t *p = (const uint8_t *)(i + 1);
	const char *sep = " ";

	if (left == size) {
		text_f(t, " ");
		put_addr(t, family, p, NULL, show);
		return;
	}
	for (; left >= 2 * size; left -= 2 * size, p += 2 * size) {
		text_f(t, "%s", sep);
		put_addr(t, family, p, p + size, show);
		sep = ",";
	}
	if (left != 0)
		text_f(t, " [%u octets left]", left);
}

void
print_ip4(struct text *t, const struct insn *i, const struct option *o,
    const struct show *show)
{
	(void)o;
	print_list(t, i, AF_INET, show);
}

void
print_ip6(struct text *t, const struct insn *i, const struct option *o,
    const struct show *show)
{
	(void)o;
	print_list(t, i, AF_INET6, show);
}

void
print_me(struct text *t, const struct insn *i, const struct option *o,
    const struct show *show)
{
	(void)i, (void)o, (void)show;
	text_f(t, " me");
}

void
print_me6(struct text *t, const struct insn *i, const struct option *o,
    const struct show *show)
{
	(void)i, (void)o, (void)show;
	text_f(t, " me6");
}

/* Runs of at least three are written as a range. */
static void
put_members(struct text *t, const uint32_t *map, unsigned size, unsigned base)
{
	char sep = '{';

	for (unsigned n = 0, end; n < size; n++) {
		if ((map[n / 32] >> n % 32 & 1) == 0)
			continue;
		for (end = n + 1; end < size; end++)
			if ((map[end / 32] >> end % 32 & 1) == 0)
				break;
		text_f(t, "%c%u", sep, base + n);
		sep = ',';
		if (end > n + 2) {
			text_f(t, "-%u", base + end - 1);
			n = end - 1;
		}
	}
	text_f(t, sep == '{' ? "{}" : "}");
}

void
print_ip4_set(struct text *t, const struct insn *i, const struct option *o,
    const struct show *show)
{
	const struct insn_ip *ip = (const void *)i;
	unsigned size = i->arg1, len = 32;
	uint32_t addr = htonl(ip->addr);
	char buf[INET_ADDRSTRLEN];

	(void)o, (void)show;
	if (size < 2 || size > 256 || (size & (size - 1)) != 0 ||
	    insn_words(i) != 2 + (size + 31) / 32) {
		print_raw(t, i);
		return;
	}
	for (unsigned n = size; n > 1; n /= 2)
		len--;
	text_f(t, " %s/%u", inet_ntop(AF_INET, &addr, buf, sizeof(buf)), len);
	put_members(t, &ip->mask, size, ip->addr & 0xff);
}
