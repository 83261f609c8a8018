/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The plan against the oracle: random rules over few values, so that they
 * overlap, and random packets over the same values.
 */
#include "unit.h"

#include "frames.h"

#include "rule/interp.h"
#include "rule/plan.h"

#include <arpa/inet.h>
#include <stdlib.h>

static struct rng rng;
static struct frame f;
static struct tag_pool tags;
static const struct me me;

static unsigned
draw(unsigned n)
{
	return (unsigned)(rng_u64(&rng) % n);
}

/* ---- random rules ---- */

struct script {
	struct abi_rule head;
	uint32_t w[256];
};

static void
emit(struct script *d, uint8_t op, uint16_t arg1, const uint32_t *words,
    unsigned n)
{
	struct insn i = {op, (uint8_t)(n + 1), arg1};

	memcpy(&d->w[d->head.cmd_len], &i, 4);
	if (n > 0)
		memcpy(&d->w[d->head.cmd_len + 1], words, n * 4);
	d->head.cmd_len = (uint16_t)(d->head.cmd_len + n + 1);
}

static uint32_t
addr4(void)
{
	return htonl(0x0a000000 | draw(3) << 16 | draw(4));
}

static uint32_t
mask4(void)
{
	static const uint32_t m[] = {0, 0xff000000, 0xffff0000, 0xffffffff,
	    0x00ff00ff, 0x00000001};

	return htonl(m[draw(ARRAY_LEN(m))]);
}

static void
emit_masks(struct script *d, uint8_t op)
{
	unsigned n = 1 + draw(3);
	uint32_t w[6];

	for (unsigned i = 0; i < n; i++) {
		w[2 * i + 1] = mask4();
		w[2 * i] = addr4() & w[2 * i + 1];
	}
	emit(d, op, 0, w, 2 * n);
}

static void
emit_mask6(struct script *d, uint8_t op)
{
	uint32_t w[8] = {htonl(0x20010db8 + draw(3)), 0, 0, htonl(draw(4)),
	    draw(2) ? ~0u : htonl(0xffff0000), ~0u, ~0u, draw(2) ? ~0u : 0};

	for (int i = 0; i < 4; i++)
		w[i] &= w[i + 4];
	emit(d, op, 0, w, 8);
}

static void
emit_ports(struct script *d, uint8_t op)
{
	unsigned n = 1 + draw(2);
	uint32_t w[2];

	for (unsigned i = 0; i < n; i++) {
		unsigned lo = draw(6);

		w[i] = lo | (lo + draw(3)) << 16;
	}
	emit(d, op, 0, w, n);
}

/* One random test. */
static void
emit_test(struct script *d)
{
	static const uint8_t protos[] = {PROTO_TCP, PROTO_UDP, PROTO_ICMP, 58};
	uint32_t w[7] = {0};

	switch (draw(20)) {
	case 0:
		w[0] = addr4();
		emit(d, O_IP_SRC, 0, w, 1);
		break;
	case 1:
		w[0] = addr4();
		emit(d, O_IP_DST, 0, w, 1);
		break;
	case 2:
		emit_masks(d, O_IP_SRC_MASK);
		break;
	case 3:
		emit_masks(d, O_IP_DST_MASK);
		break;
	case 4:
		w[0] = 0x0a000000 | draw(4);
		w[1] = (uint32_t)rng_u64(&rng);
		emit(d, draw(2) ? O_IP_SRC_SET : O_IP_DST_SET, 32, w, 2);
		break;
	case 5:
		emit_mask6(d, O_IP6_SRC_MASK);
		break;
	case 6:
		emit_mask6(d, O_IP6_DST_MASK);
		break;
	case 7:
	case 8:
		emit_ports(d, O_IP_SRCPORT);
		break;
	case 9:
	case 10:
		emit_ports(d, O_IP_DSTPORT);
		break;
	case 11:
	case 12:
		emit(d, O_PROTO, protos[draw(4)], NULL, 0);
		break;
	case 13:
		emit(d, draw(2) ? O_IP4 : O_IP6, 0, NULL, 0);
		break;
	case 14:
		emit(d, O_IN, 0, NULL, 0);
		break;
	case 15:
		emit(d, O_TCPFLAGS, (uint16_t)(draw(8) | draw(8) << 8), NULL,
		    0);
		break;
	case 16:
		emit(d, draw(2) ? O_ESTAB : O_FRAG, 0, NULL, 0);
		break;
	case 17:
		w[0] = 1u << draw(3);
		emit(d, O_ICMPTYPE, 0, w, 1);
		break;
	case 18:
		w[draw(7)] = 1u << draw(3);
		emit(d, O_ICMP6TYPE, 0, w, 7);
		break;
	case 19:
		w[0] = 0x40000000;
		emit(d, O_PROB, 0, w, 1);
		break;
	}
}

