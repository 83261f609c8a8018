/* SPDX-License-Identifier: BSD-2-Clause */
#include "port/nic.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if_packet.h>
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

	if (ioctl(fd, SIOCGIFFLAGS, &r) == -1)
		return -errno;
	out->is_up = (r.ifr_flags & IFF_UP) != 0;
	if (ioctl(fd, SIOCGIFMTU, &r) == -1)
		return -errno;
	out->mtu = (unsigned)r.ifr_mtu;
	if (ioctl(fd, SIOCGIFINDEX, &r) == -1)
		return -errno;
	out->index = (unsigned)r.ifr_ifindex;
	out->n_queues = queues_of(fd, name);
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

/* The loopback interface has an Ethernet header, too. */
static bool
is_ethernet(int fd, const char *name)
{
	struct ifreq r = request(name);

	return ioctl(fd, SIOCGIFHWADDR, &r) == 0 &&
	    (r.ifr_hwaddr.sa_family == ARPHRD_ETHER ||
	    r.ifr_hwaddr.sa_family == ARPHRD_LOOPBACK);
}

int
nic_look(const char *name, struct nic *out, struct err *e)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), rc;
	struct nic n = {0};

	if (fd == -1)
		return err_set(e, errno, "socket: %s", strerror(errno));
	if ((rc = look_by(fd, name, &n)) == 0 && !is_ethernet(fd, name))
		rc = -EINVAL;
	close(fd);
	if (rc != 0)
		return err_set(e, -rc, "interface %s: %s", name,
		    rc == -ENODEV ? "there is none of that name" :
		    rc == -EINVAL ? "it carries no Ethernet frames" :
				    strerror(-rc));
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
