/* SPDX-License-Identifier: BSD-2-Clause */
/* The socket client against a server thread that follows a script. */
#include "ctl/client.h"

#include "ctl/wire.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/socket.h>
#include <sys/un.h>

#include <cmocka.h>

/* How the server answers one request. */
struct step {
	int error;
	bool original;	/* optname in host order, stale octets after a set */
	size_t reply;	/* octets of data; SAME: as many as came */
	size_t announce; /* what the header says, if not 'reply' */
	bool drop;	/* hang up instead of answering */
};

enum { SAME = 1 << 30, STALE = 96 };

struct server {
	char dir[32];
	char path[64];
	int fd;
	pthread_t thread;
	const struct step *steps;
	unsigned n_steps;
	unsigned n_conns;   /* accepted */
	size_t last_optlen; /* of the last request */
};

static bool
get(int fd, void *data, size_t len)
{
	for (char *p = data; len > 0;) {
		ssize_t n = recv(fd, p, len, 0);

		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

/* The client may have hung up: that is its right after a set. */
static void
put(int fd, const void *data, size_t len)
{
	(void)!send(fd, data, len, MSG_NOSIGNAL);
}

/* Answers one request; false if there is none, or no answer. */
static bool
answer(struct server *s, int fd, const struct step *st)
{
	static char data[1 << 16];
	struct wire_hdr h;
	struct wire_msg m;
	size_t len;

	if (!get(fd, &h, sizeof(h)))
		return false;
	m = wire_unpack(&h);
	s->last_optlen = m.optlen;
	if (m.optlen > sizeof(data) || !get(fd, data, m.optlen) || st->drop)
		return false;
	len = st->reply == SAME ? m.optlen : st->reply;
	m.optlen = (uint32_t)(st->announce != 0 ? st->announce : len);
	m.error = (uint32_t)st->error;
	h = wire_pack(&m);
	if (st->original)
		h.optname = ntohl(h.optname);
	put(fd, &h, sizeof(h));
	put(fd, data, len);
	if (st->original && m.dir == CTL_DIR_SET)
		put(fd, data, STALE);
	return true;
}

static void *
serve(void *arg)
{
	struct server *s = arg;
	unsigned k = 0;

	while (k < s->n_steps) {
		int fd = accept(s->fd, NULL, NULL);

		if (fd == -1)
			break;
		s->n_conns++;
		while (k < s->n_steps) {
			bool more = answer(s, fd, &s->steps[k]);

			if (!more && !s->steps[k].drop)
				break; /* the client hung up: same step again */
			k++;
			if (!more)
				break;
		}
		close(fd);
	}
	return NULL;
}

static struct ctl_client *
start(struct server *s, const struct step *steps, unsigned n)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};

	memset(s, 0, sizeof(*s));
	strcpy(s->dir, "/tmp/kipfw-test-XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	snprintf(s->path, sizeof(s->path), "%s/ctl", s->dir);
	strcpy(sun.sun_path, s->path);
	s->steps = steps;
	s->n_steps = n;
	s->fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(s->fd, (void *)&sun, sizeof(sun)), 0);
	assert_int_equal(listen(s->fd, 8), 0);
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
	return ctl_client_open(s->path, 0);
}

static void
stop(struct server *s, struct ctl_client *c)
{
	ctl_client_close(c);
	shutdown(s->fd, SHUT_RDWR);
	assert_int_equal(pthread_join(s->thread, NULL), 0);
	close(s->fd);
	unlink(s->path);
	rmdir(s->dir);
}

static void
gets_pad_and_reply(void **state)
{
	static const struct step steps[] = {{.reply = SAME}, {.reply = 4},
	    {.error = ENOMEM, .reply = 8, .original = true},
	    {.error = EINVAL, .original = true}};
	struct server s;
	struct ctl_client *c = start(&s, steps, ARRAY_LEN(steps));
	char data[5000] = "abcdefgh";
	struct err e = {.code = 0};
	size_t len;

	(void)state;
	assert_int_equal(ctl_get(c, 108, data, 8, 5000, &len, &e), 0);
	assert_int_equal(len, 5000);
	assert_int_equal(s.last_optlen, 5000);
	assert_memory_equal(data, "abcdefgh\0\0\0", 11);
	assert_true(ctl_client_takes_lists(c));
	assert_int_equal(ctl_get(c, 108, data, 8, 8, &len, &e), 0);
	assert_int_equal(len, 4);
	assert_int_equal(ctl_get(c, 108, data, 8, 8, &len, &e), -ENOMEM);
	assert_int_equal(len, 8);
	assert_int_equal(ctl_get(c, 108, data, 8, 8, &len, &e), -EINVAL);
	assert_string_equal(e.text, strerror(EINVAL));
	assert_true(ctl_client_answered(c));
	assert_false(ctl_client_takes_lists(c));
	stop(&s, c);
	assert_int_equal(s.n_conns, 1);
}

/* The original sends octets after a set's reply that nothing announces: the
 * client must not take them for the next reply. */
