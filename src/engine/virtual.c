/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/virtual.h"

#include "engine/fate.h"
#include "engine/worker.h"
#include "port/capture.h"

#include <errno.h>
#include <stdlib.h>

/* A journey through time. */
struct journey {
	struct worker *w;
	struct step_ctx *c;
	struct vtime *v;
	struct dn *dn;
	const struct virtual_cfg *cfg;
	unsigned burst;	    /* most packets at a time */
	bool goes_on;	    /* what leaves a pipe is shown to rules again */
	bool has_log;
	enum dn_order order; /* of the pipes, if there are any */
	uint64_t second;    /* that was seen to last */
	uint32_t n_came;    /* packets; wraps */
	ns_t stamps[PORT_BURST];
	struct held **left; /* what pipes have given back */
	unsigned n_left, room;
	struct port *to;    /* a capture that out[n_out] is still to be sent by */
	unsigned n_out;
	struct writer_frame out[PORT_BURST];
};

/* ---- what the rules ask for ---- */

/* Actions whose effects are seen to at the end of a burst. */
static bool
wants_single(const struct insn *i, bool *has_log)
{
	*has_log |= i->opcode == O_LOG;
	return i->opcode == O_LOG || i->opcode == O_REASS ||
	    i->opcode == O_REJECT || i->opcode == O_UNREACH6;
}

static bool
rules_want_single(const struct ruleset *rs, bool *has_log)
{
	bool single = false;

	for (unsigned n = 0; n < rs->n_rules; n++) {
		const struct rule *r = rs->rules[n];
		const struct insn *end = r->cmd + r->n_words;

		for (const struct insn *i = r->cmd; i < end; i = insn_next(i))
			single |= wants_single(i, has_log);
	}
	return single;
}

static void
plan_journey(struct journey *j)
{
	const struct step_ctx *c = j->c;
	bool pipes = pipes_live(c->door->pipes);
	bool single = rules_want_single(c->pass.rules, &j->has_log);

	j->order = pipes ? dn_order(j->dn) : DN_ORDER_FREE;
	j->goes_on = pipes && (!c->one_pass || c->out_pass);
	j->burst = j->cfg->burst == 0 || j->cfg->burst > PORT_BURST ?
	    PORT_BURST : j->cfg->burst;
	if (single || c->out_pass || j->goes_on || j->v->verdicts != NULL ||
	    j->order == DN_ORDER_STRICT)
		j->burst = 1;
}

/* ---- sending ---- */

static void
set_now(struct journey *j, ns_t now)
{
	if (now > j->v->now)
		j->v->now = now;
}

/* Sends what was kept back, which must be done before it is given up. */
static void
flush(struct journey *j)
{
	unsigned n = j->n_out, sent;

	if (n == 0)
		return;
	sent = capture_tx(j->to, j->out, n);
	if (unlikely(sent < n))
		stat_add(&j->c->drops[DROP_TX_FULL], n - sent);
	j->n_out = 0;
}

/* Sends a packet, which is no capture's, to a port of another kind. */
static __attribute__((noinline)) void
send_elsewhere(struct journey *j, struct port *to, uint8_t *data, uint16_t len)
{
	struct pkt p = {.data = data, .len = len}, *one = &p;

	if (port_tx(to, &j->c->none, &one, 1) != 1)
		stat_add(&j->c->drops[DROP_TX_FULL], 1);
}

/* Sends one packet at its time: at the latest with flush(). */
static inline void
send_at(struct journey *j, struct port *to, uint8_t *data, uint16_t len,
    ns_t at)
{
	if (unlikely(to != j->to || j->n_out == PORT_BURST)) {
		flush(j);
		j->to = to;
	}
	if (likely(port_is_capture(to)))
		j->out[j->n_out++] = (struct writer_frame){data, at, len};
	else
		send_elsewhere(j, to, data, len);
}

/* Notes that a packet has left its pipe. */
static __attribute__((noinline)) void
tell_left(struct journey *j, const struct held *h)
{
	set_now(j, h->time);
	j->v->number = held_number(h);
	*verdicts_note(j->v->verdicts) = (struct note){0};
	verdicts_pass(j->c);
}

