/* SPDX-License-Identifier: BSD-2-Clause */
/* A trial gets the rules, the states and the interfaces of the moment. */
#include "engine/engine_in.h"

#include "base/clock.h"
#include "engine/trial.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool
fits_name(const char *wanted, const char *name)
{
	return wanted[0] == '\0' || strncmp(wanted, name, IFNAME_LEN) == 0;
}

/* Completes the names of the interfaces; false if there is no such pair. */
static bool
choose_lane(const struct engine *en, struct trial *t)
{
	for (unsigned i = 0; i < en->n_workers; i++) {
		const struct worker *w = &en->workers[i];

		for (unsigned k = 0; k < w->n_lanes; k++) {
			const struct lane *l = &w->lanes[k];

			if (!fits_name(t->in_if, l->in->ifname) ||
			    !fits_name(t->out_if, l->out->ifname))
				continue;
			memcpy(t->in_if, l->in->ifname, IFNAME_LEN);
			memcpy(t->out_if, l->out->ifname, IFNAME_LEN);
			return true;
		}
	}
	return false;
}

static int
no_lane(const struct engine *en, const struct trial *t, struct err *e)
{
	char names[128] = "";
	size_t len = 0;

	for (unsigned i = 0; i < en->n_ports && len < sizeof(names); i++)
		len += (size_t)snprintf(names + len, sizeof(names) - len,
		    "%s%s", i > 0 ? ", " : "", en->ports[i]->ifname);
	if (t->in_if[0] != '\0' && t->out_if[0] != '\0')
		return err_set(e, ENODEV, "%.16s and %.16s are no pair of "
		    "ports; there are: %s", t->in_if, t->out_if, names);
	return err_set(e, ENODEV, "no port is called %.16s; there are: %s",
	    t->in_if[0] != '\0' ? t->in_if : t->out_if, names);
}

struct pipe_question {
	uint32_t nr; /* of its flowset */
	bool linked;
};

static int
look_at_pipe(struct dn *dn, ns_t now, void *arg)
{
	struct pipe_question *q = arg;
	struct dn_fs_info info;

	(void)now;
	q->linked = dn_fs_get(dn, q->nr, &info) && info.linked;
	return 0;
}

static bool
has_pipe(void *arg, uint16_t nr, bool is_queue)
{
	struct pipe_question q = {.nr = nr + (is_queue ? 0 : 2u * DN_MAX_NR)};

	engine_dn_call(arg, look_at_pipe, &q);
	return q.linked;
}

int
engine_trial(struct engine *en, struct trial *t, bool any_if, struct err *e)
{
	struct knobs *k = &en->shared.knobs;

	if (!choose_lane(en, t) && !any_if &&
	    (t->in_if[0] != '\0' || t->out_if[0] != '\0'))
		return no_lane(en, t, e);
	tick_settings(&t->state_cfg, k, clock_mono_s());
	t->pass = (struct pass){
	    .rules = current(en),
	    .me = &en->shared.me,
	    .tables = en->shared.tables,
	    .states = en->shared.states,
	    .state_cfg = &t->state_cfg,
	    .in_if = t->in_if,
	    .out_if = t->out_if,
	};
	t->parse.deny_unknown_exthdrs = knob_get(&k->deny_unknown_exthdrs);
	t->parse.permit_single_frag6 = knob_get(&k->permit_single_frag6);
	t->enabled = knob_get(&k->enable) != 0;
	t->one_pass = knob_get(&k->one_pass) != 0;
	t->out_pass = knob_get(&k->out_pass) != 0;
	t->listeners = en->diverts != NULL ? &en->diverts->ports : NULL;
	t->has_pipe = has_pipe;
	t->arg = en;
	return 0;
}

int
engine_trial_at(struct engine *en, struct trial *t, uint32_t now_s,
    struct err *e)
{
	struct state_table *states = en->shared.states;

	if (en->is_started)
		return err_set(e, EPERM, "packets of the past are not asked "
		    "about where others pass");
	if (en->trial_s != now_s)
		state_sweep(states, 1, state_end(states), now_s);
	t->state_cfg.now_s = en->trial_s = now_s;
	return 0;
}