static void
original_sets(void **state)
{
	static const struct step steps[] = {{.original = true},
	    {.original = true, .reply = SAME}, {.original = true},
	    {.original = true, .error = EPERM}, {.original = true,
	    .reply = SAME}};
	struct server s;
	struct ctl_client *c = start(&s, steps, ARRAY_LEN(steps));
	char data[16] = "12345678";
	struct err e;
	size_t len;

	(void)state;
	assert_int_equal(ctl_set(c, 109, data, 16, &e), 0);
	assert_int_equal(ctl_get(c, 108, data, 8, 16, &len, &e), 0);
	assert_int_equal(len, 16);
	assert_int_equal(ctl_set(c, 109, data, 16, &e), 0);
	assert_int_equal(ctl_set(c, 109, data, 16, &e), -EPERM);
	assert_int_equal(ctl_get(c, 108, data, 8, 16, &len, &e), 0);
	stop(&s, c);
	assert_int_equal(s.n_conns, 4);
}

static void
our_sets_share_a_connection(void **state)
{
	static const struct step steps[] = {{.reply = 0}, {.reply = 0},
	    {.reply = SAME}};
	struct server s;
	struct ctl_client *c = start(&s, steps, ARRAY_LEN(steps));
	char data[16] = {0};
	struct err e;
	size_t len;

	(void)state;
	assert_int_equal(ctl_set(c, 109, data, 16, &e), 0);
	assert_int_equal(ctl_set(c, 109, data, 16, &e), 0);
	assert_int_equal(ctl_get(c, 108, data, 8, 16, &len, &e), 0);
	stop(&s, c);
	assert_int_equal(s.n_conns, 1);
}

static void
bad_servers(void **state)
{
	static const struct step steps[] = {{.drop = true},
	    {.reply = 0, .announce = 17}, {.error = 70000, .original = true},
	    {.reply = SAME}};
	struct server s;
	struct ctl_client *c = start(&s, steps, ARRAY_LEN(steps));
	char data[16] = {0};
	struct err e;
	size_t len;

	(void)state;
	assert_int_equal(ctl_get(c, 1, data, 8, 16, &len, &e), -ECONNRESET);
	assert_false(ctl_client_answered(c));
	assert_false(ctl_client_takes_lists(c));
	assert_non_null(strstr(e.text, "the connection to kipfw failed"));
	assert_non_null(strstr(e.text, "its own user only"));
	assert_int_equal(ctl_get(c, 1, data, 8, 16, &len, &e), -EPROTO);
	assert_int_equal(ctl_get(c, 1, data, 8, 16, &len, &e), -EPROTO);
	assert_int_equal(ctl_get(c, 1, data, 8, 16, &len, &e), 0);
	stop(&s, c);
}

static void
nobody_there(void **state)
{
	struct ctl_client *c = ctl_client_open("/tmp/no/such/socket", 0);
	char data[8] = {0};
	struct err e;
	size_t len;

	(void)state;
	assert_int_equal(ctl_get(c, 1, data, 8, 8, &len, &e), -ENOENT);
	assert_string_equal(e.text, "cannot reach kipfw at "
	    "/tmp/no/such/socket: No such file or directory");
	ctl_client_close(c);
	ctl_client_close(NULL);
}

/* ---- sentences: an error, then the sysctl that explains it ---- */

struct scene {
	int calls;
	bool broken;
};

static int
play(void *arg, uint32_t optname, uint32_t dir, void *data, size_t len,
    size_t room, size_t *reply_len, struct err *why)
{
	struct scene *s = arg;
	char *p = data;
	uint32_t entry[4] = {16 + 4 + 8, 2, 2, 4}, value = 42;

	(void)optname, (void)dir, (void)len, (void)why;
	s->calls++;
	*reply_len = room;
	if (room == 8) {
		uint32_t need = s->broken ? 4 : 8 + 28 + 16;

		memcpy(p + 4, &need, 4);
		return 0;
	}
	memcpy(p + 8, entry, 16);
	memcpy(p + 24, &value, 4);
	memcpy(p + 28, "a", 2);
	return 0;
}

/* Keeps the value of "a", which ends the walk. */
static int
keep_a(void *arg, const struct ctl_sysctl *s)
{
	if (strcmp(s->name, "a") != 0)
		return 0;
	assert_int_equal(s->len, sizeof(uint32_t));
	memcpy(arg, s->data, s->len);
	return 7;
}

static void
sysctl_values(void **state)
{
	struct scene s = {0};
	struct ctl_client *c = ctl_client_wrap(play, &s);
	struct err e;
	uint32_t v = 0;

	(void)state;
	assert_int_equal(ctl_sysctl_walk(c, keep_a, &v, &e), 7);
	assert_int_equal(v, 42);
	s.broken = true;
	assert_int_equal(ctl_sysctl_walk(c, keep_a, &v, &e), -EPROTO);
	ctl_client_close(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(gets_pad_and_reply),
	    cmocka_unit_test(original_sets),
	    cmocka_unit_test(our_sets_share_a_connection),
	    cmocka_unit_test(bad_servers),
	    cmocka_unit_test(nobody_there),
	    cmocka_unit_test(sysctl_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