static inline void
send_held(struct journey *j, struct held *h)
{
	struct lane *lane = &j->w->lanes[h->lane % WORKER_MAX_LANES];

	if (unlikely(j->v->verdicts != NULL))
		tell_left(j, h);
	send_at(j, lane->out, h->frame, h->len, h->time);
}

/* ---- what leaves pipes ---- */

/* True if packet 'a' comes before 'b' at the same time. */
static bool
is_older(uint32_t a, uint32_t b)
{
	return (int32_t)((a - b) << 8) < 0; /* modulo HELD_NUMBERS */
}

/* Puts left[i] before those of the same time that came after it. */
static void
sort_one(struct journey *j, unsigned i)
{
	struct held *h = j->left[i];

	for (; i > 0 && j->left[i - 1]->time == h->time &&
	     is_older(held_number(h), held_number(j->left[i - 1])); i--)
		j->left[i] = j->left[i - 1];
	j->left[i] = h;
}

/* They come in the order of their times; at one time in that of arrival. */
static void
sort_left(struct journey *j)
{
	ns_t before = UINT64_MAX;

	for (unsigned i = 0; i < j->n_left; i++) {
		if (unlikely(j->left[i]->time == before))
			sort_one(j, i);
		before = j->left[i]->time;
	}
}

/* Takes all packets that have left by 'now' out of the pipes. */
static int
take_left(struct journey *j, ns_t now, struct err *e)
{
	unsigned n;

	j->n_left = 0;
	do {
		if (j->room - j->n_left < PORT_BURST) {
			unsigned room = j->room == 0 ? 4 * PORT_BURST :
						       2 * j->room;
			void *more = realloc(j->left,
			    room * sizeof(j->left[0]));

			if (more == NULL)
				return err_set(e, ENOMEM, "no memory for %u "
				    "packets that leave at once", room);
			j->left = more;
			j->room = room;
		}
		n = dn_run(j->dn, now, j->left + j->n_left, PORT_BURST);
		j->n_left += n;
	} while (n == PORT_BURST);
	sort_left(j);
	return 0;
}

/* A packet that rules are shown again, at its own time. */
static void
go_on(struct journey *j, struct held *h)
{
	struct lane *lane = &j->w->lanes[h->lane % WORKER_MAX_LANES];

	set_now(j, h->time);
	j->v->number = held_number(h);
	if (j->v->verdicts != NULL)
		*verdicts_note(j->v->verdicts) = (struct note){0};
	pipes_go_on(j->c, lane, &h, 1);
}

/* Lets go what has left by 'now'. */
static int
let_go(struct journey *j, ns_t now, struct err *e)
{
	int rc = take_left(j, now, e);

	for (unsigned i = 0; rc == 0 && i < j->n_left; i++) {
		if (j->goes_on)
			go_on(j, j->left[i]);
		else
			send_held(j, j->left[i]);
	}
	flush(j);
	if (j->n_left > 0)
		set_now(j, j->left[j->n_left - 1]->time);
	dn_free(j->dn, j->left, j->n_left);
	if (j->v->verdicts != NULL)
		verdicts_tell(j->v->verdicts, false);
	return rc;
}

/* ---- packets that come ---- */

/* The lane whose next packet comes first; UINT64_MAX in *at if there is none.
 * '*before': up to when, exclusively, no other lane has one. */
static unsigned
next_lane(const struct journey *j, ns_t *at, ns_t *before)
{
	unsigned first = 0;

	*at = *before = UINT64_MAX;
	for (unsigned i = 0; i < j->w->n_lanes; i++) {
		struct port *p = j->w->lanes[i].in;
		ns_t t = port_is_capture(p) ? capture_next_ns(p) : UINT64_MAX;

		if (t < j->v->now) /* it comes too late: now */
			t = j->v->now;
		if (t < *at) {
			*before = *at;
			*at = t;
			first = i;
		} else if (t != UINT64_MAX && t + 1 < *before) {
			*before = t + 1; /* it waits for those of its time */
		}
	}
	return first;
}