/* Rules look for states and keep them, under few names. */
static bool with_states;

/* The action: mostly count, so that many rules are visited. */
static void
emit_action(struct script *d, unsigned n_rules)
{
	static const uint8_t acts[] = {O_ACCEPT, O_DENY, O_SKIPTO,
	    O_CALLRETURN};
	unsigned a = draw(8);
	struct insn ret = {O_CALLRETURN, 1 | INSN_NOT, 0};

	d->head.act_ofs = d->head.cmd_len;
	if (a >= ARRAY_LEN(acts))
		emit(d, O_COUNT, 0, NULL, 0);
	else if (with_states && draw(3) == 0)
		emit(d, O_CHECK_STATE, (uint16_t)draw(3), NULL, 0);
	else if (acts[a] == O_SKIPTO)
		emit(d, O_SKIPTO, (uint16_t)(1 + draw(n_rules)), NULL, 0);
	else if (acts[a] == O_CALLRETURN && draw(2))
		memcpy(&d->w[d->head.cmd_len++], &ret, 4);
	else
		emit(d, acts[a] == O_CALLRETURN ? O_COUNT : acts[a], 0, NULL,
		    0);
}

static void
begin_rule(struct script *d)
{
	uint32_t half[1] = {0x40000000};

	if (draw(20) == 0)
		emit(d, O_PROB, 0, half, 1);
	if (draw(4) == 0)
		emit(d, O_PROBE_STATE, (uint16_t)draw(3), NULL, 0);
}

static void
end_rule(struct script *d)
{
	uint32_t two[1] = {LIMIT_SRC_ADDR << 8 | 2 << 16};
	unsigned k = draw(12);

	if (k < 3)
		emit(d, O_KEEP_STATE, (uint16_t)(1 + draw(2)), NULL, 0);
	else if (k == 3)
		emit(d, O_LIMIT, 1, two, 1);
	else if (k == 4)
		emit(d, O_SKIP_ACTION, 0, NULL, 0);
}

static struct rule *
random_rule(unsigned num, unsigned counter, unsigned n_rules)
{
	struct script d = {0};
	unsigned n = draw(4), at = 0;

	if (with_states)
		begin_rule(&d);
	at = d.head.cmd_len;

	for (unsigned i = 0; i < n; i++) {
		struct insn *in = (struct insn *)(void *)&d.w[at];

		emit_test(&d);
		if (draw(5) == 0)
			in->len |= INSN_NOT;
		if (i + 1 < n && draw(5) == 0)
			in->len |= INSN_OR;
		at = d.head.cmd_len;
	}
	if (with_states)
		end_rule(&d);
	emit_action(&d, n_rules);
	d.head.set = (uint8_t)draw(3);
	return rule_create(&d.head, (uint16_t)num, num, counter);
}

/* ---- random packets ---- */

static void
random_ip6(uint8_t proto)
{
	uint8_t *h = f_ip6(&f, proto, (uint8_t)draw(4), (uint8_t)draw(4));

	put32(h + 8, 0x20010db8 + draw(3));
	put32(h + 24, 0x20010db8 + draw(3));
}

static struct pkt
random_pkt(void)
{
	static const uint8_t protos[] = {PROTO_TCP, PROTO_UDP, PROTO_ICMP, 47};
	uint8_t proto = protos[draw(4)];

	f_ether(&f, draw(10) == 0 ? ETYPE_ARP :
	    draw(3) == 0 ? ETYPE_IP6 : ETYPE_IP4);
	if (get16(f.b + 12) == ETYPE_IP4)
		f_ip4(&f, proto, ntohl(addr4()), ntohl(addr4()),
		    draw(5) == 0 ? (uint16_t)(draw(2) << 13 | draw(2) * 9) : 0);
	else if (get16(f.b + 12) == ETYPE_IP6)
		random_ip6(proto == PROTO_ICMP ? PROTO_ICMP6 : proto);
	if (proto == PROTO_TCP)
		f_tcp(&f, (uint16_t)draw(8), (uint16_t)draw(8),
		    (uint8_t)draw(32));
	else
		f_udp(&f, (uint16_t)draw(8), (uint16_t)draw(8));
	return f_parse(&f);
}

/* ---- rulesets ---- */

static void
ignore(void *arg, uint32_t counter)
{
	(void)arg;
	(void)counter;
}

static struct ruleset *
random_rules(unsigned n)
{
	struct ruleset *rs = ruleset_create(draw(2), 0), *next;
	struct rule **r = calloc(n, sizeof(struct rule *));

	for (unsigned i = 0; i < n; i++)
		r[i] = random_rule(1 + i, 1 + i, n);
	next = ruleset_add(rs, r, n);
	ruleset_destroy(rs, ignore, NULL);
	free(r);
	next->set_disabled = draw(8);
	return next;
}

