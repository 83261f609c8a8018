/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/pipe_config.h"

#include "cli/names.h"
#include "cli/pipe_file.h"
#include "cli/pipe_mask.h"
#include "cli/pipe_reader.h"
#include "cli/quantity.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>

enum { PLAIN_DELAY_MAX = 10000 }; /* ms; more goes into the other object */

#define MOST_RATE  (400ull * 1000 * 1000 * 1000)
#define MOST_DELAY (3600ull * 1000 * 1000 * 1000)

typedef int param_fn(struct pipe_reader *r, uint32_t arg);

/* One parameter: its names, the object it belongs to, how it is read. */
struct param {
	const char *names;
	uint8_t object; /* DN_LINK, DN_FS, DN_SCH */
	param_fn *fn;
	uint32_t arg;
};

/* ---- link ---- */

static int
read_bw(struct pipe_reader *r, uint32_t arg)
{
	struct abi_dn_more_link *m = &r->pc->more_link;
	const struct word *w = pipe_argument(r, "a bandwidth");
	const char *why;

	(void)arg;
	if (w == NULL)
		return EX_USAGE;
	why = quantity_rate(w->s, &m->rate);
	if (why == NULL && m->rate > MOST_RATE)
		why = "is more than 400 Gbit/s";
	return pipe_judged(r, w, why);
}

static int
read_delay(struct pipe_reader *r, uint32_t arg)
{
	const struct word *w = pipe_argument(r, "a time");
	const char *why;

	(void)arg;
	if (w == NULL)
		return EX_USAGE;
	why = quantity_time(w->s, &r->pc->more_link.delay);
	if (why == NULL && r->pc->more_link.delay > MOST_DELAY)
		why = "is longer than an hour";
	return pipe_judged(r, w, why);
}

static int
read_burst(struct pipe_reader *r, uint32_t arg)
{
	const struct word *w = pipe_argument(r, "a number of octets");

	(void)arg;
	return w == NULL ? EX_USAGE :
	    pipe_judged(r, w, quantity_bytes(w->s, &r->pc->more_link.burst));
}

static int
read_memory(struct pipe_reader *r, uint32_t arg)
{
	const struct word *w = pipe_argument(r, "a number of octets");

	(void)arg;
	return w == NULL ? EX_USAGE :
	    pipe_judged(r, w, quantity_bytes(w->s, &r->pc->more_link.memory));
}

/* "jitter T [uniform|normal|pareto] [reordering]" */
static int
read_jitter(struct pipe_reader *r, uint32_t arg)
{
	static const struct name kinds[] = {
	    {"uniform", 1}, {"normal", 2}, {"pareto", 3}, {NULL, 0},
	};
	struct abi_dn_more_link *m = &r->pc->more_link;
	const struct word *w = pipe_argument(r, "a time");
	const struct name *kind;
	int rc;

	(void)arg;
	if (w == NULL)
		return EX_USAGE;
	if ((rc = pipe_judged(r, w, quantity_time(w->s, &m->jitter))) != 0)
		return rc;
	m->jitter_kind = m->jitter != 0 ? kinds[0].value : 0;
	m->flags = 0;
	if (r->w < r->end && (kind = name_find(kinds, r->w->s)) != NULL) {
		m->jitter_kind = m->jitter != 0 ? kind->value : 0;
		r->w++;
	}
	if (r->w < r->end && strcmp(r->w->s, "reordering") == 0) {
		m->flags = 1;
		r->w++;
	}
	return 0;
}

enum chance { CHANCE_REORDER, CHANCE_DUPLICATE, CHANCE_CORRUPT };

static int
read_chance(struct pipe_reader *r, uint32_t arg)
{
	struct abi_dn_more_link *m = &r->pc->more_link;
	uint32_t *to = arg == CHANCE_REORDER ? &m->reorder :
	    arg == CHANCE_DUPLICATE	     ? &m->duplicate :
					       &m->corrupt;
	const struct word *w = pipe_argument(r, "a probability");

	return w == NULL ? EX_USAGE :
	    pipe_judged(r, w, quantity_part(w->s, DN_PLR_ONE, to));
}

