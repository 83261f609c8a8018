/* SPDX-License-Identifier: BSD-2-Clause */
/* The arena: whose directory it trusts, its locks, its memory and buffers. */
#include "vale_rig.h"

#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>

static struct arena *a;

static int
setup(void **state)
{
	struct err e;

	rig_setup(state);
	assert_int_equal(arena_get(&a, &e), 0);
	return 0;
}

static int
teardown(void **state)
{
	arena_put(a);
	return rig_teardown(state);
}

static void
one_mapping_a_process_and_directory(void **state)
{
	struct arena *b;
	struct err e;

	(void)state;
	assert_int_equal(arena_get(&b, &e), 0);
	assert_ptr_equal(a, b);
	arena_put(b);
	arena_put(NULL);
}

static int
try_get(const char *dir)
{
	struct arena *b = NULL;
	struct err e = { 0 };
	int rc;

	setenv("KIPFW_SHM", dir, 1);
	rc = arena_get(&b, &e);
	if (rc == 0)
		arena_put(b);
	else
		assert_true(strlen(e.text) > 0);
	setenv("KIPFW_SHM", rig_dir, 1);
	return rc;
}

static void
distrusts_foreign_directories(void **state)
{
	char dir[128], link[128], file[160];
	static const mode_t open_modes[] = { 0701, 0710, 0720, 0777, 01777 };

	(void)state;
	snprintf(dir, sizeof(dir), "%s.other", rig_dir);
	snprintf(link, sizeof(link), "%s.link", rig_dir);
	assert_int_equal(mkdir(dir, 0700), 0);
	for (unsigned i = 0; i < ARRAY_LEN(open_modes); i++) {
		assert_int_equal(chmod(dir, open_modes[i]), 0);
		assert_int_equal(try_get(dir), -EPERM);
	}
	assert_int_equal(chmod(dir, 0700), 0);
	assert_int_equal(symlink(dir, link), 0);
	assert_true(try_get(link) < 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(dir, 12345, 0), 0);
		assert_int_equal(try_get(dir), -EPERM);
		assert_int_equal(chown(dir, 0, 0), 0);
	}
	snprintf(file, sizeof(file), "%s/arena", dir);
	assert_int_equal(mkdir(file, 0700), 0);
	assert_true(try_get(dir) < 0);
	assert_int_equal(rmdir(file), 0);
	assert_int_equal(symlink("/etc/passwd", file), 0);
	assert_true(try_get(dir) < 0);
	unlink(file);
	assert_int_equal(mkfifo(file, 0600), 0);
	assert_true(try_get(dir) < 0);
	unlink(file);
	assert_true(try_get("/dev/null") < 0);
	assert_true(try_get("/nowhere/at/all") < 0);
	assert_int_equal(try_get(dir), 0);
	snprintf(file, sizeof(file), "%s/arena", dir);
	unlink(file);
	snprintf(file, sizeof(file), "%s/lock", dir);
	unlink(file);
	assert_int_equal(rmdir(dir), 0);
	unlink(link);
}

/* Says that port 3 has a user. */
static int
hold_somebody(void)
{
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET,
		.l_start = ((off_t)1 << 40) + 3, .l_len = 1 };
	char file[128];
	int fd;

	snprintf(file, sizeof(file), "%s/arena", rig_dir);
	fd = open(file, O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_OFD_SETLK, &fl), 0);
	return fd;
}

/* Another layout, a short file, garbage: refused with a sentence as long as
 * somebody uses it. */
