/* SPDX-License-Identifier: BSD-2-Clause */
#include "ctl/server.h"

#include "base/clock.h"
#include "base/log.h"
#include "ctl/conn.h"
#include "ctl/peer.h"
#include "ctl/spring.h"
#include "ctl/unixsock.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	BACKLOG = 64,
	DEFAULT_LIMIT_MS = 30000,
};

enum door { DOOR_CONTROL, DOOR_SOURCE, DOOR_UNIX, N_DOORS };

static const char *const door_names[] = {
    [DOOR_CONTROL] = "control",
    [DOOR_SOURCE] = "source",
    [DOOR_UNIX] = "unix control",
};

/* A connection of either kind; both NULL = free. */
struct slot {
	struct server *server;
	struct conn *conn;
	struct spring *spring;
};

/* A listening socket. */
struct listener {
	struct server *server;
	enum door door;
	struct evconnlistener *lev;
};

struct server {
	struct event_base *base;
	struct control *control;
	struct engine *en;
	unsigned limit_ms;
	uid_t uid; /* our own */
	struct unixsock unix_sock;
	struct event *pause; /* listens again after we ran out of files */
	struct listener listeners[N_DOORS];
	struct slot slots[SERVER_MAX_CONNS];
	ns_t last_complaint_ns;
	unsigned n_unlogged;
};

/* Logs a refusal, one a second at most: others must not fill the log. */
static void
complain(struct server *s, enum door door, const char *why)
{
	ns_t now = clock_mono_ns();

	if (s->last_complaint_ns != 0 &&
	    now - s->last_complaint_ns < NS_PER_S) {
		s->n_unlogged++;
		return;
	}
	if (s->n_unlogged > 0)
		log_msg(LOG_WARN, "%s: %u more connections refused",
		    door_names[door], s->n_unlogged);
	log_msg(LOG_WARN, "%s: connection refused: %s", door_names[door], why);
	s->last_complaint_ns = now;
	s->n_unlogged = 0;
}

static void
on_over(void *arg)
{
	struct slot *slot = arg;

	conn_destroy(slot->conn);
	spring_destroy(slot->spring);
	slot->conn = NULL;
	slot->spring = NULL;
}

static struct slot *
free_slot(struct server *s)
{
	for (unsigned i = 0; i < SERVER_MAX_CONNS; i++)
		if (s->slots[i].conn == NULL && s->slots[i].spring == NULL)
			return &s->slots[i];
	return NULL;
}

/* Whether the peer of 'fd' may come in. */
static int
admit(const struct server *s, int fd, struct err *e)
{
	uid_t uid = 0;
	int error;

	error = peer_uid(fd, &uid, e);
	if (error == 0 && uid != 0 && uid != s->uid)
		error = err_set(e, EACCES, "user %u is neither root nor %u",
		    (unsigned)uid, (unsigned)s->uid);
	return error;
}

static void
on_accept(struct evconnlistener *lev, evutil_socket_t fd, struct sockaddr *addr,
    int len, void *arg)
{
	struct listener *l = arg;
	struct server *s = l->server;
	struct slot *slot = free_slot(s);
	struct err e = {.text = "too many connections"};
	int on = 1;

	(void)lev;
	(void)addr;
	(void)len;
	if (slot == NULL || admit(s, fd, &e) != 0) {
		complain(s, l->door, e.text);
		close(fd);
		return;
	}
	if (l->door != DOOR_UNIX)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	slot->server = s;
	if (l->door == DOOR_SOURCE)
		slot->spring = spring_create(s->base, fd, s->en, on_over, slot);
	else
		slot->conn = conn_create(
		    s->base, fd, s->control, s->limit_ms, on_over, slot);
	if (slot->conn == NULL && slot->spring == NULL)
		complain(s, l->door, "no memory");
}

/* Out of files, most likely.  Trying on at once would only burn the core. */
static void
on_accept_error(struct evconnlistener *lev, void *arg)
{
	static const struct timeval second = {1, 0};
	struct listener *l = arg;

	complain(l->server, l->door, strerror(errno));
	evconnlistener_disable(lev);
	evtimer_add(l->server->pause, &second);
}

