/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The words of a 'config' as its parts read them, and the parts that are shared.
 *
 * Place      pipe_config.c has the table of parameters; pipe_extra.c reads
 *            those of CoDel, PIE and the FQ schedulers.
 * Errors     readers return 0 or a sysexits code with the reader's 'e' filled.
 */
#pragma once

#include "cli/pipe_config.h"

struct pipe_reader {
	struct pipe_config *pc;
	const struct word *w; /* the next one */
	const struct word *end;
	const struct word *key; /* of the parameter */
	struct err *e;
};

/* The argument of the parameter, NULL with the error if there is none. */
const struct word *pipe_argument(struct pipe_reader *r, const char *what);

/* 0, or the error with a sentence about the word. */
int pipe_judged(struct pipe_reader *r, const struct word *w, const char *why);

/* A whole number of any base as the argument. */
int pipe_read_u32(struct pipe_reader *r, const char *what, uint32_t max,
    uint32_t *out);

enum law { LAW_CODEL, LAW_PIE, LAW_FQ_CODEL, LAW_FQ_PIE, N_LAWS };

/* The law with this name; false if it is none. */
bool pipe_law_of(const char *name, enum law *law);

/* The parameters of a law, as many as follow, for object 'nr'. */
int pipe_read_extra(struct pipe_reader *r, enum law law,
    struct abi_dn_extra *x, uint32_t nr);
