/* SPDX-License-Identifier: BSD-2-Clause */
#include "ctl/client.h"

#include "ctl/wire.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { TIMEOUT_S = 30, HOST_MAX = 256 };

static const char lasterr[] = "kipfw.lasterr";

struct ctl_client {
	ctl_transport_fn *fn;
	void *arg;
	bool answered; /* the last request */
	bool ours;     /* kipfw's own server, not the original's */
	/* The rest is for sockets. */
	char host[HOST_MAX]; /* starts with '/': a unix socket */
	uint16_t port;
	int fd;	     /* -1: not connected */
	bool asking; /* for the sentence after an error */
};

static ctl_transport_fn socket_transport;

struct ctl_client *
ctl_client_open(const char *host, uint16_t port)
{
	struct ctl_client *c = ctl_client_wrap(socket_transport, NULL);

	if (c == NULL)
		return NULL;
	c->arg = c;
	c->port = port;
	snprintf(c->host, sizeof(c->host), "%s", host);
	return c;
}

struct ctl_client *
ctl_client_wrap(ctl_transport_fn *fn, void *arg)
{
	struct ctl_client *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->fn = fn;
	c->arg = arg;
	c->fd = -1;
	c->answered = c->ours = true;
	return c;
}

bool
ctl_client_answered(const struct ctl_client *c)
{
	return c->answered;
}

bool
ctl_client_takes_lists(const struct ctl_client *c)
{
	return c->answered && c->ours;
}

static void
hang_up(struct ctl_client *c)
{
	if (c->fd != -1)
		close(c->fd);
	c->fd = -1;
}

void
ctl_client_close(struct ctl_client *c)
{
	if (c == NULL)
		return;
	hang_up(c);
	free(c);
}

static int
request(struct ctl_client *c, uint32_t optname, uint32_t dir, void *data,
    size_t len, size_t room, size_t *reply_len, struct err *e)
{
	struct err why = {.code = 0, .pos = -1, .text = ""};
	int r = c->fn(c->arg, optname, dir, data, len, room, reply_len, &why);

	if (r == 0)
		return 0;
	if (why.text[0] != '\0')
		return err_at(e, -r, why.pos, "%s", why.text);
	return err_set(e, -r, "%s", strerror(-r));
}

int
ctl_get(struct ctl_client *c, uint32_t optname, void *data, size_t len,
    size_t room, size_t *reply_len, struct err *e)
{
	return request(c, optname, CTL_DIR_GET, data, len, room, reply_len, e);
}

int
ctl_set(struct ctl_client *c, uint32_t optname, const void *data, size_t len,
    struct err *e)
{
	void *copy = malloc(len != 0 ? len : 1);
	size_t none = 0;
	int r;

	if (copy == NULL)
		return err_set(e, ENOMEM, "no memory for a request");
	memcpy(copy, data, len);
	r = request(c, optname, CTL_DIR_SET, copy, len, len, &none, e);
	free(copy);
	return r;
}

/* ---- the socket transport ---- */

static int
dial_unix(struct ctl_client *c)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd;

	if (strlen(c->host) >= sizeof(sun.sun_path))
		return -ENAMETOOLONG;
	memcpy(sun.sun_path, c->host, strlen(c->host));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -errno;
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1) {
		int error = errno;

		close(fd);
		return -error;
	}
	return fd;
}

static int
dial_tcp(struct ctl_client *c)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list;
	char port[8];
	int fd = -EHOSTUNREACH, on = 1;

	snprintf(port, sizeof(port), "%u", c->port);
	if (getaddrinfo(c->host, port, &hints, &list) != 0)
		return -EHOSTUNREACH;
	for (struct addrinfo *a = list; a != NULL && fd < 0; a = a->ai_next) {
		fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd == -1) {
			fd = -errno;
		} else if (connect(fd, a->ai_addr, a->ai_addrlen) == -1) {
			int error = errno;

			close(fd);
			fd = -error;
		}
	}
	freeaddrinfo(list);
	if (fd >= 0)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