static int
read_profile(struct pipe_reader *r, uint32_t arg)
{
	struct pipe_config *pc = r->pc;
	const struct word *w = pipe_argument(r, "a file name");
	uint64_t rate = 0;
	int rc;

	(void)arg;
	if (w == NULL)
		return EX_USAGE;
	if (pc->profile != NULL)
		return word_err(r->e, EX_USAGE, r->key, "given twice");
	rc = pipe_profile_load(w->s, &pc->profile, &rate, r->e);
	if (rc != 0)
		return rc;
	pc->profile->link_nr = pc->link.link_nr;
	if (rate != 0)
		pc->more_link.rate = rate;
	return 0;
}

static int
read_trace(struct pipe_reader *r, uint32_t arg)
{
	struct pipe_config *pc = r->pc;
	const struct word *w = pipe_argument(r, "a file name");
	int rc;

	(void)arg;
	if (w == NULL)
		return EX_USAGE;
	if (pc->trace != NULL)
		return word_err(r->e, EX_USAGE, r->key, "given twice");
	rc = pipe_trace_load(w->s, &pc->trace, r->e);
	if (rc != 0)
		return rc;
	memcpy(pc->more_link.trace, pc->trace->name, DN_NAME_MAX);
	pc->more_link.n_trace = pc->trace->n;
	return 0;
}

/* ---- flowset ---- */

static int
read_flag(struct pipe_reader *r, uint32_t arg)
{
	r->pc->fs.flags |= arg;
	return 0;
}

static int
read_queue(struct pipe_reader *r, uint32_t arg)
{
	struct pipe_config *pc = r->pc;
	const struct word *w = pipe_argument(r, "a size");
	bool in_bytes;
	const char *why;

	(void)arg;
	if (w == NULL)
		return EX_USAGE;
	why = quantity_queue(w->s, &pc->more_fs.qsize, &in_bytes);
	if (why == NULL && pc->more_fs.qsize == 0)
		why = "a queue holds at least one packet";
	pc->fs.flags &= ~(uint32_t)DN_QSIZE_BYTES;
	pc->fs.flags |= in_bytes ? DN_QSIZE_BYTES : 0;
	return pipe_judged(r, w, why);
}

/* One part of "a,b,c" or "a/b/c", NUL-terminated, to 'buf'; the rest, NULL if
 * it was the last. */
static const char *
part_of(const char *s, char sep, char *buf, size_t size)
{
	const char *end = strchr(s, sep);
	size_t len = end != NULL ? (size_t)(end - s) : strlen(s);

	if (len >= size)
		len = size - 1;
	memcpy(buf, s, len);
	buf[len] = '\0';
	return end != NULL ? end + 1 : NULL;
}

/* "plr P" or "plr K,p,H,r": loss in the good state, chance to go bad, loss in
 * the bad state, chance to recover. */
static int
read_plr(struct pipe_reader *r, uint32_t arg)
{
	struct abi_dn_more_fs *m = &r->pc->more_fs;
	const struct word *w = pipe_argument(r, "a probability");
	const char *s, *why = NULL;
	unsigned n = 0;
	char buf[32];

	(void)arg;
	if (w == NULL)
		return EX_USAGE;
	for (s = w->s; s != NULL && n < 4 && why == NULL; n++) {
		s = part_of(s, ',', buf, sizeof(buf));
		why = quantity_part(buf, DN_PLR_ONE, &m->loss[n]);
	}
	if (why == NULL && (s != NULL || (n != 1 && n != 4)))
		why = "P, or K,p,H,r is expected";
	m->flags = n == 4;
	if (n == 1) {
		m->loss[1] = m->loss[0];
		m->loss[0] = 0;
	}
	return pipe_judged(r, w, why);
}

static int
read_buckets(struct pipe_reader *r, uint32_t arg)
{
	struct pipe_config *pc = r->pc;
	uint32_t n = 0;
	int rc = pipe_read_u32(r, "a number", 65536, &n);

	(void)arg;
	if (rc == 0)
		*(pc->kind == DN_FS ? &pc->fs.buckets : &pc->sch.buckets) = n;
	return rc;
}

