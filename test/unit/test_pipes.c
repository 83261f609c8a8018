/* SPDX-License-Identifier: BSD-2-Clause */
/* Packets through pipes of a running engine: rules send them there, the clock
 * sends them on.  Times are only judged as "not before". */
#include "unit.h"

#include "frames.h"

#include "base/clock.h"
#include "cli/compile.h"
#include "engine/engine.h"
#include "pipe/dn.h"
#include "port/mem.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { RULES = 8 };

struct box {
	struct engine *en;
	struct mem_queue *in;
	struct mem_queue *out;
	uint32_t counters[RULES];
	unsigned n_rules;
};

static struct frame f;

/* Between mem:in and mem:out, which is pair 'pair' of as many workers. */
static void
open_box(struct box *b, unsigned workers, unsigned pair)
{
	const struct engine_cfg cfg = {.default_accept = true, .seed = 1,
	    .n_workers = workers, .pipe_memory = 64 << 20};
	struct err e = {0};

	memset(b, 0, sizeof(*b));
	b->in = mem_queue_open("mem:in");
	b->out = mem_queue_open("mem:out");
	assert_int_equal(engine_create(&cfg, &b->en, &e), 0);
	for (unsigned i = 0; i < workers; i++) {
		char name[32];

		snprintf(name, sizeof(name), "mem:other%u", i);
		assert_int_equal(i == pair ?
		    engine_add_pair(b->en, "mem:in", "mem:none>out", &e) :
		    engine_add_pair(b->en, name, "sink:", &e), 0);
	}
}

static void
close_box(struct box *b)
{
	engine_stop(b->en);
	engine_destroy(b->en);
	mem_queue_close(b->in);
	mem_queue_close(b->out);
}

/* Adds the rule, whose counter is b->counters[n]. */
static void
add(struct box *b, uint16_t num, const char *text)
{
	struct words line, w;
	struct rule_buf r;
	struct err e = {0};
	struct rule *rule;

	assert_int_equal(words_line(&line, text, &e), 0);
	assert_int_equal(words_rule(&w, line.w, line.n, &e), 0);
	if (compile_rule(w.w, w.n, 0, &r, &e) != 0)
		fail_msg("%s", e.text);
	words_fini(&w);
	words_fini(&line);
	assert_int_equal(counters_alloc(engine_counters(b->en),
	    &b->counters[b->n_rules], &e), 0);
	rule = rule_create(&r.rule, num, b->n_rules + 1,
	    b->counters[b->n_rules]);
	b->n_rules++;
	assert_non_null(rule);
	engine_publish(b->en, ruleset_add(engine_rules(b->en), &rule, 1));
}

static uint64_t
count(const struct box *b, unsigned rule)
{
	struct count c;

	counters_read(engine_counters(b->en), b->counters[rule], &c);
	return c.pkts;
}

struct pipe {
	struct dn_link_cfg link;
	struct dn_fs_cfg fs;
};

static int
make_pipe(struct dn *dn, ns_t now, void *arg)
{
	struct pipe *p = arg;
	struct dn_sched_cfg s = {.nr = p->link.nr, .type = DN_KEEP,
	    .flags = DN_SCHED_PIPE};
	int rc;

	p->fs.nr = p->link.nr + 2 * DN_MAX_NR;
	p->fs.sched_nr = p->link.nr + DN_MAX_NR;
	if ((rc = dn_sched_config(dn, &s, now, NULL)) != 0 ||
	    (rc = dn_link_config(dn, &p->link, now, NULL)) != 0)
		return rc;
	return dn_fs_config(dn, &p->fs, now, NULL);
}

static void
pipe_config(struct box *b, unsigned nr, ns_t delay, unsigned slots)
{
	struct pipe p = {.link = {.nr = nr, .delay = delay},
	    .fs = {.limit = slots}};

	assert_int_equal(engine_dn_call(b->en, make_pipe, &p), 0);
}

