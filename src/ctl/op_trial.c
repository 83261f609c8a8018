/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What would become of a packet: 'ipfw test'.
 *
 *	trial_req | frame          ->  trial_reply | trial_step ...
 *
 * All of an answer is from one moment: rules, tables and settings are the
 * control thread's, which does nothing else meanwhile.  An answer that is too
 * long for the caller's room tells the size needed, as lists do; steps beyond
 * MAX_STEPS are left out.
 */
#include "ctl/op.h"

#include "engine/trial.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_STEPS = 1000000 }; /* 16 of the 16 MB a reply may have */

_Static_assert(sizeof(struct trial_reply) +
	MAX_STEPS * sizeof(struct trial_step) <= CTL_MAX_PAYLOAD,
    "the longest answer");

static int
check_req(const struct ctl_call *call, const struct trial_req *q,
    struct err *e)
{
	size_t frame = call->len - sizeof(*q);

	if (q->frame_len > UINT16_MAX || q->frame_len > frame)
		return err_set(e, EINVAL, "a packet of %u octets: there are %zu",
		    q->frame_len, frame);
	if (q->prob > TRIAL_PROB_DRAW)
		return err_set(e, EINVAL, "%u is no way for 'prob' to end",
		    q->prob);
	if ((q->flags & ~(uint32_t)(TRIAL_OUT | TRIAL_STEPS | TRIAL_ANY_IF |
		TRIAL_AT | TRIAL_REMEMBER)) != 0 ||
	    ((q->flags & TRIAL_REMEMBER) != 0 && (q->flags & TRIAL_AT) == 0))
		return err_set(e, EINVAL, "unknown flags %x", q->flags);
	if (memchr(q->in_if, '\0', sizeof(q->in_if)) == NULL ||
	    memchr(q->out_if, '\0', sizeof(q->out_if)) == NULL)
		return err_set(e, EINVAL, "a name of an interface has no end");
	return 0;
}

/* Steps that the caller has room for. */
static unsigned
room_for_steps(const struct ctl_call *call)
{
	size_t n = call->room > sizeof(struct trial_reply) ?
	    (call->room - sizeof(struct trial_reply)) /
		sizeof(struct trial_step) : 0;

	return n < MAX_STEPS ? (unsigned)n : MAX_STEPS;
}

static int
put_reply(struct ctl_call *call, const struct trial *t, struct err *e)
{
	struct trial_reply *r = call->data;
	unsigned n = t->x.steps == NULL ? 0 : t->x.n_steps;
	size_t size;

	trial_reply(t, r);
	if (n > MAX_STEPS)
		n = MAX_STEPS;
	size = sizeof(*r) + n * sizeof(struct trial_step);
	r->size = (uint32_t)size;
	call->reply_len = sizeof(*r);
	if (t->x.steps == NULL) {
		r->flags &= ~(uint32_t)TRIAL_CUT;
		return 0;
	}
	if (n > t->x.max_steps)
		return err_set(e, ENOMEM, "the answer needs %zu octets", size);
	memcpy(r + 1, t->x.steps, n * sizeof(struct trial_step));
	call->reply_len = size;
	return 0;
}

int
op_trial(struct control *c, struct ctl_call *call, struct err *e)
{
	const struct trial_req *q = call->data;
	struct trial *t;
	int error = check_req(call, q, e);

	if (error != 0)
		return error;
	if (call->room < sizeof(struct trial_reply))
		return err_set(e, EINVAL, "room for %zu octets: needs %zu",
		    call->room, sizeof(struct trial_reply));
	if ((t = calloc(1, sizeof(*t))) == NULL)
		return err_set(e, ENOMEM, "no memory for a trial");
	t->out = (q->flags & TRIAL_OUT) != 0;
	t->x.prob = (enum trial_prob)q->prob;
	t->x.in_earnest = (q->flags & TRIAL_REMEMBER) != 0;
	rng_init(&t->rng, q->seed);
	memcpy(t->in_if, q->in_if, sizeof(t->in_if));
	memcpy(t->out_if, q->out_if, sizeof(t->out_if));
	if ((q->flags & TRIAL_STEPS) != 0) {
		t->x.max_steps = room_for_steps(call);
		t->x.steps = calloc(t->x.max_steps + 1, sizeof(*t->x.steps));
		if (t->x.steps == NULL)
			error = err_set(e, ENOMEM, "no memory for the steps");
	}
	if (error == 0)
		error = engine_trial(c->en, t,
		    (q->flags & TRIAL_ANY_IF) != 0, e);
	if (error == 0 && (q->flags & TRIAL_AT) != 0)
		error = engine_trial_at(c->en, t, q->now_s, e);
	if (error == 0) {
		trial_run(t, q + 1, q->frame_len);
		error = put_reply(call, t, e);
	}
	free(t->x.steps);
	free(t);
	return error;
}
