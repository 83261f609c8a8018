/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kipfw's command line: what the words say, before anything is opened.
 */
#pragma once

#include "base/err.h"
#include "daemon/logger.h"
#include "daemon/verdict_file.h"
#include "engine/engine.h"

enum { OPTIONS_THEN = 16 };

struct options {
	struct engine_cfg engine;
	uint16_t port;		/* control; the source is at port + 1 */
	const char *socket;	/* path of a unix socket, NULL = none */
	const char *divert;	/* path of the divert socket, NULL = none */
	const char *rules_file; /* NULL = none */
	struct logger_cfg log;
	const char *verdicts;	/* file of --verdicts, NULL = none */
	enum verdict_format verdict_format;
	char *then[OPTIONS_THEN]; /* commands of --then, n_then of them */
	unsigned n_then;
	bool stay;		/* when captures are over */
	bool out_pass;
	bool help, version;
	char **ports; /* n_ports words, an even number */
	unsigned n_ports;
};

/* Reads argv into *o.  -EINVAL with a sentence that names the word. */
int options_parse(struct options *o, int argc, char **argv, struct err *e);

/* The whole of --help. */
void options_help(void);