static void
send(struct box *b, uint16_t port, uint32_t number)
{
	uint8_t *l4;

	f_ether(&f, ETYPE_IP4);
	f_ip4(&f, PROTO_UDP, 1, 2, 0);
	f_udp(&f, (uint16_t)number, port);
	l4 = f_add(&f, 8);
	put32(l4, number);
	f_parse(&f);
	while (!mem_queue_put(b->in, f.b, f.len))
		usleep(100);
}

/* For what takes milliseconds on a machine that has nothing else to do. */
#define PATIENCE_NS (60 * NS_PER_S)

/* The next packet: its number. */
static uint32_t
receive(struct box *b)
{
	ns_t end = clock_mono_ns() + PATIENCE_NS;
	uint8_t got[2048];
	unsigned len;

	while ((len = mem_queue_get(b->out, got, sizeof(got))) == 0) {
		if (clock_mono_ns() > end)
			fail_msg("nothing came");
		usleep(50);
	}
	assert_int_equal(f.len, len);
	return get32(got + len - 8);
}

/* Waits until the engine has seen 'n' packets. */
static void
wait_seen(struct box *b, uint64_t n)
{
	ns_t end = clock_mono_ns() + PATIENCE_NS;
	struct engine_totals t;

	while (engine_totals(b->en, &t), t.rx_pkts < n) {
		if (clock_mono_ns() > end)
			fail_msg("packets were not seen");
		usleep(100);
	}
}

static int
nothing(struct dn *dn, ns_t now, void *arg)
{
	unsigned *calls = arg;

	assert_non_null(dn);
	assert_true(now > 0);
	return -(int)++*calls;
}

static void
control_reaches_it(void **state)
{
	unsigned calls = 0;
	struct box b;

	(void)state;
	open_box(&b, 1, 0);
	assert_int_equal(-1, engine_dn_call(b.en, nothing, &calls));
	assert_int_equal(engine_start(b.en, NULL), 0);
	for (int i = 2; i < 200; i++)
		assert_int_equal(-i, engine_dn_call(b.en, nothing, &calls));
	close_box(&b);
}

static void
packets_wait_their_delay(void **state)
{
	const ns_t delay = 20 * NS_PER_MS;
	struct engine_totals t;
	struct box b;
	ns_t sent;

	(void)state;
	open_box(&b, 1, 0);
	add(&b, 100, "pipe 1 ip from any to any");
	add(&b, 200, "deny ip from any to any"); /* one_pass: never asked */
	pipe_config(&b, 1, delay, 0);
	assert_int_equal(engine_start(b.en, NULL), 0);
	for (unsigned i = 0; i < 10; i++) {
		sent = clock_mono_ns();
		send(&b, 53, i);
		assert_int_equal(i, receive(&b));
		assert_true(clock_mono_ns() - sent >= delay);
	}
	assert_int_equal(10, count(&b, 0));
	assert_int_equal(0, count(&b, 1));
	engine_totals(b.en, &t);
	assert_int_equal(10, t.pipes.in);
	assert_int_equal(10, t.pipes.out);
	assert_int_equal(10, t.tx_pkts);
	close_box(&b);
}

/* one_pass is what it was when the rule matched; the search goes on at the rule
 * after, with tags and mark. */
static void
search_goes_on_after_the_rule(void **state)
{
	struct box b;

	(void)state;
	open_box(&b, 1, 0);
	knob_set(&engine_knobs(b.en)->one_pass, 0);
	add(&b, 100, "setmark 7 ip from any to any");
	add(&b, 200, "pipe 1 tag 5 ip from any to any");
	add(&b, 200, "count ip from any to any");
	add(&b, 300, "pipe 2 ip from any to any tagged 5 mark 7");
	add(&b, 400, "allow udp from any to any tagged 5");
	add(&b, 500, "deny ip from any to any");
	pipe_config(&b, 1, 200 * NS_PER_MS, 0);
	pipe_config(&b, 2, 0, 0);
	assert_int_equal(engine_start(b.en, NULL), 0);
	send(&b, 53, 1);
	send(&b, 54, 2);
	wait_seen(&b, 2);
	knob_set(&engine_knobs(b.en)->one_pass, 1); /* too late for pipe 1 */
	assert_int_equal(1, receive(&b));
	assert_int_equal(2, receive(&b));
	/* both went on to pipe 2, which let them out: one_pass was 1 by then */
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(2, count(&b, i));
	send(&b, 54, 3);
	assert_int_equal(3, receive(&b));
	for (unsigned i = 0; i < RULES - 2; i++)
		assert_int_equal(i < 2 ? 3 : i < 4 ? 2 : 0, count(&b, i));
	close_box(&b);
}

