/* SPDX-License-Identifier: BSD-2-Clause */
#include "port/nic.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if_packet.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* A request about the interface of that name. */
static struct ifreq
request(const char *name)
{
	struct ifreq r;

	memset(&r, 0, sizeof(r));
	memcpy(r.ifr_name, name, strnlen(name, IFNAMSIZ - 1));
	return r;
}

/* ethtool's question 'what', whose number comes first in its structure. */
static bool
ethtool(int fd, const char *name, void *what)
{
	struct ifreq r = request(name);

	r.ifr_data = what;
	return ioctl(fd, SIOCETHTOOL, &r) == 0;
}

static unsigned
queues_of(int fd, const char *name)
{
	struct ethtool_channels ch = {.cmd = ETHTOOL_GCHANNELS};

	if (!ethtool(fd, name, &ch) ||
	    ch.rx_count + ch.combined_count == 0)
		return 1;
	return ch.rx_count + ch.combined_count;
}

static uint32_t
flags_of(int fd, const char *name, uint32_t cmd)
{
	struct ethtool_value v = {.cmd = cmd};

	return ethtool(fd, name, &v) ? v.data : 0;
}

static int
state_by(int fd, const char *name, struct nic_state *out)
{
	struct ifreq r = request(name);

	struct nic_state now;

	if (ioctl(fd, SIOCGIFFLAGS, &r) == -1)
		return -errno;
	now.is_up = (r.ifr_flags & IFF_UP) != 0;
	if (ioctl(fd, SIOCGIFMTU, &r) == -1)
		return -errno;
	now.mtu = (unsigned)r.ifr_mtu;
	if (ioctl(fd, SIOCGIFINDEX, &r) == -1)
		return -errno;
	now.index = (unsigned)r.ifr_ifindex;
	now.n_queues = queues_of(fd, name);
	*out = now;
	return 0;
}

static int
look_by(int fd, const char *name, struct nic *out)
{
	struct ethtool_drvinfo drv = {.cmd = ETHTOOL_GDRVINFO};
	int rc = state_by(fd, name, &out->now);
	uint32_t flags;

	if (rc != 0)
		return rc;
	flags = flags_of(fd, name, ETHTOOL_GFLAGS);
	out->merges = (flags & ETH_FLAG_LRO) != 0 ||
	    flags_of(fd, name, ETHTOOL_GGRO) != 0;
	out->takes_tags = (flags & ETH_FLAG_RXVLAN) != 0;
	if (ethtool(fd, name, &drv))
		memcpy(out->driver, drv.driver, sizeof(out->driver) - 1);
	return 0;
}

/* ---- the other end of a cable ---- */

/* What RTM_GETLINK asks and is told of one interface. */
struct link_question {
	struct nlmsghdr head;
	struct ifinfomsg link;
};

/* The index in IFLA_LINK of msg[n]; 0 if that is in another namespace, or not
 * told. */
static unsigned
peer_in(const uint8_t *msg, size_t n)
{
	size_t at = NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(struct ifinfomsg));
	struct nlmsghdr h;
	struct rtattr a;
	unsigned peer = 0;

	if (n < at)
		return 0;
	memcpy(&h, msg, sizeof(h));
	if (h.nlmsg_type != RTM_NEWLINK || h.nlmsg_len > n)
		return 0;
	for (; at + sizeof(a) <= h.nlmsg_len; at += RTA_ALIGN(a.rta_len)) {
		memcpy(&a, msg + at, sizeof(a));
		if (a.rta_len < sizeof(a) || a.rta_len > h.nlmsg_len - at ||
		    a.rta_type == IFLA_LINK_NETNSID)
			return 0;
		if (a.rta_type == IFLA_LINK &&
		    a.rta_len == RTA_LENGTH(sizeof(peer)))
			memcpy(&peer, msg + at + RTA_LENGTH(0), sizeof(peer));
	}
	return peer;
}