static void
refuses_another_layout(void **state)
{
	struct arena_hdr *h = arena_hdr(a->base), was = *h;
	uint32_t *words = (uint32_t *)(void *)h;
	int fd = hold_somebody();

	(void)state;
	for (unsigned i = 0; i < offsetof(struct arena_hdr, reserved) / 4;
	     i++) {
		struct err e;

		words[i] ^= 0x55;
		arena_put(a);
		assert_int_equal(arena_get(&a, &e), -EPROTO);
		assert_int_equal(pwrite(fd, &was, sizeof(was), 0),
		    sizeof(was));
		assert_int_equal(arena_get(&a, &e), 0);
		h = arena_hdr(a->base);
		words = (uint32_t *)(void *)h;
	}
	arena_put(a);
	assert_int_equal(ftruncate(fd, 4096), 0);
	assert_int_equal(try_get(rig_dir), -EPROTO);
	assert_int_equal(ftruncate(fd, 0), 0);
	{
		struct err e;

		assert_int_equal(arena_get(&a, &e), 0);
	}
	close(fd);
}

/* What another version left behind is made anew. */
static void
renews_what_nobody_uses(void **state)
{
	struct err e;

	(void)state;
	arena_hdr(a->base)->version--;
	arena_put(a);
	assert_int_equal(arena_get(&a, &e), 0);
	assert_int_equal(arena_hdr(a->base)->version, LAYOUT_VERSION);
	close(hold_somebody()); /* the lock went with the descriptor */
	arena_hdr(a->base)->version--;
	arena_put(a);
	assert_int_equal(arena_get(&a, &e), 0);
}

static void
slow_lock_dies_with_its_process(void **state)
{
	struct err e = { 0 };
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		arena_lock(a, true, &e);
		raise(SIGSTOP);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, NULL, WUNTRACED), pid);
	assert_int_equal(arena_lock(a, false, &e), -EAGAIN);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(arena_lock(a, true, &e), 0);
	arena_unlock(a);
}

static void
liveness_follows_the_descriptor(void **state)
{
	int fd, other;

	(void)state;
	assert_false(arena_is_alive(a, 3));
	fd = arena_hold(a, 3);
	assert_true(fd >= 0);
	assert_true(arena_is_alive(a, 3));
	assert_false(arena_is_alive(a, 2));
	assert_false(arena_is_alive(a, 4));
	other = arena_hold(a, 3);
	assert_true(other >= 0);
	close(other);
	assert_true(arena_is_alive(a, 3)); /* the first holds it still */
	other = dup(fd); /* as a child of fork would have it */
	close(fd);
	assert_true(arena_is_alive(a, 3));
	arena_unhold(dup(other));
	assert_false(arena_is_alive(a, 3));
	close(other);
	fd = arena_hold(a, VALE_MAX_PORTS - 1);
	assert_true(arena_is_alive(a, VALE_MAX_PORTS - 1));
	close(fd);
}

static void
claims_end_with_the_descriptor(void **state)
{
	int fd = arena_hold(a, 3), other = arena_hold(a, 3);

	(void)state;
	assert_false(arena_is_claimed(a, 3, CLAIM_RX + 1));
	assert_int_equal(arena_claim(fd, 3, CLAIM_RX + 1, false), 0);
	assert_true(arena_is_claimed(a, 3, CLAIM_RX + 1));
	assert_false(arena_is_claimed(a, 3, CLAIM_RX));
	assert_false(arena_is_claimed(a, 4, CLAIM_RX + 1));
	assert_int_equal(arena_claim(other, 3, CLAIM_RX + 1, true), -EBUSY);
	assert_int_equal(arena_claim(other, 3, CLAIM_RX + 1, false), 0);
	close(fd);
	assert_int_equal(arena_claim(other, 3, CLAIM_RX + 1, true), 0);
	fd = arena_hold(a, 3);
	assert_int_equal(arena_claim(fd, 3, CLAIM_RX + 1, false), -EBUSY);
	assert_int_equal(arena_claim(fd, 3, CLAIM_RX + 2, true), 0);
	close(other);
	assert_false(arena_is_claimed(a, 3, CLAIM_RX + 1));
	close(fd);
	assert_false(arena_is_alive(a, 3));
}

