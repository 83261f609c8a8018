/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An interface of the host by AF_PACKET: what AF_XDP cannot have, and what comes
 * with segmentation left; virtio's header says on both ways what is left to do.
 * See packet_sock.h.
 *
 * The interface may go down, up, away and come back; then the socket is bound
 * anew.  The host's own stack sees what comes in, too.
 */
#include "port/kinds.h"

#include "base/log.h"
#include "packet/proto.h"
#include "port/args.h"
#include "port/packet_sock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	SLOTS = 1024,
	SLOTS_MIN = 32,
	SLOTS_MAX = 65536,
	SOCKBUF = 16 << 20, /* long frames that wait, each way */
};

static int
fail(struct port *p, const char *what, struct err *e)
{
	if (errno == EPERM)
		return err_set(e, EPERM, "port '%s': %s: this needs the "
		    "capability CAP_NET_RAW", p->name, what);
	return err_set(e, errno, "port '%s': %s: %s", p->name, what,
	    strerror(errno));
}

/* ---- life ---- */

static int
set_option(struct packet *k, int option, int value)
{
	return setsockopt(k->fd, SOL_PACKET, option, &value, sizeof(value));
}

/* Ties the socket to the interface as it is now. */
static bool
tie(struct packet *k)
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET,
	    .sll_protocol = htons(ETH_P_ALL),
	    .sll_ifindex = (int)k->watch.now.index};
	struct packet_mreq promisc = {.mr_ifindex = to.sll_ifindex,
	    .mr_type = PACKET_MR_PROMISC};

	k->bound = 0;
	if (bind(k->fd, (void *)&to, sizeof(to)) == -1 ||
	    setsockopt(k->fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promisc,
		sizeof(promisc)) == -1)
		return false;
	k->bound = k->watch.now.index;
	return true;
}

/* Without CAP_NET_ADMIN the buffer stays as it is. */
static void
enlarge(struct packet *k, int which)
{
	int size = SOCKBUF;

	if (setsockopt(k->fd, SOL_SOCKET, which, &size, sizeof(size)) == -1)
		return;
}

static int
open_socket(struct port *p, struct packet *k, uint64_t n_slots, bool qdisc,
    struct err *e)
{
	/* Protocol 0: nothing comes before it is bound. */
	k->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (k->fd == -1)
		return fail(p, "socket", e);
	if (set_option(k, PACKET_VERSION, TPACKET_V2) == -1 ||
	    set_option(k, PACKET_VNET_HDR, 1) == -1 ||
	    set_option(k, PACKET_IGNORE_OUTGOING, 1) == -1 ||
	    set_option(k, PACKET_RESERVE, 2 * VLAN_LEN) == -1 ||
	    set_option(k, PACKET_COPY_THRESH, 1) == -1 ||
	    set_option(k, PACKET_QDISC_BYPASS, !qdisc) == -1)
		return fail(p, "socket", e);
	enlarge(k, SO_SNDBUFFORCE);
	enlarge(k, SO_RCVBUFFORCE);
	if (packet_ring_open(k, (unsigned)n_slots) != 0)
		return fail(p, "ring", e);
	return tie(k) ? 0 : fail(p, "bind", e);
}

static void
packet_close(struct port *p)
{
	struct packet *k = p->priv;

	packet_ring_close(k);
	if (k->fd != -1)
		close(k->fd);
	nic_watch_close(&k->watch);
	vnet_fini(&k->vnet);
	free(k);
}

static int
packet_open(struct port *p, const char *name, struct err *e)
{
	char ifname[IFNAMSIZ];
	uint64_t n_slots = SLOTS;
	bool segments = false, qdisc = false;
	const struct port_arg args[] = {
		{"slots", PORT_ARG_NUMBER, &n_slots, SLOTS_MIN, SLOTS_MAX, 0},
		{"segments", PORT_ARG_FLAG, &segments, 0, 0, 0},
		{"qdisc", PORT_ARG_FLAG, &qdisc, 0, 0, 0},
		{0},
	};
	struct packet *k;
	struct nic nic;
	int rc = port_args(name, name + strlen(port_packet.kind), ifname,
	    sizeof(ifname), args, e);

	if (rc != 0)
		return rc;
	if ((k = calloc(1, sizeof(*k))) == NULL)
		return err_set(e, ENOMEM, "port '%s': no memory", name);
	k->fd = k->watch.fd = -1;
	p->priv = k;
	if (vnet_init(&k->vnet) != 0)
		rc = err_set(e, ENOMEM, "port '%s': no memory", name);
	else if ((rc = nic_watch_open(&k->watch, ifname, &nic, e)) == 0)
		rc = open_socket(p, k, n_slots, qdisc, e);
	if (rc != 0) {
		packet_close(p);
		return rc;
	}
	p->fd = k->fd;
	p->interface = true;
	p->index = nic.now.index;
	p->peer = nic.peer;
	p->can_whole = k->join = !segments;
	if (!k->watch.now.is_up)
		log_msg(LOG_WARN, "%s: the interface is down", name);
	return 0;
}

/* ---- the interface comes and goes ---- */

/* The interface is gone, or there is another one of its name. */
static void
rebind(struct port *p)
{
	struct packet *k = p->priv;

	if (k->watch.now.index == 0) {
		k->bound = 0;
		log_msg(LOG_WARN, "%s: the interface is gone; waiting for it",
		    p->name);
	} else if (tie(k)) {
		log_msg(LOG_INFO, "%s: the interface is back", p->name);
	}
}

void
packet_look(struct port *p)
{
	struct packet *k = p->priv;
	int what = 0;
	socklen_t len = sizeof(what);

	getsockopt(k->fd, SOL_SOCKET, SO_ERROR, &what, &len);
	if (nic_watch_news(&k->watch) || what != 0) {
		if (k->watch.now.index != k->bound)
			rebind(p);
	}
	p->fd = k->bound != 0 ? k->fd : k->watch.fd;
}

static void
packet_kick(struct port *p)
{
	(void)p; /* tx has sent it all */
}

/* ---- sleep ---- */

static bool
packet_sleep_begin(struct port *p, unsigned flags)
{
	struct packet *k = p->priv;

	if ((flags & PORT_RX) != 0 && packet_ring_ready(k))
		return false;
	if ((flags & PORT_TX) != 0 && !k->full)
		return false;
	p->events = (short)((flags & PORT_RX ? POLLIN : 0) |
	    (flags & PORT_TX ? POLLOUT : 0));
	if (p->fd != k->fd)
		p->events = POLLIN; /* for news of the interface */
	return true;
}

static void
packet_sleep_end(struct port *p)
{
	packet_look(p);
}

const struct port_ops port_packet = {
	.kind = "packet:",
	.help = "packet:IF        interface IF of the host, by AF_PACKET",
	.open = packet_open,
	.close = packet_close,
	.rx = packet_rx,
	.release = packet_release,
	.room = packet_room,
	.tx = packet_tx,
	.kick = packet_kick,
	.pending = port_none_pending,
	.sleep_begin = packet_sleep_begin,
	.sleep_end = packet_sleep_end,
};
