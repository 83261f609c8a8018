/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any frame against any rule that check accepts.
 *
 * Input: flags of the parser, words of the rule, its act_ofs, the bytecode, then
 * the frame.  The frame is copied to memory of exactly its size.  There is a
 * table of each type, with index = type, and a table of states.
 */
#include "bytecode.h"
#include "engine/log_text.h"
#include "packet/parse.h"
#include "packet/reply.h"
#include "rule/check.h"
#include "rule/interp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEAD = 3, MAX_FRAME = 2112 };

static struct counter counts[2];
static struct tag_pool tags;
static _Atomic uint32_t log_left[2];
static const struct me me = {.n4 = 1, .n6 = 1};

static void
ignore(void *arg, uint32_t counter)
{
	(void)arg;
	(void)counter;
}

/* The rule of the input alone before the default rule, NULL if refused. */
static struct ruleset *
rules_of(const uint8_t *in, size_t size)
{
	size_t n_words = in[1], len = n_words * 4;
	struct abi_rule *r;
	struct ruleset *rs = NULL, *base;
	struct rule *rule;

	if (n_words == 0 || HEAD + len > size)
		return NULL;
	if ((r = calloc(1, sizeof(*r) + len)) == NULL)
		return NULL;
	r->cmd_len = (uint16_t)n_words;
	r->act_ofs = in[2];
	memcpy(r + 1, in + HEAD, len);
	if (check_rule(r, sizeof(*r) + len, NULL) == 0 &&
	    (rule = rule_create(r, 100, 1, 1)) != NULL) {
		base = ruleset_create(true, 0);
		rs = ruleset_add(base, &rule, 1);
		ruleset_destroy(base, ignore, NULL);
	}
	free(r);
	return rs;
}

/* The lines of what was logged. */
static void
write_down(struct record_ring *log)
{
	const struct record *r;
	char line[LOG_TEXT_MAX];

	record_publish(log, 1);
	while ((r = record_first(log)) != NULL) {
		log_text(r, line, sizeof(line));
		record_done(log);
	}
}

/* One entry a table, with keys that frames are likely to have. */
static struct tables *
make_tables(void)
{
	static const struct table_key keys[] = {
	    [TABLE_ADDR] = {.family = 4, .len = 1},
	    [TABLE_IFACE] = {.iface = "valeA:f"},
	    [TABLE_NUMBER] = {.number = 0},
	    [TABLE_FLOW] = {.flow = {.family = 4, .proto = 17}},
	    [TABLE_MAC] = {.len = 1},
	};
	struct table_value value = {.tag = 1, .skipto = 65000, .mark = 2};
	struct tables *ts = tables_create((const uint64_t[2]){1, 2});

	for (unsigned type = 1; type <= TABLE_TYPE_MAX; type++) {
		struct table like = {.type = (uint8_t)type, .vmask = ~0u,
		    .counters = true, .fields = FLOW_ALL};
		struct table *t;
		uint32_t old;

		snprintf(like.name, sizeof(like.name), "t%u", type);
		if (tables_add(ts, &like, &t, NULL) != 0 || t->kidx != type ||
		    table_set(ts, t, &keys[type],
			tables_value_ref(ts, &value, true), &old) != 0)
			abort();
	}
	return ts;
}

static struct tables *tables;
static struct state_table *states;
static const struct state_cfg state_cfg = {
    .life = {300, 20, 1, 1, 10, 5}, .max = 64, .parent_max = 64, .now_s = 1};

/* What the rules know, made once; the states begin anew for each input. */
static void
make_world(void)
{
	struct rng rng;

	rng_init(&rng, 1);
	if (tables == NULL && (tables = make_tables()) == NULL)
		abort();
	state_destroy(states);
	if ((states = state_create(STATE_CAPACITY_MIN, &rng)) == NULL)
		abort();
}

static void
run(struct ruleset *rs, uint8_t flags, const uint8_t *frame, size_t len)
{
	const struct parse_cfg cfg = {flags & 1, flags & 2};
	struct pkt p = {.data = malloc(len), .len = (uint16_t)len};
	static struct record_ring *log;
	struct rng rng;
	struct pass pass = {
		.rules = rs, .counts = counts, .rng = &rng,
		.tags = &tags,
		.me = &me,
		.tables = tables,
		.states = states,
		.state_cfg = &state_cfg,
		.log_left = log_left, .log_text = flags & 8,
		.in_if = "valeA:f", .out_if = "eth0", .out = flags & 4,
	};

	if (log == NULL && (log = record_ring_create()) == NULL)
		abort();
	pass.log = log;
	log_left[1] = 1;
	rng_init(&rng, flags);
	tag_reset(&tags);
	memcpy(p.data, frame, len);
	parse(&p, &cfg);
	if (p.l3 > p.len || pkt_count_bytes(&p) > p.len)
		abort();
	/* Twice: the second time it may have a state. */
	if (p.bad == PKT_GOOD)
		interp_run(&pass, &p, 0);
	if (p.bad == PKT_GOOD && interp_run(&pass, &p, 0) == VERDICT_DENY) {
		uint8_t *out = malloc(REPLY_MAX);

		if (reply_build(&p, out) > REPLY_MAX)
			abort();
		free(out);
	}
	write_down(log);
	free(p.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t size)
{
	struct ruleset *rs;
	size_t head;

	if (size < HEAD || size > HEAD + 255 * 4 + MAX_FRAME)
		return 0;
	head = HEAD + in[1] * 4u;
	if ((rs = rules_of(in, size)) == NULL)
		return 0;
	make_world();
	if (size - head <= MAX_FRAME)
		run(rs, in[0], in + head, size - head);
	ruleset_destroy(rs, ignore, NULL);
	return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
    unsigned seed);

/* Now octets of the whole, now those of the frame, else instructions. */
size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
    unsigned seed)
{
	struct bytecode b = {.seed = seed};
	uint8_t frame[MAX_FRAME];
	size_t head, len;

	if (size < HEAD || bc_random(&b, 6) == 0)
		return LLVMFuzzerMutate(data, size, max_size);
	head = HEAD + data[1] * 4u;
	if (head > size || size - head > sizeof(frame))
		return LLVMFuzzerMutate(data, size, max_size);
	if (bc_random(&b, 3) == 0)
		return head + LLVMFuzzerMutate(data + head, size - head,
		    max_size - head);
	len = size - head;
	memcpy(frame, data + head, len);
	b.n = data[1];
	b.act_ofs = data[2] < b.n ? data[2] : b.n;
	memcpy(b.words, data + HEAD, b.n * 4);
	bc_mutate(&b);
	if (HEAD + b.n * 4 + len > max_size)
		return size;
	data[0] = (uint8_t)bc_random(&b, 16);
	data[1] = (uint8_t)b.n;
	data[2] = (uint8_t)b.act_ofs;
	memcpy(data + HEAD, b.words, b.n * 4);
	memcpy(data + HEAD + b.n * 4, frame, len);
	return HEAD + b.n * 4 + len;
}
