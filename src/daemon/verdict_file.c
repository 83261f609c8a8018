/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/verdict_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	BUF = 1 << 18,
	LINE_MAX_LEN = 1024,
	STAMP_DIGITS = 9,
};

struct verdict_file {
	int fd;
	int error; /* -errno of the first trouble */
	bool json;
	char *path;
	size_t used;
	char buf[BUF];
};

static const char *const end_text[] = {
	[END_HELD] = "held",
	[END_KEPT] = "kept",
	[END_PASS] = "pass",
	[END_BACK] = "back",
	[END_DROP] = "drop",
};

static bool
ends_with(const char *path, const char *end)
{
	size_t n = strlen(path), k = strlen(end);

	return n >= k && strcmp(path + n - k, end) == 0;
}

int
verdict_file_create(const char *path, enum verdict_format format,
    struct verdict_file **out, struct err *e)
{
	struct verdict_file *f = malloc(sizeof(*f));
	bool is_stdout = strcmp(path, "-") == 0;

	if (f == NULL)
		return err_set(e, ENOMEM, "no memory for verdicts");
	memset(f, 0, offsetof(struct verdict_file, buf));
	f->json = format == VERDICT_JSON || (format == VERDICT_BY_NAME &&
	    (ends_with(path, ".json") || ends_with(path, ".jsonl")));
	f->fd = is_stdout ? dup(STDOUT_FILENO) :
	    open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (f->fd == -1 || (f->path = strdup(path)) == NULL) {
		int code = errno;

		verdict_file_close(f, NULL);
		return err_set(e, code, "verdicts: %s: %s", path,
		    strerror(code));
	}
	*out = f;
	return 0;
}

static void
flush(struct verdict_file *f)
{
	size_t at = 0;

	while (at < f->used && f->error == 0) {
		ssize_t n = write(f->fd, f->buf + at, f->used - at);

		if (n == -1 && errno != EINTR)
			f->error = -errno;
		at += n > 0 ? (size_t)n : 0;
	}
	f->used = 0;
}

int
verdict_file_close(struct verdict_file *f, struct err *e)
{
	int rc;

	if (f == NULL)
		return 0;
	flush(f);
	rc = f->error;
	if (f->fd != -1 && close(f->fd) == -1 && rc == 0)
		rc = -errno;
	if (rc != 0)
		err_set(e, -rc, "verdicts: %s: %s", f->path != NULL ? f->path :
		    "", strerror(-rc));
	free(f->path);
	free(f);
	return rc;
}

/* ---- a line; there is room for LINE_MAX_LEN octets ---- */

static void
put(struct verdict_file *f, const char *text)
{
	size_t n = strlen(text);

	memcpy(f->buf + f->used, text, n);
	f->used += n;
}

/* At least 'digits' of them. */
static void
put_number(struct verdict_file *f, uint64_t v, unsigned digits)
{
	char text[24];
	unsigned n = sizeof(text);

	text[--n] = '\0';
	do {
		text[--n] = (char)('0' + v % 10);
		v /= 10;
	} while (v != 0 || sizeof(text) - 1 - n < digits);
	put(f, text + n);
}

static void
put_stamp(struct verdict_file *f, ns_t t)
{
	put_number(f, t / NS_PER_S, 1);
	put(f, ".");
	put_number(f, t % NS_PER_S, STAMP_DIGITS);
}

/* A word and its value's beginning: ' rule ' or ',"rule":'. */
static void
put_key(struct verdict_file *f, const char *key)
{
	put(f, f->json ? ",\"" : " ");
	put(f, key);
	put(f, f->json ? "\":" : " ");
}

static void
put_text(struct verdict_file *f, const char *text)
{
	const char *quote = f->json ? "\"" : "";

	put(f, quote);
	for (; *text != '\0'; text++) { /* names of ports are anything */
		char c[] = {*text, '\0'};

		if (f->json && (*text == '"' || *text == '\\'))
			put(f, "\\");
		put(f, (unsigned char)*text < ' ' ? "?" : c);
	}
	put(f, quote);
}

/* A rule, a pipe: 0 is none. */
static void
put_some(struct verdict_file *f, const char *key, unsigned v)
{
	if (v == 0)
		return;
	put_key(f, key);
	put_number(f, v, 1);
}

/* Stamps are text in JSON: as numbers they would lose their nanoseconds. */
static void
put_time(struct verdict_file *f, ns_t t)
{
	put(f, f->json ? "\"" : "");
	put_stamp(f, t);
	put(f, f->json ? "\"" : "");
}

/* Number, stamp, port, end: in JSON with their names. */
static void
put_head(struct verdict_file *f, uint64_t number, const struct packet_story *s)
{
	put(f, f->json ? "{\"number\":" : "");
	put_number(f, number, 1);
	put(f, f->json ? ",\"time\":" : " ");
	put_time(f, s->came);
	put(f, f->json ? ",\"port\":" : " ");
	put_text(f, s->ifname);
	put(f, f->json ? ",\"verdict\":" : " ");
	put_text(f, end_text[s->end]);
}

void
verdict_file_put(void *arg, uint64_t number, const struct packet_story *s)
{
	struct verdict_file *f = arg;

	if (BUF - f->used < LINE_MAX_LEN)
		flush(f);
	put_head(f, number, s);
	put_some(f, "rule", s->note.rule);
	put_some(f, "found", s->note.found);
	put_some(f, "made", s->note.made);
	put_some(f, "reass", s->reass);
	put_some(f, s->is_queue ? "queue" : "pipe", s->pipe);
	if (s->left != 0) {
		put_key(f, "left");
		put_time(f, s->left);
	}
	if (s->end == END_DROP && s->why != NULL) {
		put_key(f, "why");
		put_text(f, s->why);
	}
	put(f, f->json ? "}\n" : "\n");
}
