/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/cli.h"

#include "cli/cmd.h"
#include "cli/names.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

/* ---- tables: flags and commands ---- */

static command_fn cmd_later;

static const struct flag {
	char c;
	unsigned bits;
} flags[] = {
    {'a', CLI_ACCT},
    {'b', CLI_COMMENT | CLI_COMPACT},
    {'c', CLI_COMPACT},
    {'d', CLI_DYNAMIC},
    {'D', CLI_DYNAMIC | CLI_ONLY_DYNAMIC},
    {'e', CLI_EXPIRED},
    {'f', CLI_FORCE},
    {'h', CLI_HELP},
    {'i', CLI_AS_IP},
    {'n', CLI_TEST},
    {'N', CLI_RESOLVE},
    {'q', CLI_QUIET | CLI_FORCE},
    {'S', CLI_SETS},
    {'t', CLI_TIME},
    {'T', CLI_EPOCH},
    {'v', CLI_VERBOSE},
};

enum command_flags {
	CMD_SET = 0x1,	  /* may follow "set N" */
	CMD_DN = 0x2,	  /* dnctl has it */
	CMD_SILENT = 0x4, /* may be cut short without a warning */
};

/* In the order in which beginnings are tried. */
static const struct command {
	const char *name;
	command_fn *run;
	unsigned flags;
} commands[] = {
    {"nat", cmd_later, CMD_SILENT},
    {"pipe", cmd_pipe, CMD_DN | CMD_SILENT},
    {"queue", cmd_queue, CMD_DN},
    {"flowset", cmd_queue, CMD_DN},
    {"sched", cmd_sched, CMD_DN},
    {"set", cmd_set, CMD_SILENT},
    {"add", cmd_add, 0},
    {"table", cmd_table, CMD_SET},
    {"enable", cmd_enable, 0},
    {"disable", cmd_disable, 0},
    {"delete", cmd_delete, CMD_SET},
    {"flush", cmd_flush, CMD_SET},
    {"zero", cmd_zero, CMD_SET},
    {"resetlog", cmd_resetlog, CMD_SET},
    {"print", cmd_list, CMD_SET},
    {"list", cmd_list, CMD_SET},
    {"show", cmd_show, CMD_SET},
    {"internal", cmd_internal, 0},
    {"sysctl", cmd_sysctl, CMD_DN},
    {"test", cmd_test, 0},
    {"nat64lsn", cmd_later, 0},
    {"nat64stl", cmd_later, 0},
    {"nat64clat", cmd_later, 0},
    {"nptv6", cmd_later, 0},
};

/* What ipfw has and this version does not. */
static int
cmd_later(struct cli *c, const struct args *a, struct err *e)
{
	(void)c;
	return word_err(e, EX_UNAVAILABLE, &a->w[0],
	    "is not implemented in this version");
}

/* ---- flags ---- */

static int
unknown_flag(const struct word *w, char flag, struct err *e)
{
	if (flag == 'p')
		return word_err(e, EX_USAGE, w,
		    "-p needs an absolute path of a file as last word");
	return word_err(e, EX_USAGE, w, "unknown flag -%c", flag);
}

/* Reads "-abc ..." at the start; '*n' tells how many words that were. */
static int
read_flags(struct cli *c, const struct words *ws, unsigned *n, struct err *e)
{
	for (*n = 0; *n < ws->n && ws->w[*n].s[0] == '-'; ++*n) {
		const struct word *w = &ws->w[*n];

		if (strcmp(w->s, "--") == 0) {
			++*n;
			return 0;
		}
		if (strcmp(w->s, "--help") == 0 ||
		    strcmp(w->s, "--version") == 0) {
			c->flags |= w->s[2] == 'h' ? CLI_HELP : CLI_VERSION;
			continue;
		}
		if (strncmp(w->s, "--", 2) == 0)
			return word_err(e, EX_USAGE, w,
			    "unknown; there are --help and --version");
		if (strncmp(w->s, "-s", 2) == 0) { /* sorting: no effect */
			*n += w->s[2] == '\0';
			continue;
		}
		for (const char *s = w->s + 1; *s != '\0'; s++) {
			size_t k = 0;

			while (k < ARRAY_LEN(flags) && flags[k].c != *s)
				k++;
			if (k == ARRAY_LEN(flags))
				return unknown_flag(w, *s, e);
			c->flags |= flags[k].bits;
		}
	}
	if (*n > ws->n)
		*n = ws->n;
	return 0;
}