static struct pass
pass_of(const struct ruleset *rs, struct counter *counts, struct rng *chance)
{
	return (struct pass){
	    .rules = rs, .counts = counts, .rng = chance, .tags = &tags,
	    .me = &me, .in_if = "a", .out_if = "b", .now_s = 1,
	};
}

/* Plans of all kinds, whatever the number of rules. */
static struct plan_cfg
any_cfg(void)
{
	return (struct plan_cfg){
	    .flat = draw(2) ? 5000 : 0,
	    .most_added = draw(30),
	    .bursts = draw(2) ? 0 : 1u << 30,
	};
}

/* A rule whose key says all of it, perhaps with the second halves of addresses,
 * matches what the key fits, and only that. */
static void
check_keyed(const struct pass *pass, const struct rule *r,
    const struct pkt_key *k, const struct pkt *p)
{
	bool rest = (r->rest_src | r->rest_dst) != 0 && !r->stateful, says;
	struct rule_key key;

	key_of_rule(r, &key);
	says = key_fits(&key, k) && (!rest || key_rest_fits(r, p));
	if ((!r->keyed && !rest) || interp_match(pass, r, p) == says)
		return;
	fail_msg("rule %u, opcode %u: the key says %d", r->num,
	    r->cmd[0].opcode, says);
}

/* No rule that matches is passed over, whichever scan looks. */
static void
candidates_are_a_superset(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 300; round++) {
		struct ruleset *rs = random_rules(4 + draw(60));
		struct plan_cfg cfg = any_cfg();
		struct plan *pl = plan_create_cfg(rs, NULL, &cfg);
		struct rng chance;
		struct pass pass = pass_of(rs, NULL, &chance);

		assert_non_null(pl);
		for (unsigned n = 0; n < 100; n++) {
			struct pkt p = random_pkt();
			struct pkt_key k;
			struct walk w;
			unsigned from = draw(rs->n_rules), next;

			pass.out = draw(2);
			k = key_of_pkt(&p, pass.out);
			plan_begin(pl, &w, &k);
			next = plan_next(pl, &w, from);
			assert_in_range(next, from, rs->n_rules - 1);
			rng_init(&chance, n);
			for (unsigned i = from; i < next; i++)
				assert_false(interp_match(&pass, rs->rules[i],
				    &p));
			for (unsigned i = 0; i < rs->n_rules; i++)
				check_keyed(&pass, rs->rules[i], &k, &p);
		}
		plan_destroy(pl);
		ruleset_destroy(rs, ignore, NULL);
	}
}

/* Two evaluations of the same packets, with a plan and without. */
struct pair {
	struct pass with, without;
	struct match_check check;
	struct rng c1, c2;
	struct state_cfg cfg;
};

enum { MAX_COUNTERS = 4000, BURST = 40 };
static struct counter counts_with[MAX_COUNTERS], counts_without[MAX_COUNTERS];

static void
pair_begin(struct pair *x)
{
	struct rng key;

	x->check = (struct match_check){0};
	memset(counts_with, 0, sizeof(counts_with));
	memset(counts_without, 0, sizeof(counts_without));
	rng_init(&x->c1, 1);
	rng_init(&x->c2, 1);
	x->cfg = (struct state_cfg){{300, 20, 1, 1, 10, 5}, 1000, 1000, 5000};
	x->with = pass_of(NULL, counts_with, &x->c1);
	x->without = pass_of(NULL, counts_without, &x->c2);
	if (!with_states)
		return;
	x->with.state_cfg = x->without.state_cfg = &x->cfg;
	rng_init(&key, 3);
	x->with.states = state_create(1024, &key);
	rng_init(&key, 3);
	x->without.states = state_create(1024, &key);
}

static void
pair_end(struct pair *x)
{
	state_destroy(x->with.states);
	state_destroy(x->without.states);
}

/* The same verdicts, answers, tags, counters, states and chance. */
static void
pair_check(struct pair *x, struct ruleset *rs)
{
	static struct frame frames[BURST];
	struct pkt p[BURST], q[BURST];
	struct plan *pl = rs->plan;
	unsigned n = 1 + draw(BURST);

	x->with.rules = x->without.rules = rs;
	x->with.match = draw(4) == 0 ? MATCH_VERIFY : MATCH_INDEX;
	x->with.check = &x->check;
	x->with.out = x->without.out = draw(2);
	for (unsigned i = 0; i < n; i++) {
		p[i] = random_pkt();
		frames[i] = f;
		p[i].data = frames[i].b;
		q[i] = p[i];
	}
	interp_burst(&x->with, p, n);
	rs->plan = NULL;
	interp_burst(&x->without, q, n);
	rs->plan = pl;
	assert_memory_equal(p, q, n * sizeof(*p));
	assert_memory_equal(&x->c1, &x->c2, sizeof(x->c1));
	assert_int_equal(x->check.differences, 0);
	assert_memory_equal(counts_with, counts_without, sizeof(counts_with));
	if (x->with.states != NULL)
		assert_int_equal(state_count(x->with.states),
		    state_count(x->without.states));
}