static blkcnt_t
blocks(void)
{
	struct stat st;

	assert_int_equal(fstat(a->fd, &st), 0);
	return st.st_blocks;
}

static void
memory_comes_and_goes(void **state)
{
	blkcnt_t empty = blocks();
	struct nmport *p, *q;

	(void)state;
	assert_true(empty * 512 <= 2 * PAGE);
	p = rig_open("valeM:p");
	assert_true(blocks() * 512 > 512 * VALE_BUF_SIZE);
	q = rig_open("valeM:q");
	nmport_close(p);
	assert_true(blocks() > empty);
	nmport_close(q);
	assert_int_equal(blocks(), empty);
}

/* A shared memory of 8 MB: a port that does not fit is an error, leaves
 * nothing behind, and one that fits works. */
static void
child_with_little_memory(void)
{
	struct nmport_cfg big = { .tx_slots = 65536, .rx_slots = 65536 };
	struct nmport *p = NULL;
	struct err e = { 0 };
	struct arena_info *i;

	if (unshare(CLONE_NEWNS) == -1 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1 ||
	    mount("kipfw", "/dev/shm", "tmpfs", 0, "size=8m") == -1)
		_exit(77);
	setenv("KIPFW_SHM", "/dev/shm/small", 1);
	assert_int_equal(nmport_open("valeM:big", &big, &p, &e), -ENOSPC);
	assert_true(strlen(e.text) > 0);
	p = rig_open("valeM:small");
	assert_int_equal(nmport_open("valeM:big", &big, &p, &e), -ENOSPC);
	i = rig_list();
	assert_int_equal(i->n_ports, 1);
	free(i);
	rig_check_buffers();
	rig_send(p, 0xff, 1, 1);
	nmport_close(p);
	_exit(0);
}

static void
full_memory_is_an_error(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		child_with_little_memory();
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip(); /* needs the right to mount */
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void
pool_gives_each_buffer_once(void **state)
{
	struct pool_cursor c = { .next = 2 };
	uint32_t idx = 0, before;
	struct err e;

	(void)state;
	assert_int_equal(arena_reserve_tables(a, &e), 0);
	before = pool_n_free(a);
	assert_int_equal(before, VALE_MAX_BUFS - 2);
	for (unsigned i = 0; i < 200; i++) {
		assert_int_equal(pool_find(a, &c, &idx, &e), 0);
		assert_int_equal(idx, i + 2);
		assert_true(pool_take(a, idx));
		assert_false(pool_take(a, idx));
	}
	assert_true(pool_give(a, 100));
	assert_false(pool_give(a, 100));
	c.next = 2;
	assert_int_equal(pool_find(a, &c, &idx, &e), 0);
	assert_int_equal(idx, 100);
	assert_int_equal(pool_find(a, &c, &idx, &e), 0);
	assert_int_equal(idx, 202);
	assert_int_equal(pool_n_free(a), before - 199);
	/* The last buffer, and behind it. */
	c.next = VALE_MAX_BUFS - 1;
	assert_int_equal(pool_find(a, &c, &idx, &e), 0);
	assert_int_equal(idx, VALE_MAX_BUFS - 1);
	assert_int_equal(pool_find(a, &c, &idx, &e), -ENOSPC);
	for (unsigned i = 0; i < 2; i++) {
		assert_false(pool_take(a, i));
		assert_false(pool_give(a, i));
		assert_false(pool_take(a, VALE_MAX_BUFS + i));
		assert_false(pool_give(a, UINT32_MAX - i));
	}
	arena_release_all(a);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(one_mapping_a_process_and_directory),
		T(distrusts_foreign_directories),
		T(refuses_another_layout),
		T(renews_what_nobody_uses),
		T(slow_lock_dies_with_its_process),
		T(liveness_follows_the_descriptor),
		T(claims_end_with_the_descriptor),
		T(memory_comes_and_goes),
		T(full_memory_is_an_error),
		T(pool_gives_each_buffer_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