/* ---- commands ---- */

static bool
allowed(struct cli *c, const struct command *cmd)
{
	if (strcmp(c->prog, "dnctl") == 0 && (cmd->flags & CMD_DN) == 0)
		return false;
	return c->set < 0 || (cmd->flags & CMD_SET) != 0;
}

static int
unknown_command(struct cli *c, const struct word *w, struct err *e)
{
	struct suggest g;
	char hint[64];

	suggest_init(&g, w->s);
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (allowed(c, &commands[i]))
			suggest_try(&g, commands[i].name);
	err_at(e, EINVAL, w->pos, "bad command `%.40s'%s", w->s,
	    suggest_text(&g, hint, sizeof(hint)));
	return EX_USAGE;
}

/* The row of a whole word, or else of the first name that begins with it. */
static const struct command *
find_command(struct cli *c, const char *s)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (allowed(c, &commands[i]) &&
		    strcmp(s, commands[i].name) == 0)
			return &commands[i];
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		const struct command *cmd = &commands[i];

		if (!allowed(c, cmd))
			continue;
		if ((cmd->flags & CMD_SILENT) != 0
			? strncmp(s, cmd->name, strlen(s)) == 0
			: cli_match(c, s, cmd->name))
			return cmd;
	}
	return NULL;
}

/* True if the word may be a command, whole or cut short. */
static bool
begins_command(struct cli *c, const char *s)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (allowed(c, &commands[i]) &&
		    strncmp(s, commands[i].name, strlen(s)) == 0)
			return true;
	return isdigit((unsigned char)s[0]) != 0;
}

static int
dispatch(struct cli *c, const struct args *a, struct err *e)
{
	const struct command *cmd;
	struct args rest = *a;

	if (a->n > 2 && a->w[0].s[0] == 's' &&
	    strncmp(a->w[0].s, "set", strlen(a->w[0].s)) == 0 &&
	    isdigit((unsigned char)a->w[1].s[0])) {
		unsigned set;

		if (!args_number(a->w[1].s, 31, &set))
			return word_err(e, EX_DATAERR, &a->w[1],
			    "not a set (0 to 31)");
		c->set = (int)set;
		rest = (struct args){a->w + 2, a->n - 2};
	}
	cmd = find_command(c, rest.w[0].s);
	if (cmd == NULL)
		return unknown_command(c, &rest.w[0], e);
	return cmd->run(c, &rest, e);
}

int
cli_settle(struct cli *c, struct err *e)
{
	int r = table_batch_send(c, c->batch, &c->line, e);

	return r != 0 ? r : rule_batch_send(c, c->rules, &c->line, e);
}

/* What waits goes first, unless this command can wait with it: 'own' is 'c'
 * with the flags of the command. */
static int
settle_before(struct cli *c, const struct cli *own, const struct args *a,
    struct err *e)
{
	int r = 0;

	if (!table_batch_takes(own, c->batch, a))
		r = table_batch_send(c, c->batch, &c->line, e);
	if (r == 0 && !rule_batch_takes(own, c->rules, a))
		r = rule_batch_send(c, c->rules, &c->line, e);
	return r;
}

/* The words of "-f FILE test": FILE is no command, and -f came last.  ipfw's own
 * -f takes no argument, so such a line was an error before. */
static bool
is_file_of_test(struct cli *c, const struct words *ws, unsigned at)
{
	size_t len = at > 0 ? strlen(ws->w[at - 1].s) : 0;

	return len > 1 && ws->w[at - 1].s[0] == '-' &&
	    ws->w[at - 1].s[len - 1] == 'f' && at + 1 < ws->n &&
	    strcmp(ws->w[at + 1].s, "test") == 0 &&
	    !begins_command(c, ws->w[at].s);
}

