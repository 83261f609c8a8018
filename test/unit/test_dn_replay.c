/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scenarios as text: test/replay/<name>.txt, on the virtual clock.  A line is
 *
 *	pipe N [bw BITS] [delay T] [burst OCTETS] [queue N] [mask src]
 *	queue Q sched N [weight W] [queue N] [mask src]
 *	sched N TYPE
 *	delete pipe|queue N
 *	at T			the clock goes on to T
 *	send NAME OCTETS pipe|queue N [src S]
 *	leaves T NAME ...	next, in this order, at T: all that leaves
 *	lost NAME ...		never leaves
 *	count pipe|queue N PKTS DROPS	all that came by now, all flows
 *
 * with T as 0, 5ns, 5us, 5ms, 5s since the beginning.  '#' begins a comment.
 * Config lines replace the object.  What leaves must be what the file says, all
 * of it and nothing else.
 */
#include "dn_rig.h"

#include <glob.h>

enum { MAX_PKTS = 2000, MAX_WORDS = 64, NAME = 16 };

struct packet {
	char name[NAME];
	bool sent; /* else only expected */
	bool left;
	bool named; /* by 'leaves' or 'lost' */
	ns_t at;
};

struct replay {
	struct rig r;
	ns_t start;
	const char *file;
	unsigned line;
	struct packet pkts[MAX_PKTS];
	unsigned n;
	uint32_t order[MAX_PKTS]; /* as they left */
	unsigned n_left;
	unsigned n_expected;
	char *words[MAX_WORDS + 1]; /* of this line, ended by NULL */
};

static struct replay rp;

#define REFUSE(...) do {                                                       \
		print_error("%s:%u: ", rp.file, rp.line);                      \
		fail_msg(__VA_ARGS__);                                         \
	} while (0)

/* ---- words ---- */

static uint64_t
whole(const char *word)
{
	char *end = NULL;
	uint64_t v = word != NULL ? strtoull(word, &end, 10) : 0;

	if (word == NULL || *word == '\0' || *end != '\0')
		REFUSE("not a number: %s", word != NULL ? word : "nothing");
	return v;
}

static ns_t
time_of(const char *word)
{
	static const struct {
		const char *suffix;
		ns_t ns;
	} units[] = {{"", 0}, {"ns", 1}, {"us", NS_PER_US}, {"ms", NS_PER_MS},
	    {"s", NS_PER_S}};
	char *end = NULL;
	uint64_t v = word != NULL ? strtoull(word, &end, 10) : 0;

	for (unsigned i = 0; word != NULL && i < ARRAY_LEN(units); i++) {
		if (strcmp(end, units[i].suffix) == 0 &&
		    (v == 0 || units[i].ns != 0))
			return v * units[i].ns;
	}
	REFUSE("not a time: %s", word != NULL ? word : "nothing");
	return 0;
}

/* The word after 'key', NULL if that is not in the line. */
static const char *
after(const char *key)
{
	for (unsigned i = 1; rp.words[i] != NULL; i++) {
		if (strcmp(rp.words[i], key) == 0)
			return rp.words[i + 1];
	}
	return NULL;
}

static uint64_t
number(const char *key, uint64_t otherwise)
{
	const char *word = after(key);

	return word != NULL ? whole(word) : otherwise;
}

static bool
is(unsigned i, const char *word)
{
	return rp.words[i] != NULL && strcmp(rp.words[i], word) == 0;
}

/* ---- configuration ---- */

static const struct dn_flow_id by_source = {.src4 = 0xffffffff};

static void
must(int rc, const struct err *e)
{
	if (rc != 0)
		REFUSE("refused: %s", e->text);
}

static void
do_pipe(void)
{
	struct dn_link_cfg l = {.nr = (uint32_t)whole(rp.words[1]),
	    .rate_bps = number("bw", 0), .burst = number("burst", 0)};
	struct dn_fs_cfg f = {.limit = number("queue", 0)};

	if (after("delay") != NULL)
		l.delay = time_of(after("delay"));
	rig_pipe(&rp.r, &l, &f, after("mask") != NULL ? &by_source : NULL);
}

static void
do_queue(void)
{
	struct dn_fs_cfg f = {.nr = (uint32_t)whole(rp.words[1]),
	    .sched_nr = (uint32_t)number("sched", 0),
	    .limit = number("queue", 0),
	    .par.weight = (uint32_t)number("weight", 0),
	    .has_mask = after("mask") != NULL};
	struct err e;

	if (f.has_mask)
		f.mask = by_source;
	must(dn_fs_config(rp.r.dn, &f, rp.r.now, &e), &e);
}

static void
do_sched(void)
{
	const struct sched_ops *ops = sched_by_name(
	    rp.words[2] != NULL ? rp.words[2] : "");
	struct err e;

	if (ops == NULL)
		REFUSE("no such scheduler");
	must(dn_sched_config(rp.r.dn, &(struct dn_sched_cfg){
	    .nr = (uint32_t)whole(rp.words[1]), .type = ops->type}, rp.r.now,
	    &e), &e);
}

static void
do_delete(void)
{
	uint32_t nr = (uint32_t)whole(rp.words[2]);
	struct err e;

	must((is(1, "pipe") ? dn_link_delete : dn_fs_delete)(rp.r.dn, nr,
	    rp.r.now, &e), &e);
}

/* ---- packets ---- */

