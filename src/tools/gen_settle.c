/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/gen_settle.h"

#include "tools/gen_frame.h"
#include "tools/gen_ping.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BURST_DEFAULT = 512 };

/* A unicast MAC of our own, the same for the same port name every time. */
static uint64_t
mac_of_name(const char *name)
{
	uint64_t h = 0xcbf29ce484222325ull; /* FNV-1a */

	for (; *name != '\0'; name++)
		h = (h ^ (uint8_t)*name) * 0x100000001b3ull;
	return 0x020000000000ull | (h >> 24 & 0xffffffffffull);
}

/* A random side without a range of its own takes everything there is. */
static void
widen(struct gen_range *x)
{
	if (x->lo == x->hi) {
		x->lo = 0;
		x->hi = x->af == AF_INET ? UINT32_MAX : UINT64_MAX;
	}
	if (x->port_lo == x->port_hi) {
		x->port_lo = 0;
		x->port_hi = UINT16_MAX;
	}
}

static int
settle_addresses(struct gen_reading *r, struct err *e)
{
	struct gen_cfg *c = &r->c;
	bool has_src = r->seen['s'] > 0, has_dst = r->seen['d'] > 0;
	bool is_v6 = r->seen['6'] > 0 || (has_src && c->src.af == AF_INET6) ||
		     (has_dst && c->dst.af == AF_INET6);

	if (r->seen['4'] > 0 && r->seen['6'] > 0)
		return err_set(e, EINVAL, "-4 and -6 exclude each other");
	if (r->seen['4'] > 0 && is_v6)
		return err_set(e, EINVAL, "-4: there is an IPv6 address");
	c->af = is_v6 ? AF_INET6 : AF_INET;
	if (!has_src)
		gen_range_parse(is_v6 ? "fd00::1" : "10.0.0.1", &c->src, e);
	if (!has_dst)
		gen_range_parse(is_v6 ? "fd00:1::1" : "10.1.0.1", &c->dst, e);
	if (c->src.af != c->af || c->dst.af != c->af)
		return err_set(e, EINVAL, "%s: IPv4, but the other is IPv6",
			       c->src.af != c->af ? "-s" : "-d");
	if (c->random_src)
		widen(&c->src);
	if (c->random_dst)
		widen(&c->dst);
	if (r->seen['S'] == 0)
		c->src_mac.lo = c->src_mac.hi = mac_of_name(c->port);
	if (r->seen['D'] == 0)
		c->dst_mac.lo = c->dst_mac.hi = 0xffffffffffffull;
	return 0;
}

static int
settle_lengths(struct gen_reading *r, struct err *e)
{
	struct gen_cfg *c = &r->c;
	unsigned hdr = c->af == AF_INET6 ? GEN_HDR6_LEN : GEN_HDR4_LEN;
	unsigned least = c->mode == GEN_PING ? hdr + GEN_PING_LEN : hdr;

	if (least < GEN_FRAME_MIN)
		least = GEN_FRAME_MIN;
	if (r->seen['l'] == 0)
		c->len = least;
	if (c->len_min > c->len)
		return err_set(e, EINVAL,
			       "-l %u: the second size is above the first, %u",
			       c->len_min, c->len);
	if (c->len_min == c->len)
		c->len_min = 0;
	if (c->len < least || (c->len_min != 0 && c->len_min < least))
		return err_set(e, EINVAL, "-l %u: at least %u are needed here",
			       c->len < least ? c->len : c->len_min, least);
	if (c->mode == GEN_PING && c->len_min != 0)
		return err_set(e, EINVAL, "-l: ping has one size");
	if (c->headers_only && c->mode == GEN_PING)
		return err_set(e, EINVAL, "-r: ping needs its payload");
	if (c->headers_only && c->af == AF_INET6)
		return err_set(e, EINVAL,
			       "-r: IPv6 needs the checksum of its payload");
	return 0;
}

static int
settle_cpus(struct gen_reading *r, struct err *e)
{
	struct gen_cfg *c = &r->c;
	long online = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned have = online > 0 ? (unsigned)online : 1;

	if (c->cpus > have)
		return err_set(e, EINVAL, "-c %u: there are %u CPUs", c->cpus,
			       have);
	if (c->cpu != GEN_CPU_ANY && (unsigned)c->cpu >= have)
		return err_set(e, EINVAL, "-a %d: there are CPUs 0 to %u",
			       c->cpu, have - 1);
	if (c->cpus == 0)
		c->cpus = have;
	return 0;
}

/* Each thread has a ring in the direction it works in. */
static int
settle_threads(struct gen_reading *r, struct err *e)
{
	struct gen_cfg *c = &r->c;
	unsigned *rings =
	    c->mode == GEN_TX ? &c->ring.tx_rings : &c->ring.rx_rings;

	if (c->threads == 1)
		return 0;
	if (c->mode == GEN_PING || c->mode == GEN_PONG)
		return err_set(e, EINVAL, "-p %u: %s has one thread",
			       c->threads, gen_mode_name(c->mode));
	if (*rings == 0)
		*rings = c->threads;
	if (*rings < c->threads)
		return err_set(e, EINVAL, "-p %u: more threads than rings, %u",
			       c->threads, *rings);
	return 0;
}

/* Frames of a file are sent as they are: nothing may want to change them. */
static int
settle_trace(struct gen_reading *r, struct err *e)
{
	static const char others[] = "lsdSD46zZr";

	if (r->c.trace_file == NULL)
		return 0;
	if (r->c.mode != GEN_TX)
		return err_set(e, EINVAL, "-P: only tx sends a file");
	for (const char *o = others; *o != '\0'; o++)
		if (r->seen[(unsigned char)*o] > 0)
			return err_set(
			    e, EINVAL,
			    "-%c: the frames of -P are sent as they are", *o);
	return 0;
}

int
gen_settle(struct gen_reading *r, struct err *e)
{
	struct gen_cfg *c = &r->c;
	int rc;

	if (r->seen['i'] == 0)
		return err_set(e, EINVAL, "-i: a port is needed, as valeA:1");
	if (r->seen['b'] == 0)
		c->burst = c->mode == GEN_PING ? 1 : BURST_DEFAULT;
	c->verbose = r->seen['v'];
	rc = settle_trace(r, e);
	if (rc == 0)
		rc = settle_addresses(r, e);
	if (rc == 0)
		rc = settle_lengths(r, e);
	if (rc == 0)
		rc = settle_cpus(r, e);
	if (rc == 0)
		rc = settle_threads(r, e);
	return rc;
}
