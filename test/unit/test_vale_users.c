/* SPDX-License-Identifier: BSD-2-Clause */
/* Two users cannot read each other's switches, nor get in each other's way.  As
 * root another user is really somebody else; as anybody else only what the modes
 * of the files say can be checked. */
#include "vale_rig.h"

#include <grp.h>
#include <sys/wait.h>

enum { NOBODY = 65534 };

static char own_default[64];

/* Becomes somebody else for good, runs fn, and ends with what it says. */
static int
as_nobody(int (*fn)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (geteuid() == 0 &&
		    (setgroups(0, NULL) == -1 ||
			setresgid(NOBODY, NOBODY, NOBODY) == -1 ||
			setresuid(NOBODY, NOBODY, NOBODY) == -1))
			_exit(100);
		_exit(fn());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int
opens(void)
{
	struct nmport *p = NULL;
	struct err e = { 0 };
	int rc = nmport_open("valeS:p", NULL, &p, &e);

	nmport_close(p);
	return -rc;
}

static int
reads_files(void)
{
	static const char *const names[] = { "arena", "lock", "wake.0.1.0" };
	char path[128];
	int n = 0;

	for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", rig_dir, names[i]);
		n += open(path, O_RDONLY | O_NONBLOCK) != -1;
		n += open(path, O_WRONLY | O_NONBLOCK) != -1;
	}
	return n;
}

/* With an arena of its own it sees nothing of ours, by the same names. */
static int
sees_own_switch_only(void)
{
	struct arena_info *l;
	struct nmport *p;
	int n;

	if (setenv("KIPFW_SHM", own_default, 1) != 0)
		return 100;
	p = rig_open("valeS:q");
	l = rig_list();
	n = (int)l->n_ports;
	free(l);
	nmport_close(p);
	return n;
}

static void
what_the_modes_say(void **state)
{
	struct nmport *p = rig_open("valeS:p");
	static const char *const names[] = { "", "arena", "lock" };
	struct stat st;
	char path[128];

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", rig_dir, names[i]);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 077, 0);
		assert_int_equal(st.st_uid, geteuid());
	}
	nmport_close(p);
}

static void
nobody_gets_in(void **state)
{
	struct nmport *p = rig_open("valeS:own");
	char path[80];
	int rc;

	(void)state;
	rig_send(p, 0xff, 1, 4711);
	snprintf(own_default, sizeof(own_default), "%.60s.n", rig_dir);
	assert_int_equal(mkdir(own_default, 0700), 0);
	if (geteuid() == 0)
		assert_int_equal(chown(own_default, NOBODY, NOBODY), 0);
	rc = as_nobody(opens);
	assert_true(geteuid() != 0 || rc == EACCES || rc == EPERM);
	assert_int_equal(as_nobody(reads_files),
	    geteuid() == 0 ? 0 : reads_files());
	assert_int_equal(as_nobody(sees_own_switch_only), 1);
	/* Nor does root go into what is somebody else's. */
	assert_int_equal(setenv("KIPFW_SHM", own_default, 1), 0);
	assert_int_equal(opens(), geteuid() == 0 ? EPERM : 0);
	assert_int_equal(setenv("KIPFW_SHM", rig_dir, 1), 0);
	for (unsigned i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", own_default,
		    i ? "lock" : "arena");
		unlink(path);
	}
	assert_int_equal(rmdir(own_default), 0);
	nmport_close(p);
}

/* A directory that others may enter is refused by its owner. */
static void
an_open_door_is_refused(void **state)
{
	(void)state;
	assert_int_equal(chmod(rig_dir, 0750), 0);
	assert_int_equal(opens(), EPERM);
	assert_int_equal(chmod(rig_dir, 0701), 0);
	assert_int_equal(opens(), EPERM);
	assert_int_equal(chmod(rig_dir, 0700), 0);
	assert_int_equal(opens(), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(what_the_modes_say),
		T(nobody_gets_in),
		T(an_open_door_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
