/* SPDX-License-Identifier: BSD-2-Clause */
#include "port/netif.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static unsigned
mtu_of(const struct netif *l)
{
	struct ifreq r = {0};

	memcpy(r.ifr_name, l->name, sizeof(r.ifr_name));
	return ioctl(l->fd, SIOCGIFMTU, &r) == 0 ? (unsigned)r.ifr_mtu : 0;
}

static bool
is_up(const struct netif *l)
{
	struct ifreq r = {0};

	memcpy(r.ifr_name, l->name, sizeof(r.ifr_name));
	return ioctl(l->fd, SIOCGIFFLAGS, &r) == 0 &&
	    (r.ifr_flags & IFF_UP) != 0;
}

static unsigned
index_of(const struct netif *l)
{
	struct ifreq r = {0};

	memcpy(r.ifr_name, l->name, sizeof(r.ifr_name));
	if (ioctl(l->fd, SIOCGIFINDEX, &r) == -1)
		return 0;
	return (unsigned)r.ifr_ifindex;
}

/* True if there still is the interface that was ours. */
static bool
was_renamed(const struct netif *l)
{
	struct ifreq r = {.ifr_ifindex = (int)l->index};

	return l->index != 0 && ioctl(l->fd, SIOCGIFNAME, &r) == 0;
}

/* Finds out who has the name. */
static void
find(struct netif *l)
{
	unsigned index = index_of(l);

	if (index == 0 && was_renamed(l))
		return;
	l->index = index;
	l->mtu = mtu_of(l);
	l->is_up = is_up(l);
}

static int
check(struct netif *l, struct err *e)
{
	struct ifreq r = {0};

	find(l);
	if (l->index == 0)
		return err_set(e, ENODEV, "there is no interface '%s'",
		    l->name);
	memcpy(r.ifr_name, l->name, sizeof(r.ifr_name));
	if (ioctl(l->fd, SIOCGIFHWADDR, &r) == -1)
		return err_set(e, errno, "interface '%s': %s", l->name,
		    strerror(errno));
	if (r.ifr_hwaddr.sa_family != ARPHRD_ETHER)
		return err_set(e, EINVAL, "interface '%s' is not Ethernet",
		    l->name);
	return 0;
}

int
netif_open(struct netif *l, const char *name, struct err *e)
{
	struct sockaddr_nl sa = {.nl_family = AF_NETLINK,
	    .nl_groups = RTMGRP_LINK};
	int rc;

	memset(l, 0, sizeof(*l));
	strncpy(l->name, name, sizeof(l->name) - 1);
	l->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    NETLINK_ROUTE);
	if (l->fd == -1 || bind(l->fd, (void *)&sa, sizeof(sa)) == -1)
		rc = err_set(e, errno, "rtnetlink: %s", strerror(errno));
	else
		rc = check(l, e);
	if (rc != 0)
		netif_close(l);
	return rc;
}

void
netif_close(struct netif *l)
{
	if (l->fd != -1)
		close(l->fd);
	l->fd = -1;
}

bool
netif_look(struct netif *l)
{
	char buf[8192];
	bool news = false;

	/* What it says does not matter, nor that some was lost (ENOBUFS): who
	 * asks afterwards hears the latest. */
	for (int i = 0; i < 16; i++) {
		if (recv(l->fd, buf, sizeof(buf), MSG_DONTWAIT) == -1 &&
		    errno != ENOBUFS)
			break;
		news = true;
	}
	if (news)
		find(l);
	return news;
}
