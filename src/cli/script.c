/* SPDX-License-Identifier: BSD-2-Clause */
/* Files of commands, one a line, maybe through a preprocessor. */
#include "cli/cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <sys/wait.h>

enum { LINE_MAX_LEN = 4096, ROOM = 16 * LINE_MAX_LEN };

/* Lines of a file or a pipe. */
struct reader {
	int fd;
	bool at_end;
	size_t from, to; /* what was read and not handed out */
	char buf[ROOM + 1];
};

static bool
would_wait(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, 0) == 0;
}

static int
fill(struct reader *in, struct err *e)
{
	ssize_t n;

	memmove(in->buf, in->buf + in->from, in->to - in->from);
	in->to -= in->from;
	in->from = 0;
	do
		n = read(in->fd, in->buf + in->to, ROOM - in->to);
	while (n == -1 && errno == EINTR);
	if (n == -1) {
		err_set(e, errno, "cannot read on: %s", strerror(errno));
		return EX_OSERR;
	}
	in->at_end = n == 0;
	in->to += (size_t)n;
	return 0;
}

/* The next line without its end in '*line', NULL after the last.  Whoever
 * writes the lines one after the other sees each done: before it waits for
 * more, nothing is left waiting. */
static int
next_line(struct cli *c, struct reader *in, char **line, struct err *e)
{
	char *at = in->buf + in->from, *end;
	int r = 0;

	*line = NULL;
	while ((end = memchr(at, '\n', in->to - in->from)) == NULL &&
	       in->to - in->from <= LINE_MAX_LEN && !in->at_end) {
		if (would_wait(in->fd))
			r = cli_settle(c, e);
		if (r == 0)
			r = fill(in, e);
		if (r != 0)
			return r;
		at = in->buf;
	}
	if (end == NULL)
		end = in->buf + in->to;
	if (end - at > LINE_MAX_LEN) {
		err_set(e, EINVAL, "the line is longer than %d octets",
		    LINE_MAX_LEN);
		return EX_DATAERR;
	}
	if (in->from < in->to)
		*line = at;
	*end = '\0';
	in->from = (size_t)(end - in->buf) + (end < in->buf + in->to);
	return 0;
}

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

/* Every line up to the first error, which keeps c->line. */
static int
run_lines(struct cli *c, struct reader *in, struct err *e)
{
	struct err why = {.code = 0};
	char *line;
	int r, before;

	for (c->line = 1; (r = next_line(c, in, &line, e)) == 0 && line != NULL;
	     c->line++) {
		r = run_line(c, line, e);
		if (r != 0)
			break;
	}
	/* What stood before a line that failed was not done yet; if it fails
	 * as well, it was first. */
	before = cli_settle(c, &why);
	if (before != 0)
		*e = why;
	if (before != 0 || r != 0)
		return before != 0 ? before : r;
	c->line = 0;
	return 0;
}

/* Starts 'preproc' with 'fd' as its input; '*out' is what it writes. */
static int
start_preproc(char *const preproc[], int fd, int *out, pid_t *pid,
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
		if (dup2(fd, 0) != -1 && dup2(ends[1], 1) != -1) {
			close(ends[0]);
			close(ends[1]);
			execvp(preproc[0], preproc);
		}
		_exit(127);
	}
	close(ends[1]);
	*out = ends[0];
	return 0;
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

/* The lines with batches to collect in. */
static int
run_batched(struct cli *c, int fd, struct err *e)
{
	struct reader *in = calloc(1, sizeof(*in));
	int r = EX_OSERR;

	c->batch = table_batch_create();
	c->rules = rule_batch_create();
	if (in != NULL) {
		in->fd = fd;
		r = run_lines(c, in, e);
	} else {
		err_set(e, ENOMEM, "no memory for a file of commands");
	}
	table_batch_destroy(c->batch);
	rule_batch_destroy(c->rules);
	c->batch = NULL;
	c->rules = NULL;
	free(in);
	return r;
}

int
script_run(struct cli *c, const char *path, char *const preproc[],
    struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), lines = fd, r = 0, end;
	pid_t pid = 0;

	if (fd == -1) {
		err_set(e, errno, "cannot open %.160s: %s", path,
		    strerror(errno));
		return EX_UNAVAILABLE;
	}
	if (preproc != NULL) {
		r = start_preproc(preproc, fd, &lines, &pid, e);
		close(fd);
		if (r != 0)
			return r;
	}
	r = run_batched(c, lines, e);
	close(lines);
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
