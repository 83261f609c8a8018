/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/pipe_file.h"

#include "cli/quantity.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum {
	MAX_LINE = 256,
	MAX_POINTS = 1024,
	DEFAULT_SAMPLES = 100,
	TRACE_MAX = 1 << 22, /* moments */
	TRACE_LONGEST_MS = 24 * 3600 * 1000,
};

/* A text file by its lines, without comments. */
struct lines {
	FILE *f;
	const char *path;
	unsigned no;
	char line[MAX_LINE];
	struct err *e;
};

static int
lines_open(struct lines *l, const char *path, struct err *e)
{
	*l = (struct lines){.path = path, .e = e, .f = fopen(path, "r")};
	if (l->f != NULL)
		return 0;
	err_set(e, errno, "%.200s: %s", path, strerror(errno));
	return EX_NOINPUT;
}

static int
lines_err(struct lines *l, const char *what, const char *sentence)
{
	err_set(l->e, EINVAL, "%.200s, line %u: %s%s%s", l->path, l->no, what,
	    *what != '\0' ? " " : "", sentence);
	return EX_DATAERR;
}

/* The next line that says something.  1, 0 at the end, -1 with the error. */
static int
lines_next(struct lines *l)
{
	while (fgets(l->line, sizeof(l->line), l->f) != NULL) {
		size_t len = strlen(l->line);

		l->no++;
		if (len == sizeof(l->line) - 1 && l->line[len - 1] != '\n') {
			lines_err(l, "", "is too long");
			return -1;
		}
		l->line[strcspn(l->line, "#\r\n")] = '\0';
		if (strspn(l->line, " \t") != strlen(l->line))
			return 1;
	}
	return 0;
}

/* ---- profiles ---- */

struct point {
	double prob;
	double delay; /* ms */
};

struct profile_reader {
	struct lines in;
	struct abi_dn_profile *p;
	uint64_t *rate;
	uint32_t samples;
	double loss_level;
	int order; /* of the columns: 0 not said, 1 delay prob, 2 prob delay */
	unsigned n_points;
	struct point points[MAX_POINTS];
};

static int
read_fraction(struct lines *l, const char *s, double *out)
{
	uint32_t v;
	const char *why = quantity_part(s, 1000000000, &v);

	*out = why == NULL ? v / 1e9 : 0;
	return why == NULL ? 0 : lines_err(l, s, why);
}

static int
read_point(struct profile_reader *r, const char *a, const char *b)
{
	struct point *pt = &r->points[r->n_points];
	const char *delay = r->order == 1 ? a : b, *prob = r->order == 1 ? b : a;
	char *end;

	if (r->order == 0)
		return lines_err(&r->in, "", "a line 'delay prob' or 'prob "
		    "delay' must come before the first point");
	if (r->n_points == MAX_POINTS)
		return lines_err(&r->in, "", "more than 1024 points");
	if (read_fraction(&r->in, prob, &pt->prob) != 0)
		return EX_DATAERR;
	pt->delay = strtod(delay, &end);
	if (*end != '\0' || end == delay || !(pt->delay >= 0) ||
	    pt->delay > 3600 * 1000)
		return lines_err(&r->in, delay, "is no delay in ms");
	r->n_points++;
	return 0;
}

static int
read_setting(struct profile_reader *r, const char *name, const char *value)
{
	const char *why = NULL;

	if (strcmp(name, "name") == 0) {
		if (strlen(value) >= sizeof(r->p->name))
			why = "is too long for a name";
		else
			strcpy(r->p->name, value);
	} else if (strcmp(name, "bw") == 0) {
		why = quantity_rate(value, r->rate);
	} else if (strcmp(name, "loss-level") == 0) {
		return read_fraction(&r->in, value, &r->loss_level);
	} else if (strcmp(name, "samples") == 0) {
		char *end;
		unsigned long v = strtoul(value, &end, 10);

		if (*end != '\0' || v < 2 || v > DN_SAMPLES_MAX)
			why = "is no number of samples (2 to 1024)";
		r->samples = (uint32_t)v;
	} else if (strcmp(name, "delay") == 0 && strcmp(value, "prob") == 0) {
		r->order = 1;
	} else if (strcmp(name, "prob") == 0 && strcmp(value, "delay") == 0) {
		r->order = 2;
	} else {
		return lines_err(&r->in, name, "is no keyword of a profile");
	}
	return why == NULL ? 0 : lines_err(&r->in, value, why);
}

static int
read_profile_line(struct profile_reader *r)
{
	char a[MAX_LINE], b[MAX_LINE], more[2];
	int n = sscanf(r->in.line, "%255s %255s %1s", a, b, more);

	if (n != 2)
		return lines_err(&r->in, "", "two words are expected");
	if (strchr("0123456789.", a[0]) != NULL)
		return read_point(r, a, b);
	return read_setting(r, a, b);
}