static void
same_effects_as_without(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 200; round++) {
		struct ruleset *rs = random_rules(4 + draw(round % 20 ? 60 :
		    1000));
		struct plan_cfg cfg = any_cfg();
		struct pair x;

		pair_begin(&x);
		rs->plan = plan_create_cfg(rs, NULL, &cfg);
		for (unsigned n = 0; n < 10; n++)
			pair_check(&x, rs);
		pair_end(&x);
		ruleset_destroy(rs, ignore, NULL);
	}
}

static void
same_effects_with_states(void **state)
{
	with_states = true;
	same_effects_as_without(state);
	with_states = false;
}

/* Of one leaf half of the rules are dropped: verifying tells, and decides as if
 * there were no index. */
static void
verifying_sees_a_broken_index(void **state)
{
	struct plan_cfg cfg = {.flat = 0, .most_added = 10};
	struct ruleset *rs = random_rules(300);
	struct plan *pl = plan_create_cfg(rs, NULL, &cfg);
	struct match_check check = {0};
	struct rng c1, c2;
	struct pass pass = pass_of(rs, counts_with, &c1);
	struct pass linear = pass_of(rs, counts_without, &c2);
	const struct node *root = &pl->grove.forest->families[0].roots[0];
	uint32_t *words = pl->grove.forest->words;

	(void)state;
	/* The leaf of packets that are not IP is short blocks in a row. */
	assert_int_equal(root->dim, DIM_LEAF);
	for (unsigned i = 0; i < root->n; i++) {
		uint32_t *meta = words + (size_t)root->at * BLOCK_LANES +
		    i * BLOCK_SHORT + 6 * BLOCK_LANES;

		for (unsigned lane = 0; lane < BLOCK_LANES; lane += 2)
			meta[lane] = meta[lane + BLOCK_LANES] =
			    KEY_IP4 | KEY_IP6;
	}
	rs->plan = pl;
	pass.match = MATCH_VERIFY;
	pass.check = &check;
	linear.match = MATCH_LINEAR;
	rng_init(&c1, 1);
	rng_init(&c2, 1);
	for (unsigned n = 0; n < 2000; n++) {
		struct pkt p = random_pkt(), q = p;

		assert_int_equal(interp_run(&pass, &p, 0),
		    interp_run(&linear, &q, 0));
	}
	assert_int_equal(check.pkts, 2000);
	assert_in_range(check.differences, 1, 1999);
	assert_in_range(check.rule, 1, 300);
	ruleset_destroy(rs, ignore, NULL);
}

/* Every verdict that a flat plan would give on its own becomes the wrong one. */
static void
break_verdicts(struct plan *pl)
{
	for (unsigned i = 0; i < pl->n_rules; i++)
		if (pl->sieve->acts[i] != 0)
			pl->sieve->acts[i] ^= 3u << ACT_COUNTER_BITS;
}

static void
verifying_sees_broken_verdicts(void **state)
{
	struct plan_cfg cfg = {.flat = 1000};
	struct match_check check = {0};
	struct rng c1, c2;
	struct pass pass = pass_of(NULL, counts_with, &c1);
	struct pass linear = pass_of(NULL, counts_without, &c2);

	(void)state;
	pass.match = MATCH_VERIFY;
	pass.check = &check;
	linear.match = MATCH_LINEAR;
	rng_init(&c1, 1);
	rng_init(&c2, 1);
	for (unsigned n = 0; n < 2000; n++) {
		struct ruleset *rs = random_rules(4 + draw(20));
		struct pkt p = random_pkt(), q = p;

		rs->set_disabled = 0;
		rs->plan = plan_create_cfg(rs, NULL, &cfg);
		break_verdicts(rs->plan);
		pass.rules = linear.rules = rs;
		interp_burst(&pass, &p, 1);
		interp_burst(&linear, &q, 1);
		assert_int_equal(p.verdict, q.verdict);
		ruleset_destroy(rs, ignore, NULL);
	}
	assert_in_range(check.pkts, 1000, 2000); /* not first_decides() */
	assert_in_range(check.differences, 100, 1999);
}

