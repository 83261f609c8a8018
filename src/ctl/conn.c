/* SPDX-License-Identifier: BSD-2-Clause */
#include "ctl/conn.h"

#include "base/log.h"
#include "ctl/wire.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	TURN = 64, /* requests performed before others get their turn */
	READ_AHEAD = 65536, /* octets read beyond the request at hand */
	READ_ONCE = 262144, /* octets read by one system call */
	HDR = sizeof(struct wire_hdr),
};

struct conn {
	struct bufferevent *bev;
	struct event *limit; /* runs while a request is incomplete */
	struct timeval limit_time;
	struct control *control;
	struct err last; /* of this connection, for sysctl kipfw.lasterr */
	bool ended;	 /* no further request is taken */
	conn_over_fn *over;
	void *arg;
};

static struct evbuffer *
input(const struct conn *c)
{
	return bufferevent_get_input(c->bev);
}

static struct evbuffer *
output(const struct conn *c)
{
	return bufferevent_get_output(c->bev);
}

static void
free_message(const void *data, size_t len, void *message)
{
	(void)data;
	(void)len;
	free(message);
}

/* Sends 'message', whose first HDR octets are free for the header, with 'len'
 * octets of data.  Takes it; 'size' tells how much memory it holds. */
static void
reply(struct conn *c, void *message, size_t size, const struct wire_msg *m)
{
	struct wire_hdr h = wire_pack(m);
	size_t len = HDR + m->optlen;

	memcpy(message, &h, HDR);
	/* A short reply does not keep the memory of a long request. */
	if (len > size / 2 &&
	    evbuffer_add_reference(
		output(c), message, len, free_message, message) == 0)
		return;
	evbuffer_add(output(c), message, len);
	free(message);
}

/* Answers a request with nothing but an errno. */
static void
reply_error(struct conn *c, const struct wire_msg *request, int code)
{
	struct wire_msg m = *request;
	struct wire_hdr h;

	m.optlen = 0;
	m.error = (uint32_t)code;
	h = wire_pack(&m);
	evbuffer_add(output(c), &h, HDR);
}

/* Performs the request at the head of the input, which is complete. */
static void
perform(struct conn *c, const struct wire_msg *request)
{
	size_t size = HDR + (size_t)request->optlen;
	struct wire_msg m = *request;
	struct ctl_call call = {
	    .optname = m.optname,
	    .dir = m.dir,
	    .len = m.optlen,
	    .room = m.optlen,
	};
	unsigned char *message = malloc(size);

	if (message == NULL) {
		evbuffer_drain(input(c), size);
		reply_error(c, request, ENOMEM);
		return;
	}
	evbuffer_remove(input(c), message, size);
	call.data = message + HDR;
	m.error = (uint32_t)-control_call(c->control, &call, &c->last);
	m.optlen = (uint32_t)call.reply_len;
	reply(c, message, size, &m);
}

/* A request longer than any can be: the stream cannot be followed further. */
static void
refuse_long(struct conn *c, const struct wire_msg *request)
{
	log_msg(LOG_WARN, "control: request of %u octets: too long",
	    request->optlen);
	reply_error(c, request, EMSGSIZE);
	evbuffer_drain(input(c), evbuffer_get_length(input(c)));
	bufferevent_disable(c->bev, EV_READ);
	c->ended = true;
}

/* True if a whole request lies in the input; *m is its header. */
static bool
next_request(struct conn *c, struct wire_msg *m)
{
	size_t have = evbuffer_get_length(input(c)), want = HDR;
	struct wire_hdr h;

	if (have >= HDR) {
		evbuffer_copyout(input(c), &h, HDR);
		*m = wire_unpack(&h);
		if (m->optlen > CTL_MAX_PAYLOAD)
			return true;
		want += m->optlen;
	}
	bufferevent_setwatermark(c->bev, EV_READ, 0, want + READ_AHEAD);
	return have >= want;
}

/* The time limit runs while part of a request lies in the input. */
static void
watch_limit(struct conn *c, bool incomplete)
{
	if (!incomplete)
		event_del(c->limit);
	else if (!evtimer_pending(c->limit, NULL))
		evtimer_add(c->limit, &c->limit_time);
}

/* Ends the connection when nothing is left to be done.  The last thing that a
 * callback does. */
static void
end_if_over(struct conn *c)
{
	if (c->ended && evbuffer_get_length(output(c)) == 0)
		c->over(c->arg);
}

/* Performs what has arrived, a turn at most and as long as the client reads the
 * replies.  When it stops early there are replies under way, and on_written()
 * goes on: others have had their turn by then. */
static void
serve(struct conn *c)
{
	struct wire_msg m;

	for (unsigned n = 0; n < TURN; n++) {
		if (evbuffer_get_length(output(c)) >= READ_AHEAD)
			break;
		if (!next_request(c, &m)) {
			watch_limit(c, evbuffer_get_length(input(c)) > 0);
			/* Beyond the end there is only the end, again and
			 * again. */
			if (!c->ended)
				bufferevent_enable(c->bev, EV_READ);
			return;
		}
		watch_limit(c, false);
		if (m.optlen > CTL_MAX_PAYLOAD) {
			refuse_long(c, &m);
			return;
		}
		perform(c, &m);
	}
	bufferevent_disable(c->bev, EV_READ);
}

static void
on_read(struct bufferevent *bev, void *arg)
{
	struct conn *c = arg;

	(void)bev;
	serve(c);
	end_if_over(c);
}

/* All replies are with the client: go on with the requests that waited. */
static void
on_written(struct bufferevent *bev, void *arg)
{
	on_read(bev, arg);
}

static void
on_limit(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;

	(void)fd;
	(void)what;
	log_msg(LOG_WARN, "control: connection: request was not completed");
	c->over(c->arg);
}

static void
on_event(struct bufferevent *bev, short what, void *arg)
{
	struct conn *c = arg;

	(void)bev;
	if ((what & BEV_EVENT_EOF) == 0) {
		if ((what & BEV_EVENT_TIMEOUT) != 0)
			log_msg(LOG_WARN,
			    "control: connection: replies are not read");
		c->over(c->arg);
		return;
	}
	/* The client may still wait for replies to what it has sent. */
	c->ended = true;
	on_read(bev, c);
}

struct conn *
conn_create(struct event_base *base, int fd, struct control *control,
    unsigned limit_ms, conn_over_fn *over, void *arg)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		close(fd);
		return NULL;
	}
	c->control = control;
	c->over = over;
	c->arg = arg;
	c->limit_time.tv_sec = limit_ms / 1000;
	c->limit_time.tv_usec = (suseconds_t)(limit_ms % 1000) * 1000;
	c->bev = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
	c->limit = evtimer_new(base, on_limit, c);
	if (c->bev == NULL)
		close(fd);
	if (c->bev == NULL || c->limit == NULL) {
		conn_destroy(c);
		return NULL;
	}
	bufferevent_setcb(c->bev, on_read, on_written, on_event, c);
	bufferevent_set_timeouts(c->bev, NULL, &c->limit_time);
	bufferevent_set_max_single_read(c->bev, READ_ONCE);
	bufferevent_enable(c->bev, EV_READ | EV_WRITE);
	return c;
}

void
conn_destroy(struct conn *c)
{
	if (c == NULL)
		return;
	if (c->limit != NULL)
		event_free(c->limit);
	if (c->bev != NULL)
		bufferevent_free(c->bev);
	free(c);
}
