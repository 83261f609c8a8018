/* SPDX-License-Identifier: BSD-2-Clause */
#include "port/kinds.h"

static int
sink_open(struct port *p, const char *name, struct err *e)
{
	(void)p, (void)name, (void)e;
	return 0;
}

static void
sink_nothing(struct port *p)
{
	(void)p;
}

static unsigned
sink_rx(struct port *p, struct pkt *pkts, unsigned max)
{
	(void)p, (void)pkts, (void)max;
	return 0;
}

static unsigned
sink_room(struct port *p)
{
	(void)p;
	return PORT_BURST;
}

static unsigned
sink_tx(struct port *p, struct port *from, struct pkt *const *pkts, unsigned n)
{
	(void)from;
	for (unsigned i = 0; i < n; i++)
		stat_add(&p->stats.tx_bytes, pkts[i]->len);
	stat_add(&p->stats.tx_pkts, n);
	return n;
}

static bool
sink_sleep_begin(struct port *p, unsigned flags)
{
	(void)p;
	return (flags & PORT_TX) == 0;
}

const struct port_ops port_sink = {
	.kind = "sink:",
	.help = "sink:            counts and forgets",
	.open = sink_open,
	.close = sink_nothing,
	.rx = sink_rx,
	.release = sink_nothing,
	.room = sink_room,
	.tx = sink_tx,
	.kick = sink_nothing,
	.pending = port_none_pending,
	.sleep_begin = sink_sleep_begin,
	.sleep_end = sink_nothing,
};
