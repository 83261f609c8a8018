/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kipfw's command line: what the words say, before anything is opened.
 */
#pragma once

#include "base/err.h"
#include "daemon/logger.h"
#include "engine/engine.h"

struct options {
	struct engine_cfg engine;
	uint16_t port;		/* control; the source is at port + 1 */
	const char *socket;	/* path of a unix socket, NULL = none */
	const char *divert;	/* path of the divert socket, NULL = none */
	const char *rules_file; /* NULL = none */
	struct logger_cfg log;
	bool out_pass;
	bool help, version;
	char **ports; /* n_ports words, an even number */
	unsigned n_ports;
};

/* Reads argv into *o.  -EINVAL with a sentence that names the word. */
int options_parse(struct options *o, int argc, char **argv, struct err *e);

/* The whole of --help. */
void options_help(void);