static int
read_mask(struct pipe_reader *r, uint32_t arg)
{
	struct pipe_config *pc = r->pc;
	bool is_fs = pc->kind == DN_FS;
	struct abi_flow_id *mask = is_fs ? &pc->fs.mask : &pc->sch.mask;
	uint32_t *flags = is_fs ? &pc->fs.flags : &pc->sch.flags;
	bool any = false;
	int rc;

	(void)arg;
	rc = pipe_mask_read(&r->w, r->end, r->key, mask, &any, r->e);
	*flags = any ? *flags | DN_HAVE_MASK : *flags & ~(uint32_t)DN_HAVE_MASK;
	return rc;
}

static int
read_par(struct pipe_reader *r, uint32_t arg)
{
	uint32_t v = 0;
	int rc = pipe_read_u32(r, "a number", INT32_MAX, &v);

	if (rc == 0)
		r->pc->fs.par[arg] = (int32_t)v;
	return rc;
}

static int
read_sched_nr(struct pipe_reader *r, uint32_t arg)
{
	(void)arg;
	return pipe_read_u32(r, "the number of a scheduler", DN_FIRST_PIPE - 1,
	    &r->pc->fs.sched_nr);
}

/* A threshold of RED: slots, or octets with K. */
static const char *
red_threshold(const char *s, int32_t *out)
{
	uint64_t v;
	const char *why = quantity_bytes(s, &v);

	if (why == NULL && v > INT32_MAX)
		why = "is too big";
	*out = why == NULL ? (int32_t)v : 0;
	return why;
}

static const char *
read_red_parts(const char *s, struct abi_dn_fs *fs)
{
	char part[4][32];
	const char *why;
	uint32_t v;
	unsigned n = 0;

	for (; s != NULL && n < 4; n++)
		s = part_of(s, '/', part[n], sizeof(part[n]));
	if (s != NULL || n != 4)
		return "w_q/min_th/max_th/max_p is expected";
	if ((why = quantity_part(part[0], DN_RED_SCALE, &v)) != NULL)
		return why;
	if (v == 0)
		return "w_q must be above 0";
	fs->w_q = (int32_t)v;
	if ((why = red_threshold(part[1], &fs->min_th)) != NULL ||
	    (why = red_threshold(part[2], &fs->max_th)) != NULL ||
	    (why = quantity_part(part[3], DN_RED_SCALE, &v)) != NULL)
		return why;
	fs->max_p = (int32_t)v;
	return NULL;
}

static int
read_red(struct pipe_reader *r, uint32_t arg)
{
	struct abi_dn_fs *fs = &r->pc->fs;
	const struct word *w = pipe_argument(r, "w_q/min_th/max_th/max_p");

	if (w == NULL)
		return EX_USAGE;
	fs->flags &= ~(uint32_t)(DN_IS_RED | DN_IS_GRED | DN_IS_AQM);
	fs->flags |= arg;
	r->pc->has_fs_extra = false;
	return pipe_judged(r, w, read_red_parts(w->s, fs));
}

static int
read_droptail(struct pipe_reader *r, uint32_t arg)
{
	(void)arg;
	r->pc->fs.flags &= ~(uint32_t)(DN_IS_RED | DN_IS_GRED | DN_IS_AQM |
	    DN_IS_ECN);
	r->pc->has_fs_extra = false;
	return 0;
}

static int
read_aqm(struct pipe_reader *r, uint32_t law)
{
	struct pipe_config *pc = r->pc;

	pc->fs.flags &= ~(uint32_t)(DN_IS_RED | DN_IS_GRED | DN_IS_ECN);
	pc->fs.flags |= DN_IS_AQM;
	pc->has_fs_extra = true;
	return pipe_read_extra(r, law, &pc->fs_extra, pc->fs.fs_nr);
}

/* ---- scheduler ---- */

