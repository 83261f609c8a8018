/* SPDX-License-Identifier: BSD-2-Clause */
/* Extra buffers: had at open, given back at close or by whoever cleans up, and
 * lists that lie. */
#include "vale_rig.h"

#include <signal.h>
#include <sys/wait.h>

enum { N = 1000 };

static struct nmport *own; /* keeps the arena from being made anew */

static int
setup(void **state)
{
	rig_setup(state);
	own = rig_open("valeE:own");
	return 0;
}

static int
teardown(void **state)
{
	rig_check_buffers();
	nmport_close(own);
	return rig_teardown(state);
}

static struct nmport *
open_with(const char *name, unsigned n)
{
	struct nmport_cfg cfg = { .tx_slots = 256, .rx_slots = 256,
		.n_extra = n };

	return rig_open_cfg(name, &cfg);
}

static uint32_t *
link_of(struct nmport *p, uint32_t buf_idx)
{
	return (uint32_t *)(void *)nm_buf(nmport_rxring(p, 0), buf_idx);
}

static unsigned
walk_on(struct nmport *p, unsigned most)
{
	unsigned n = 0;

	for (uint32_t b = nmport_if(p)->ni_bufs_head; b != 0; n++) {
		assert_true(buf_idx_ok(b));
		assert_true(n < most);
		b = *link_of(p, b);
	}
	return n;
}

/* Walks the list; 'idx' gets the first N. */
static unsigned
walk(struct nmport *p, uint32_t *idx)
{
	unsigned n = 0;

	for (uint32_t b = nmport_if(p)->ni_bufs_head; b != 0;
	     b = *link_of(p, b)) {
		assert_true(buf_idx_ok(b));
		assert_true(n < 2 * N);
		if (idx != NULL && n < N)
			idx[n] = b;
		n++;
	}
	return n;
}

static unsigned
n_extra(struct nmport *p)
{
	struct nmport_info i;

	nmport_get_info(p, &i);
	return i.n_extra;
}

static uint32_t
n_free(void)
{
	struct arena_info *i = rig_list();
	uint32_t n = i->n_free;

	free(i);
	return n;
}

static void
had_and_given_back(void **state)
{
	static const char *const names[] = { "valeE:p", "valeE:p{1", "foo}2" };
	uint32_t before = n_free();

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
		struct nmport *p = open_with(names[i], N);
		struct arena_info *l;

		assert_int_equal(n_extra(p), N);
		assert_int_equal(walk(p, NULL), N);
		l = rig_list();
		assert_int_equal(l->n_extra, N);
		free(l);
		rig_check_buffers();
		nmport_close(p);
		assert_int_equal(n_free(), before);
	}
}

/* More than there are: as many as there are. */
static void
fewer_than_asked_for(void **state)
{
	uint64_t *bits = arena_bits(rig_base(own));
	size_t size = VALE_MAX_BUFS / 8;
	uint64_t *was = malloc(size);
	struct nmport *q;

	(void)state;
	assert_non_null(was);
	memcpy(was, bits, size);
	memset(bits + 100, 0, size - 800); /* some 5,800 are left */
	q = open_with("valeE:q", UINT32_MAX);
	assert_int_equal(n_free(), 0);
	assert_true(n_extra(q) > N && n_extra(q) < 6400);
	assert_int_equal(walk_on(q, 6400), n_extra(q));
	nmport_close(q);
	memcpy(bits, was, size);
	free(was);
}

/* The user may put them into slots, and slots' into the list. */
static void
exchanged_with_slots(void **state)
{
	struct nmport *p = open_with("valeE:p", N);
	struct netmap_ring *r = nmport_txring(p, 0);
	uint32_t *head = &nmport_if(p)->ni_bufs_head;
	uint32_t before = n_free();

	(void)state;
	for (unsigned i = 0; i < 3 * N; i++) {
		uint32_t b = *head, next = *link_of(p, b), *tail = head;
		struct netmap_slot *s = &r->slot[r->cur];

		*head = next;
		while (i % 16 == 0 && *tail != 0)
			tail = link_of(p, *tail);
		*link_of(p, s->buf_idx) = *tail;
		*tail = s->buf_idx;
		s->buf_idx = b;
		s->flags = NS_BUF_CHANGED;
		rig_send(p, 0xff, 1, i);
		assert_int_equal(rig_get(own), i);
	}
	assert_int_equal(walk(p, NULL), N);
	rig_check_buffers();
	nmport_close(p);
	assert_int_equal(n_free(), before + N + 512);
}

