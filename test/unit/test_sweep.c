/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes that die: at every instruction of a burst, anywhere in attach and
 * detach, and between the two halves of an exchange of buffers. */
#include "vale_rig.h"

#include "vale/journal.h"

#include "base/clock.h"

#include <sched.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

enum {
	MAX_TRIALS = 200,
	STEPS_S = 8, /* for all trials */
};

static struct nmport *own;

static int
setup(void **state)
{
	rig_setup(state);
	own = rig_open("valeT:own");
	return 0;
}

static int
teardown(void **state)
{
	rig_check_buffers();
	nmport_close(own);
	return rig_teardown(state);
}

static void
end(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
}

/* The survivors can still talk: both into the ring the dead one had locked. */
static void
check_alive(unsigned tag)
{
	struct nmport *p = rig_open("valeT:alive");
	int64_t got;

	rig_send(p, 0xff, 77, tag);
	assert_int_equal(nmport_txpending(p, 0), 0);
	while ((got = rig_get(own)) != tag)
		assert_true(got >= 0);
	nmport_close(p);
	assert_int_equal(rig_n_ports(), 1);
	rig_check_buffers();
}

/* A burst for one, for all, and with what has to be dropped. */
static void
send_burst(struct nmport *p)
{
	nmport_txsync(p, 0);
	nmport_rxsync(p, 0);
}

static void
fill_burst(struct nmport *p)
{
	for (unsigned i = 0; i < 3; i++)
		rig_put(p, 3, 4, i);
	rig_put_len(p, 3, 4, 3, 3);
}

static void
child_steps(void)
{
	struct nmport *p = rig_open("valeT:child");

	fill_burst(p);
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	raise(SIGSTOP);
	send_burst(p);
	raise(SIGSTOP);
	_exit(0);
}

/* Runs the child to its n-th instruction of the burst.  False: it was over
 * before. */
static bool
run_to_step(pid_t pid, unsigned n)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFSTOPPED(status))
		fail_msg("child ended");
	for (; n > 0; n--) {
		if (ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) == -1)
			skip();
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSTOPPED(status));
		if (WSTOPSIG(status) == SIGSTOP)
			return false;
	}
	return true;
}

static bool
trial(unsigned n)
{
	pid_t pid = fork();
	bool more;

	if (pid == 0)
		child_steps();
	more = run_to_step(pid, n);
	end(pid);
	check_alive(1000 + n);
	return more;
}

/* Stepping costs a tenth when tracer and traced share a core. */
static void
share_one_core(cpu_set_t *was)
{
	cpu_set_t one;

	assert_int_equal(sched_getaffinity(0, sizeof(*was), was), 0);
	CPU_ZERO(&one);
	CPU_SET((unsigned)sched_getcpu(), &one);
	sched_setaffinity(0, sizeof(one), &one);
}

static void
killed_at_every_instruction_of_a_burst(void **state)
{
	const char *all = getenv("VALE_ALL_STEPS");
	ns_t give_up = clock_mono_ns() + STEPS_S * NS_PER_S;
	unsigned total = 1, stride, n_trials = 0;
	cpu_set_t was;

	(void)state;
	share_one_core(&was);
	for (stride = 64; trial(total); total += stride, n_trials++)
		stride = total / 2 + 64;
	stride = all != NULL ? 1 : total / MAX_TRIALS + 1;
	for (unsigned n = 1; n < total &&
	     (all != NULL || clock_mono_ns() < give_up);
	     n += stride, n_trials++)
		trial(n);
	sched_setaffinity(0, sizeof(was), &was);
	print_message("# %u deaths in about %u instructions\n", n_trials,
	    total);
}

/* ---- attach and detach ---- */

static void
child_attaches_for_ever(void)
{
	for (;;) {
		struct nmport_cfg cfg = { .tx_slots = 256, .rx_slots = 512,
			.tx_rings = 2, .rx_rings = 3 };
		struct nmport *p = rig_open_cfg("valeX:child", &cfg);
		struct nmport *q = rig_open("valeT:child");

		nmport_close(p);
		nmport_close(q);
	}
}

