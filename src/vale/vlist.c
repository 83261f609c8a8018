/* SPDX-License-Identifier: BSD-2-Clause */
#include "vale/vswitch.h"

#include "vale/sweep.h"

#include <string.h>

/* Counters are read while their writers run: each is exact, their sum may be
 * a burst apart. */
static void
add_tx(struct txstat *sum, const struct txstat *t)
{
	sum->pkts += ld_relaxed(&t->pkts);
	sum->bytes += ld_relaxed(&t->bytes);
	sum->copies += ld_relaxed(&t->copies);
	for (unsigned d = 0; d < VDROP_N; d++)
		sum->drops[d] += ld_relaxed(&t->drops[d]);
}

static void
add_rx(struct vport_info *sum, const struct kring *k)
{
	sum->rx_pkts += ld_relaxed(&k->pkts);
	sum->rx_bytes += ld_relaxed(&k->bytes);
	for (unsigned d = 0; d < VDROP_N; d++)
		sum->rx_drops[d] += ld_relaxed(&k->drops[d]);
}

/* What one end of a pipe sends is the other's. */
static void
list_other_end(struct arena *a, unsigned peer, struct vport_info *i)
{
	struct txstat sum = { 0 };

	for (unsigned r = 0; r < NMPORT_MAX_RINGS; r++)
		add_tx(&sum, &arena_port(a->base, peer)->tx[r]);
	i->rx_pkts = sum.pkts;
	i->rx_bytes = sum.bytes;
}

static void
list_port(struct arena *a, unsigned idx, struct vport_info *i)
{
	struct vport *vp = arena_port(a->base, idx);

	memcpy(i->name, vp->name, sizeof(i->name));
	i->name[sizeof(i->name) - 1] = '\0';
	i->idx = idx;
	i->pid = vp->pid;
	i->n_tx = vp->n_tx;
	i->n_rx = vp->n_rx;
	i->tx_slots = vp->tx_slots;
	i->rx_slots = vp->rx_slots;
	i->is_alive = arena_is_alive(a, idx);
	i->is_idle = vp->state == VPORT_IDLE;
	i->is_closing = vp->state != VPORT_LIVE && !i->is_idle;
	i->is_persistent = vp->is_persistent != 0;
	i->kind = vp->kind;
	i->n_extra = i->is_idle ? 0 : vp->n_extra;
	i->hdr_len = vp->hdr_len;
	if (i->is_idle)
		return;
	for (unsigned r = 0; r < NMPORT_MAX_RINGS; r++) {
		add_tx(&i->tx, &vp->tx[r]);
		if (r < i->n_rx)
			add_rx(i, &vp->rx[r]);
	}
	if (vp->kind == VPORT_MASTER || vp->kind == VPORT_SLAVE)
		list_other_end(a, vp->peer % VALE_MAX_PORTS, i);
}

static void
list_switch(struct vswitch *sw, struct vswitch_info *i)
{
	const uint64_t *m = &sw->macs[0][0];

	memcpy(i->name, sw->name, sizeof(i->name));
	i->name[sizeof(i->name) - 1] = '\0';
	i->drop_at_once = ld_relaxed(&sw->drop_at_once) != 0;
	for (unsigned k = 0; k < VALE_MAC_BUCKETS * VALE_MAC_WAYS; k++)
		i->n_macs += ld_relaxed(&m[k]) != 0;
	add_tx(&i->total.tx, &sw->gone_tx);
	i->total.rx_pkts = sw->gone_rx_pkts;
	i->total.rx_bytes = sw->gone_rx_bytes;
	for (unsigned d = 0; d < VDROP_N; d++)
		i->total.rx_drops[d] = sw->gone_rx_drops[d];
}

static void
add_to_switch(struct vswitch_info *s, const struct vport_info *p)
{
	s->n_ports++;
	add_tx(&s->total.tx, &p->tx);
	s->total.rx_pkts += p->rx_pkts;
	s->total.rx_bytes += p->rx_bytes;
	for (unsigned d = 0; d < VDROP_N; d++)
		s->total.rx_drops[d] += p->rx_drops[d];
}

static void
list_all(struct arena *a, struct arena_info *info)
{
	unsigned place_of[VALE_MAX_SWITCHES] = { 0 };

	info->suspect = arena_hdr(a->base)->suspect != 0;
	info->n_free = pool_n_free(a);
	info->n_wrong = sweep_count_wrong(a);
	for (unsigned s = 0; s < VALE_MAX_SWITCHES; s++)
		if (arena_switch(a->base, s)->name[0] != '\0') {
			place_of[s] = info->n_switches++;
			list_switch(arena_switch(a->base, s),
			    &info->switches[place_of[s]]);
		}
	for (unsigned p = 0; p < VALE_MAX_PORTS; p++) {
		struct vport *vp = arena_port(a->base, p);
		struct vport_info *i = &info->ports[info->n_ports].port;
		unsigned s = vp->switch_idx;

		if (vp->state == VPORT_FREE)
			continue;
		list_port(a, p, i);
		info->n_extra += i->n_extra;
		if (!i->is_idle && i->kind != VPORT_SLAVE)
			info->n_in_rings += i->n_tx * i->tx_slots +
			    i->n_rx * i->rx_slots;
		if (s >= VALE_MAX_SWITCHES) {
			info->ports[info->n_ports++].switch_idx = NO_SWITCH;
			continue;
		}
		info->ports[info->n_ports++].switch_idx = place_of[s];
		add_to_switch(&info->switches[place_of[s]], i);
	}
}

int
vswitch_list(struct arena *a, struct arena_info *info, struct err *e)
{
	int rc = arena_lock(a, true, e);

	if (rc < 0)
		return rc;
	memset(info, 0, sizeof(*info));
	info->n_bufs = VALE_MAX_BUFS - 2;
	sweep_all(a);
	if (arena_hdr(a->base)->reserved)
		list_all(a, info);
	else
		info->n_free = info->n_bufs;
	arena_unlock(a);
	return 0;
}
