/* SPDX-License-Identifier: BSD-2-Clause */
/* Files of commands, one a line, maybe through a preprocessor. */
#include "cli/cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <sys/wait.h>

enum { LINE_MAX_LEN = 4096 };

static int
run_line(struct cli *c, const char *line, struct err *e)
{
	struct words ws;
	int r = words_line(&ws, line, e);

	if (r != 0)
		return r;
	r = cli_command(c, &ws, e);
	words_fini(&ws);
	return r;
}

/* Every line of 'f' up to the first error, which keeps c->line. */
static int
run_lines(struct cli *c, FILE *f, struct err *e)
{
	char line[LINE_MAX_LEN + 2];
	struct err why = {.code = 0};
	int r = 0, last;

	for (c->line = 1; fgets(line, sizeof(line), f) != NULL; c->line++) {
		size_t len = strlen(line);

		if (len == sizeof(line) - 1 && line[len - 1] != '\n') {
			err_set(e, EINVAL, "the line is longer than %d octets",
			    LINE_MAX_LEN);
			return EX_DATAERR;
		}
		r = run_line(c, line, e);
		if (r != 0)
			break;
	}
	/* What stood before a line that failed was not done yet. */
	last = r == 0 || c->batch == NULL ? 0 : (int)c->line;
	if (table_batch_send(c, c->batch, &c->line, r == 0 ? e : &why) != 0) {
		if (last != 0)
			*e = why;
		return r != 0 ? r : EX_OSERR;
	}
	if (r != 0)
		return r;
	if (ferror(f)) {
		err_set(e, errno, "cannot read on: %s", strerror(errno));
		return EX_OSERR;
	}
	c->line = 0;
	return 0;
}

/* Starts 'preproc' with 'f' as its input; '*out' is what it writes. */
static int
start_preproc(char *const preproc[], FILE *f, FILE **out, pid_t *pid,
    struct err *e)
{
	int ends[2];

	if (pipe(ends) == -1)
		goto err;
	*pid = fork();
	if (*pid == -1) {
		close(ends[0]);
		close(ends[1]);
		goto err;
	}
	if (*pid == 0) {
		if (dup2(fileno(f), 0) != -1 && dup2(ends[1], 1) != -1) {
			close(ends[0]);
			close(ends[1]);
			execvp(preproc[0], preproc);
		}
		_exit(127);
	}
	close(ends[1]);
	*out = fdopen(ends[0], "r");
	if (*out != NULL)
		return 0;
	close(ends[0]);
err:
	err_set(e, errno, "cannot start %.100s: %s", preproc[0],
	    strerror(errno));
	return EX_OSERR;
}

static int
end_preproc(const char *name, pid_t pid, struct err *e)
{
	int status;

	if (waitpid(pid, &status, 0) == -1) {
		err_set(e, errno, "lost the preprocessor: %s", strerror(errno));
		return EX_OSERR;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	err_set(e, EIO, "preprocessor %.100s exited with %s %d", name,
	    WIFSIGNALED(status) ? "signal" : "status",
	    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	return EX_UNAVAILABLE;
}

int
script_run(struct cli *c, const char *path, char *const preproc[],
    struct err *e)
{
	FILE *f = fopen(path, "re"), *lines;
	pid_t pid = 0;
	int r = 0, end;

	if (f == NULL) {
		err_set(e, errno, "cannot open %.160s: %s", path,
		    strerror(errno));
		return EX_UNAVAILABLE;
	}
	lines = f;
	if (preproc != NULL) {
		r = start_preproc(preproc, f, &lines, &pid, e);
		fclose(f);
		if (r != 0)
			return r;
	}
	c->batch = table_batch_create();
	r = run_lines(c, lines, e);
	table_batch_destroy(c->batch);
	c->batch = NULL;
	fclose(lines);
	if (preproc != NULL) {
		end = end_preproc(preproc[0], pid, r == 0 ? e : NULL);
		r = r != 0 ? r : end;
	}
	return r;
}

int
cli_run_file(struct ctl_client *ctl, const char *path, FILE *out,
    struct err *e)
{
	struct err why = {.code = 0, .pos = -1, .text = ""};
	struct cli c = {.ctl = ctl, .in = stdin, .out = out, .err = out,
	    .prog = "kipfw", .flags = CLI_FORCE, .set = -1};
	int r = script_run(&c, path, NULL, &why);

	if (r == 0)
		return 0;
	if (why.code == 0)
		err_set(&why, EINVAL, "the command failed");
	if (c.line != 0)
		err_at(e, why.code, why.pos, "%.60s: Line %u: %.160s", path,
		    c.line, why.text);
	else
		err_at(e, why.code, why.pos, "%s", why.text);
	return r;
}
