/* SPDX-License-Identifier: BSD-2-Clause */
/* Persistent ports, lists, and what can be asked of a name. */
#include "vale_rig.h"

#include "vale/nmctl.h"

#include <signal.h>
#include <sys/wait.h>

static struct err err;

static void
create_and_destroy(void **state)
{
	static const struct {
		const char *name;
		int rc;
	} cases[] = {
		{ "v0", 0 },
		{ "v0", -EEXIST },
		{ "netmap:v0", -EEXIST },
		{ "v-1.x_y", 0 },
		{ "123456789012345", 0 },
		{ "1234567890123456", -EINVAL },
		{ "vale0:v", -EINVAL },
		{ "valeria", -EINVAL },
		{ "", -EINVAL },
		{ "v0{1", -EINVAL },
		{ "v0/r", -EINVAL },
	};
	struct nmport_cfg bad = { .tx_slots = 300 };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(cases); i++)
		if (nmctl_create(cases[i].name, NULL, &err) != cases[i].rc)
			fail_msg("%s: %s", cases[i].name, err.text);
	assert_int_equal(nmctl_create("bad", &bad, &err), -EINVAL);
	assert_int_equal(rig_n_ports(), 3);
	assert_int_equal(nmctl_destroy("nix", &err), -ENXIO);
	assert_int_equal(nmctl_destroy("vale0:v0", &err), -EINVAL);
	for (unsigned i = 0; i < ARRAY_LEN(cases); i++)
		if (cases[i].rc == 0)
			assert_int_equal(nmctl_destroy(cases[i].name, &err), 0);
	assert_int_equal(rig_n_ports(), 0);
}

/* Without a user it has no rings; with one, those it was made with. */
static void
opened_and_left(void **state)
{
	struct nmport_cfg cfg = { .tx_slots = 512, .rx_slots = 256,
		.tx_rings = 2, .rx_rings = 3 };
	struct nmport *p;
	struct nmport_info i;

	(void)state;
	assert_int_equal(nmctl_create("v0", &cfg, &err), 0);
	assert_int_equal(nmctl_info("v0", &i, &err), 0);
	assert_int_equal(i.tx_slots, 512);
	assert_int_equal(i.rx_rings, 3);
	rig_check_buffers();
	p = rig_open_cfg("v0", NULL);
	nmport_get_info(p, &i);
	assert_int_equal(i.tx_slots, 512);
	assert_int_equal(i.rx_slots, 256);
	assert_int_equal(i.tx_rings, 2);
	assert_int_equal(i.rx_rings, 3);
	assert_int_equal(rig_try_open("v0"), -EBUSY);
	assert_int_equal(rig_try_open("vale0:v0"), -EBUSY);
	assert_int_equal(nmctl_destroy("v0", &err), -EBUSY);
	rig_send(p, 0xff, 1, 1); /* to nobody */
	nmport_close(p);
	p = rig_open("netmap:v0");
	nmport_get_info(p, &i);
	assert_int_equal(i.tx_slots, 256); /* as asked for */
	assert_int_equal(i.rx_rings, 3);
	nmport_close(p);
	rig_check_buffers();
	assert_int_equal(nmctl_destroy("v0", &err), 0);
	assert_int_equal(rig_try_open("v0"), -ENXIO);
}

