/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A tap: an interface of the host whose wire ends here.
 *
 * The interface is made if it is not there, and can be moved to a namespace
 * while kipfw holds this end.  One system call moves one frame, which may be
 * 64 kB of TCP with virtio's header before it, read into memory that is used
 * again each burst, so that it stays in the caches, and written from where it
 * lies.
 *
 *	arena: | vnet header | frame |..| vnet header | frame |.. free ...
 */
#include "port/kinds.h"

#include "base/clock.h"
#include "base/log.h"
#include "port/args.h"
#include "port/vnet.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
	HDR = sizeof(struct offload),
	FRAME_MAX = 65536 + 64, /* that one read can bring */
	LEAD = 16,		/* before a frame, so that it is aligned */
	ARENA = 512 << 10,	/* frames of a burst */
	MTU_MAX = 65521,
};
#define RETRY_NS (100 * NS_PER_MS) /* between two tries to get it back */

struct tap_cfg {
	bool persist;
	bool segments;
	uint64_t mtu; /* 0: as it is */
	char mac[18]; /* empty: as it is */
};

struct tap {
	int fd;
	bool gone;	/* somebody has removed the interface */
	ns_t looked;	/* when it was tried to get it back */
	struct tap_cfg cfg;
	char ifname[IFNAMSIZ];
	uint8_t *arena;
	unsigned used;	/* octets of it */
	struct vnet vnet;
};

/* ---- life ---- */

static int
fail(const char *name, const char *what, struct err *e)
{
	if (errno == EPERM)
		return err_set(e, EPERM, "port '%s': %s: this needs the "
		    "capability CAP_NET_ADMIN", name, what);
	return err_set(e, errno, "port '%s': %s: %s", name, what,
	    strerror(errno));
}

/* Gets hold of the interface, which is made if there is none. */
static int
attach(const char *name, const struct tap *t, struct err *e)
{
	struct ifreq r = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};

	memcpy(r.ifr_name, t->ifname, sizeof(r.ifr_name));
	if (ioctl(t->fd, TUNSETIFF, &r) == 0)
		return 0;
	if (errno == EBUSY)
		return err_set(e, EBUSY, "port '%s': another program holds "
		    "the tap", name);
	if (errno == EINVAL)
		return err_set(e, EINVAL, "port '%s': there is an interface "
		    "of this name that is no tap, or one of several queues",
		    name);
	return fail(name, "tap", e);
}

/* What the host may leave to us: everything. */
static int
set_offloads(const char *name, const struct tap *t, struct err *e)
{
	enum {
		TCP = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN,
		USO = 0x20 | 0x40, /* UDP; systems before 6.2 have it not */
	};
	int size = HDR;

	if (ioctl(t->fd, TUNSETVNETHDRSZ, &size) == -1)
		return fail(name, "virtio's header", e);
	if (ioctl(t->fd, TUNSETOFFLOAD, TCP | USO) == -1 &&
	    ioctl(t->fd, TUNSETOFFLOAD, TCP) == -1)
		return fail(name, "offloads", e);
	return 0;
}

static int
set_mac(const char *name, const struct tap *t, struct err *e)
{
	struct ifreq r = {0};
	uint8_t *m = (void *)r.ifr_hwaddr.sa_data;
	int end = 0;

	if (t->cfg.mac[0] == '\0')
		return 0;
	if (sscanf(t->cfg.mac, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", m,
		m + 1, m + 2, m + 3, m + 4, m + 5, &end) != 6 ||
	    t->cfg.mac[end] != '\0' || (m[0] & 1) != 0)
		return err_set(e, EINVAL, "port '%s': mac=%s: not the address "
		    "of a station", name, t->cfg.mac);
	r.ifr_hwaddr.sa_family = ARPHRD_ETHER;
	memcpy(r.ifr_name, t->ifname, sizeof(r.ifr_name));
	return ioctl(t->fd, SIOCSIFHWADDR, &r) == 0 ? 0 : fail(name, "mac", e);
}

