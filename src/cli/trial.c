/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/trial.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum { FIRST_STEPS = 1024, TRIES = 8 };

/* Asks once, with room for 'room' octets.  0 or -errno; -ENOMEM with *need set
 * if more room is wanted. */
static int
ask_once(struct cli *c, const struct trial_req *q, const void *octets,
    size_t room, struct trial_view *v, size_t *need, struct err *e)
{
	size_t len = sizeof(*q) + q->frame_len, got = 0;
	struct err why = {.code = 0};
	uint8_t *data;
	int r;

	*need = 0;
	room = room < len ? len : room;
	if ((data = calloc(1, room)) == NULL)
		return err_set(e, ENOMEM, "no memory for an answer");
	memcpy(data, q, sizeof(*q));
	memcpy(data + sizeof(*q), octets, q->frame_len);
	r = ctl_get(c->ctl, CTL_FW3, data, len, room, &got, &why);
	v->r = (void *)data;
	if (r == -ENOMEM && got >= sizeof(*v->r))
		*need = v->r->size;
	if (r == 0 && got < sizeof(*v->r))
		r = err_set(&why, EPROTO, "the daemon's answer is too short");
	if (r != 0) {
		*e = why;
		trial_view_fini(v);
		return r;
	}
	v->steps = (const void *)(v->r + 1);
	v->n_steps = (unsigned)((got - sizeof(*v->r)) / sizeof(*v->steps));
	if (v->r->n_steps < v->n_steps)
		v->n_steps = v->r->n_steps;
	v->r->in_if[sizeof(v->r->in_if) - 1] = '\0';
	v->r->out_if[sizeof(v->r->out_if) - 1] = '\0';
	v->r->why[sizeof(v->r->why) - 1] = '\0';
	return 0;
}

static int
ask(struct cli *c, const struct trial_req *q, const void *octets,
    struct trial_view *v, struct err *e)
{
	bool steps = (q->flags & TRIAL_STEPS) != 0;
	size_t room = sizeof(*v->r) +
	    (steps ? FIRST_STEPS : 0) * sizeof(*v->steps), need;
	int r = -EAGAIN;

	for (int k = 0; k < TRIES; k++) {
		r = ask_once(c, q, octets, room, v, &need, e);
		if (r != -ENOMEM || need <= room)
			return r;
		if (need > CTL_MAX_PAYLOAD)
			break;
		room = need + need / 8; /* rules may be added meanwhile */
		if (room > CTL_MAX_PAYLOAD)
			room = CTL_MAX_PAYLOAD;
	}
	return err_set(e, EAGAIN, "the answer keeps growing");
}

/* True if every rule of the answer can be looked up. */
static bool
knows_all(const struct trial_view *v)
{
	if (v->r->rule != 0 && rulebook_find(v->book, v->r->rule,
		v->r->rule_id) == NULL)
		return false;
	for (unsigned i = 0; i < v->n_steps; i++)
		if (rulebook_find(v->book, v->steps[i].rule,
			v->steps[i].rule_id) == NULL)
			return false;
	return true;
}

int
trial_ask(struct cli *c, const struct trial_opt *o,
    const struct frame_way *way, const void *octets, unsigned len,
    struct rulebook *book, struct trial_view *v, struct err *e)
{
	struct trial_req q = {
	    .op.opcode = FW3_TRIAL,
	    .flags = (way->out ? TRIAL_OUT : 0) |
		(o->steps ? TRIAL_STEPS : 0) |
		(o->any_if ? TRIAL_ANY_IF : 0) | (o->at ? TRIAL_AT : 0) |
		(o->remember ? TRIAL_REMEMBER : 0),
	    .now_s = o->now_s,
	    .prob = o->prob,
	    .seed = o->seed,
	    .frame_len = len,
	};
	int r;

	*v = (struct trial_view){.book = book, .offline = o->any_if};
	if (!ctl_client_takes_lists(c->ctl)) {
		err_set(e, EOPNOTSUPP, "this daemon is another one than "
		    "kipfw: it cannot test packets");
		return EX_UNAVAILABLE;
	}
	memcpy(q.in_if, way->in_if, sizeof(q.in_if));
	memcpy(q.out_if, way->out_if, sizeof(q.out_if));
	r = ask(c, &q, octets, v, e);
	if (r == 0 && !knows_all(v)) /* deleted ones that states keep aside */
		r = rulebook_fetch(c, book, e);
	if (r != 0)
		trial_view_fini(v);
	return r != 0 ? cli_code(r) : 0;
}

void
trial_view_fini(struct trial_view *v)
{
	free(v->r);
	v->r = NULL;
	v->steps = NULL;
	v->n_steps = 0;
}

bool
trial_is_accepted(const struct trial_view *v)
{
	switch (v->r->end) {
	case TRIAL_ACCEPT:
	case TRIAL_BACKWARD:
	case TRIAL_DIVERT:
	case TRIAL_REASS:
		return true;
	case TRIAL_DENY: /* without a daemon nobody can listen */
		return v->offline && (v->r->flags & TRIAL_NOBODY) != 0;
	default:
		return false;
	}
}