static void
attached_and_detached(void **state)
{
	struct nmport *a = rig_open("valeX:a"), *p;
	unsigned idx;

	(void)state;
	assert_int_equal(nmctl_attach("valeX:v0", &idx, &err), -EINVAL);
	assert_int_equal(nmctl_attach("valeX:lo", &idx, &err), -EINVAL);
	assert_non_null(strstr(err.text, "kipfw xdp:lo valeX:"));
	assert_int_equal(nmctl_attach("valeX:a", &idx, &err), -EBUSY);
	assert_int_equal(nmctl_detach("valeX:a", &idx, &err), -EBUSY);
	assert_int_equal(nmctl_detach("valeX:v0", &idx, &err), -ENXIO);
	assert_int_equal(nmctl_create("v0", NULL, &err), 0);
	assert_int_equal(nmctl_attach("v0", &idx, &err), -EINVAL);
	assert_int_equal(nmctl_attach("valeX:v0", &idx, &err), 0);
	assert_int_equal(nmctl_attach("valeX:v0", &idx, &err), -EBUSY);
	assert_int_equal(nmctl_attach("valeY:v0", &idx, &err), -EBUSY);
	assert_int_equal(nmctl_destroy("v0", &err), -EBUSY);
	assert_int_equal(rig_try_open("valeY:v0"), -EBUSY);
	rig_send(a, 0xff, 1, 1); /* nobody is there to get it */
	p = rig_open("v0");
	rig_send(a, 0xff, 1, 2);
	assert_int_equal(rig_get(p), 2);
	rig_send(p, 0xff, 5, 3);
	assert_int_equal(rig_get(a), 3);
	/* Away while it is open, and back on another one. */
	assert_int_equal(nmctl_detach("valeX:v0", &idx, &err), 0);
	rig_send(a, 5, 1, 4);
	rig_send(p, 0xff, 5, 5);
	assert_int_equal(rig_get(p), -1);
	assert_int_equal(rig_get(a), -1);
	assert_int_equal(nmctl_attach("valeY:v0", &idx, &err), 0);
	nmport_close(a);
	a = rig_open("valeY:a");
	rig_send(p, 0xff, 5, 6);
	assert_int_equal(rig_get(a), 6);
	rig_send(a, 5, 1, 7);
	assert_int_equal(rig_get(p), 7);
	nmport_close(p);
	rig_check_buffers();
	/* The switch stays with its idle port. */
	nmport_close(a);
	assert_int_equal(rig_n_ports(), 1);
	assert_int_equal(nmctl_detach("valeY:v0", &idx, &err), 0);
	assert_int_equal(nmctl_destroy("v0", &err), 0);
}

/* Opening it as a switch's port puts it there. */
static void
opened_as_a_port_of_a_switch(void **state)
{
	struct nmport *a = rig_open("valeX:a"), *p;
	unsigned idx;

	(void)state;
	assert_int_equal(nmctl_create("v0", NULL, &err), 0);
	p = rig_open("valeX:v0");
	rig_send(a, 0xff, 1, 2);
	assert_int_equal(rig_get(p), 2);
	nmport_close(p);
	assert_int_equal(rig_n_ports(), 2);
	assert_int_equal(nmctl_detach("valeX:v0", &idx, &err), 0);
	assert_int_equal(nmctl_destroy("v0", &err), 0);
	nmport_close(a);
}

/* Its user is killed: it is there for the next one. */
static void
survives_its_user(void **state)
{
	unsigned idx;

	(void)state;
	assert_int_equal(nmctl_create("v0", NULL, &err), 0);
	assert_int_equal(nmctl_attach("valeX:v0", &idx, &err), 0);
	for (unsigned i = 0; i < 5; i++) {
		int status, fds[2];
		char c;
		pid_t pid;

		assert_int_equal(pipe(fds), 0);
		pid = fork();
		if (pid == 0) {
			rig_open("v0");
			(void)!write(fds[1], "", 1);
			pause();
		}
		assert_int_equal(read(fds[0], &c, 1), 1);
		assert_int_equal(rig_try_open("v0"), -EBUSY);
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		assert_int_equal(rig_try_open("v0"), 0);
		rig_check_buffers();
		close(fds[0]);
		close(fds[1]);
	}
	assert_int_equal(nmctl_detach("valeX:v0", &idx, &err), 0);
	assert_int_equal(nmctl_destroy("v0", &err), 0);
}