int
cli_command(struct cli *c, const struct words *ws, struct err *e)
{
	struct cli own = *c; /* flags and set of this command only */
	struct word *copy;
	unsigned n = 0, at;
	int r;

	if (ws->n == 0)
		return 0;
	r = read_flags(&own, ws, &at, e);
	if (r != 0)
		return r;
	if ((own.flags & CLI_HELP) != 0) {
		help_print(&own);
		return 0;
	}
	if ((own.flags & CLI_VERSION) != 0) {
		fprintf(c->out, "%s " KIPFW_VERSION "\n", c->prog);
		return 0;
	}
	if (at == ws->n)
		return word_err(e, EX_USAGE, &ws->w[at - 1],
		    "no command after the flags");
	if (is_file_of_test(c, ws, at))
		own.test_file = ws->w[at++].s;
	copy = malloc((ws->n - at) * sizeof(*copy));
	if (copy == NULL) {
		err_set(e, ENOMEM, "no memory for the command");
		return EX_OSERR;
	}
	for (; at < ws->n; at++)
		copy[n++] = ws->w[at];
	/* "100 add ..." was legal in the first ipfw. */
	if (n > 1 && isdigit((unsigned char)copy[0].s[0])) {
		struct word w = copy[0];

		copy[0] = copy[1];
		copy[1] = w;
	}
	r = settle_before(c, &own, &(struct args){copy, n}, e);
	if (r == 0)
		r = dispatch(&own, &(struct args){copy, n}, e);
	free(copy);
	return r;
}

/* ---- the command line ---- */

static int
usage(struct cli *c)
{
	fprintf(c->err,
	    "usage: %s [options]\ndo \"%s -h\" or \"man %s\" for details\n",
	    c->prog, c->prog, c->prog);
	return EX_USAGE;
}

/* The last argument is a file: flags, and maybe a preprocessor, before it. */
static int
run_script(struct cli *c, int argc, char *const argv[], struct err *e)
{
	const char *path = argv[argc - 1];
	char **preproc = NULL;
	struct words ws;
	unsigned used = 0;
	int p = 0, r;

	while (p < argc - 1 && strcmp(argv[p], "-p") != 0)
		p++;
	if (p < argc - 1 && p + 1 == argc - 1) {
		err_set(e, EINVAL, "-p needs a preprocessor and a file");
		return EX_USAGE;
	}
	r = words_argv(&ws, p, argv, e);
	if (r != 0)
		return r;
	r = read_flags(c, &ws, &used, e);
	if (r == 0 && used < ws.n)
		r = word_err(e, EX_USAGE, &ws.w[used],
		    "not a flag, before a file of commands");
	if (r == 0 && p < argc - 1) {
		size_t n = (size_t)(argc - 1 - (p + 1));

		preproc = calloc(n + 1, sizeof(*preproc));
		if (preproc == NULL) {
			err_set(e, ENOMEM, "no memory for the preprocessor");
			r = EX_OSERR;
		} else {
			memcpy(preproc, argv + p + 1, n * sizeof(*preproc));
		}
	}
	if (r == 0)
		r = script_run(c, path, preproc, e);
	free(preproc);
	words_fini(&ws);
	return r;
}

static int
run_words(struct cli *c, int argc, char *const argv[], struct err *e)
{
	struct words ws;
	int r = argc == 1 ? words_line(&ws, argv[0], e)
			  : words_argv(&ws, argc, argv, e);

	if (r != 0)
		return r;
	r = ws.n == 0 ? usage(c) : cli_command(c, &ws, e);
	words_fini(&ws);
	return r;
}

/* True for "[FLAGS] test ... /PATH": the path is no file of commands. */
static bool
is_test(int argc, char *const argv[])
{
	int k = 1;

	while (k < argc && argv[k][0] == '-')
		k++;
	return (k < argc && strcmp(argv[k], "test") == 0) ||
	    (k + 1 < argc && strcmp(argv[k + 1], "test") == 0);
}

int
cli_main(struct cli *c, int argc, char *const argv[])
{
	struct err e = {.code = 0, .pos = -1, .text = ""};
	unsigned flags_before = c->flags;
	int r;

	c->line = 0;
	if (argc < 2)
		return usage(c);
	if (argv[argc - 1][0] != '/' || is_test(argc, argv)) {
		r = run_words(c, argc - 1, argv + 1, &e);
	} else if (access(argv[argc - 1], R_OK) == 0) {
		r = run_script(c, argc - 1, argv + 1, &e);
	} else {
		err_set(&e, errno, "pathname: %.160s: %s", argv[argc - 1],
		    strerror(errno));
		r = EX_USAGE;
	}
	fflush(c->out);
	if (r != 0 && e.code != 0)
		cli_print_error(c, c->err, e.text);
	c->flags = flags_before;
	return r;
}