/* One packet, with all that follows from it. */
static int
one_comes(struct journey *j, struct lane *lane, struct err *e)
{
	struct step_ctx *c = j->c;
	struct verdicts *v = j->v->verdicts;

	if (v != NULL) {
		if (!verdicts_begin(v, j->stamps[0], lane->in->ifname))
			return err_set(e, ENOBUFS, "verdicts: more than %d "
			    "packets came while one was held", VERDICTS_MAX);
		*verdicts_note(v) = (struct note){0};
	}
	c->now_ns = 0;
	fate_send(c, lane, lane->in, step_filter(c, lane, 1));
	if (unlikely(c->defrag->n_done != 0))
		defrag_finish(c, lane);
	if (v != NULL)
		verdicts_tell(v, false);
	if (j->has_log && j->cfg->logged != NULL)
		j->cfg->logged(j->cfg->logged_arg);
	return 0;
}

/* A burst of which nothing is held and nothing goes back. */
static void
send_all(struct journey *j, struct lane *lane, unsigned m)
{
	struct pkt *const *to_send = j->c->to_send;

	for (unsigned i = 0; i < m; i++)
		send_at(j, lane->out, to_send[i]->data, to_send[i]->len,
		    j->stamps[to_send[i] - j->c->pkts]);
}

/* What of a burst is still to be sent: on or back. */
struct direct {
	unsigned m, sent;     /* of to_send */
	unsigned bounced;     /* of c->bounced */
};

/* Sends the burst's next packet that came before 'until', or, at that time, is
 * older than 'number'; false if there is none. */
static bool
send_direct(struct journey *j, struct lane *lane, struct direct *d, ns_t until,
    uint32_t number)
{
	struct step_ctx *c = j->c;
	struct pkt *on = d->sent < d->m ? c->to_send[d->sent] : NULL;
	struct pkt *back = d->bounced < c->n_bounced ?
	    c->bounced[d->bounced] : NULL;
	struct pkt *p = on != NULL && (back == NULL || on < back) ? on : back;
	size_t i;

	if (p == NULL)
		return false;
	i = (size_t)(p - c->pkts);
	if (j->stamps[i] > until || (j->stamps[i] == until &&
	    !is_older(j->n_came + (uint32_t)i, number)))
		return false;
	send_at(j, p == on ? lane->out : lane->in, p->data, p->len,
	    j->stamps[i]);
	d->sent += p == on;
	d->bounced += p != on;
	return true;
}

/* A burst, of which 'm' packets go on, and what has left pipes meanwhile. */
static void
send_both(struct journey *j, struct lane *lane, unsigned m)
{
	struct direct d = {.m = m};
	bool any = m > 0 || j->c->n_bounced > 0;

	if (j->n_left == 0 && j->c->n_bounced == 0) {
		send_all(j, lane, m);
		return;
	}
	for (unsigned i = 0; i < j->n_left; i++) {
		struct held *h = j->left[i];

		while (any && send_direct(j, lane, &d, h->time,
		    held_number(h)))
			continue;
		send_held(j, h);
	}
	while (send_direct(j, lane, &d, UINT64_MAX, 0))
		continue;
}

/* A burst, and what leaves pipes meanwhile. */
static int
several_come(struct journey *j, struct lane *lane, unsigned n, struct err *e)
{
	struct step_ctx *c = j->c;
	ns_t last = j->stamps[n - 1];
	unsigned m;
	int rc = 0;

	j->v->stamps = j->stamps;
	m = step_filter(c, lane, n);
	j->n_left = 0;
	if (dn_next(j->dn) <= last)
		rc = take_left(j, last, e);
	send_both(j, lane, m);
	flush(j);
	dn_free(j->dn, j->left, j->n_left);
	c->n_bounced = 0;
	set_now(j, last);
	j->v->stamps = NULL;
	return rc;
}

