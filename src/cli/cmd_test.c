/* SPDX-License-Identifier: BSD-2-Clause */
/* test: what would become of a packet, and why. */
#include "cli/trial.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum {
	EX_DROPPED = 1, /* exit code: the packet does not go on */
	EX_ENDLESS = EX_SOFTWARE,
};

/* What the command line says. */
struct request {
	struct cli *c;
	struct trial_opt opt;
	struct cli_offline_cfg offline;
	const char *pcap;
	unsigned packet; /* of the capture; 0 = all */
	bool json;
	bool alone;	 /* packets of a capture know nothing of each other */
	char *text;	    /* the packet's words, as one line; owned */
	struct words words; /* of it */
	struct err *e;
};

struct flag;
typedef int flag_fn(struct request *q, const struct word *w, const char *arg);

/* An option of the command. */
struct flag {
	const char *name;
	bool has_arg;
	flag_fn *read;
};

/* ---- options ---- */

static int
read_file(struct request *q, const struct word *w, const char *arg)
{
	(void)w;
	q->offline.path = arg;
	return 0;
}

static int
read_verbose(struct request *q, const struct word *w, const char *arg)
{
	(void)w, (void)arg;
	q->opt.all = true;
	return 0;
}

static int
read_near(struct request *q, const struct word *w, const char *arg)
{
	(void)w, (void)arg;
	q->opt.near = 1;
	return 0;
}

static int
read_json(struct request *q, const struct word *w, const char *arg)
{
	(void)w, (void)arg;
	q->json = true;
	return 0;
}

static int
read_prob(struct request *q, const struct word *w, const char *arg)
{
	unsigned seed;

	if (strcmp(arg, "yes") == 0) {
		q->opt.prob = TRIAL_PROB_YES;
	} else if (strcmp(arg, "no") == 0) {
		q->opt.prob = TRIAL_PROB_NO;
	} else if (args_number(arg, 999999999, &seed)) {
		q->opt.prob = TRIAL_PROB_DRAW;
		q->opt.seed = seed;
	} else {
		return word_err(q->e, EX_USAGE, w,
		    "yes, no, or a number to draw from");
	}
	return 0;
}

static int
read_pcap(struct request *q, const struct word *w, const char *arg)
{
	(void)w;
	q->pcap = arg;
	return 0;
}

static int
read_packet(struct request *q, const struct word *w, const char *arg)
{
	if (!args_number(arg, 999999999, &q->packet) || q->packet == 0)
		return word_err(q->e, EX_USAGE, w,
		    "not the number of a packet, from 1");
	return 0;
}

static int
read_default(struct request *q, const struct word *w, const char *arg)
{
	q->offline.deny = strcmp(arg, "deny") == 0;
	if (!q->offline.deny && strcmp(arg, "allow") != 0)
		return word_err(q->e, EX_USAGE, w, "neither allow nor deny");
	return 0;
}

static int
read_me(struct request *q, const struct word *w, const char *arg)
{
	if (q->offline.n_me == ARRAY_LEN(q->offline.me))
		return word_err(q->e, EX_USAGE, w, "too many addresses");
	q->offline.me[q->offline.n_me++] = arg;
	return 0;
}

static int
read_alone(struct request *q, const struct word *w, const char *arg)
{
	(void)w, (void)arg;
	q->alone = true;
	return 0;
}

static const struct flag options[] = {
    {"-f", true, read_file},
    {"--file", true, read_file},
    {"-v", false, read_verbose},
    {"--near", false, read_near},
    {"--json", false, read_json},
    {"--prob", true, read_prob},
    {"--pcap", true, read_pcap},
    {"--packet", true, read_packet},
    {"--alone", false, read_alone},
    {"--default", true, read_default},
    {"--me", true, read_me},
};

static int
read_option(struct request *q, const struct args *a, unsigned *k)
{
	const struct word *w = &a->w[*k];
	char all[160];
	size_t i = 0;

	while (i < ARRAY_LEN(options) && strcmp(options[i].name, w->s) != 0)
		i++;
	if (i == ARRAY_LEN(options))
		return word_err(q->e, EX_USAGE, w, "no option of 'test'; "
		    "there are %s", words_of_rows(options, ARRAY_LEN(options),
		    sizeof(options[0]), all, sizeof(all)));
	if (!options[i].has_arg)
		return options[i].read(q, w, NULL);
	if (*k + 1 == a->n)
		return args_missing(a, "a value", q->e);
	++*k;
	return options[i].read(q, &a->w[*k], a->w[*k].s);
}

/* The packet's words may be one argument or many. */
static int
add_words(struct request *q, const char *s)
{
	size_t old = q->text != NULL ? strlen(q->text) : 0, len = strlen(s);
	char *more = realloc(q->text, old + len + 2);

	if (more == NULL) {
		err_set(q->e, ENOMEM, "no memory for the words");
		return EX_OSERR;
	}
	q->text = more;
	if (old > 0)
		more[old++] = ' ';
	memcpy(more + old, s, len + 1);
	return 0;
}

static int
read_args(struct request *q, const struct args *a)
{
	int r = 0;

	for (unsigned k = 1; k < a->n && r == 0; k++)
		r = a->w[k].s[0] == '-' ? read_option(q, a, &k) :
					  add_words(q, a->w[k].s);
	if (r == 0 && q->text != NULL)
		r = words_line(&q->words, q->text, q->e);
	if (r != 0)
		return r;
	if (q->words.n == 0 && q->pcap == NULL)
		return args_missing(a, "a packet, as in 'in recv em0 tcp from "
		    "10.0.0.1 to 10.0.0.2 22 setup',", q->e);
	if (q->packet != 0 && q->pcap == NULL) {
		err_set(q->e, EINVAL, "--packet is one of a --pcap FILE");
		return EX_USAGE;
	}
	if (q->offline.path == NULL &&
	    (q->offline.deny || q->offline.n_me > 0)) {
		err_set(q->e, EINVAL, "--default and --me are for -f FILE: "
		    "kipfw has its own");
		return EX_USAGE;
	}
	return 0;
}