static void
killed_anywhere_in_attach_and_detach(void **state)
{
	uint64_t x = clock_mono_ns() | 1;

	(void)state;
	for (unsigned i = 0; i < 150; i++) {
		pid_t pid = fork();

		if (pid == 0)
			child_attaches_for_ever();
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		usleep((unsigned)(x % 4000));
		end(pid);
		check_alive(i);
	}
}

/* ---- a program that exchanges its own buffers, as any may ---- */

static void
killed_between_two_halves_of_an_exchange(void **state)
{
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		struct nmport *p = rig_open("valeT:child");

		/* One buffer in two slots now, another in none. */
		nmport_txring(p, 0)->slot[7].buf_idx =
		    nmport_rxring(p, 0)->slot[9].buf_idx;
		raise(SIGKILL);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	check_alive(1);
}

/* The same while another port is in the midst of it: the audit has to wait. */
static void
audit_waits_for_a_quiet_moment(void **state)
{
	struct netmap_ring *tx = nmport_txring(own, 0);
	struct netmap_ring *rx = nmport_rxring(own, 0);
	uint32_t mine = tx->slot[3].buf_idx;
	struct arena_info *i;

	tx->slot[3].buf_idx = rx->slot[3].buf_idx;
	{
		pid_t pid = fork();

		if (pid == 0) {
			struct nmport *p = rig_open("valeT:child");

			nmport_txring(p, 0)->slot[7].buf_idx = 0x7ffffff;
			raise(SIGKILL);
		}
		assert_int_equal(waitpid(pid, NULL, 0), pid);
	}
	i = rig_list();
	assert_true(i->suspect);
	assert_int_equal(i->n_wrong, 1);
	free(i);
	tx->slot[3].buf_idx = mine;
	check_alive(1);
	(void)state;
}

/* ---- states that are hard to hit by chance ---- */

static struct vport *
shared_port(struct arena *a, const char *name)
{
	for (unsigned p = 0; p < VALE_MAX_PORTS; p++) {
		struct vport *vp = arena_port(a->base, p);

		if (vp->state != VPORT_FREE && strcmp(vp->name, name) == 0)
			return vp;
	}
	return NULL;
}

/* A dead sender left the ring locked with its exchange half done. */
static void
journal_is_replayed(void **state)
{
	struct netmap_ring *rx = nmport_rxring(own, 0);
	uint32_t theirs = rx->slot[0].buf_idx;

	(void)state;
	for (unsigned step = 0; step < 4; step++) {
		pid_t pid = fork();

		if (pid == 0) {
			struct nmport *p = rig_open("valeT:child");
			struct arena *a;
			struct vport *me, *dst;
			struct netmap_slot *s = &nmport_txring(p, 0)->slot[5];
			uint32_t mine = s->buf_idx;
			struct err e;

			arena_get(&a, &e);
			me = shared_port(a, "valeT:child");
			dst = shared_port(a, "valeT:own");
			dst->rx[0].lock = klock_word(
			    (unsigned)(me - arena_port(a->base, 0)), 0,
			    me->gen, 1);
			dst->rx[0].journal_by = dst->rx[0].lock;
			if (step > 0)
				dst->rx[0].journal = swap_note_encode(mine,
				    theirs, 5);
			if (step > 1)
				rx->slot[0].buf_idx = mine;
			if (step > 2)
				s->buf_idx = theirs;
			raise(SIGKILL);
		}
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		rig_check_buffers();
		check_alive(step);
		/* Put the ring back to its first slot's buffer of old. */
		theirs = rx->slot[0].buf_idx;
	}
}

/* A live process stopped inside a ring of a port that leaves: the port goes
 * once the process goes on or dies; meanwhile its name is free. */
