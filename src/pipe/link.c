/* SPDX-License-Identifier: BSD-2-Clause */
#include "pipe/link.h"

enum { TRACE_HEADER = 4 }; /* what Mahimahi reads before the IP header */

/* ---- trace ---- */

static ns_t
moment_time(const struct link *l, const struct link_cfg *c)
{
	return l->epoch + c->trace[l->at].ms * NS_PER_MS;
}

static void
enter_moment(struct link *l, const struct link_cfg *c, uint32_t at)
{
	l->at = at;
	l->left = c->trace[at].n * DN_TRACE_BYTES;
}

static ns_t
period(const struct link_cfg *c)
{
	return c->trace[c->n_trace - 1].ms * NS_PER_MS;
}

static void
next_moment(struct link *l, const struct link_cfg *c)
{
	if (l->at + 1 < c->n_trace) {
		enter_moment(l, c, l->at + 1);
		return;
	}
	l->epoch += period(c);
	enter_moment(l, c, 0);
}

/* The first moment at 'now' or after it. */
static void
find_moment(struct link *l, const struct link_cfg *c, ns_t now)
{
	uint32_t lo = 0, hi = c->n_trace - 1;
	ns_t since;

	l->epoch += (now - l->epoch) / period(c) * period(c);
	since = now - l->epoch;
	if (since == 0) { /* the end of a round is the beginning of one */
		l->epoch -= period(c);
		since = period(c);
	}
	while (lo < hi) { /* the last moment is at the end of the period */
		uint32_t mid = lo + (hi - lo) / 2;

		if (c->trace[mid].ms * NS_PER_MS >= since)
			hi = mid;
		else
			lo = mid + 1;
	}
	enter_moment(l, c, lo);
}

ns_t
link_trace_ready(struct link *l, const struct link_cfg *c, ns_t now)
{
	if (!l->begun) {
		l->begun = true;
		l->epoch = now;
		enter_moment(l, c, 0);
	}
	if (moment_time(l, c) < now)
		find_moment(l, c, now);
	return l->free_at = moment_time(l, c);
}

ns_t
link_trace_send(struct link *l, const struct link_cfg *c, unsigned bytes)
{
	uint32_t cost = bytes + TRACE_HEADER;
	ns_t leaves;

	while (cost > l->left) {
		cost -= l->left;
		next_moment(l, c);
	}
	l->left -= cost;
	leaves = moment_time(l, c);
	if (l->left == 0)
		next_moment(l, c);
	l->free_at = moment_time(l, c);
	return leaves;
}

void
link_changed(struct link *l, const struct link_cfg *old,
    const struct link_cfg *c, ns_t now)
{
	l->last_bytes = 0;
	l->last_ns = l->last_rest = l->rest = 0;
	l->begun = false;
	if (c->trace != NULL || l->free_at <= now)
		return;
	if (c->rate_bps == 0 || old->rate_bps == 0 || old->trace != NULL)
		l->free_at = now;
	else if (c->rate_bps != old->rate_bps)
		l->free_at = now + (ns_t)((double)(l->free_at - now) *
		    ((double)old->rate_bps / (double)c->rate_bps));
}