/* Sets the MTU and brings the interface up. */
static int
bring_up(const char *name, const struct tap *t, struct err *e)
{
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), rc = 0;
	struct ifreq r = {0};

	if (s == -1)
		return fail(name, "socket", e);
	memcpy(r.ifr_name, t->ifname, sizeof(r.ifr_name));
	r.ifr_mtu = (int)t->cfg.mtu;
	if (t->cfg.mtu != 0 && ioctl(s, SIOCSIFMTU, &r) == -1) {
		rc = fail(name, "mtu", e);
	} else if (ioctl(s, SIOCGIFFLAGS, &r) == 0) {
		r.ifr_flags |= IFF_UP;
		if (ioctl(s, SIOCSIFFLAGS, &r) == -1)
			rc = fail(name, "up", e);
	}
	close(s);
	return rc;
}

static int
set_up(const char *name, struct tap *t, struct err *e)
{
	int rc;

	if ((rc = attach(name, t, e)) != 0 ||
	    (rc = set_offloads(name, t, e)) != 0 ||
	    (rc = set_mac(name, t, e)) != 0)
		return rc;
	if (t->cfg.persist && ioctl(t->fd, TUNSETPERSIST, 1) == -1)
		return fail(name, "persist", e);
	return bring_up(name, t, e);
}

static int
open_device(const char *name, struct tap *t, struct err *e)
{
	t->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (t->fd == -1)
		return fail(name, "/dev/net/tun", e);
	return set_up(name, t, e);
}

static void
tap_close(struct port *p)
{
	struct tap *t = p->priv;

	if (t->fd != -1)
		close(t->fd);
	vnet_fini(&t->vnet);
	free(t->arena);
	free(t);
}

static int
read_args(const char *name, struct tap *t, struct err *e)
{
	struct tap_cfg *c = &t->cfg;
	const struct port_arg args[] = {
		{"persist", PORT_ARG_FLAG, &c->persist, 0, 0, 0},
		{"segments", PORT_ARG_FLAG, &c->segments, 0, 0, 0},
		{"mtu", PORT_ARG_NUMBER, &c->mtu, 68, MTU_MAX, 0},
		{"mac", PORT_ARG_TEXT, c->mac, 0, 0, sizeof(c->mac)},
		{0},
	};
	int rc = port_args(name, name + strlen(port_tap.kind), t->ifname,
	    sizeof(t->ifname), args, e);

	if (rc == 0 && strpbrk(t->ifname, "%/ ") != NULL)
		rc = err_set(e, EINVAL, "port '%s': no name of an interface",
		    name);
	return rc;
}

static int
tap_open(struct port *p, const char *name, struct err *e)
{
	struct tap *t = calloc(1, sizeof(*t));
	int rc;

	if (t == NULL)
		return err_set(e, ENOMEM, "port '%s': no memory", name);
	p->priv = t;
	t->fd = -1;
	if (vnet_init(&t->vnet) != 0 || (t->arena = malloc(ARENA)) == NULL)
		rc = err_set(e, ENOMEM, "port '%s': no memory", name);
	else if ((rc = read_args(name, t, e)) == 0)
		rc = open_device(name, t, e);
	if (rc != 0) {
		tap_close(p);
		return rc;
	}
	p->fd = t->fd;
	p->interface = true;
	p->can_whole = !t->cfg.segments;
	return 0;
}

/* ---- the interface is removed ---- */

/* Until it can be made again there is nothing to poll for. */
static void
lose(struct port *p)
{
	struct tap *t = p->priv;

	log_msg(LOG_WARN, "%s: the interface is gone; waiting for it",
	    p->name);
	t->gone = true;
	t->looked = clock_mono_ns();
	p->fd = -1;
}

/* Tries to have it again; now and then. */
static void
regain(struct port *p)
{
	struct tap *t = p->priv;
	ns_t now = clock_mono_ns();
	struct err e;

	if (now - t->looked < RETRY_NS)
		return;
	t->looked = now;
	close(t->fd); /* it may still belong to what was there */
	if (open_device(p->name, t, &e) != 0)
		return;
	log_msg(LOG_INFO, "%s: the interface is back", p->name);
	t->gone = false;
	p->fd = t->fd;
}

