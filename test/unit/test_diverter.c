/* SPDX-License-Identifier: BSD-2-Clause */
/* The divert socket of a running engine: who may listen, what comes, and what
 * hostile programs give back. */
#include <stdlib.h>

#include "unit.h"

#include "frames.h"

#include "base/clock.h"
#include "daemon/diverter.h"
#include "engine/engine.h"
#include "kipfw_divert.h"
#include "port/mem.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { PATIENCE_MS = 60000, PORT = 1000 };

static char path[64];
static struct frame f;
static struct engine *en;
static struct diverter *dv;
static struct mem_queue *in;

struct message {
	struct kipfw_divert m;
	uint8_t frame[KIPFW_DIVERT_LONGEST];
};
static struct message msg;

static int
begin(void **state)
{
	const struct engine_cfg cfg = {.default_accept = true, .seed = 1};
	struct {
		struct abi_rule r;
		struct insn act;
	} r = {.r = {.cmd_len = 1}, .act = {O_DIVERT, 1, PORT}};
	struct err e = {0};
	struct rule *rule;
	uint32_t counter;

	(void)state;
	snprintf(path, sizeof(path), "/tmp/test-divert-%d", (int)getpid());
	in = mem_queue_open("mem:in");
	assert_int_equal(engine_create(&cfg, &en, &e), 0);
	assert_int_equal(engine_add_pair(en, "mem:in", "sink:", &e), 0);
	assert_int_equal(diverter_create(en, path, &dv, &e), 0);
	counters_alloc(engine_counters(en), &counter, NULL);
	rule = rule_create(&r.r, 100, 1, counter);
	engine_publish(en, ruleset_add(engine_rules(en), &rule, 1));
	assert_int_equal(engine_start(en, &e), 0);
	f_ether(&f, ETYPE_IP4);
	f_ip4(&f, PROTO_UDP, 1, 2, 0);
	f_udp(&f, 1, 9);
	f_parse(&f);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	engine_stop(en);
	diverter_destroy(dv);
	engine_destroy(en);
	mem_queue_close(in);
	return 0;
}

/* A program that listens at 'port'; *error is what kipfw answers. */
static int
listener(uint16_t port, int *error)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	struct kipfw_divert_hello h = {.magic = KIPFW_DIVERT_MAGIC,
	    .port = port};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);

	strcpy(sun.sun_path, path);
	assert_int_equal(connect(fd, (void *)&sun, sizeof(sun)), 0);
	assert_int_equal(send(fd, &h, sizeof(h), 0), sizeof(h));
	assert_int_equal(recv(fd, &h, sizeof(h), 0), sizeof(h));
	*error = h.error;
	return fd;
}

static bool
readable(int fd)
{
	struct pollfd p = {fd, POLLIN, 0};

	return poll(&p, 1, PATIENCE_MS) == 1;
}

/* Waits for a counter to reach 'n'. */
static bool
dropped(enum drop_reason why, uint64_t n)
{
	ns_t limit = clock_mono_ns() + PATIENCE_MS * NS_PER_MS;
	struct engine_totals t;

	do {
		engine_totals(en, &t);
		if (t.drops[why] == n)
			return true;
		usleep(500);
	} while (clock_mono_ns() < limit);
	return false;
}

/* A packet goes to the listener and stays there. */
static void
one(int fd)
{
	assert_true(mem_queue_put(in, f.b, f.len));
	assert_true(readable(fd));
	assert_int_equal(recv(fd, &msg, sizeof(msg), 0),
	    sizeof(msg.m) + f.len);
	assert_memory_equal(msg.frame, f.b, f.len);
	assert_int_equal(msg.m.rule, 100);
	assert_string_equal(msg.m.in_if, "in");
}

static void
there_and_back(void **state)
{
	struct engine_totals t;
	int error, fd = listener(PORT, &error);
	size_t len;

	(void)state;
	assert_int_equal(error, 0);
	one(fd);
	len = sizeof(msg.m) + msg.m.len;
	assert_int_equal(send(fd, &msg, len, 0), len);
	assert_true(dropped(DROP_REINJECT_BAD, 0));
	do {
		usleep(200);
		engine_totals(en, &t);
	} while (t.diverts.resumed == 0 || t.tx_pkts == 0);
	assert_int_equal(t.diverts.handed, 1);
	assert_int_equal(t.tx_pkts, 1);
	close(fd);
	assert_true(mem_queue_put(in, f.b, f.len));
	assert_true(dropped(DROP_DIVERT_NOBODY, 1) ||
	    dropped(DROP_DIVERT_FULL, 1));
}

