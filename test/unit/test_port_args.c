/* SPDX-License-Identifier: BSD-2-Clause */
/* What stands behind a port's name: read, and refused with the word at fault. */
#include "unit.h"

#include "port/args.h"

#include <errno.h>
#include <string.h>

static char head[16], file[8];
static bool copy;
static uint64_t frames;
static struct err e;

static const struct port_arg args[] = {
	{"copy", PORT_ARG_FLAG, &copy, 0, 0, 0},
	{"frames", PORT_ARG_NUMBER, &frames, 64, 4096, 0},
	{"file", PORT_ARG_TEXT, file, 0, 0, sizeof(file)},
	{NULL, PORT_ARG_FLAG, NULL, 0, 0, 0},
};

static int
read_args(const char *text)
{
	memset(head, 0, sizeof(head));
	memset(file, 0, sizeof(file));
	copy = false;
	frames = 7;
	e.text[0] = '\0';
	return port_args("xdp:x", text, head, sizeof(head), args, &e);
}

static void
test_reads(void **state)
{
	(void)state;
	assert_int_equal(read_args("eth0/1"), 0);
	assert_string_equal(head, "eth0/1");
	assert_false(copy);
	assert_int_equal(frames, 7);
	assert_int_equal(read_args("eth0,frames=64,copy,file=a\\,b"), 0);
	assert_string_equal(head, "eth0");
	assert_true(copy);
	assert_int_equal(frames, 64);
	assert_string_equal(file, "a,b");
	assert_int_equal(port_args("p", "copy", NULL, 0, args, &e), 0);
	assert_true(copy);
}

static void
refused(const char *text, const char *why)
{
	assert_int_equal(read_args(text), -EINVAL);
	assert_string_equal(e.text, why);
}

static void
test_refuses(void **state)
{
	(void)state;
	refused("", "port 'xdp:x': no name after the colon");
	refused(",copy", "port 'xdp:x': no name after the colon");
	refused("a123456789012345",
	    "port 'xdp:x': 'a123456789012345' is longer than 15 octets");
	refused("e,cpy", "port 'xdp:x': 'cpy' is not known here, but copy, "
	    "frames and file");
	refused("e,copy,copy", "port 'xdp:x': copy twice");
	refused("e,copy=1", "port 'xdp:x': copy takes no value");
	refused("e,frames", "port 'xdp:x': frames needs a value: frames=...");
	refused("e,frames=", "port 'xdp:x': frames needs a value: frames=...");
	refused("e,frames=63",
	    "port 'xdp:x': frames=63: not a number from 64 to 4096");
	refused("e,frames=6x4",
	    "port 'xdp:x': frames=6x4: not a number from 64 to 4096");
	refused("e,frames=99999999999999999999", "port 'xdp:x': "
	    "frames=99999999999999999999: not a number from 64 to 4096");
	refused("e,file=12345678",
	    "port 'xdp:x': file: longer than 7 octets");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads),
		cmocka_unit_test(test_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
