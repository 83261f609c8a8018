/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A link: when it can send the next packet, and when that one has left.
 *
 * Place      each scheduler instance has one; dn.c asks it before each packet.
 * Rate       as in dummynet a packet leaves when its transmission begins, and
 *            the link is busy for its length after that: the first one after
 *            a pause leaves at once.  A burst is time that the link may owe.
 * Exactness  the part of a nanosecond that a length does not fill is carried to
 *            the next packet: no drift at all.
 * Trace      deliveries at given moments, again and again: each moment carries
 *            n x DN_TRACE_BYTES octets, to packets that waited then; a packet
 *            leaves with its last octet.  What nobody waited for is gone.
 * Bounds     rate >= 1 bit/s, length < 2^16, so one packet takes below 2^49 ns.
 */
#pragma once

#include "base/ns.h"
#include "pipe/dn.h"

struct link_cfg { /* what a link works from */
	uint64_t rate_bps; /* 0 = unlimited */
	ns_t burst;	   /* time that may be saved up */
	const struct dn_moment *trace; /* NULL = none */
	uint32_t n_trace;
};

struct link {
	ns_t free_at;	/* when it can begin the next packet */
	uint64_t rest;	/* of a ns, in 1 / rate_bps */
	uint32_t last_bytes; /* memo: this length takes ... */
	uint64_t last_rest;
	ns_t last_ns;	     /* ... this long */
	/* trace */
	ns_t epoch;	/* when its present round began */
	uint32_t at;	/* the moment in use */
	uint32_t left;	/* octets it has left */
	bool begun;
};

/* For the functions below: links with a trace. */
ns_t link_trace_ready(struct link *l, const struct link_cfg *c, ns_t now);
ns_t link_trace_send(struct link *l, const struct link_cfg *c, unsigned bytes);

/* When the link can begin a packet that is ready at 'now'; forgets what was
 * saved up beyond the burst.  Only to be asked if no packet waited before. */
static inline ns_t
link_ready(struct link *l, const struct link_cfg *c, ns_t now)
{
	ns_t floor = now > c->burst ? now - c->burst : 0;

	if (unlikely(c->trace != NULL))
		return link_trace_ready(l, c, now);
	if (l->free_at < floor) {
		l->free_at = floor;
		l->rest = 0;
	}
	return l->free_at > now ? l->free_at : now;
}

/* For link_send(): adds the time that 'bytes' take. */
static inline void
link_charge(struct link *l, uint64_t rate_bps, unsigned bytes)
{
	if (unlikely(bytes != l->last_bytes)) {
		uint64_t bits_ns = bytes * 8ull * NS_PER_S; /* below 2^50 */

		l->last_bytes = bytes;
		l->last_ns = bits_ns / rate_bps;
		l->last_rest = bits_ns % rate_bps;
	}
	l->free_at += l->last_ns;
	l->rest += l->last_rest;
	if (l->rest >= rate_bps) {
		l->rest -= rate_bps;
		l->free_at++;
	}
}

/* Begins a packet of 'bytes' octets at 't' (what link_ready() or link_next()
 * said), which holds the link for 'extra' ns more.  Returns when it leaves. */
static inline ns_t
link_send(struct link *l, const struct link_cfg *c, unsigned bytes, ns_t t,
    ns_t extra)
{
	if (unlikely(c->trace != NULL))
		return link_trace_send(l, c, bytes);
	if (c->rate_bps == 0)
		l->free_at = t;
	else
		link_charge(l, c->rate_bps, bytes);
	l->free_at += extra;
	return t;
}

/* When the link can begin the next one, after a link_send() at 't'. */
static inline ns_t
link_next(const struct link *l, ns_t t)
{
	return l->free_at > t ? l->free_at : t;
}

/* The parameters have just changed from 'old' to 'c': what the link owes is
 * paid at the new rate. */
void link_changed(struct link *l, const struct link_cfg *old,
    const struct link_cfg *c, ns_t now);
