/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/pipe_mask.h"

#include "cli/names.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

/* One part of a flow's name: where it lies in abi_flow_id, and its bits. */
struct field {
	const char *names;
	uint8_t bits; /* 128: an IPv6 address */
	uint8_t family; /* 0: any */
	uint16_t at;
};

#define AT(member) offsetof(struct abi_flow_id, member)
static const struct field fields[] = {
    {"dst-ip", 32, 4, AT(dst)},
    {"src-ip", 32, 4, AT(src)},
    {"dst-port", 16, 0, AT(dst_port)},
    {"src-port", 16, 0, AT(src_port)},
    {"proto", 8, 0, AT(proto)},
    {"dst-ip6 dst-ipv6", 128, 6, AT(dst6)},
    {"src-ip6 src-ipv6", 128, 6, AT(src6)},
    {"flow-id", 20, 6, AT(flow_label)},
};
#undef AT

static const struct field *
field_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (name_in_list(fields[i].names, name))
			return &fields[i];
	return NULL;
}

static void
put_prefix(uint8_t *addr, unsigned len)
{
	for (unsigned i = 0; i < 16; i++, len = len > 8 ? len - 8 : 0)
		addr[i] = len >= 8 ? 0xff : (uint8_t)(0xff00 >> len);
}

static void
put_bits(struct abi_flow_id *mask, const struct field *f, uint32_t v)
{
	char *at = (char *)mask + f->at;
	uint16_t v16 = (uint16_t)v;
	uint8_t v8 = (uint8_t)v;

	if (f->bits == 128)
		put_prefix((uint8_t *)at, v);
	else if (f->bits == 16)
		memcpy(at, &v16, sizeof(v16));
	else if (f->bits == 8)
		memcpy(at, &v8, sizeof(v8));
	else
		memcpy(at, &v, sizeof(v));
	if (f->family != 0)
		mask->family = f->family;
}

/* "/24", "0xff00", "255.255.255.0" or "4095". */
static int
read_bits(const struct field *f, const struct word *w, uint32_t *out,
    struct err *e)
{
	uint64_t most = f->bits < 32 ? (1u << f->bits) - 1 : UINT32_MAX;
	bool slash = w->s[0] == '/';
	const char *s = w->s + slash;
	struct in_addr a;
	char *end;
	unsigned long v;

	if (f->bits == 32 && !slash && strchr(s, '.') != NULL &&
	    inet_pton(AF_INET, s, &a) == 1) {
		*out = ntohl(a.s_addr);
		return 0;
	}
	v = strtoul(s, &end, 0);
	if (s[0] < '0' || s[0] > '9' || *end != '\0')
		return word_err(e, EX_DATAERR, w, "a mask is expected");
	if (slash || f->bits == 128) {
		if (v > f->bits)
			return word_err(e, EX_DATAERR, w,
			    "a mask of at most /%u is possible here", f->bits);
		*out = f->bits == 128 ? (uint32_t)v :
		    v == 32	       ? UINT32_MAX :
					 (1u << v) - 1;
		return 0;
	}
	if (v > most)
		return word_err(e, EX_DATAERR, w, "a mask of %u bits is possible"
		    " here", f->bits);
	*out = (uint32_t)v;
	return 0;
}

static void
mask_all(struct abi_flow_id *mask)
{
	memset(mask, 0, sizeof(*mask));
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		put_bits(mask, &fields[i],
		    fields[i].bits == 128 ? 128 : UINT32_MAX);
	mask->family = 0;
}

int
pipe_mask_read(const struct word **w, const struct word *end,
    const struct word *key, struct abi_flow_id *mask, bool *any, struct err *e)
{
	const struct word *first = *w;
	const struct field *f;
	uint32_t v = 0;
	int rc;

	memset(mask, 0, sizeof(*mask));
	*any = false;
	if (*w < end && (strcmp((*w)->s, "all") == 0 ||
	    strcmp((*w)->s, "queue") == 0)) {
		if ((*w)->s[0] == 'a')
			mask_all(mask);
		else
			mask->extra = UINT32_MAX;
		*any = true;
		(*w)++;
		return 0;
	}
	for (; *w < end && (f = field_find((*w)->s)) != NULL; *w += 2) {
		if (*w + 1 == end)
			return word_err(e, EX_USAGE, *w, "a mask is expected "
			    "after it");
		if ((rc = read_bits(f, *w + 1, &v, e)) != 0)
			return rc;
		put_bits(mask, f, v);
		*any = *any || v != 0;
	}
	if (*w == first)
		return word_err(e, EX_USAGE, key, "all, or dst-ip, src-ip, "
		    "dst-port, src-port, proto, dst-ip6, src-ip6 or flow-id "
		    "with a mask is expected after it");
	return 0;
}

void
pipe_mask_put(struct text *t, const struct abi_flow_id *m)
{
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];
	const char *queue = m->extra != 0 ? "queue," : "";

	if (m->family != 6) {
		text_f(t, "    mask: %s 0x%02x 0x%08x/0x%04x -> 0x%08x/0x%04x\n",
		    queue, m->proto, m->src, m->src_port, m->dst, m->dst_port);
		return;
	}
	inet_ntop(AF_INET6, m->src6, src, sizeof(src));
	inet_ntop(AF_INET6, m->dst6, dst, sizeof(dst));
	text_f(t, "\n        mask: %sproto: 0x%02x, flow_id: 0x%08x,  "
	    "%s/0x%04x -> %s/0x%04x\n", queue, m->proto, m->flow_label, src,
	    m->src_port, dst, m->dst_port);
}