/* A random edit of 'rs': rules added, deleted, moved, sets switched. */
static struct ruleset *
random_edit(struct ruleset *rs, unsigned *id)
{
	struct rule_range g = {.flags = RANGE_RULES};
	struct rule *r[4];
	unsigned n = 1 + draw(4), gone;

	g.lo = (uint16_t)(1 + draw(80));
	g.hi = (uint16_t)(g.lo + draw(4));
	switch (draw(rs->n_rules < 200 ? 8 : 3)) {
	case 0:
	case 1:
		return ruleset_delete(rs, &g, &gone);
	case 2:
		return ruleset_move(rs, &g, (uint8_t)draw(3));
	case 3:
		return ruleset_enable(rs, draw(8), draw(8));
	default:
		for (unsigned i = 0; i < n; i++) {
			r[i] = random_rule(1 + draw(80), 1 + *id % 3000, 80);
			r[i]->id = 1000 + (*id)++;
		}
		return ruleset_add(rs, r, n);
	}
}

/* A plan that follows edit after edit, with drafts that come late. */
static void
follows_edits(void **state)
{
	struct ruleset *rs = random_rules(20), *next;
	struct plan_cfg cfg = {.flat = 0, .most_added = 40, .bursts = 0};
	struct draft *d = NULL;
	unsigned id = 0, drafts = 0;
	struct pair x;

	(void)state;
	pair_begin(&x);
	rs->plan = plan_create_cfg(rs, NULL, &cfg);
	for (unsigned round = 0; round < 2000; round++) {
		next = random_edit(rs, &id);
		if (d != NULL)
			draft_follow(d, rs, next);
		if (d != NULL && draw(8) == 0) {
			draft_build(d);
			next->plan = draft_plan(d, next);
			draft_destroy(d);
			d = NULL;
			drafts += next->plan != NULL;
		}
		if (next->plan == NULL)
			next->plan = plan_create_cfg(next, rs, &cfg);
		ruleset_destroy(rs, ignore, NULL);
		rs = next;
		if (d == NULL && rs->plan != NULL && plan_is_stale(rs->plan, 1) &&
		    draw(8) == 0)
			d = draft_create(rs, &cfg);
		pair_check(&x, rs);
	}
	assert_in_range(drafts, 20, 2000);
	draft_destroy(d);
	pair_end(&x);
	ruleset_destroy(rs, ignore, NULL);
}

static void
follows_edits_with_states(void **state)
{
	with_states = true;
	follows_edits(state);
	with_states = false;
}

/* What a rule of one test asks, written down: a key that asks less would be
 * right, and slow. */
