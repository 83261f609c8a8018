/* SPDX-License-Identifier: BSD-2-Clause */
/* ipfw's commands through the real handlers of a control over the fake engine,
 * all anew for each test.  A test may set rig_transport first. */
#pragma once

#include "unit.h"
#include "fake_engine.h"

#include "cli/cli.h"
#include "ctl/control.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

static struct engine *en;
static struct control *control;
static struct cli c;
static char *text; /* what the last command printed, errors included */
static size_t text_len;
static ctl_transport_fn *rig_transport = ctl_local_transport;
static unsigned rig_flags; /* CLI_* of every command */

static inline int
rig_setup(void **state)
{
	(void)state;
	en = fake_create();
	control = control_create(en);
	c = (struct cli){.ctl = ctl_client_wrap(rig_transport, control),
	    .in = stdin, .prog = "ipfw", .set = -1};
	return 0;
}

static inline int
rig_teardown(void **state)
{
	(void)state;
	ctl_client_close(c.ctl);
	control_destroy(control);
	fake_destroy(en);
	free(text);
	text = NULL;
	return 0;
}

/* Runs "ipfw LINE"; returns the exit code. */
static inline int
run(const char *line)
{
	char copy[1024];
	char name[] = "ipfw", *argv[] = {name, copy};
	int code;

	free(text);
	snprintf(copy, sizeof(copy), "%s", line);
	c.flags = rig_flags;
	c.set = -1;
	c.out = c.err = open_memstream(&text, &text_len);
	code = cli_main(&c, 2, argv);
	fclose(c.out);
	return code;
}

static inline void
expect(const char *line, int code, const char *want)
{
	int got = run(line);

	assert_string_equal(text, want);
	assert_int_equal(got, code);
}
