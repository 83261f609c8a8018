/* SPDX-License-Identifier: BSD-2-Clause */
#include "port/nic_xdp.h"

#include "base/cdefs.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Newer than the headers of Debian 12. */
enum {
	DEV_GET = 1, /* command of the family "netdev" */
	DEV_IFINDEX = 1,
	DEV_XDP_FEATURES = 3,
	DEV_XDP_RX_METADATA = 5,
};

/* A request with one attribute, or its answer. */
struct message {
	struct nlmsghdr nl;
	struct genlmsghdr genl;
	uint8_t attrs[8192];
};

static void
begin(struct message *m, uint16_t family, uint8_t cmd, uint16_t attr,
    const void *value, size_t len)
{
	const struct nlattr a = {
		.nla_len = (uint16_t)(NLA_HDRLEN + len),
		.nla_type = attr,
	};

	m->nl = (struct nlmsghdr){
		.nlmsg_len = (uint32_t)(NLMSG_LENGTH(GENL_HDRLEN) +
		    NLA_HDRLEN + NLA_ALIGN(len)),
		.nlmsg_type = family,
		.nlmsg_flags = NLM_F_REQUEST,
	};
	m->genl = (struct genlmsghdr){.cmd = cmd, .version = 1};
	memset(m->attrs, 0, NLA_HDRLEN + NLA_ALIGN(len));
	memcpy(m->attrs, &a, sizeof(a));
	memcpy(m->attrs + NLA_HDRLEN, value, len);
}

/* Sends it and puts the answer in its place. */
static int
ask(int fd, struct message *m)
{
	ssize_t n;
	int error;

	if (send(fd, m, m->nl.nlmsg_len, 0) == -1 ||
	    (n = recv(fd, m, sizeof(*m), 0)) == -1)
		return -errno;
	if ((size_t)n < offsetof(struct message, attrs) ||
	    m->nl.nlmsg_len > (size_t)n)
		return -EBADMSG;
	if (m->nl.nlmsg_type == NLMSG_ERROR) {
		memcpy(&error, &m->genl, sizeof(error));
		return error < 0 ? error : -EBADMSG;
	}
	return 0;
}

/* Copies the attribute of the answer; false if it is not there in that size. */
static bool
get(const struct message *m, uint16_t type, void *value, size_t len)
{
	size_t size = m->nl.nlmsg_len - offsetof(struct message, attrs);
	size_t at = 0;

	while (at + NLA_HDRLEN <= size) {
		struct nlattr a;

		memcpy(&a, m->attrs + at, sizeof(a));
		if (a.nla_len < NLA_HDRLEN || a.nla_len > size - at)
			return false;
		if (a.nla_type == type && a.nla_len == NLA_HDRLEN + len) {
			memcpy(value, m->attrs + at + NLA_HDRLEN, len);
			return true;
		}
		at += NLA_ALIGN((size_t)a.nla_len);
	}
	return false;
}

static int
look_by(int fd, unsigned index, struct nic_xdp *out)
{
	static const char family[] = "netdev";
	struct message m;
	uint16_t id;
	int rc;

	begin(&m, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_NAME,
	    family, sizeof(family));
	if ((rc = ask(fd, &m)) != 0)
		return rc;
	if (!get(&m, CTRL_ATTR_FAMILY_ID, &id, sizeof(id)))
		return -EBADMSG;
	begin(&m, id, DEV_GET, DEV_IFINDEX, &index, sizeof(uint32_t));
	if ((rc = ask(fd, &m)) != 0)
		return rc;
	if (!get(&m, DEV_XDP_FEATURES, &out->features, sizeof(out->features)))
		return -EBADMSG;
	if (!get(&m, DEV_XDP_RX_METADATA, &out->tells, sizeof(out->tells)))
		out->tells = 0;
	return 0;
}

int
nic_xdp_look(unsigned index, struct nic_xdp *out)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	int rc;

	if (fd == -1)
		return -errno;
	rc = look_by(fd, index, out);
	close(fd);
	return rc;
}
