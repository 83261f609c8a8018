/* SPDX-License-Identifier: BSD-2-Clause */
/* sysctl: the daemon's variables, read and written. */
#include "cli/cmd.h"

#include "cli/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum sysctl_flags { /* of the wire: access in two bits, then the type */
	SYSCTL_ACCESS = 0x3,
	SYSCTL_READ = 0x1,
	SYSCTL_TYPE = 0x1c,
	SYSCTL_UINT = 1 << 2,
	SYSCTL_ULONG = 5 << 2,
	SYSCTL_STRING = 6 << 2,
};

/* Numbers that have names, in the order of their values. */
static const struct {
	const char *name;
	const char *words[4]; /* ended by NULL */
} named[] = {
    {"net.inet.ip.fw.match", {"index", "linear", "verify", NULL}},
};

/* The names of a variable's values, NULL if it has none. */
static const char *const *
words_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(named); i++)
		if (strcmp(named[i].name, name) == 0)
			return named[i].words;
	return NULL;
}

struct sysctl_query {
	struct cli *c;
	const char *name; /* NULL: all */
	bool found;
	struct ctl_sysctl one; /* of a write: what is there, no data */
};

static void
print_value(struct text *t, const struct ctl_sysctl *s)
{
	const char *const *w;
	uint64_t v64;
	uint32_t v32;

	if ((s->flags & SYSCTL_TYPE) == SYSCTL_STRING) {
		text_safe(t, s->data, s->len);
	} else if (s->len == sizeof(v64)) {
		memcpy(&v64, s->data, sizeof(v64));
		if ((s->flags & SYSCTL_TYPE) == SYSCTL_ULONG)
			text_f(t, "%llu", (unsigned long long)v64);
		else
			text_f(t, "%lld", (long long)v64);
	} else if (s->len == sizeof(v32)) {
		memcpy(&v32, s->data, sizeof(v32));
		for (w = words_of(s->name); w != NULL && *w != NULL; w++) {
			if (v32-- == 0) {
				text_f(t, "%s", *w);
				return;
			}
		}
		memcpy(&v32, s->data, sizeof(v32));
		if ((s->flags & SYSCTL_TYPE) == SYSCTL_UINT)
			text_f(t, "%u", v32);
		else
			text_f(t, "%d", (int)v32);
	} else {
		text_f(t, "[%zu octets]", s->len);
	}
}

/* True for the name itself and for all below it. */
static bool
name_covers(const char *name, const char *full)
{
	size_t len = name != NULL ? strlen(name) : 0;

	return len == 0 || (strncmp(full, name, len) == 0 &&
			       (full[len] == '\0' || full[len] == '.'));
}

static int
show_sysctl(void *arg, const struct ctl_sysctl *s)
{
	struct sysctl_query *q = arg;
	struct text t = {0};

	if (!name_covers(q->name, s->name))
		return 0;
	q->found = true;
	text_safe(&t, s->name, strlen(s->name));
	text_f(&t, ": ");
	print_value(&t, s);
	if ((s->flags & SYSCTL_ACCESS) == SYSCTL_READ)
		text_f(&t, "\t(read only)");
	fprintf(q->c->out, "%s\n", text_str(&t));
	text_fini(&t);
	return 0;
}

static int
find_sysctl(void *arg, const struct ctl_sysctl *s)
{
	struct sysctl_query *q = arg;

	if (strcmp(s->name, q->name) != 0)
		return 0;
	q->found = true;
	q->one = (struct ctl_sysctl){.len = s->len, .flags = s->flags};
	return 1;
}

static int
unknown_sysctl(const struct word *w, const char *name, struct err *e)
{
	return word_err(e, EX_UNAVAILABLE, w,
	    "the daemon has no sysctl \"%.80s\"", name);
}

/* The number that 'value' is or names; '*end' as with strtoll(). */
static long long
named_value(const char *name, const char *value, char **end)
{
	const char *const *w = words_of(name);

	for (long long n = 0; w != NULL && w[n] != NULL; n++) {
		if (strcmp(w[n], value) == 0) {
			*end = strchr(value, '\0');
			return n;
		}
	}
	return strtoll(value, end, 0);
}

/* Reads the value in the size that the daemon has for it. */
static int
write_sysctl(struct cli *c, const struct word *w, const char *name,
    const char *value, struct err *e)
{
	struct sysctl_query q = {.c = c, .name = name};
	const void *data = value;
	long long v;
	int32_t v32;
	char *end;
	size_t len;
	int r = ctl_sysctl_walk(c->ctl, find_sysctl, &q, e);

	if (r < 0)
		return cli_code(r);
	if (!q.found)
		return unknown_sysctl(w, name, e);
	if ((q.one.flags & SYSCTL_ACCESS) == SYSCTL_READ)
		return word_err(e, EX_NOPERM, w, "can only be read");
	len = strlen(value) + 1;
	if ((q.one.flags & SYSCTL_TYPE) != SYSCTL_STRING) {
		errno = 0;
		v = named_value(name, value, &end);
		v32 = (int32_t)v;
		if (v < 0 && ((q.one.flags & SYSCTL_TYPE) == SYSCTL_UINT ||
				 (q.one.flags & SYSCTL_TYPE) == SYSCTL_ULONG))
			return word_err(e, EX_DATAERR, w,
			    "must not be negative");
		if (end == value || *end != '\0' || errno != 0 ||
		    (q.one.len != sizeof(v) && (v < INT32_MIN ||
						   v > UINT32_MAX)))
			return word_err(e, EX_DATAERR, w,
			    "the value is not a number that fits");
		len = q.one.len == sizeof(v) ? sizeof(v) : sizeof(v32);
		data = q.one.len == sizeof(v) ? (void *)&v : &v32;
	}
	if ((c->flags & CLI_TEST) != 0)
		return 0;
	r = ctl_sysctl_set(c->ctl, name, data, len, e);
	return r != 0 ? cli_code(r) : 0;
}

int
cmd_sysctl(struct cli *c, const struct args *a, struct err *e)
{
	struct sysctl_query q = {.c = c};
	const char *equals;
	char name[128];
	int r;

	if (a->n < 2)
		return args_missing(a, "NAME, NAME=VALUE or -a", e);
	if ((r = args_end(a, 2, e)) != 0)
		return r;
	equals = strchr(a->w[1].s, '=');
	if (equals != NULL) {
		if ((size_t)(equals - a->w[1].s) >= sizeof(name))
			return unknown_sysctl(&a->w[1], a->w[1].s, e);
		snprintf(name, sizeof(name), "%.*s",
		    (int)(equals - a->w[1].s), a->w[1].s);
		return write_sysctl(c, &a->w[1], name, equals + 1, e);
	}
	q.name = strcmp(a->w[1].s, "-a") == 0 ? NULL : a->w[1].s;
	r = ctl_sysctl_walk(c->ctl, show_sysctl, &q, e);
	if (r < 0)
		return cli_code(r);
	if (!q.found && q.name != NULL)
		return unknown_sysctl(&a->w[1], q.name, e);
	return 0;
}