static int
dial(struct ctl_client *c, struct err *why)
{
	struct timeval limit = {.tv_sec = TIMEOUT_S};
	bool is_path = c->host[0] == '/';
	int fd = is_path ? dial_unix(c) : dial_tcp(c);

	if (fd < 0 && is_path)
		return err_set(why, -fd, "cannot reach kipfw at %s: %s",
		    c->host, strerror(-fd));
	if (fd < 0)
		return err_set(why, -fd, "cannot reach kipfw at %s port %u: %s",
		    c->host, c->port, strerror(-fd));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	c->fd = fd;
	return 0;
}

static int
send_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len > 0) {
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

static int
send_zeros(int fd, size_t len)
{
	static const char zeros[4096];
	int r = 0;

	while (r == 0 && len > 0) {
		size_t n = len < sizeof(zeros) ? len : sizeof(zeros);

		r = send_all(fd, zeros, n);
		len -= n;
	}
	return r;
}

static int
receive_all(int fd, void *data, size_t len)
{
	char *p = data;

	while (len > 0) {
		ssize_t n = recv(fd, p, len, 0);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		if (n == 0)
			return -ECONNRESET;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

static int
exchange(struct ctl_client *c, uint32_t optname, const void *data, size_t len,
    size_t room, uint32_t dir, struct wire_msg *reply)
{
	struct wire_hdr h = wire_pack(&(struct wire_msg){
	    .optlen = (uint32_t)room, .optname = optname, .dir = dir});
	int r = send_all(c->fd, &h, sizeof(h));

	if (r == 0)
		r = send_all(c->fd, data, len);
	if (r == 0)
		r = send_zeros(c->fd, room - len);
	if (r == 0)
		r = receive_all(c->fd, &h, sizeof(h));
	if (r == 0)
		*reply = wire_unpack(&h);
	return r;
}

static int
take_lasterr(void *arg, const struct ctl_sysctl *s)
{
	struct err *why = arg;

	if (strcmp(s->name, lasterr) != 0)
		return 0;
	if (s->len > 0)
		err_set(why, why->code, "%.*s",
		    (int)strnlen(s->data, s->len < 239 ? s->len : 239),
		    (const char *)s->data);
	return 1;
}

/* Asks our daemon for the sentence that belongs to the last error. */
static void
ask_why(struct ctl_client *c, int error, struct err *why)
{
	why->code = error;
	if (c->asking)
		return;
	c->asking = true;
	ctl_sysctl_walk(c, take_lasterr, why, NULL);
	c->asking = false;
}

/* In words.  A daemon of another user, and one with too many clients, hangs up
 * without an answer. */
static const char *
failure(int r)
{
	switch (r) {
	case -EPROTO:
		return "not a reply of kipfw";
	case -EPIPE:
	case -ECONNRESET:
		return "it hung up; it answers root and its own user only";
	default:
		return strerror(-r);
	}
}

static int
socket_transport(void *arg, uint32_t optname, uint32_t dir, void *data,
    size_t len, size_t room, size_t *reply_len, struct err *why)
{
	struct ctl_client *c = arg;
	struct wire_msg reply = {0};
	int r = c->fd == -1 ? dial(c, why) : 0;

	c->answered = false;
	if (r != 0)
		return r;
	r = exchange(c, optname, data, len, room, dir, &reply);
	if (r == 0 && reply.optlen > (dir == CTL_DIR_GET ? room : 0))
		r = -EPROTO;
	if (r == 0 && reply.optlen > 0)
		r = receive_all(c->fd, data, reply.optlen);
	if (r != 0) {
		hang_up(c);
		return err_set(why, -r, "the connection to kipfw failed: %s",
		    failure(r));
	}
	*reply_len = reply.optlen;
	c->answered = true;
	/* The original answers a set with octets that its header does not
	 * tell of.  It does not swap optname either, which gives it away. */
	c->ours = reply.optname == optname;
	if (!c->ours && dir == CTL_DIR_SET)
		hang_up(c);
	if (reply.error == 0)
		return 0;
	if (reply.error > 4095) /* no errno has such a number */
		reply.error = EPROTO;
	if (c->ours && !(dir == CTL_DIR_GET && reply.error == ENOMEM))
		ask_why(c, (int)reply.error, why);
	return -(int)reply.error;
}