static struct packet *
find(const char *name)
{
	for (unsigned i = 0; i < rp.n; i++) {
		if (strcmp(rp.pkts[i].name, name) == 0)
			return &rp.pkts[i];
	}
	REFUSE("nobody sent %s", name);
	return NULL;
}

static void
note(struct rig *r, const struct held *h, void *arg)
{
	struct packet *p = &rp.pkts[get16(h->frame + 18)];

	(void)r;
	(void)arg;
	p->left = true;
	p->at = h->time - rp.start;
	rp.order[rp.n_left++] = get16(h->frame + 18);
}

static void
do_at(void)
{
	ns_t t = rp.start + time_of(rp.words[1]);

	if (t < rp.r.now)
		REFUSE("the clock does not go back");
	rig_run(&rp.r, t, note, NULL);
}

static void
do_send(void)
{
	struct packet *p = &rp.pkts[rp.n];
	struct rig_frame f;

	assert_true(rp.n < MAX_PKTS && rp.words[2] != NULL);
	snprintf(p->name, sizeof(p->name), "%s", rp.words[1]);
	rig_frame(&f, (unsigned)whole(rp.words[2]),
	    (uint32_t)number("src", 1), 9, 9, 9);
	put16(f.b + 18, (uint16_t)rp.n++);
	rig_put(&rp.r, &f.p, (unsigned)whole(rp.words[4]), is(3, "queue"));
}

/* ---- what must be ---- */

static void
do_leaves(void)
{
	ns_t t = time_of(rp.words[1]);

	/* the packets of this line may still be on their way */
	if (rp.start + t >= rp.r.now)
		rig_run(&rp.r, rp.start + t, note, NULL);
	for (unsigned i = 2; rp.words[i] != NULL; i++) {
		struct packet *p = find(rp.words[i]), *got;

		if (rp.n_expected == rp.n_left)
			REFUSE("%s has not left", p->name);
		got = &rp.pkts[rp.order[rp.n_expected++]];
		if (got != p)
			REFUSE("%s left, not %s", got->name, p->name);
		if (got->at != t)
			REFUSE("%s left at %llu ns", p->name,
			    (unsigned long long)got->at);
		p->named = true;
	}
}

static void
do_lost(void)
{
	for (unsigned i = 1; rp.words[i] != NULL; i++)
		find(rp.words[i])->named = true;
}

static void
add_counts(void *arg, const struct dn_flow_info *f)
{
	uint64_t *sum = arg;

	sum[0] += f->pkts;
	sum[1] += f->drops;
}

static void
do_count(void)
{
	uint32_t nr = (uint32_t)whole(rp.words[2]);
	uint64_t sum[2] = {0};

	dn_each_flow(rp.r.dn, nr + (is(1, "pipe") ? 2 * DN_MAX_NR : 0),
	    add_counts, sum);
	if (sum[0] != whole(rp.words[3]) || sum[1] != whole(rp.words[4]))
		REFUSE("%llu packets, %llu drops", (unsigned long long)sum[0],
		    (unsigned long long)sum[1]);
}

static const struct {
	const char *word;
	void (*fn)(void);
} lines[] = {
    {"pipe", do_pipe}, {"queue", do_queue}, {"sched", do_sched},
    {"delete", do_delete}, {"at", do_at}, {"send", do_send},
    {"leaves", do_leaves}, {"lost", do_lost}, {"count", do_count},
};

static void
do_line(char *text)
{
	unsigned n = 0;

	text[strcspn(text, "#\n")] = '\0';
	for (char *w = strtok(text, " \t"); w != NULL; w = strtok(NULL, " \t")) {
		if (n == MAX_WORDS)
			REFUSE("too many words");
		rp.words[n++] = w;
	}
	rp.words[n] = NULL;
	if (n == 0)
		return;
	for (unsigned i = 0; i < ARRAY_LEN(lines); i++) {
		if (is(0, lines[i].word)) {
			lines[i].fn();
			return;
		}
	}
	REFUSE("what is %s?", rp.words[0]);
}

static void
check_all_named(void)
{
	for (unsigned i = 0; i < rp.n; i++) {
		const struct packet *p = &rp.pkts[i];

		if (!p->named)
			REFUSE("%s is not in 'leaves' or 'lost'", p->name);
	}
	if (rp.n_left != rp.n_expected)
		REFUSE("%s left", rp.pkts[rp.order[rp.n_expected]].name);
}

static void
replay(const char *file)
{
	char text[512];
	FILE *f = fopen(file, "r");

	assert_non_null(f);
	memset(&rp, 0, sizeof(rp));
	rig_init(&rp.r, 4 << 20);
	rp.start = rp.r.now;
	rp.file = file;
	while (fgets(text, sizeof(text), f) != NULL) {
		rp.line++;
		do_line(text);
	}
	fclose(f);
	rig_run(&rp.r, rp.r.now + 1000 * NS_PER_S, note, NULL);
	check_all_named();
	rig_balance(&rp.r, 0);
	rig_fini(&rp.r);
}

static void
scenarios_end_as_they_say(void **state)
{
	glob_t g;

	(void)state;
	assert_int_equal(0, glob("test/replay/*.txt", 0, NULL, &g));
	for (size_t i = 0; i < g.gl_pathc; i++)
		replay(g.gl_pathv[i]);
	globfree(&g);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(scenarios_end_as_they_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