static void
stopped_holder_delays_only_the_buffers(void **state)
{
	pid_t pid = fork();
	struct arena_info *i;
	struct nmport *p;

	(void)state;
	if (pid == 0) {
		struct nmport *c = rig_open("valeT:child");
		struct arena *a;
		struct vport *me, *dst;
		struct err e;

		(void)c;
		arena_get(&a, &e);
		me = shared_port(a, "valeT:child");
		dst = shared_port(a, "valeT:own");
		dst->rx[0].lock = klock_word(
		    (unsigned)(me - arena_port(a->base, 0)), 0, me->gen, 1);
		raise(SIGSTOP);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, NULL, WUNTRACED), pid);
	/* A sender does not wait for ever either. */
	p = rig_open("valeT:p");
	rig_put(p, 3, 4, 1);
	for (unsigned n = 0; nmport_txsync(p, 0) == 0 &&
	     nmport_txpending(p, 0) != 0; n++) {
		assert_true(n < 100000);
		usleep(1000);
	}
	nmport_close(p);
	nmport_close(own);
	own = rig_open("valeT:own");
	i = rig_list();
	assert_int_equal(i->n_ports, 3); /* child, own, and the old own */
	free(i);
	end(pid);
	assert_int_equal(rig_n_ports(), 1);
	check_alive(5);
}

/* A sweeper that died while it held every ring for an audit. */
static void
locks_of_a_dead_sweeper_are_opened(void **state)
{
	struct arena *a;
	struct err e;

	(void)state;
	assert_int_equal(arena_get(&a, &e), 0);
	shared_port(a, "valeT:own")->rx[0].lock =
	    klock_word(KLOCK_SWEEPER, 0, 0, 0);
	arena_put(a);
	check_alive(9);
}

/* Places in every half-done state, left by nobody alive. */
static void
half_done_ports_are_finished(void **state)
{
	static const enum vport_state states[] = { VPORT_FILLING,
		VPORT_MARKING, VPORT_LIVE, VPORT_CLOSING, VPORT_FREEING };

	(void)state;
	for (unsigned n = 0; n < ARRAY_LEN(states); n++) {
		pid_t pid = fork();

		if (pid == 0) {
			struct nmport *p = rig_open("valeT:child");
			struct arena *a;
			struct vport *me;
			struct err e;

			arena_get(&a, &e);
			me = shared_port(a, "valeT:child");
			/* Filling: no buffer is taken yet. */
			for (unsigned s = 0; s < 256 &&
			     states[n] == VPORT_FILLING; s++) {
				pool_give(a, nmport_txring(p, 0)->slot[s].buf_idx);
				pool_give(a, nmport_rxring(p, 0)->slot[s].buf_idx);
			}
			me->state = states[n];
			raise(SIGKILL);
		}
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		check_alive(n);
	}
}

/* A child of fork keeps the port of its dead parent alive: it still maps and
 * may use the rings. */
static void
fork_keeps_the_port(void **state)
{
	int pipe_fds[2];
	pid_t pid, grandchild = 0;

	(void)state;
	assert_int_equal(pipe(pipe_fds), 0);
	pid = fork();
	if (pid == 0) {
		rig_open("valeT:child");
		grandchild = fork();
		if (grandchild == 0) {
			pause();
			_exit(0);
		}
		if (write(pipe_fds[1], &grandchild, sizeof(grandchild)) < 0)
			_exit(1);
		raise(SIGKILL);
	}
	assert_int_equal(read(pipe_fds[0], &grandchild, sizeof(grandchild)),
	    sizeof(grandchild));
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(rig_n_ports(), 2);
	kill(grandchild, SIGKILL);
	for (unsigned i = 0; i < 5000 && rig_n_ports() != 1; i++)
		usleep(1000);
	check_alive(1);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(killed_at_every_instruction_of_a_burst),
		T(killed_anywhere_in_attach_and_detach),
		T(killed_between_two_halves_of_an_exchange),
		T(audit_waits_for_a_quiet_moment),
		T(journal_is_replayed),
		T(stopped_holder_delays_only_the_buffers),
		T(locks_of_a_dead_sweeper_are_opened),
		T(half_done_ports_are_finished),
		T(fork_keeps_the_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
