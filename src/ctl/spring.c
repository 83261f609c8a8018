/* SPDX-License-Identifier: BSD-2-Clause */
#include "ctl/spring.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <unistd.h>

struct spring {
	struct event *readable;
	int fd;
	struct engine *en;
	bool runs; /* we have started the source */
	spring_over_fn *over;
	void *arg;
};

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct spring *s = arg;
	char junk[4096];
	ssize_t n = read(fd, junk, sizeof(junk));

	(void)what;
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		s->over(s->arg);
		return;
	}
	if (!s->runs)
		engine_source(s->en, 1);
	s->runs = true;
}

struct spring *
spring_create(struct event_base *base, int fd, struct engine *en,
    spring_over_fn *over, void *arg)
{
	struct spring *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		close(fd);
		return NULL;
	}
	s->fd = fd;
	s->en = en;
	s->over = over;
	s->arg = arg;
	s->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, s);
	if (s->readable == NULL || event_add(s->readable, NULL) == -1) {
		spring_destroy(s);
		return NULL;
	}
	return s;
}

void
spring_destroy(struct spring *s)
{
	if (s == NULL)
		return;
	if (s->runs)
		engine_source(s->en, -1);
	if (s->readable != NULL)
		event_free(s->readable);
	close(s->fd);
	free(s);
}