static void
only_the_owner(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void
one_a_port(void **state)
{
	int error, a = listener(PORT, &error), b;

	(void)state;
	assert_int_equal(error, 0);
	b = listener(PORT, &error);
	assert_int_equal(error, EADDRINUSE);
	assert_true(readable(b)); /* hung up */
	assert_int_equal(recv(b, &msg, sizeof(msg), 0), 0);
	close(b);
	b = listener(PORT + 1, &error);
	assert_int_equal(error, 0);
	one(a);
	close(a);
	close(b);
	do { /* until the daemon has seen that it is gone */
		a = listener(PORT, &error);
		close(a);
	} while (error == EADDRINUSE);
	assert_int_equal(error, 0);
}

static void
bad_hellos(void **state)
{
	static const struct kipfw_divert_hello bad[] = {
	    {.magic = 1, .port = 1},
	    {.magic = KIPFW_DIVERT_MAGIC, .port = 0},
	    {.magic = KIPFW_DIVERT_MAGIC, .port = 1, .zero = 1},
	    {.magic = KIPFW_DIVERT_MAGIC, .port = 1, .error = 1},
	};
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	struct kipfw_divert_hello h;

	(void)state;
	strcpy(sun.sun_path, path);
	for (unsigned i = 0; i < 5; i++) {
		int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);

		assert_int_equal(connect(fd, (void *)&sun, sizeof(sun)), 0);
		send(fd, &bad[i % 4], i < 4 ? sizeof(h) : 5, 0);
		assert_int_equal(recv(fd, &h, sizeof(h), 0), sizeof(h));
		assert_int_equal(h.error, EINVAL);
		assert_int_equal(recv(fd, &h, sizeof(h), 0), 0);
		close(fd);
	}
}

/* Each of these is dropped and counted, and the next good one goes on. */
static void
hostile(void **state)
{
	int error, fd = listener(PORT, &error);
	unsigned n = 0;
	struct message good;
	struct engine_totals t;

	(void)state;
	one(fd);
	good = msg;
#define BAD(change, length) do { \
	msg = good; \
	change; \
	assert_true(send(fd, &msg, (length), 0) > 0); \
	assert_true(dropped(DROP_REINJECT_BAD, ++n)); \
} while (0)
	BAD(, 1);
	BAD(, sizeof(msg.m));
	BAD(, sizeof(msg.m) + f.len - 1);
	BAD(, sizeof(msg.m) + f.len + 1);
	BAD(, sizeof(msg));
	BAD(msg.m.len = UINT32_MAX, sizeof(msg.m) + f.len);
	BAD(msg.m.len = 13, sizeof(msg.m) + 13);
	BAD(msg.m.len = KIPFW_DIVERT_MAX + 1,
	    sizeof(msg.m) + KIPFW_DIVERT_MAX + 1);
	BAD(msg.m.port++, sizeof(msg.m) + f.len);
	BAD(msg.m.lane = 2, sizeof(msg.m) + f.len);
	BAD(msg.m.lane = 64, sizeof(msg.m) + f.len);
	BAD(msg.m.lane = 65535, sizeof(msg.m) + f.len);
	BAD(msg.m.dir = 2, sizeof(msg.m) + f.len);
	msg = good; /* frames that parse finds bad */
	msg.m.len = 36;
	assert_true(send(fd, &msg, sizeof(msg.m) + 36, 0) > 0);
	assert_true(dropped(DROP_SHORT_L4, 1));
	good.m.rule = 65535; /* a number is a number */
	good.m.flags = 0xff;
	assert_true(send(fd, &good, sizeof(good.m) + f.len, 0) > 0);
	do {
		usleep(200);
		engine_totals(en, &t);
	} while (t.diverts.resumed < 2);
	close(fd);
}

/* Who does not read loses packets; the lane goes on. */
static void
slow_reader(void **state)
{
	int error, fd = listener(PORT, &error);
	ns_t limit = clock_mono_ns() + PATIENCE_MS * NS_PER_MS;
	struct engine_totals t;

	(void)state;
	do {
		mem_queue_put(in, f.b, f.len);
		engine_totals(en, &t);
	} while (t.drops[DROP_DIVERT_FULL] == 0 && clock_mono_ns() < limit);
	assert_true(t.drops[DROP_DIVERT_FULL] > 0);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
		T(there_and_back),
		T(only_the_owner),
		T(one_a_port),
		T(bad_hellos),
		T(hostile),
		T(slow_reader),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