/* ---- receive ---- */

/* Reads one frame; false if there is none, or no room for one. */
static bool
take_next(struct port *p)
{
	struct tap *t = p->priv;
	uint8_t *frame = t->arena + t->used + LEAD;
	struct offload o;
	ssize_t n;

	if (t->used + LEAD + FRAME_MAX > ARENA)
		return false;
	n = read(t->fd, frame - HDR, HDR + FRAME_MAX);
	if (n <= HDR) {
		if (n == -1 && errno == EBADFD)
			lose(p);
		return false;
	}
	n -= HDR;
	t->used += (unsigned)(LEAD + n + CACHE_LINE - 1) & ~(CACHE_LINE - 1u);
	memcpy(&o, frame - HDR, sizeof(o));
	o.flags &= OFFLOAD_CSUM; /* beside it, only hints */
	if (!vnet_take(&t->vnet, frame, (unsigned)n, &o, p->whole))
		stat_add(&p->stats.rx_lost, 1);
	return true;
}

static void
tap_release(struct port *p)
{
	struct tap *t = p->priv;

	if (vnet_is_idle(&t->vnet)) /* else the frame that is cut is there */
		t->used = 0;
	vnet_recycle(&t->vnet);
}

static unsigned
tap_rx(struct port *p, struct pkt *pkts, unsigned max)
{
	struct tap *t = p->priv;
	uint64_t bytes = 0;
	unsigned n = 0;

	if (unlikely(t->gone)) {
		regain(p);
		return 0;
	}
	while (n < max && (!vnet_is_idle(&t->vnet) || take_next(p))) {
		unsigned got = vnet_give(&t->vnet, pkts + n, max - n);

		for (unsigned i = 0; i < got; i++)
			bytes += pkts[n + i].len;
		n += got;
		if (!vnet_is_idle(&t->vnet))
			break; /* no room for more of its segments */
	}
	if (n == 0)
		tap_release(p); /* frames that were no good */
	stat_add(&p->stats.rx_pkts, n);
	stat_add(&p->stats.rx_bytes, bytes);
	return n;
}

/* ---- send ---- */

static unsigned
tap_room(struct port *p)
{
	(void)p;
	return PORT_BURST; /* the host's stack takes it or drops it */
}

static unsigned
tap_tx(struct port *p, struct port *from, struct pkt *const *pkts, unsigned n)
{
	struct tap *t = p->priv;
	struct iovec iov[VNET_IOV];
	struct vnet_out out;
	uint64_t bytes = 0;
	unsigned sent = 0;

	for (unsigned i = 0; i < n; i += out.n_pkts) {
		vnet_put(&out, iov, from, pkts + i, n - i, !t->cfg.segments);
		if (writev(t->fd, iov, (int)out.n_iov) == -1)
			continue; /* down or gone */
		sent += out.n_pkts;
		for (unsigned k = 0; k < out.n_pkts; k++)
			bytes += pkts[i + k]->len;
	}
	stat_add(&p->stats.tx_pkts, sent);
	stat_add(&p->stats.tx_bytes, bytes);
	stat_add(&p->stats.tx_lost, n - sent);
	return n;
}

static void
tap_nothing(struct port *p)
{
	(void)p;
}

static bool
tap_sleep_begin(struct port *p, unsigned flags)
{
	struct tap *t = p->priv;

	return ((flags & PORT_RX) == 0 || vnet_is_idle(&t->vnet)) &&
	    (flags & PORT_TX) == 0;
}

const struct port_ops port_tap = {
	.kind = "tap:",
	.help = "tap:NAME         interface NAME of the host, made if need be",
	.open = tap_open,
	.close = tap_close,
	.rx = tap_rx,
	.release = tap_release,
	.room = tap_room,
	.tx = tap_tx,
	.kick = tap_nothing,
	.pending = port_none_pending,
	.sleep_begin = tap_sleep_begin,
	.sleep_end = tap_nothing,
};
