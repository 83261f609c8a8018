/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/replay.h"

#include "daemon/verdict_file.h"
#include "engine/virtual.h"
#include "port/capture.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

static struct engine *running; /* for the signal handler */

static void
on_signal(int sig)
{
	(void)sig;
	engine_interrupt(running);
}

static void
watch_signals(struct engine *en)
{
	struct sigaction act = {.sa_handler = on_signal};

	running = en;
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
}

static void
logged(void *arg)
{
	logger_run(arg);
}

int
replay_run(struct engine *en, struct logger *logger, const struct options *o,
    struct err *e)
{
	struct virtual_cfg cfg = {.logged = logged, .logged_arg = logger};
	struct verdict_file *f = NULL;
	struct err later = {0};
	int rc;

	if (o->verdicts != NULL) {
		if (capture_uses(o->verdicts)) {
			err_set(e, EBUSY, "verdicts: %s: a port reads or "
			    "writes this file", o->verdicts);
			return EX_CANTCREAT;
		}
		if (verdict_file_create(o->verdicts, o->verdict_format, &f,
			e) != 0)
			return EX_CANTCREAT;
		cfg.tell = verdict_file_put;
		cfg.tell_arg = f;
	}
	watch_signals(en);
	rc = engine_virtual_run(en, &cfg, e) == 0 ? EX_OK : EX_SOFTWARE;
	if (verdict_file_close(f, &later) != 0 && rc == EX_OK) {
		*e = later;
		rc = EX_IOERR;
	}
	return rc;
}
