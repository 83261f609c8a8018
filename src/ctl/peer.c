/* SPDX-License-Identifier: BSD-2-Clause */
#include "ctl/peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Both ends of a connection, as the peer sees them. */
struct ends {
	struct sockaddr_in local;  /* the peer's own */
	struct sockaddr_in remote; /* ours */
};

/* A socket as the kernel describes it. */
struct found {
	unsigned state;
	uid_t uid;
	unsigned long inode;
};

/* Numbers of the kernel's TCP states, which the C library also has. */
enum { ESTABLISHED = 1, FIN_WAIT1 = 4, FIN_WAIT2 = 5 };

/* True if a process holds this socket: then its uid means something. */
static bool
is_held(const struct found *f)
{
	return f->inode != 0 &&
	    (f->state == ESTABLISHED || f->state == FIN_WAIT1 ||
		f->state == FIN_WAIT2);
}

static int
open_diag(void)
{
	return socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    NETLINK_SOCK_DIAG);
}

static bool
send_query(int nl, const struct ends *ends)
{
	struct {
		struct nlmsghdr head;
		struct inet_diag_req_v2 req;
	} q = {
	    .head =
		{
		    .nlmsg_len = sizeof(q),
		    .nlmsg_type = SOCK_DIAG_BY_FAMILY,
		    .nlmsg_flags = NLM_F_REQUEST,
		},
	    .req =
		{
		    .sdiag_family = AF_INET,
		    .sdiag_protocol = IPPROTO_TCP,
		    .idiag_states = ~0u,
		    .id =
			{
			    .idiag_sport = ends->local.sin_port,
			    .idiag_dport = ends->remote.sin_port,
			    .idiag_src = {ends->local.sin_addr.s_addr},
			    .idiag_dst = {ends->remote.sin_addr.s_addr},
			    .idiag_cookie = {INET_DIAG_NOCOOKIE,
				INET_DIAG_NOCOOKIE},
			},
		},
	};

	return send(nl, &q, sizeof(q), 0) == (ssize_t)sizeof(q);
}

/* The kernel answers before send() returns: nothing is waited for. */
static bool
read_answer(int nl, const struct ends *ends, struct found *out)
{
	struct {
		struct nlmsghdr head;
		struct inet_diag_msg msg;
		char attributes[4096];
	} a;
	ssize_t n = recv(nl, &a, sizeof(a), MSG_DONTWAIT);

	if (n < (ssize_t)(sizeof(a.head) + sizeof(a.msg)) ||
	    a.head.nlmsg_type != SOCK_DIAG_BY_FAMILY)
		return false;
	if (a.msg.id.idiag_sport != ends->local.sin_port ||
	    a.msg.id.idiag_dport != ends->remote.sin_port ||
	    a.msg.id.idiag_src[0] != ends->local.sin_addr.s_addr ||
	    a.msg.id.idiag_dst[0] != ends->remote.sin_addr.s_addr)
		return false;
	*out = (struct found){
	    .state = a.msg.idiag_state,
	    .uid = a.msg.idiag_uid,
	    .inode = a.msg.idiag_inode,
	};
	return true;
}

static bool
ask_diag(const struct ends *ends, struct found *out)
{
	int nl = open_diag();
	bool ok;

	if (nl == -1)
		return false;
	ok = send_query(nl, ends) && read_answer(nl, ends, out);
	close(nl);
	return ok;
}

/* The same out of a file with a line for each TCP socket. */
static bool
ask_proc(const struct ends *ends, struct found *out)
{
	FILE *f = fopen("/proc/net/tcp", "re");
	char line[512];
	bool ok = false;

	if (f == NULL)
		return false;
	while (!ok && fgets(line, sizeof(line), f) != NULL) {
		unsigned la, lp, ra, rp, state, uid;
		unsigned long inode;

		if (sscanf(line,
			" %*u: %x:%x %x:%x %x %*x:%*x %*x:%*x %*x "
			"%u %*d %lu",
			&la, &lp, &ra, &rp, &state, &uid, &inode) != 7)
			continue;
		ok = la == ends->local.sin_addr.s_addr &&
		    lp == ntohs(ends->local.sin_port) &&
		    ra == ends->remote.sin_addr.s_addr &&
		    rp == ntohs(ends->remote.sin_port);
		*out = (struct found){state, uid, inode};
	}
	fclose(f);
	return ok;
}

static int
tcp_uid(int fd, const struct sockaddr_in *peer, uid_t *uid, struct err *e)
{
	struct ends ends = {.local = *peer};
	socklen_t len = sizeof(ends.remote);
	struct found f = {0};

	if (getsockname(fd, (struct sockaddr *)&ends.remote, &len) == -1)
		return err_set(
		    e, EACCES, "no address of our own: %s", strerror(errno));
	if ((ask_diag(&ends, &f) && is_held(&f)) ||
	    (ask_proc(&ends, &f) && is_held(&f))) {
		*uid = f.uid;
		return 0;
	}
	return err_set(e, EACCES, "127.0.0.1:%u is held by no process",
	    ntohs(peer->sin_port));
}

int
peer_uid(int fd, uid_t *uid, struct err *e)
{
	struct sockaddr_storage peer = {0};
	socklen_t len = sizeof(peer);
	struct ucred cred;

	if (getpeername(fd, (struct sockaddr *)&peer, &len) == -1)
		return err_set(e, EACCES, "no peer: %s", strerror(errno));
	if (peer.ss_family == AF_INET)
		return tcp_uid(fd, (struct sockaddr_in *)&peer, uid, e);
	len = sizeof(cred);
	if (peer.ss_family != AF_UNIX ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == -1)
		return err_set(e, EACCES, "no credentials of the peer");
	*uid = cred.uid;
	return 0;
}