static const char types[] = "fifo wf2q+ rr qfq prio fq_codel fq_pie";

/* True if a scheduler is called that, in any case. */
static bool
is_type(const char *s)
{
	char low[sizeof(((struct abi_dn_sch *)NULL)->name)];
	size_t n = 0;

	for (; s[n] != '\0' && n < sizeof(low) - 1; n++)
		low[n] = (char)tolower((unsigned char)s[n]);
	low[n] = '\0';
	return name_in_list(types, low);
}

static int
unknown_type(struct pipe_reader *r, const struct word *w)
{
	struct suggest g;
	char hint[64];

	suggest_init(&g, w->s);
	suggest_try(&g, types);
	return word_err(r->e, EX_DATAERR, w, "no type of scheduler is called "
	    "that%s", suggest_text(&g, hint, sizeof(hint)));
}

static int
read_type(struct pipe_reader *r, uint32_t arg)
{
	struct pipe_config *pc = r->pc;
	const struct word *w = pipe_argument(r, "the name of a scheduler");
	enum law law = N_LAWS;

	(void)arg;
	if (w == NULL)
		return EX_USAGE;
	if (strlen(w->s) >= sizeof(pc->sch.name))
		return pipe_judged(r, w, "is too long for the name of a scheduler");
	if (!is_type(w->s))
		return unknown_type(r, w);
	memset(pc->sch.name, 0, sizeof(pc->sch.name));
	strcpy(pc->sch.name, w->s);
	pc->has_sch_extra = pipe_law_of(w->s, &law) && law >= LAW_FQ_CODEL;
	return pc->has_sch_extra ?
	    pipe_read_extra(r, law, &pc->sch_extra, pc->sch.sched_nr) : 0;
}

static const struct param params[] = {
    {"bw bandwidth", DN_LINK, read_bw, 0},
    {"delay", DN_LINK, read_delay, 0},
    {"burst", DN_LINK, read_burst, 0},
    {"profile", DN_LINK, read_profile, 0},
    {"jitter", DN_LINK, read_jitter, 0},
    {"reorder", DN_LINK, read_chance, CHANCE_REORDER},
    {"duplicate", DN_LINK, read_chance, CHANCE_DUPLICATE},
    {"corrupt", DN_LINK, read_chance, CHANCE_CORRUPT},
    {"trace", DN_LINK, read_trace, 0},
    {"memory", DN_LINK, read_memory, 0},
    {"plr", DN_FS, read_plr, 0},
    {"noerror", DN_FS, read_flag, DN_NOERROR},
    {"ecn", DN_FS, read_flag, DN_IS_ECN},
    {"queue", DN_FS, read_queue, 0},
    {"buckets", DN_FS, read_buckets, 0},
    {"mask flow_mask sched_mask", DN_FS, read_mask, 0},
    {"weight", DN_FS, read_par, 0},
    {"lmax maxlen", DN_FS, read_par, 1},
    {"pri priority", DN_FS, read_par, 2},
    {"sched pipe link flowset", DN_FS, read_sched_nr, 0},
    {"red", DN_FS, read_red, DN_IS_RED},
    {"gred", DN_FS, read_red, DN_IS_RED | DN_IS_GRED},
    {"codel", DN_FS, read_aqm, LAW_CODEL},
    {"pie", DN_FS, read_aqm, LAW_PIE},
    {"droptail", DN_FS, read_droptail, 0},
    {"type", DN_SCH, read_type, 0},
};

static int
unknown_param(struct pipe_reader *r)
{
	struct suggest g;
	char hint[64];

	suggest_init(&g, r->key->s);
	for (size_t i = 0; i < ARRAY_LEN(params); i++)
		suggest_try(&g, params[i].names);
	return word_err(r->e, EX_DATAERR, r->key, "unrecognised option%s",
	    suggest_text(&g, hint, sizeof(hint)));
}