static void
enumerated(void **state)
{
	struct nmport *p[5] = { rig_open("valeA:a"), rig_open("valeB:a"),
		rig_open("valeA:b"), rig_open("valeA:x{1"),
		rig_open("valeA:a/t") };
	struct nmctl_port at = { 0 };
	char seen[100] = "";

	(void)state;
	while (nmctl_next(&at, &err) == 0) {
		strcat(strcat(seen, at.name), " ");
		at.port_idx++;
	}
	assert_string_equal(seen, "valeA:a valeA:b valeB:a ");
	strcpy(at.name, "valeA:b");
	assert_int_equal(nmctl_find(&at, &err), 0);
	assert_int_equal(at.switch_idx, 0);
	assert_int_equal(at.port_idx, 2);
	strcpy(at.name, "valeB:b");
	assert_int_equal(nmctl_find(&at, &err), 0);
	assert_int_equal(at.switch_idx, 1);
	assert_int_equal(at.port_idx, NMCTL_NO_PORT);
	strcpy(at.name, "valeC:b");
	assert_int_equal(nmctl_find(&at, &err), -ENOENT);
	strcpy(at.name, "b");
	assert_int_equal(nmctl_find(&at, &err), -EINVAL);
	for (unsigned i = 0; i < ARRAY_LEN(p); i++)
		nmport_close(p[i]);
}

static void
what_a_port_is_like(void **state)
{
	struct nmport_cfg cfg = { .tx_slots = 256, .rx_slots = 2048,
		.rx_rings = 2 };
	struct nmport *p = rig_open_cfg("valeA:a", &cfg);
	struct nmport_info i;

	(void)state;
	assert_int_equal(nmctl_info("valeA:a", &i, &err), 0);
	assert_int_equal(i.rx_slots, 2048);
	assert_int_equal(i.rx_rings, 2);
	assert_int_equal(nmctl_info("valeA:new", &i, &err), 0);
	assert_int_equal(i.rx_slots, 1024);
	assert_int_equal(i.port_idx, NMCTL_NO_PORT);
	assert_int_equal(nmctl_info("foo{1", &i, &err), 0);
	assert_true(i.is_pipe);
	assert_int_equal(nmctl_info("foo", &i, &err), -ENXIO);
	assert_int_equal(nmctl_info("valeA:a/r", &i, &err), -EINVAL);
	nmport_close(p);
}

static void
header_lengths(void **state)
{
	struct nmport *p = rig_open("valeA:a");
	struct nmport_cfg knows = { .knows_hdr = true };
	struct nmport_info i;
	unsigned len = 7;

	(void)state;
	assert_int_equal(nmctl_hdr_len("valeA:a", &len, &err), 0);
	assert_int_equal(len, 0);
	assert_int_equal(nmctl_set_hdr_len("valeA:a", 11, &err), -EINVAL);
	assert_int_equal(nmctl_set_hdr_len("valeA:b", 12, &err), -ENXIO);
	assert_int_equal(nmctl_set_hdr_len("foo{1", 12, &err), -ENXIO);
	assert_int_equal(nmctl_set_hdr_len("valeA:a", 12, &err), 0);
	nmport_get_info(p, &i);
	assert_int_equal(i.hdr_len, 12);
	nmport_close(p);
	p = rig_open("valeA:a");
	assert_int_equal(nmctl_hdr_len("valeA:a", &len, &err), 0);
	assert_int_equal(len, 0);
	nmport_close(p);
	/* A persistent port keeps it, and asks its user. */
	assert_int_equal(nmctl_create("v0", NULL, &err), 0);
	assert_int_equal(nmctl_set_hdr_len("v0", 10, &err), 0);
	assert_int_equal(rig_try_open("v0"), -EIO);
	p = rig_open_cfg("v0", &knows);
	nmport_get_info(p, &i);
	assert_int_equal(i.hdr_len, 10);
	nmport_close(p);
	assert_int_equal(nmctl_destroy("v0", &err), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(create_and_destroy),
		T(opened_and_left),
		T(attached_and_detached),
		T(opened_as_a_port_of_a_switch),
		T(survives_its_user),
		T(enumerated),
		T(what_a_port_is_like),
		T(header_lengths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
