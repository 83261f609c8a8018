/* SPDX-License-Identifier: BSD-2-Clause */
/* 'internal plan' on the wire. */
#include "unit.h"

#include "control_rig.h"

#include <errno.h>

static struct message
msg_plan(unsigned room)
{
	struct message m = msg_fw3(FW3_PLAN);
	struct obj_lhdr h = {.size = room};

	m.dir = CTL_DIR_GET;
	msg_put(&m, (char *)&h + sizeof(struct fw3_hdr),
	    sizeof(h) - sizeof(struct fw3_hdr));
	while (m.len < room)
		msg_put(&m, "\0\0\0\0\0\0\0", 8);
	return m;
}

static void
tells_what_the_engine_tells(void **state)
{
	struct message m = msg_plan(sizeof(struct obj_lhdr) +
	    sizeof(struct plan_info));
	struct plan_info *p = (void *)(m.data + sizeof(struct obj_lhdr));

	(void)state;
	assert_int_equal(call(&m), 0);
	assert_int_equal(m.len, sizeof(struct obj_lhdr) + sizeof(*p));
	assert_int_equal(p->rules, 1);
	assert_int_equal(p->flags, PLAN_BUILDING);
	assert_int_equal(p->bytes, 7);
	assert_int_equal(p->builds, 3);
	assert_string_equal(p->scan, "none");
}

static void
needs_room(void **state)
{
	struct message m = msg_plan(sizeof(struct obj_lhdr) + 8);

	(void)state;
	assert_int_equal(call(&m), -ENOMEM);
	assert_int_equal(m.len, sizeof(struct obj_lhdr));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    tells_what_the_engine_tells, begin, end),
		cmocka_unit_test_setup_teardown(needs_room, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