static void
a_rule_that_is_gone_is_not_missed(void **state)
{
	const struct rule_range gone = {.flags = 1, .lo = 100, .hi = 100};
	unsigned n;
	struct box b;

	(void)state;
	open_box(&b, 1, 0);
	knob_set(&engine_knobs(b.en)->one_pass, 0);
	add(&b, 100, "pipe 1 ip from any to any");
	add(&b, 200, "deny udp from any to any 54");
	pipe_config(&b, 1, 100 * NS_PER_MS, 0);
	assert_int_equal(engine_start(b.en, NULL), 0);
	send(&b, 54, 1);
	send(&b, 53, 2);
	wait_seen(&b, 2);
	engine_publish(b.en, ruleset_delete(engine_rules(b.en), &gone, &n));
	assert_int_equal(2, receive(&b));
	assert_int_equal(1, count(&b, 1));
	close_box(&b);
}

/* With so many workers, of which the last one has the ports. */
static void
drops_without_pipes(unsigned workers)
{
	struct engine_totals t;
	struct box b;

	open_box(&b, workers, workers - 1);
	add(&b, 100, "pipe 9 udp from any to any 1");
	add(&b, 200, "queue 9 udp from any to any 2");
	assert_int_equal(engine_start(b.en, NULL), 0);
	send(&b, 1, 1);
	send(&b, 2, 2);
	send(&b, 3, 3);
	assert_int_equal(3, receive(&b));
	for (ns_t end = clock_mono_ns() + PATIENCE_NS;;) {
		engine_totals(b.en, &t);
		if (t.drops[DROP_PIPE] == 2 || clock_mono_ns() > end)
			break;
		usleep(100);
	}
	assert_int_equal(2, t.drops[DROP_PIPE]);
	close_box(&b);
}

static void
no_pipe_no_way(void **state)
{
	(void)state;
	drops_without_pipes(1);
	drops_without_pipes(2);
}

/* The pair of ports is worker 1's, the pipes worker 0's. */
static void
workers_share_a_pipe(void **state)
{
	enum { N = 20000 };
	struct engine_totals t;
	struct box b;
	uint32_t sent = 0, got = 0;

	(void)state;
	open_box(&b, 2, 1);
	knob_set(&engine_knobs(b.en)->one_pass, 0);
	add(&b, 100, "setmark 9 ip from any to any");
	add(&b, 200, "pipe 1 tag 3 ip from any to any");
	add(&b, 300, "allow ip from any to any tagged 3 mark 9");
	add(&b, 400, "deny ip from any to any");
	pipe_config(&b, 1, NS_PER_MS, 0);
	assert_int_equal(engine_start(b.en, NULL), 0);
	while (got < N) {
		for (unsigned i = 0; i < 50; i++)
			send(&b, 53, sent++);
		for (unsigned i = 0; i < 50; i++)
			assert_int_equal(got++, receive(&b));
	}
	engine_totals(b.en, &t);
	assert_int_equal(N, t.pipes.in);
	assert_int_equal(N, t.tx_pkts);
	assert_int_equal(0, t.drops[DROP_PIPE] + t.drops[DROP_PIPE_RING]);
	assert_int_equal(N, count(&b, 2));
	close_box(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(control_reaches_it),
	    cmocka_unit_test(packets_wait_their_delay),
	    cmocka_unit_test(search_goes_on_after_the_rule),
	    cmocka_unit_test(a_rule_that_is_gone_is_not_missed),
	    cmocka_unit_test(no_pipe_no_way),
	    cmocka_unit_test(workers_share_a_pipe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