static unsigned
peer_of(unsigned index)
{
	struct link_question q = {
		.head = {.nlmsg_len = sizeof(q), .nlmsg_type = RTM_GETLINK,
		    .nlmsg_flags = NLM_F_REQUEST},
		.link = {.ifi_index = (int)index},
	};
	uint8_t answer[16384];
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	ssize_t n = -1;

	if (fd == -1)
		return 0;
	if (send(fd, &q, sizeof(q), 0) == (ssize_t)sizeof(q))
		n = recv(fd, answer, sizeof(answer), 0);
	close(fd);
	return n > 0 ? peer_in(answer, (size_t)n) : 0;
}

/* ---- at the start ---- */

/* Why a port cannot be made of it; NULL if it can. */
static const char *
unfit(int fd, const char *name)
{
	struct ifreq r = request(name);

	if (ioctl(fd, SIOCGIFHWADDR, &r) == -1)
		return strerror(errno);
	if (r.ifr_hwaddr.sa_family == ARPHRD_LOOPBACK)
		return "what is sent by the loopback interface comes back by "
		    "it; for the host itself make a port tap:NAME";
	return r.ifr_hwaddr.sa_family == ARPHRD_ETHER ? NULL :
	    "it carries no Ethernet frames";
}

int
nic_look(const char *name, struct nic *out, struct err *e)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), rc;
	const char *why = NULL;
	struct nic n = {0};

	if (fd == -1)
		return err_set(e, errno, "socket: %s", strerror(errno));
	if ((rc = look_by(fd, name, &n)) == 0 &&
	    (why = unfit(fd, name)) != NULL)
		rc = -EINVAL;
	close(fd);
	if (rc != 0)
		return err_set(e, -rc, "interface %s: %s", name,
		    why != NULL ? why : rc == -ENODEV ?
		    "there is none of that name" : strerror(-rc));
	if (strcmp(n.driver, "veth") == 0)
		n.peer = peer_of(n.now.index);
	*out = n;
	return 0;
}

bool
nic_state(const char *name, struct nic_state *out)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool there = fd != -1 && state_by(fd, name, out) == 0;

	if (fd != -1)
		close(fd);
	return there;
}

int
nic_promisc(unsigned index)
{
	struct packet_mreq m = {
		.mr_ifindex = (int)index,
		.mr_type = PACKET_MR_PROMISC,
	};
	/* Protocol 0: it receives nothing. */
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd == -1)
		return -errno;
	if (setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &m,
		sizeof(m)) == -1) {
		int rc = -errno;

		close(fd);
		return rc;
	}
	return fd;
}

/* ---- meanwhile ---- */

int
nic_watch_open(struct nic_watch *w, const char *name, struct nic *out,
    struct err *e)
{
	struct sockaddr_nl sa = {.nl_family = AF_NETLINK,
	    .nl_groups = RTMGRP_LINK};
	int rc;

	memset(w, 0, sizeof(*w));
	strncpy(w->name, name, sizeof(w->name) - 1);
	w->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    NETLINK_ROUTE);
	if (w->fd == -1 || bind(w->fd, (void *)&sa, sizeof(sa)) == -1)
		rc = err_set(e, errno, "rtnetlink: %s", strerror(errno));
	else
		rc = nic_look(name, out, e);
	if (rc != 0)
		nic_watch_close(w);
	else
		w->now = out->now;
	return rc;
}

void
nic_watch_close(struct nic_watch *w)
{
	if (w->fd != -1)
		close(w->fd);
	w->fd = -1;
}

/* True if there still is the interface that was ours. */
static bool
was_renamed(const struct nic_watch *w)
{
	struct ifreq r = {.ifr_ifindex = (int)w->now.index};

	return w->now.index != 0 && ioctl(w->fd, SIOCGIFNAME, &r) == 0;
}

/* Finds out who has the name. */
static void
find(struct nic_watch *w)
{
	struct nic_state now = {0};

	if (state_by(w->fd, w->name, &now) == 0 || !was_renamed(w))
		w->now = now;
}

bool
nic_watch_news(struct nic_watch *w)
{
	char buf[8192];
	bool news = false;

	/* What it says does not matter, nor that some was lost (ENOBUFS): who
	 * asks afterwards hears the latest. */
	for (int i = 0; i < 16; i++) {
		if (recv(w->fd, buf, sizeof(buf), MSG_DONTWAIT) == -1 &&
		    errno != ENOBUFS)
			break;
		news = true;
	}
	if (news)
		find(w);
	return news;
}
