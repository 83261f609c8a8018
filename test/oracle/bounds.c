/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a packet can cost at most, counted and not timed: blocks of rules that
 * are compared, candidates that are asked; and what an index can weigh.  Over
 * rule sets as the world has them, and over those that hurt.
 */
#include "test/unit/unit.h"

#include "cli/compile.h"
#include "packet/parse.h"
#include "rule/plan.h"
#include "test/oracle/genrules.h"

#include <stdlib.h>
#include <string.h>

enum {
	MOST = 10000,
	FRAMES = 2000,
	STRIDE = 128,
	SEED = 7,
	REAL_BLOCKS = 32,   /* worst packet of a real family at MOST rules */
	REAL_MEAN = 14,
	BYTES_A_RULE = 400, /* whatever the rules are */
};

static struct gen_rule rules[MOST];
static uint8_t frames[FRAMES * STRIDE];
static uint8_t lens[FRAMES];

static void
ignore(void *arg, uint32_t counter)
{
	(void)arg, (void)counter;
}

static struct ruleset *
make_rules(unsigned n, enum gen_family family, enum gen_af af)
{
	struct ruleset *first = ruleset_create(false, 0), *rs;
	struct rule **add = calloc(n, sizeof(struct rule *));

	gen_rules(rules, n, family, af, SEED);
	for (unsigned i = 0; i < n; i++) {
		struct gen_code code;

		gen_emit(&rules[i], i + 1, &code);
		add[i] = rule_create(&code.head, (uint16_t)(i + 1), i + 1,
		    i + 1);
	}
	rs = ruleset_add(first, add, n);
	ruleset_destroy(first, ignore, NULL);
	free(add);
	rs->plan = plan_create(rs, NULL);
	assert_non_null(rs->plan);
	return rs;
}

static struct pkt_key
key_of_frame(unsigned i)
{
	static const struct parse_cfg cfg;
	struct pkt p = {.data = frames + (size_t)i * STRIDE, .len = lens[i]};

	parse(&p, &cfg);
	assert_int_equal(p.bad, PKT_GOOD);
	return key_of_pkt(&p, false);
}

/* Blocks that the walk of a packet may compare, all its leaves together. */
static unsigned
blocks_for(const struct plan *pl, const struct pkt_key *k)
{
	struct walk w;
	unsigned n = 0;

	if (pl->flat != NULL)
		return pl->n_blocks;
	plan_begin(pl, &w, k);
	for (unsigned i = 0; i < w.n_leaves; i++)
		n += w.leaves[i].n_blocks;
	return n;
}

struct found {
	unsigned worst;
	double mean;
};

/* Over all traces. */
static struct found
count_blocks(const struct plan *pl, unsigned n)
{
	struct found f = {0, 0};

	for (unsigned t = 0; t < N_GEN_TRACES; t++) {
		gen_frames(frames, STRIDE, lens, FRAMES, t, rules, n, SEED);
		for (unsigned i = 0; i < FRAMES; i++) {
			struct pkt_key k = key_of_frame(i);
			unsigned b = blocks_for(pl, &k);

			f.worst = b > f.worst ? b : f.worst;
			f.mean += b;
		}
	}
	f.mean /= FRAMES * N_GEN_TRACES;
	return f;
}

static struct found
measure(unsigned n, enum gen_family family, enum gen_af af)
{
	struct ruleset *rs = make_rules(n, family, af);
	struct found f = count_blocks(rs->plan, n);
	struct plan_stats st;

	plan_stats(rs->plan, &st);
	print_message("# %u rules of %s, af %u: blocks %u at most, %.1f, "
	    "depth %u, leaf %u, %u octets a rule\n", n, gen_names[family], af,
	    f.worst, f.mean, st.forest.max_depth, st.forest.max_leaf,
	    (unsigned)(st.bytes / n));
	assert_true(st.bytes <= (uint64_t)BYTES_A_RULE * n + 4096);
	assert_true(st.forest.max_depth <= FOREST_DEPTH);
	/* Never worse than to look through all rules, but for a block begun in
	 * each leaf. */
	assert_true(f.worst <= blocks_of(n + 1) + WALK_LEAVES);
	ruleset_destroy(rs, ignore, NULL);
	return f;
}

static void
real_rules_are_few_blocks(void **state)
{
	(void)state;
	for (unsigned f = 0; f < N_GEN_REAL; f++)
		for (unsigned af = GEN_IP4; af <= GEN_MIXED; af++) {
			struct found b = measure(MOST, f, af);

			assert_true(b.worst <= REAL_BLOCKS);
			assert_true(b.mean <= REAL_MEAN);
		}
}

static void
bad_rules_are_bounded(void **state)
{
	(void)state;
	for (unsigned f = N_GEN_REAL; f < N_GEN_FAMILIES; f++) {
		measure(1000, f, GEN_IP4);
		measure(MOST, f, GEN_IP4);
		measure(MOST, f, GEN_IP6);
	}
}

/* Exactly the rules whose key fits are asked, each once, in order. */
static void
no_candidate_too_many(void **state)
{
	enum { RULES = 2000, PKTS = 200 };

	(void)state;
	for (unsigned f = 0; f < N_GEN_FAMILIES; f++) {
		struct ruleset *rs = make_rules(RULES, f, GEN_MIXED);
		struct rule_key *keys = calloc(rs->n_rules, sizeof(*keys));

		for (unsigned i = 0; i < rs->n_rules; i++)
			key_of_rule(rs->rules[i], &keys[i]);
		gen_frames(frames, STRIDE, lens, PKTS, GEN_CROSS, rules, RULES,
		    SEED);
		for (unsigned i = 0; i < PKTS; i++) {
			struct pkt_key k = key_of_frame(i);
			unsigned n = 0;
			struct walk w;

			plan_begin(rs->plan, &w, &k);
			for (unsigned at = 0; at < rs->n_rules; at++) {
				if (!key_fits(&keys[at], &k))
					continue;
				n = plan_next(rs->plan, &w, n);
				assert_int_equal(n++, at);
			}
		}
		free(keys);
		ruleset_destroy(rs, ignore, NULL);
	}
}

/* Text and bytecode of the generator are the same rule. */
static void
text_is_bytecode(void **state)
{
	enum { RULES = 400 };

	(void)state;
	for (unsigned f = 0; f < N_GEN_FAMILIES; f++) {
		gen_rules(rules, RULES, f, GEN_MIXED, SEED);
		for (unsigned i = 0; i < RULES; i++) {
			struct gen_code code;
			struct rule_buf rb;
			struct words w;
			char line[256];
			struct err e;

			gen_emit(&rules[i], i + 1, &code);
			gen_text(&rules[i], i + 1, line, sizeof(line));
			assert_int_equal(words_line(&w, line, &e), 0);
			if (compile_rule(w.w, w.n, 0, &rb, &e) != 0)
				fail_msg("%s: %s", line, e.text);
			if (rb.rule.cmd_len != code.head.cmd_len ||
			    rb.rule.act_ofs != code.head.act_ofs ||
			    memcmp(rb.cmd, code.w, code.head.cmd_len * 4u) != 0)
				fail_msg("%s: other bytecode", line);
			words_fini(&w);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_rules_are_few_blocks),
		cmocka_unit_test(bad_rules_are_bounded),
		cmocka_unit_test(no_candidate_too_many),
		cmocka_unit_test(text_is_bytecode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
