/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ipfw command: one command line or a file of them, over one client.
 *
 * Place      ipfw.c calls cli_main(); kipfw calls cli_run_file() for -f FILE
 *            with a client that needs no socket.
 * Errors     a command returns 0 or a sysexits code.  The sentence of an error
 *            goes up in struct err, once; what a command goes on after (a rule
 *            that does not exist, in a list of them) it reports with
 *            cli_warn() and returns the code with 'e' empty.
 * State      all in struct cli, none in globals: commands can run in a daemon.
 */
#pragma once

#include "base/err.h"
#include "cli/frame.h"
#include "cli/words.h"
#include "ctl/client.h"

#include <stdio.h>

enum cli_flags {
	CLI_ACCT = 0x1,	       /* -a */
	CLI_COMMENT = 0x2,     /* -b */
	CLI_COMPACT = 0x4,     /* -c */
	CLI_DYNAMIC = 0x8,     /* -d */
	CLI_ONLY_DYNAMIC = 0x10, /* -D */
	CLI_EXPIRED = 0x20,    /* -e */
	CLI_FORCE = 0x40,      /* -f */
	CLI_AS_IP = 0x80,      /* -i */
	CLI_TEST = 0x100,      /* -n */
	CLI_RESOLVE = 0x200,   /* -N */
	CLI_QUIET = 0x400,     /* -q */
	CLI_SETS = 0x800,      /* -S */
	CLI_TIME = 0x1000,     /* -t */
	CLI_EPOCH = 0x2000,    /* -T */
	CLI_VERBOSE = 0x4000,  /* -v */
	CLI_HELP = 0x8000,     /* -h, --help */
	CLI_VERSION = 0x10000, /* --version */
};

/* A firewall without a daemon, for 'test -f FILE'. */
struct cli_offline_cfg {
	const char *path; /* of a file of commands; NULL = ask the daemon */
	bool deny;	  /* what rule 65535 does */
	unsigned n_me;
	const char *me[8]; /* addresses of 'me' */
};

/* What commands cannot have themselves, since they know no engine and ipfw
 * shall start fast: kipfw hands it to them (daemon/offline.c). */
struct cli_offline {
	/* Runs the commands of cfg->path in a new engine.  0 with *world, which
	 * close() ends, and a client of it; or a sysexits code. */
	int (*open)(const struct cli_offline_cfg *cfg, void **world,
	    struct ctl_client **ctl, struct err *e);
	void (*close)(void *world);
	/* Frames of a capture: daemon/frames.h. */
	int (*frames_open)(const char *path, void **capture, struct err *e);
	int (*frames_next)(void *capture, struct frame *f, struct err *e);
	void (*frames_close)(void *capture);
};

struct cli {
	struct ctl_client *ctl;
	FILE *in; /* answers to "Are you sure?" */
	FILE *out;
	FILE *err;	 /* warnings */
	const char *prog; /* "ipfw" or "dnctl" */
	unsigned flags;	 /* CLI_* */
	unsigned line;	 /* of the file, 0 outside */
	int set;	 /* of the prefix "set N", -1 without */
	struct table_batch *batch; /* of a file; NULL outside */
	struct rule_batch *rules;  /* the same */
	const struct cli_offline *offline; /* NULL = there is none ... */
	char **argv;		   /* ... and the program's own arguments */
	const char *test_file;	   /* of "-f FILE test" */
};

/* The program ipfw, with its environment; returns the exit code. */
int cli_program(int argc, char *argv[], const struct cli_offline *offline);

/* Sees to it that there is a c->offline: if not, goes on as kipfw under the name
 * of ipfw, which has one, with the same arguments.  0, or a sysexits code. */
int cli_need_offline(struct cli *c, struct err *e);

/* Runs the command line; argv[0] is not looked at.  Prints errors and returns
 * the exit code. */
int cli_main(struct cli *c, int argc, char *const argv[]);

/* Runs the commands in a file, output to 'out', until the first error: then
 * returns its sysexits code, and 'e' tells the line and the sentence. */
int cli_run_file(struct ctl_client *ctl, const char *path, FILE *out,
    struct err *e);

/* One command, flags included; an empty one is fine. */
int cli_command(struct cli *c, const struct words *ws, struct err *e);

/* Sends what commands of a file left waiting; after an error, c->line is the
 * line at fault. */
int cli_settle(struct cli *c, struct err *e);

/* A script with its preprocessor, if any (argv ends with NULL). */
int script_run(struct cli *c, const char *path, char *const preproc[],
    struct err *e);

/* Prints the long help to c->out. */
void help_print(struct cli *c);