/* ---- lists that lie: what is lost is found again, nobody's is taken ---- */

enum lie { CIRCLE, RANGE, SHORT, EMPTY, FOREIGN, OWN_SLOT, FREE_ONE, N_LIES };

static void
tell(struct nmport *p, enum lie lie)
{
	uint32_t *head = &nmport_if(p)->ni_bufs_head, idx[N];

	assert_int_equal(walk(p, idx), N);
	switch (lie) {
	case CIRCLE:
		*link_of(p, idx[N / 2]) = idx[3];
		break;
	case RANGE:
		*link_of(p, idx[N / 2]) = 0xfffffff0;
		break;
	case SHORT:
		*link_of(p, idx[N / 2]) = 0;
		break;
	case EMPTY:
		*head = 0;
		break;
	case FOREIGN: /* of another port, in its ring */
		*link_of(p, idx[N - 1]) = 0;
		*head = nmport_rxring(own, 0)->slot[7].buf_idx;
		*link_of(p, *head) = idx[1];
		break;
	case OWN_SLOT:
		*head = nmport_txring(p, 0)->slot[9].buf_idx;
		*link_of(p, *head) = idx[1];
		break;
	case FREE_ONE:
		*link_of(p, idx[10]) = VALE_MAX_BUFS - 5;
		break;
	case N_LIES:
		break;
	}
}

static void
lies(void **state)
{
	uint32_t before = n_free();

	(void)state;
	for (enum lie lie = 0; lie < N_LIES; lie++) {
		struct nmport *p = open_with("valeE:p", N);

		tell(p, lie);
		nmport_close(p);
		free(rig_list()); /* the audit, if it was not made yet */
		if (n_free() != before)
			fail_msg("lie %d: %u free, not %u", lie, n_free(),
			    before);
		rig_check_buffers();
	}
}

/* While a program has some in its hands nobody can tell what is lost. */
static void
an_honest_neighbour_is_not_robbed(void **state)
{
	struct nmport *p = open_with("valeE:p", N), *q;
	uint32_t idx[N], before = n_free();
	struct arena_info *i;

	(void)state;
	walk(p, idx);
	*link_of(p, idx[3]) = 0; /* the rest is in p's hands */
	q = open_with("valeE:q", N);
	tell(q, SHORT);
	nmport_close(q);
	i = rig_list();
	assert_true(i->suspect);
	assert_true(i->n_free < before);
	free(i);
	for (unsigned k = 0; k < N; k++) /* still its own */
		memset(link_of(p, idx[k]), 0x55, 64);
	*link_of(p, idx[3]) = idx[4];
	for (unsigned k = 0; k < N; k++)
		*link_of(p, idx[k]) = k + 1 < N ? idx[k + 1] : 0;
	assert_int_equal(walk(p, NULL), N);
	nmport_close(p);
	i = rig_list();
	assert_false(i->suspect);
	assert_int_equal(i->n_free, before + N + 512);
	free(i);
}

/* Killed with all of them in the list, and with half of them in hand; also the
 * user of a pipe's end, when the pipe stays. */
static void
killed(void **state)
{
	struct nmport *end = open_with("valeE:k}1", 0);
	uint32_t before = n_free();

	(void)state;
	for (unsigned round = 0; round < 6; round++) {
		int status, fds[2];
		pid_t pid;
		char c;

		assert_int_equal(pipe(fds), 0);
		pid = fork();
		if (pid == 0) {
			struct nmport *p = open_with(
			    round < 4 ? "valeE:k" : "valeE:k{1", N);
			uint32_t idx[N];

			walk(p, idx);
			if (round % 2)
				nmport_if(p)->ni_bufs_head = idx[N / 2];
			(void)!write(fds[1], "", 1);
			pause();
		}
		close(fds[1]);
		assert_int_equal(read(fds[0], &c, 1), 1);
		close(fds[0]);
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		free(rig_list());
		assert_int_equal(n_free(), before);
		rig_check_buffers();
	}
	nmport_close(end);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(had_and_given_back),
		T(fewer_than_asked_for),
		T(exchanged_with_slots),
		T(lies),
		T(an_honest_neighbour_is_not_robbed),
		T(killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