static int
read_param(struct pipe_reader *r)
{
	const struct param *p = params, *end = params + ARRAY_LEN(params);

	r->key = r->w++;
	while (p < end && !name_in_list(p->names, r->key->s))
		p++;
	if (p == end)
		return unknown_param(r);
	if (p->object == DN_LINK && r->pc->kind != DN_LINK)
		return word_err(r->e, EX_USAGE, r->key, "is only for links: "
		    "say it with 'pipe N config'");
	if (p->object == DN_SCH && r->pc->kind == DN_FS)
		return word_err(r->e, EX_USAGE, r->key,
		    "is only for schedulers");
	return p->fn(r, p->arg);
}

/* Which objects there are, and their numbers. */
static void
number_objects(struct pipe_config *pc, uint32_t nr)
{
	pc->sch.sched_nr = nr;
	pc->link.link_nr = nr;
	pc->more_link.link_nr = nr;
	pc->fs.fs_nr = nr;
	if (pc->kind == DN_LINK) {
		pc->sch.flags = DN_PIPE_CMD;
		pc->fs.fs_nr = nr + 2 * DN_FIRST_PIPE;
		pc->fs.sched_nr = nr + DN_FIRST_PIPE;
	} else if (pc->kind == DN_SCH) {
		pc->fs.fs_nr = nr + DN_FIRST_PIPE;
		pc->fs.sched_nr = nr;
	}
	pc->more_fs.fs_nr = pc->fs.fs_nr;
	for (unsigned i = 0; i < ARRAY_LEN(pc->fs.par); i++)
		pc->fs.par[i] = -1;
}

/* What FreeBSD's objects can hold goes there; more needs the others. */
static void
split_numbers(struct pipe_config *pc)
{
	struct abi_dn_more_link *l = &pc->more_link;
	struct abi_dn_more_fs *f = &pc->more_fs;
	uint64_t ms = l->delay / 1000000;

	pc->has_more_link = l->rate > INT32_MAX || l->delay % 1000000 != 0 ||
	    ms > PLAIN_DELAY_MAX || l->jitter != 0 || l->reorder != 0 ||
	    l->duplicate != 0 || l->corrupt != 0 || l->memory != 0 ||
	    l->n_trace != 0;
	pc->link.bandwidth = l->rate > INT32_MAX ? INT32_MAX : (int32_t)l->rate;
	pc->link.delay = ms > PLAIN_DELAY_MAX ? PLAIN_DELAY_MAX : (int32_t)ms;
	pc->link.burst = l->burst;
	pc->has_more_fs = f->flags != 0 || f->qsize > INT32_MAX;
	pc->fs.qsize = f->qsize > INT32_MAX ? INT32_MAX : (int32_t)f->qsize;
	pc->fs.plr = (int32_t)f->loss[1];
}

static int
check_red(const struct pipe_config *pc, struct err *e)
{
	const struct abi_dn_fs *fs = &pc->fs;
	bool ecn = (fs->flags & DN_IS_ECN) != 0;

	if ((fs->flags & DN_IS_RED) == 0) {
		if (!ecn)
			return 0;
		err_set(e, EINVAL, "ecn is for red and gred");
		return EX_USAGE;
	}
	if (fs->max_th <= 0)
		err_set(e, EINVAL, "max_th must be above 0");
	else if (ecn ? fs->min_th > fs->max_th : fs->min_th >= fs->max_th)
		err_set(e, EINVAL, "min_th %d must be below max_th %d",
		    fs->min_th, fs->max_th);
	else
		return 0;
	return EX_DATAERR;
}

int
pipe_config_parse(struct pipe_config *pc, uint8_t kind, uint32_t nr,
    const struct word *w, unsigned n, struct err *e)
{
	struct pipe_reader r = {.pc = pc, .w = w, .end = w + n, .e = e};
	int rc;

	pc->kind = kind;
	number_objects(pc, nr);
	while (r.w < r.end) {
		if ((rc = read_param(&r)) != 0)
			return rc;
	}
	split_numbers(pc);
	return check_red(pc, e);
}

void
pipe_config_fini(struct pipe_config *pc)
{
	free(pc->profile);
	free(pc->trace);
	pc->profile = NULL;
	pc->trace = NULL;
}