static int
by_prob(const void *a, const void *b)
{
	const struct point *x = a, *y = b;

	if (x->prob != y->prob)
		return x->prob < y->prob ? -1 : 1;
	return x->delay < y->delay ? -1 : x->delay > y->delay;
}

/* The curve through the points as samples at equal steps of probability. */
static void
interpolate(struct profile_reader *r, double unit)
{
	double n = r->samples;

	for (unsigned i = 0; i + 1 < r->n_points; i++) {
		const struct point *a = &r->points[i], *b = a + 1;
		double rise = (b->prob - a->prob) * n;

		for (uint32_t s = (uint32_t)(a->prob * n); s < b->prob * n &&
		    s < r->samples; s++) {
			double part = (s - a->prob * n) / rise;

			if (part < 0)
				part = 0;
			r->p->samples[s] = (int32_t)((a->delay +
			    part * (b->delay - a->delay)) * unit);
		}
	}
}

static int
finish_profile(struct profile_reader *r)
{
	bool whole_ms = true;

	if (r->n_points < 2)
		return lines_err(&r->in, "", "a profile needs two points at "
		    "least");
	qsort(r->points, r->n_points, sizeof(r->points[0]), by_prob);
	for (unsigned i = 0; i < r->n_points; i++)
		whole_ms = whole_ms &&
		    r->points[i].delay == (double)(int32_t)r->points[i].delay;
	r->p->samples_no = (int32_t)r->samples;
	r->p->loss_level = (int32_t)(r->loss_level * r->samples);
	r->p->oid.subtype = whole_ms ? DN_PROFILE_MS : DN_PROFILE_US;
	interpolate(r, whole_ms ? 1 : 1000);
	return 0;
}

int
pipe_profile_load(const char *path, struct abi_dn_profile **profile,
    uint64_t *rate, struct err *e)
{
	struct profile_reader *r = calloc(1, sizeof(*r));
	struct abi_dn_profile *p = calloc(1, sizeof(*p));
	int rc, more = 0;

	if (r == NULL || p == NULL) {
		err_set(e, ENOMEM, "no memory for a profile");
		rc = EX_OSERR;
	} else if ((rc = lines_open(&r->in, path, e)) == 0) {
		r->p = p;
		r->rate = rate;
		r->samples = DEFAULT_SAMPLES;
		r->loss_level = 1;
		while (rc == 0 && (more = lines_next(&r->in)) == 1)
			rc = read_profile_line(r);
		if (rc == 0)
			rc = more < 0 ? EX_DATAERR : finish_profile(r);
		fclose(r->in.f);
	}
	free(r);
	if (rc != 0)
		free(p);
	else
		*profile = p;
	return rc;
}

/* ---- traces ---- */

/* Room for one more moment. */
static struct trace *
grow(struct trace *t)
{
	uint32_t room = t == NULL ? 1024 : t->room * 2;
	struct trace *n;

	if (t != NULL && t->n < t->room)
		return t;
	n = realloc(t, sizeof(*t) + room * sizeof(t->moments[0]));
	if (n == NULL) {
		free(t);
		return NULL;
	}
	if (t == NULL)
		memset(n, 0, sizeof(*n));
	n->room = room;
	return n;
}

static int
read_moment(struct lines *l, struct trace *t)
{
	char *end;
	unsigned long ms;

	l->line[strcspn(l->line, " \t")] = '\0';
	ms = strtoul(l->line, &end, 10);
	if (l->line[0] < '0' || l->line[0] > '9' || *end != '\0' ||
	    ms > TRACE_LONGEST_MS)
		return lines_err(l, l->line, "is no time in ms");
	if (t->n > 0 && t->moments[t->n - 1].ms > ms)
		return lines_err(l, l->line, "is before the time above");
	if (t->n > 0 && t->moments[t->n - 1].ms == ms) {
		t->moments[t->n - 1].n++;
		return 0;
	}
	if (t->n == TRACE_MAX)
		return lines_err(l, "", "too many different times");
	t->moments[t->n++] = (struct moment){(uint32_t)ms, 1};
	return 0;
}

int
pipe_trace_load(const char *path, struct trace **trace, struct err *e)
{
	const char *base = strrchr(path, '/');
	struct trace *t = NULL;
	struct lines l;
	int rc = lines_open(&l, path, e), more = 0;

	if (rc != 0)
		return rc;
	while (rc == 0 && (more = lines_next(&l)) == 1) {
		if ((t = grow(t)) == NULL) {
			err_set(e, ENOMEM, "no memory for a trace");
			rc = EX_OSERR;
		} else {
			rc = read_moment(&l, t);
		}
	}
	if (rc == 0 && more < 0)
		rc = EX_DATAERR;
	if (rc == 0 && (t == NULL || t->moments[t->n - 1].ms == 0))
		rc = lines_err(&l, "", "a trace must last 1 ms at least");
	fclose(l.f);
	if (rc != 0) {
		free(t);
		return rc;
	}
	snprintf(t->name, sizeof(t->name), "%s", base != NULL ? base + 1 : path);
	*trace = t;
	return 0;
}
