/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/offline.h"

#include "ctl/control.h"
#include "daemon/frames.h"
#include "engine/engine.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <sysexits.h>

enum { PIPE_MEMORY = 16 << 20 }; /* no packet will be in it */

struct offline {
	struct engine *engine;
	struct control *control;
	struct ctl_client *ctl;
};

static int
read_me(const struct cli_offline_cfg *cfg, struct me *me, struct err *e)
{
	for (unsigned i = 0; i < cfg->n_me; i++) {
		if (inet_pton(AF_INET, cfg->me[i], &me->addrs4[me->n4]) == 1)
			me->n4++;
		else if (inet_pton(AF_INET6, cfg->me[i],
			me->addrs6[me->n6]) == 1)
			me->n6++;
		else
			return err_set(e, EINVAL, "--me: %.60s is no address",
			    cfg->me[i]);
	}
	return 0;
}

static void
offline_close(void *world)
{
	struct offline *o = world;

	ctl_client_close(o->ctl);
	control_destroy(o->control);
	engine_destroy(o->engine);
	free(o);
}

/* What the file's commands print is of no interest here. */
static int
run_file(struct offline *o, const char *path, struct err *e)
{
	FILE *nowhere = fopen("/dev/null", "w");
	int r;

	if (nowhere == NULL) {
		err_set(e, errno, "cannot open /dev/null");
		return EX_OSERR;
	}
	r = cli_run_file(o->ctl, path, nowhere, e);
	fclose(nowhere);
	return r;
}

static int
offline_open(const struct cli_offline_cfg *cfg, void **world,
    struct ctl_client **ctl, struct err *e)
{
	struct engine_cfg en = {.default_accept = !cfg->deny, .seed = 1,
	    .pipe_memory = PIPE_MEMORY};
	struct offline *o;
	int r;

	if (read_me(cfg, &en.me, e) != 0)
		return EX_USAGE;
	err_set(e, ENOMEM, "no memory for an engine");
	if ((o = calloc(1, sizeof(*o))) == NULL)
		return EX_OSERR;
	if (engine_create(&en, &o->engine, e) != 0 ||
	    (o->control = control_create(o->engine)) == NULL ||
	    (o->ctl = ctl_client_wrap(ctl_local_transport, o->control)) == NULL)
		r = EX_OSERR;
	else
		r = run_file(o, cfg->path, e);
	if (r != 0) {
		offline_close(o);
		return r;
	}
	*e = (struct err){.pos = -1};
	*world = o;
	*ctl = o->ctl;
	return 0;
}

const struct cli_offline offline_ops = {
    .open = offline_open,
    .close = offline_close,
    .frames_open = frames_open,
    .frames_next = frames_next,
    .frames_close = frames_close,
};
