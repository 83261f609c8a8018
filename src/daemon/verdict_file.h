/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file of --verdicts: a line for each packet, as text or as JSON.
 *
 * Place      a verdicts_fn of virtual time.
 * Text       "1 1700000000.000000000 lan pass rule 100 made 100 pipe 1 left
 *            1700000000.010000000": number, stamp, port, what became of it, and
 *            then words and values, those that apply.
 * JSON       an object a line, with the same names.
 * Errors     kept until verdict_file_close().
 */
#pragma once

#include "base/cdefs.h"
#include "base/err.h"
#include "engine/verdicts.h"

enum verdict_format {
	VERDICT_BY_NAME, /* JSON if the file's name ends in .json or .jsonl */
	VERDICT_TEXT,
	VERDICT_JSON,
};

struct verdict_file;

/* "-" is standard output. */
int verdict_file_create(const char *path, enum verdict_format format,
    struct verdict_file **out, struct err *e);

/* A verdicts_fn; 'arg' is the file. */
void verdict_file_put(void *arg, uint64_t number,
    const struct packet_story *s);

/* Brings all of it to the file.  -errno: it could not be written.  NULL is
 * fine. */
int verdict_file_close(struct verdict_file *f, struct err *e);
