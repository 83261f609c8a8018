/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pkt-gen's options after they were read: defaults, and what fits together.
 *
 * Place      between gen_cfg.c, which reads them one by one, and its caller.
 */
#pragma once

#include "tools/gen_cfg.h"

enum gen_word { /* options that have no letter */
	OPT_HELP = 256,
	OPT_VERSION,
	OPT_JSON,
	OPT_SEED,
	OPT_TOUCH,
	OPT_MAX,
};

/* How often each option was seen, and the configuration so far. */
struct gen_reading {
	struct gen_cfg c;
	unsigned seen[OPT_MAX];
};

/* Fills in what was not given; -EINVAL with a sentence that names the option
 * that does not fit the others. */
int gen_settle(struct gen_reading *r, struct err *e);