static void
on_pause_end(evutil_socket_t fd, short what, void *arg)
{
	struct server *s = arg;

	(void)fd;
	(void)what;
	for (unsigned i = 0; i < N_DOORS; i++)
		if (s->listeners[i].lev != NULL)
			evconnlistener_enable(s->listeners[i].lev);
}

/* Accepts on 'fd', which stays the caller's unless this works and 'own'. */
static int
listen_on(struct server *s, enum door door, int fd, bool own, struct err *e)
{
	struct listener *l = &s->listeners[door];

	l->server = s;
	l->door = door;
	l->lev = evconnlistener_new(s->base, on_accept, l,
	    (own ? LEV_OPT_CLOSE_ON_FREE : 0u) | LEV_OPT_CLOSE_ON_EXEC,
	    own ? BACKLOG : 0, fd);
	if (l->lev == NULL)
		return err_set(
		    e, ENOMEM, "%s: cannot listen", door_names[door]);
	evconnlistener_set_error_cb(l->lev, on_accept_error);
	return 0;
}

static int
open_tcp(struct server *s, enum door door, uint16_t port, struct err *e)
{
	struct sockaddr_in sin = {
	    .sin_family = AF_INET,
	    .sin_port = htons(port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd, on = 1, error;

	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return err_set(e, errno, "tcp socket: %s", strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1) {
		error = err_set(e, errno, "127.0.0.1:%u (%s): %s", port,
		    door_names[door], strerror(errno));
		close(fd);
		return error;
	}
	error = listen_on(s, door, fd, true, e);
	if (error != 0)
		close(fd);
	return error;
}

static int
open_doors(struct server *s, const struct server_cfg *cfg, struct err *e)
{
	int error = 0;

	if (cfg->port == UINT16_MAX)
		return err_set(e, EINVAL,
		    "port %u: none follows for the "
		    "source",
		    cfg->port);
	if (cfg->port != 0)
		error = open_tcp(s, DOOR_CONTROL, cfg->port, e);
	if (error == 0 && cfg->port != 0)
		error = open_tcp(s, DOOR_SOURCE, (uint16_t)(cfg->port + 1), e);
	if (error == 0 && cfg->unix_path != NULL)
		error = unixsock_open(&s->unix_sock, cfg->unix_path, e);
	if (error == 0 && cfg->unix_path != NULL)
		error = listen_on(s, DOOR_UNIX, s->unix_sock.fd, false, e);
	return error;
}

int
server_create(struct event_base *base, struct control *control,
    struct engine *en, const struct server_cfg *cfg, struct server **out,
    struct err *e)
{
	struct server *s = calloc(1, sizeof(*s));
	int error;

	if (s == NULL)
		return err_set(e, ENOMEM, "no memory for a server");
	s->base = base;
	s->control = control;
	s->en = en;
	s->limit_ms = cfg->limit_ms != 0 ? cfg->limit_ms : DEFAULT_LIMIT_MS;
	s->uid = geteuid();
	s->unix_sock.fd = -1;
	s->pause = evtimer_new(base, on_pause_end, s);
	error = s->pause != NULL ? open_doors(s, cfg, e) :
				   err_set(e, ENOMEM, "no memory for a server");
	if (error != 0) {
		server_destroy(s);
		return error;
	}
	*out = s;
	return 0;
}

void
server_destroy(struct server *s)
{
	if (s == NULL)
		return;
	for (unsigned i = 0; i < N_DOORS; i++)
		if (s->listeners[i].lev != NULL)
			evconnlistener_free(s->listeners[i].lev);
	for (unsigned i = 0; i < SERVER_MAX_CONNS; i++)
		on_over(&s->slots[i]);
	unixsock_close(&s->unix_sock);
	if (s->pause != NULL)
		event_free(s->pause);
	free(s);
}
