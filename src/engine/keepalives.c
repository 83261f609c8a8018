/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/keepalives.h"

#include "engine/step.h"
#include "state/keepalive.h"

enum {
	LOOK = 4096, /* states looked at in one round */
	BURST = 64,  /* states asked for in one round */
};

static void
send(struct keepalives *k, const struct state_view *v, enum keepalive_end to,
    struct port *out)
{
	uint8_t frame[KEEPALIVE_MAX];
	struct pkt p = {.data = frame}, *list = &p;
	unsigned sent = 0;

	p.len = (uint16_t)keepalive_build(v, to, frame);
	if (port_room(out) > 0)
		sent = port_tx(out, &k->none, &list, 1);
	if (sent == 1)
		stat_add(&k->stats.sent, 1);
	else
		stat_add(&k->stats.no_room, 1);
}

/* Asks the ends that are silent. */
static void
ask(struct keepalives *k, const struct state_view *v, const struct lane *lane)
{
	unsigned ends = keepalive_ends(v);

	if ((ends & KEEPALIVE_SRC) != 0)
		send(k, v, KEEPALIVE_SRC, lane->in);
	if ((ends & KEEPALIVE_DST) != 0)
		send(k, v, KEEPALIVE_DST, lane->out);
}

static void
kick_all(const struct lane *lanes, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		port_kick(lanes[i].out);
}

/* True if a look is under way, or one begins now. */
static bool
is_due(struct keepalives *k, uint32_t now_s)
{
	if (k->at == 0) {
		if (now_s - k->began_s < LIFE_KEEPALIVE_S)
			return false;
		k->began_s = now_s;
		k->at = 1;
	}
	return true;
}

void
keepalives_run(struct keepalives *k, struct state_table *states,
    const struct lane *lanes, unsigned n_lanes, uint32_t now_s)
{
	uint32_t end = state_end(states), i;
	unsigned looks = 0, n = 0;

	if (n_lanes == 0 || !is_due(k, now_s))
		return;
	for (i = k->at; i < end && looks < LOOK && n < BURST; i++, looks++) {
		struct state_view v;

		if (!state_wants_keepalive(states, i, now_s, lanes[0].id,
			(uint16_t)n_lanes) ||
		    !state_read(states, i, now_s, &v) ||
		    (unsigned)v.lane - lanes[0].id >= n_lanes)
			continue;
		ask(k, &v, &lanes[v.lane - lanes[0].id]);
		n++;
	}
	if (n > 0)
		kick_all(lanes, n_lanes);
	k->at = i < end ? i : 0;
}