static void
keys_ask_all_they_can(void **state)
{
	enum { ANY = 0xffffffffu, TCP = KEY_TCP, FL = KEY_FLAGS_SHIFT };
	static const struct {
		uint8_t op, not;
		uint16_t arg1;
		uint32_t w[4], n;
		struct rule_key key;
	} t[] = {
	    {O_IP_SRC, 0, 0, {5}, 1,
		{.src = 5, .src_mask = ANY, .meta = KEY_IP4,
		    .meta_mask = KEY_IP4, .ports_hi = ANY}},
	    {O_IP_SRC, 1, 0, {5}, 1, {.ports_hi = ANY}},
	    {O_IP_DST_MASK, 0, 0, {0x0a, 0xff, 0x1a, 0xff}, 4,
		{.dst = 0x0a, .dst_mask = 0xef, .meta = KEY_IP4,
		    .meta_mask = KEY_IP4, .ports_hi = ANY}},
	    {O_IP_SRC_SET, 0, 5, {0x0a000100, 0x1f}, 2,
		{.src = 0x0001000a, .src_mask = 0xf8ffffff, .meta = KEY_IP4,
		    .meta_mask = KEY_IP4, .ports_hi = ANY}},
	    {O_IP_SRC_SET, 0, 1, {0x0a000107, 1}, 2,
		{.src = 0x0701000a, .src_mask = ANY, .meta = KEY_IP4,
		    .meta_mask = KEY_IP4, .ports_hi = ANY}},
	    {O_IP_DST_SET, 0, 32, {0xfffffff8, ANY}, 2,
		{.meta = KEY_IP4, .meta_mask = KEY_IP4, .ports_hi = ANY}},
	    {O_IP6_DST, 0, 0, {7, 0, 1, 2}, 4,
		{.dst = 7, .dst_mask = ANY, .meta = KEY_IP6,
		    .meta_mask = KEY_IP6, .ports_hi = ANY,
		    .dst2_mask = ANY, .rest = 1 ^ 2, .rest_mask = 0xffff}},
	    {O_IP6_SRC, 0, 0, {7, 0, 1, 2}, 4,
		{.src = 7, .src_mask = ANY, .meta = KEY_IP6,
		    .meta_mask = KEY_IP6, .ports_hi = ANY,
		    .src2_mask = ANY, .rest = (1 ^ 2) << 16,
		    .rest_mask = 0xffff0000}},
	    {O_IP_DSTPORT, 0, 0, {80 | 81 << 16, 22 | 22 << 16}, 2,
		{.meta = KEY_PORTS, .meta_mask = KEY_PORTS, .ports_lo = 22,
		    .ports_hi = 0xffff0000 | 81}},
	    {O_IP_SRCPORT, 0, 0, {53 | 53 << 16}, 1,
		{.meta = KEY_PORTS, .meta_mask = KEY_PORTS,
		    .ports_lo = 53 << 16, .ports_hi = 53 << 16 | 0xffff}},
	    {O_TCPFLAGS, 0, 0x1002, {0}, 0,
		{.meta = TCP | 2 << FL, .meta_mask = TCP | 0x12 << FL,
		    .ports_hi = ANY}},
	    {O_ESTAB, 0, 0, {0}, 0,
		{.meta = TCP | KEY_ESTAB, .meta_mask = TCP | KEY_ESTAB,
		    .ports_hi = ANY}},
	    {O_ESTAB, 1, 0, {0}, 0, {.ports_hi = ANY}},
	    {O_ICMPTYPE, 0, 0, {1}, 1,
		{.meta = KEY_IP4 | PROTO_ICMP, .meta_mask = KEY_IP4 | 0xff,
		    .ports_hi = ANY}},
	    {O_ICMP6TYPE, 0, 0, {1}, 1,
		{.meta = KEY_IP6 | PROTO_ICMP6, .meta_mask = KEY_IP6 | 0xff,
		    .ports_hi = ANY}},
	    {O_IN, 0, 0, {0}, 0, {.meta_mask = KEY_OUT, .ports_hi = ANY}},
	    {O_IN, 1, 0, {0}, 0,
		{.meta = KEY_OUT, .meta_mask = KEY_OUT, .ports_hi = ANY}},
	    {O_PROB, 0, 0, {5}, 1, {.ports_hi = ANY}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct script d = {0};
		struct rule_key key;
		struct rule *r;

		emit(&d, t[i].op, t[i].arg1, t[i].w, t[i].n);
		if (t[i].not) {
			struct insn *first = (struct insn *)(void *)d.w;

			first->len |= INSN_NOT;
		}
		d.head.act_ofs = d.head.cmd_len;
		emit(&d, O_COUNT, 0, NULL, 0);
		r = rule_create(&d.head, 1, 1, 1);
		key_of_rule(r, &key);
		if (memcmp(&key, &t[i].key, sizeof(key)) != 0)
			fail_msg("row %zu, opcode %u", i, t[i].op);
		rule_put(r, ignore, NULL);
	}
}

/* Tests in a row are ANDed; one that contradicts another changes nothing. */
static void
keys_of_several_tests(void **state)
{
	struct script d = {0};
	struct rule_key key;
	struct rule *r;

	(void)state;
	emit(&d, O_IP_DSTPORT, 0, (uint32_t[]){10 | 90 << 16}, 1);
	emit(&d, O_IP_DSTPORT, 0, (uint32_t[]){20 | 99 << 16}, 1);
	emit(&d, O_IP_DSTPORT, 0, (uint32_t[]){200 | 300 << 16}, 1);
	emit(&d, O_PROTO, PROTO_TCP, NULL, 0);
	emit(&d, O_PROTO, PROTO_UDP, NULL, 0);
	emit(&d, O_TCPFLAGS, 0x0202, NULL, 0);
	d.head.act_ofs = d.head.cmd_len;
	emit(&d, O_COUNT, 0, NULL, 0);
	r = rule_create(&d.head, 1, 1, 1);
	key_of_rule(r, &key);
	assert_int_equal(key.ports_lo, 20);
	assert_int_equal(key.ports_hi, 0xffff0000 | 90);
	assert_int_equal(key.meta, KEY_PORTS | PROTO_TCP);
	assert_int_equal(key.meta_mask, KEY_PORTS | 0xff);
	rule_put(r, ignore, NULL);
}

/* A host and a prefix of 96 bits: the key has the first halves and what the groups
 * of the host's second have in common, the rule the rest.  A value with bits outside of its mask is left to the interpreter. */
static void
second_halves(void **state)
{
	const uint32_t src[4] = {htonl(0x20010db8), 0, 0, htonl(1)};
	uint32_t dst[8] = {htonl(0x20010db8), 0, htonl(7), 0, ~0u, ~0u, ~0u,
		0};
	struct script d = {0};
	struct rng chance;
	struct pass pass = pass_of(NULL, counts_with, &chance);
	unsigned n_match = 0;
	struct rule_key key;
	struct rule *r;
	bool fits;

	(void)state;
	emit(&d, O_IP6_SRC, 0, src, 4);
	emit(&d, O_IP6_DST_MASK, 0, dst, 8);
	d.head.act_ofs = d.head.cmd_len;
	emit(&d, O_ACCEPT, 0, NULL, 0);
	r = rule_create(&d.head, 1, 1, 1);
	assert_false(key_of_rule(r, &key));
	assert_true((key.act & ACT_REST) != 0);
	assert_int_equal(r->rest_src, 1);
	assert_int_equal(r->rest_dst, 6);
	for (unsigned i = 0; i < 64; i++) {
		struct pkt_key k;
		struct pkt p;
		uint8_t *h;

		f_ether(&f, ETYPE_IP6);
		h = f_ip6(&f, PROTO_NONE, 0, 0);
		memcpy(h + 8, src, 16);
		memcpy(h + 24, dst, 16);
		h[8 + 11] ^= (uint8_t)(i & 1);
		h[8 + 15] ^= (uint8_t)(i >> 1 & 1);
		h[24 + 8] ^= (uint8_t)(i >> 2 & 1);
		h[24 + 11] ^= (uint8_t)(i >> 3 & 1);
		h[24 + 12] = h[24 + 15] = (uint8_t)(i >> 4);
		p = f_parse(&f);
		k = key_of_pkt(&p, false);
		fits = key_fits(&key, &k);
		assert_int_equal(fits, (i & 1) == (i >> 1 & 1));
		assert_int_equal(fits && key_rest_fits(r, &p),
		    interp_match(&pass, r, &p));
		n_match += fits && key_rest_fits(r, &p);
	}
	assert_int_equal(n_match, 4);
	rule_put(r, ignore, NULL);

	dst[3] = 1;
	memset(&d, 0, sizeof(d));
	emit(&d, O_IP6_DST_MASK, 0, dst, 8);
	d.head.act_ofs = d.head.cmd_len;
	emit(&d, O_ACCEPT, 0, NULL, 0);
	r = rule_create(&d.head, 1, 1, 1);
	assert_false(key_of_rule(r, &key));
	assert_int_equal(key.act, 0);
	assert_int_equal(r->rest_dst, 0);
	rule_put(r, ignore, NULL);
}

/* The second half of the address of host 'i' of a network: counted, counted by the
 * first of its words, made of a MAC, drawn. */
static void
put_host(uint8_t half[8], unsigned i, unsigned manner)
{
	static const uint8_t eui[8] = {0x02, 0x1b, 0x21, 0xff, 0xfe};
	uint64_t h = manner == 0 ? i : manner == 1 ? (uint64_t)i << 32 :
	    i * UINT64_C(0x9e3779b97f4a7c15);

	if (manner == 2) {
		memcpy(half, eui, 8);
		put16(half + 6, (uint16_t)(i * 257));
	} else {
		put32(half, (uint32_t)(h >> 32));
		put32(half + 4, (uint32_t)h);
	}
}

enum { HOSTS = 1000 };

/* The network; hosts follow. */
static const uint8_t lan[8] = {0x20, 0x01, 0x0d, 0xb8};

/* One rule a host, in this order. */
static struct ruleset *
rules_of_hosts(unsigned manner)
{
	static struct rule *add[HOSTS];
	struct ruleset *first = ruleset_create(false, 0), *rs;

	for (unsigned i = 0; i < HOSTS; i++) {
		struct script d = {0};
		uint32_t a[4];

		memcpy(a, lan, sizeof(lan));
		put_host((uint8_t *)&a[2], i + 1, manner);
		emit(&d, O_IP6_DST, 0, a, 4);
		d.head.act_ofs = d.head.cmd_len;
		emit(&d, O_ACCEPT, 0, NULL, 0);
		add[i] = rule_create(&d.head, (uint16_t)(i + 1), i + 1, i + 1);
	}
	rs = ruleset_add(first, add, HOSTS);
	ruleset_destroy(first, ignore, NULL);
	rs->plan = plan_create(rs, NULL);
	return rs;
}

/* The hosts of one /64 are told apart: a burst finds the rule of each first. */
static void
hosts_of_one_network(void **state)
{
	(void)state;
	for (unsigned k = 0; k < 4; k++) {
		struct ruleset *rs = rules_of_hosts(k);
		unsigned n_found = 0;
		struct plan_stats st;

		plan_stats(rs->plan, &st);
		assert_true(st.forest.max_leaf <= FOREST_LEAF);
		for (unsigned i = 0; i < HOSTS; i++) {
			struct finds found;
			struct pkt_key key;
			struct hit hit;
			struct pkt p;
			uint8_t *h;

			f_ether(&f, ETYPE_IP6);
			h = f_ip6(&f, PROTO_NONE, 0, 0);
			memcpy(h + 24, lan, sizeof(lan));
			put_host(h + 32, i + 1, k);
			p = f_parse(&f);
			key = key_of_pkt(&p, false);
			plan_firsts(rs->plan, &key, 1, &found, &hit);
			assert_true(key_rest_fits(rs->rules[i], &p));
			n_found += hit.slot == i;
		}
		/* Two that were drawn may look the same. */
		assert_in_range(n_found, k == 3 ? HOSTS - HOSTS / 32 : HOSTS,
		    HOSTS);
		ruleset_destroy(rs, ignore, NULL);
	}
}

/* A rule of one test that sends to a pipe or a queue, named or to be looked up. */
static struct rule *
sending_rule(unsigned num)
{
	struct script d = {0};

	emit_test(&d);
	d.head.act_ofs = d.head.cmd_len;
	emit(&d, draw(2) ? O_PIPE : O_QUEUE, (uint16_t)(draw(4) * 700), NULL,
	    0);
	return rule_create(&d.head, (uint16_t)num, 100000 + num, num);
}

/* What a burst finds for packets at once: the pipe, the rule that sends there,
 * its counter, all as rule after rule. */
static void
burst_knows_pipes(void **state)
{
	struct rng c1, c2;
	struct pass pass = pass_of(NULL, counts_with, &c1);
	struct pass linear = pass_of(NULL, counts_without, &c2);
	unsigned n_sent = 0;

	(void)state;
	memset(counts_with, 0, sizeof(counts_with));
	memset(counts_without, 0, sizeof(counts_without));
	linear.match = MATCH_LINEAR;
	rng_init(&c1, 1);
	rng_init(&c2, 1);
	for (unsigned n = 0; n < 4000; n++) {
		struct plan_cfg cfg = any_cfg();
		struct ruleset *none = ruleset_create(true, 0), *rs;
		struct pkt p = random_pkt(), q = p;
		struct rule *r[20];

		for (unsigned i = 0; i < ARRAY_LEN(r); i++)
			r[i] = sending_rule(1 + i);
		rs = ruleset_add(none, r, ARRAY_LEN(r));
		ruleset_destroy(none, ignore, NULL);
		rs->plan = plan_create_cfg(rs, NULL, &cfg);
		pass.rules = linear.rules = rs;
		interp_burst(&pass, &p, 1);
		interp_burst(&linear, &q, 1);
		assert_int_equal(p.verdict, q.verdict);
		if (p.verdict == VERDICT_PIPE || p.verdict == VERDICT_QUEUE) {
			assert_memory_equal(&p.fate, &q.fate, sizeof(p.fate));
			n_sent++;
		}
		ruleset_destroy(rs, ignore, NULL);
	}
	assert_in_range(n_sent, 1000, 3999);
	assert_memory_equal(counts_with, counts_without, sizeof(counts_with));
}

/* Fewer than that have a plan only if none of them needs to be interpreted. */
static void
few_rules_need_none(void **state)
{
	unsigned with = 0;
	struct ruleset *rs;

	(void)state;
	for (unsigned round = 0; round < 200; round++) {
		bool keyed = true;

		rs = random_rules(1 + draw(PLAN_MIN_RULES - 2));
		for (unsigned i = 0; i + 1 < rs->n_rules; i++)
			keyed = keyed && (rs->rules[i]->keyed ||
			    (rs->rules[i]->rest_src |
				rs->rules[i]->rest_dst) != 0);
		rs->plan = plan_create(rs, NULL);
		assert_int_equal(rs->plan != NULL, keyed);
		with += keyed;
		ruleset_destroy(rs, ignore, NULL);
	}
	assert_in_range(with, 1, 199);
	rs = random_rules(PLAN_MIN_RULES - 1); /* and the default rule */
	rs->plan = plan_create(rs, NULL);
	assert_non_null(rs->plan);
	ruleset_destroy(rs, ignore, NULL);
	rs = random_rules(0);
	assert_null(plan_create(rs, NULL));
	ruleset_destroy(rs, ignore, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(candidates_are_a_superset),
		cmocka_unit_test(same_effects_as_without),
		cmocka_unit_test(same_effects_with_states),
		cmocka_unit_test(verifying_sees_a_broken_index),
		cmocka_unit_test(verifying_sees_broken_verdicts),
		cmocka_unit_test(follows_edits),
		cmocka_unit_test(follows_edits_with_states),
		cmocka_unit_test(keys_ask_all_they_can),
		cmocka_unit_test(keys_of_several_tests),
		cmocka_unit_test(second_halves),
		cmocka_unit_test(hosts_of_one_network),
		cmocka_unit_test(burst_knows_pipes),
		cmocka_unit_test(few_rules_need_none),
	};

	rng_init(&rng, 11);
	tag_reset(&tags);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