/* ---- packets ---- */

/* One packet; in *code whether it goes on. */
static int
test_one(struct request *q, const struct frame *f, struct rulebook *book,
    unsigned number, int *code)
{
	struct text t = {0};
	struct trial_view v;
	int r = trial_ask(q->c, &q->opt, &f->way, f->octets, f->len, book, &v,
	    q->e);

	if (r != 0)
		return r;
	if ((q->c->flags & CLI_QUIET) != 0)
		; /* the exit status is all that is wanted */
	else if (q->json)
		trial_print_json(&t, &v, &q->opt, number);
	else if (q->opt.steps)
		trial_print(&t, &v, &q->opt);
	else
		trial_print_line(&t, &v, number);
	fputs(text_str(&t), q->c->out);
	if (v.r->end == TRIAL_ENDLESS)
		*code = EX_ENDLESS;
	else if (!trial_is_accepted(&v) && *code == 0)
		*code = EX_DROPPED;
	text_fini(&t);
	trial_view_fini(&v);
	return 0;
}

/* The words of a packet are counted by themselves. */
static int
packet_err(struct request *q, int r)
{
	struct err e = *q->e;

	if (r != 0)
		err_at(q->e, e.code, e.pos, "packet: %.200s", e.text);
	return r;
}

/* With a file of rules, packets of a capture make states for those that come
 * after them, at their own time; time does not go back. */
static void
set_clock(struct request *q, const struct frame *f)
{
	uint32_t now_s = (uint32_t)(f->ns / 1000000000);

	if (!q->opt.at || (int32_t)(now_s - q->opt.now_s) > 0)
		q->opt.now_s = now_s;
	q->opt.at = q->opt.any_if && !q->alone;
}

/* The packet has been asked about: now its states are made. */
static int
remember(struct request *q, const struct frame *f, struct rulebook *book)
{
	struct trial_opt opt = q->opt;
	struct trial_view v;
	int r;

	if (!q->opt.at)
		return 0;
	opt.steps = false;
	opt.remember = true;
	r = trial_ask(q->c, &opt, &f->way, f->octets, f->len, book, &v, q->e);
	if (r == 0)
		trial_view_fini(&v);
	return r;
}

/* Those of a capture: one in full, or all in a line each. */
static int
walk_capture(struct request *q, void *cap, struct frame *f,
    struct rulebook *book, int *code)
{
	unsigned n = 0;
	bool seen = false;
	int r = 0, got = 0;

	while (r == 0 && !(seen && q->packet != 0) &&
	    (got = q->c->offline->frames_next(cap, f, q->e)) == 1) {
		seen = ++n == q->packet || q->packet == 0;
		set_clock(q, f);
		if (seen)
			r = test_one(q, f, book, n, code);
		if (r == 0)
			r = remember(q, f, book);
	}
	if (got < 0)
		return EX_DATAERR;
	if (r == 0 && !seen && q->packet != 0) {
		err_set(q->e, EINVAL, "%.160s: there are only %u packets",
		    q->pcap, n);
		return EX_DATAERR;
	}
	return r;
}

static int
test_capture(struct request *q, struct frame *f, struct rulebook *book,
    int *code)
{
	const struct cli_offline *o = q->c->offline;
	void *cap = NULL;
	int r = packet_err(q,
	    frame_read_way(&f->way, q->words.w, q->words.n, q->e));

	if (r == 0)
		r = o->frames_open(q->pcap, &cap, q->e);
	if (r != 0)
		return r;
	r = walk_capture(q, cap, f, book, code);
	o->frames_close(cap);
	return r;
}

static int
test_packets(struct request *q, int *code)
{
	struct frame *f = calloc(1, sizeof(*f));
	struct rulebook book = {.n = 0};
	int r = f == NULL ? err_set(q->e, ENOMEM, "no memory for a packet") :
			    rulebook_fetch(q->c, &book, q->e);

	r = r != 0 ? cli_code(r) : 0;
	if (r == 0 && q->pcap != NULL)
		r = test_capture(q, f, &book, code);
	else if (r == 0 && (r = packet_err(q, frame_read(f, q->words.w,
			q->words.n, q->e))) == 0)
		r = test_one(q, f, &book, 0, code);
	rulebook_fini(&book);
	free(f);
	return r;
}

/* With a file of rules, in an engine of our own. */
static int
test_offline(struct request *q, int *code)
{
	struct ctl_client *daemon = q->c->ctl;
	void *world;
	int r;

	r = q->c->offline->open(&q->offline, &world, &q->c->ctl, q->e);
	if (r == 0) {
		r = test_packets(q, code);
		q->c->offline->close(world);
	}
	q->c->ctl = daemon;
	return r;
}

int
cmd_test(struct cli *c, const struct args *a, struct err *e)
{
	struct request q = {.c = c, .e = e, .offline.path = c->test_file};
	int code = 0, r;

	q.opt.all = (c->flags & CLI_VERBOSE) != 0;
	r = read_args(&q, a);
	q.opt.any_if = q.offline.path != NULL;
	q.opt.steps = q.pcap == NULL || q.packet != 0;
	if (r == 0 && (q.opt.any_if || q.pcap != NULL))
		r = cli_need_offline(c, e);
	if (r == 0)
		r = q.opt.any_if ? test_offline(&q, &code) :
				   test_packets(&q, &code);
	words_fini(&q.words);
	free(q.text);
	return r != 0 ? r : code;
}