/* The packets of a lane that come at 'at' and before 'before'. */
static int
come(struct journey *j, unsigned i, ns_t at, ns_t before, struct err *e)
{
	struct lane *lane = &j->w->lanes[i];
	ns_t end = (j->second + 1) * NS_PER_S;
	unsigned n;
	int rc;

	if (before > end)
		before = end;
	if (pipes_live(j->c->door->pipes)) {
		end = dn_ahead(j->dn, j->order, at);
		before = before < end ? before : end;
	}
	if (before <= at)
		before = at + 1;
	set_now(j, at);
	n = capture_rx(lane->in, j->c->pkts, j->stamps, before == at + 1 ? 1 :
	    j->burst, before);
	j->v->number = j->n_came;
	for (unsigned k = 0; k < n && j->stamps[k] < at; k++)
		j->stamps[k] = at;
	if (j->burst == 1 || n <= 1)
		rc = n == 0 ? 0 : one_comes(j, lane, e);
	else
		rc = several_come(j, lane, n, e);
	j->n_came += n;
	port_release(lane->in);
	return rc;
}

/* ---- seconds ---- */

static bool
has_states(const struct state_table *t)
{
	return state_count(t) + state_parent_count(t) > 0;
}

/* What a worker does once a second, all of it. */
static void
see_to_second(struct journey *j, uint64_t second)
{
	struct worker *w = j->w;
	struct state_table *states = w->shared->states;

	j->second = second;
	set_now(j, second * NS_PER_S);
	worker_refresh(w);
	if (has_states(states)) {
		state_sweep(states, 1, state_end(states), (uint32_t)second);
		if (knob_get(&w->shared->knobs.dyn_keepalive) != 0)
			do
				keepalives_run(&w->keepalives, states,
				    w->lanes, w->n_lanes, (uint32_t)second);
			while (w->keepalives.at != 0);
	}
	reass_expire(j->c->defrag->reass, &j->c->defrag->cfg,
	    (uint32_t)second);
	if (j->cfg->logged != NULL)
		j->cfg->logged(j->cfg->logged_arg);
}

/* ---- the loop ---- */

/* Sees to what is next; false at the end of time. */
static bool
next_event(struct journey *j, int *rc, struct err *e)
{
	ns_t at, before, leaves = dn_next(j->dn), first;
	unsigned lane = next_lane(j, &at, &before);
	ns_t end = (j->second + 1) * NS_PER_S;

	if (leaves < j->v->now)
		leaves = j->v->now;
	first = leaves < at ? leaves : at;
	if (first == UINT64_MAX)
		return false;
	if (first >= end) {
		see_to_second(j, has_states(j->w->shared->states) ?
		    j->second + 1 : first / NS_PER_S);
	} else if (leaves <= at) {
		/* At once up to the next packet, if nothing can come of it. */
		end = at < end ? at : end - 1;
		*rc = let_go(j, j->goes_on ? leaves : end, e);
	} else {
		*rc = come(j, lane, at, before, e);
	}
	return *rc == 0;
}

int
virtual_run(struct worker *w, struct vtime *v, const struct virtual_cfg *cfg,
    struct err *e)
{
	struct journey *j = calloc(1, sizeof(*j));
	int rc = 0;

	if (j == NULL)
		return err_set(e, ENOMEM, "no memory for virtual time");
	*j = (struct journey){.w = w, .c = &w->ctx, .v = v, .cfg = cfg,
	    .dn = w->door->pipes->dn, .second = v->now / NS_PER_S};
	if (cfg->tell != NULL &&
	    (v->verdicts = verdicts_create(cfg->tell, cfg->tell_arg)) == NULL) {
		free(j);
		return err_set(e, ENOMEM, "no memory for verdicts");
	}
	if (v->verdicts != NULL) {
		w->ctx.pass.note = verdicts_note(v->verdicts);
		dn_watch(j->dn, verdicts_pipe_drop, v->verdicts);
	}
	worker_refresh(w);
	plan_journey(j);
	while (!atomic_load_explicit(&w->shared->stop, memory_order_relaxed) &&
	    next_event(j, &rc, e))
		continue;
	if (v->verdicts != NULL) {
		verdicts_tell(v->verdicts, true);
		dn_watch(j->dn, NULL, NULL);
		w->ctx.pass.note = NULL;
	}
	verdicts_destroy(v->verdicts);
	v->verdicts = NULL;
	free(j->left);
	free(j);
	return rc;
}
