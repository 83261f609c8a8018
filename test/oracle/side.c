/* SPDX-License-Identifier: BSD-2-Clause */
#include "test/oracle/side.h"

#include "engine/defrag.h"
#include "engine/pipes.h"
#include "engine/resume.h"
#include "rule/plan.h"

#include <stdlib.h>
#include <string.h>

enum { PIPE_MEMORY = 8 << 20 };

static const struct me own_addresses = {
    .n4 = 1, .addrs4 = {0x0000000a}, .n6 = 1,
    .addrs6 = {{0x20, 0x01, 0x0d, 0xb8}},
};

/* ---- ports ---- */

static struct side *
side_of(const struct port *p)
{
	return p->priv;
}

static unsigned
port_in(struct port *p, struct pkt *pkts, unsigned max)
{
	struct side *s = side_of(p);
	unsigned n = s->n_rx < max ? s->n_rx : max;

	for (unsigned i = 0; i < n; i++) {
		pkts[i].data = s->frames[i];
		pkts[i].len = (uint16_t)s->lens[i];
		pkts[i].slot = NULL;
	}
	return n;
}

static unsigned
port_out(struct port *p, struct port *from, struct pkt *const *pkts,
    unsigned n)
{
	struct side *s = side_of(p);

	(void)from;
	for (unsigned i = 0; i < n; i++) {
		uint8_t *to = s->sent + s->n_sent;

		if (s->n_sent + 3 + pkts[i]->len > sizeof(s->sent))
			abort();
		to[0] = (uint8_t)(p - s->ports);
		memcpy(to + 1, &pkts[i]->len, 2);
		memcpy(to + 3, pkts[i]->data, pkts[i]->len);
		s->n_sent += 3u + pkts[i]->len;
	}
	return n;
}

static unsigned
always_room(struct port *p)
{
	(void)p;
	return PORT_BURST;
}

static void
nothing(struct port *p)
{
	(void)p;
}

/* What rule sent which packet where. */
static void
note_fates(struct side *s, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		const struct pkt *p = &s->ctx.pkts[i];
		uint8_t *to = s->sent + s->n_sent;

		if (p->bad != PKT_GOOD || p->verdict == VERDICT_ACCEPT ||
		    p->verdict == VERDICT_DENY || p->verdict == VERDICT_BOUNCE)
			continue;
		to[0] = p->verdict;
		to[1] = (uint8_t)i;
		memcpy(to + 2, &p->fate, sizeof(p->fate));
		s->n_sent += 2 + sizeof(p->fate);
	}
}

static const struct port_ops side_ops = {
    .kind = "side:", .rx = port_in, .release = nothing, .room = always_room,
    .tx = port_out, .kick = nothing, .pending = port_none_pending,
};

static void
open_lanes(struct side *s)
{
	for (unsigned i = 0; i < 2; i++) {
		s->ports[i] = (struct port){.ops = &side_ops, .priv = s,
		    .fd = -1};
		memcpy(s->ports[i].ifname, vocab_ifs[i], IFNAME_LEN);
		s->lanes[i] = (struct lane){.in = &s->ports[i],
		    .out = &s->ports[1 - i], .end = N_DROPS,
		    .id = (uint16_t)i};
	}
}

/* ---- life ---- */

/* Once: they are large, and all that worlds leave is empty tables. */
static bool
open_tables(struct side *s)
{
	static const uint8_t types[] = {[TAB_ADDR] = TABLE_ADDR,
	    [TAB_ADDR2] = TABLE_ADDR, [TAB_IFACE] = TABLE_IFACE,
	    [TAB_PORT] = TABLE_NUMBER, [TAB_FLOW] = TABLE_FLOW,
	    [TAB_MAC] = TABLE_MAC};

	if (s->tables != NULL)
		return true;
	s->tables = tables_create((const uint64_t[]){1, 2});
	if (s->tables == NULL)
		return false;
	for (unsigned i = 1; i <= N_TABS; i++) {
		struct table like = {.type = types[i], .vmask = VTYPE_ALL,
		    .counters = i == TAB_PORT,
		    .fields = FLOW_SRC_IP | FLOW_DST_PORT | FLOW_PROTO};

		if (tables_add(s->tables, &like, &s->tabs[i], NULL) != 0 ||
		    s->tabs[i]->kidx != i)
			return false;
	}
	return true;
}

/* Once.  None is configured, so that they keep no packet. */
static bool
open_pipes(struct side *s)
{
	const struct pipes_cfg cfg = {.n_workers = 1, .memory = PIPE_MEMORY};

	return pipes_create(&cfg, &s->pipes, NULL) == 0;
}

static void
open_ctx(struct side *s)
{
	struct step_ctx *c = &s->ctx;

	memset(&c->pass, 0, sizeof(c->pass));
	memset(c->drops, 0, sizeof(c->drops));
	memset(&c->replies.stats, 0, sizeof(c->replies.stats));
	c->pass.counts = s->counts;
	c->pass.rng = &s->rng;
	c->pass.tags = &c->tags;
	c->pass.me = &own_addresses;
	c->pass.tables = s->tables;
	c->pass.states = s->states;
	c->pass.state_cfg = &s->state_cfg;
	c->pass.log = s->log;
	c->pass.log_text = true;
	c->pass.log_left = s->log_left;
	c->pass.match = s->verify ? MATCH_VERIFY : MATCH_INDEX;
	s->check = (struct match_check){0};
	c->pass.check = &s->check;
	s->lookup_use = (struct lookup_use){0};
	c->pass.lookup_use = s->indexed ? &s->lookup_use : NULL;
	c->door = &s->pipes->doors[0];
	c->enabled = true;
	c->out_pass = false;
	c->parse = (struct parse_cfg){.permit_single_frag6 = true};
}

bool
side_open(struct side *s, bool indexed, uint64_t seed, bool accept,
    unsigned max_states)
{
	struct rng key;

	s->indexed = indexed;
	s->next_id = 1;
	s->n_free = 0;
	for (unsigned i = SIDE_COUNTERS - 1; i > 0; i--)
		s->free[s->n_free++] = i;
	memset(s->counts, 0, sizeof(s->counts));
	memset(s->log_left, 0, sizeof(s->log_left));
	rng_init(&key, seed);
	rng_init(&s->rng, ~seed);
	s->state_cfg = (struct state_cfg){.life = {30, 5, 1, 1, 3, 2},
	    .max = max_states, .parent_max = max_states, .now_s = 1000};
	if (s->log == NULL)
		s->log = record_ring_create();
	if (s->pipes == NULL && !open_pipes(s))
		return false;
	s->states = state_create(2 * max_states + STATE_CAPACITY_MIN, &key);
	s->rules = ruleset_create(accept, 0);
	if (s->log == NULL || s->states == NULL || s->rules == NULL ||
	    !open_tables(s) || defrag_create(NULL, &s->ctx.defrag, NULL) != 0)
		return false;
	s->ctx.defrag->cfg = (struct reass_cfg){
	    .max_packets = 16, .max_frags = 4, .ttl_s = 3};
	s->ctx.now_s = s->state_cfg.now_s;
	open_ctx(s);
	open_lanes(s);
	s->ctx.pass.rules = s->rules;
	return true;
}

static void
counter_gone(void *arg, uint32_t counter)
{
	struct side *s = arg;

	s->counts[counter] = (struct counter){0};
	s->log_left[counter] = 0;
	s->free[s->n_free++] = counter;
}

void
side_close(struct side *s)
{
	if (s->draft != NULL)
		draft_destroy(s->draft);
	s->draft = NULL;
	s->draft_age = 0;
	ruleset_destroy(s->rules, counter_gone, s);
	defrag_destroy(s->ctx.defrag);
	state_destroy(s->states);
	s->rules = NULL;
	s->states = NULL;
	for (unsigned i = 1; i <= N_TABS; i++)
		side_empty(s, i);
	s->n_keys = 0;
}

void
side_fini(struct side *s)
{
	tables_destroy(s->tables);
	pipes_destroy(s->pipes);
	record_ring_destroy(s->log);
}

/* ---- changes ---- */

static void
end_draft(struct side *s)
{
	draft_destroy(s->draft);
	s->draft = NULL;
	s->draft_age = 0;
}

/* Lets a plan, and the forest that it shares with those before it, compare blocks
 * in another way than this machine's best. */
static void
choose_scan(const struct side *s, struct plan *pl)
{
	const struct block_scan *scan = block_scans();

	for (unsigned i = 0; i < s->scan && scan[1].name != NULL; i++)
		scan++;
	pl->scan = scan;
	if (pl->grove.forest != NULL)
		((struct forest *)(uintptr_t)pl->grove.forest)->scan = scan;
}

/* The index of 'next': the one before carried on, or one made from a draft that
 * has followed the changes for a while, as the control thread does it. */
static struct plan *
make_plan(struct side *s, const struct ruleset *next)
{
	struct plan *pl = NULL;

	if (s->draft == NULL && s->rules->plan != NULL &&
	    s->draft_late > 0 && plan_is_stale(s->rules->plan, 1))
		s->draft = draft_create(s->rules, &s->plan_cfg);
	if (s->draft != NULL) {
		draft_follow(s->draft, s->rules, next);
		if (s->draft_age++ == s->draft_late / 2)
			draft_build(s->draft);
		if (s->draft_age > s->draft_late) {
			pl = draft_plan(s->draft, next);
			end_draft(s);
		}
	}
	if (pl == NULL)
		pl = plan_create_cfg(next, s->rules, &s->plan_cfg);
	if (pl != NULL)
		choose_scan(s, pl);
	return pl;
}

void
side_publish(struct side *s, struct ruleset *next)
{
	if (next == NULL)
		return;
	next->plan = s->indexed ? make_plan(s, next) : NULL;
	ruleset_destroy(s->rules, counter_gone, s);
	s->rules = next;
	s->ctx.pass.rules = next;
}

void
side_add(struct side *s, const struct recipe *recipes, unsigned n)
{
	struct rule *add[SIDE_BURST];

	if (n > SIDE_BURST || s->n_free < n)
		abort();
	for (unsigned i = 0; i < n; i++) {
		const struct recipe *d = &recipes[i];
		const struct insn_log *log;

		add[i] = rule_create(&d->head, (uint16_t)d->head.rulenum,
		    s->next_id++, s->free[--s->n_free]);
		log = rule_log(add[i]);
		if (log != NULL)
			s->log_left[add[i]->counter] = log->max_log;
	}
	side_publish(s, ruleset_add(s->rules, add, n));
}

void
side_table(struct side *s, unsigned tab, const struct table_key *k,
    const struct table_value *v)
{
	struct table *t = s->tabs[tab];
	struct table_key key = *k;
	uint32_t old = 0, value;

	if (table_key_fit(t, &key, NULL) != 0)
		abort();
	if (v == NULL) {
		table_delete(s->tables, t, &key, &old);
	} else if (s->n_keys < SIDE_KEYS) {
		s->keys[s->n_keys].tab = tab;
		s->keys[s->n_keys++].key = key;
		value = tables_value_ref(s->tables, v, t->counters);
		table_set(s->tables, t, &key, value, &old);
	}
	if (old != 0)
		tables_value_put(s->tables, old);
	limbo_empty(tables_limbo(s->tables));
}

/* From a list of its own: a walk through a table of addresses takes long. */
void
side_empty(struct side *s, unsigned tab)
{
	unsigned n = s->n_keys;

	for (unsigned i = 0; i < n; i++)
		if (s->tabs[s->keys[i].tab]->type == s->tabs[tab]->type)
			side_table(s, tab, &s->keys[i].key, NULL);
}

static bool
is_kept(const struct pkt *p)
{
	return p->bad == PKT_GOOD && (p->verdict == VERDICT_DIVERT ||
	    p->verdict == VERDICT_PIPE || p->verdict == VERDICT_QUEUE);
}

/* Packets that were diverted, or sent through a pipe, come back and go on at the
 * next rule.  False if there are none. */
static bool
come_back(struct side *s, unsigned lane)
{
	struct pkt copies[SIDE_BURST], *held[SIDE_BURST];
	struct step_ctx *c = &s->ctx;
	unsigned n = 0;

	note_fates(s, s->n_rx);
	for (unsigned i = 0; i < s->n_rx; i++) {
		if (!is_kept(&c->pkts[i]))
			continue;
		copies[n] = c->pkts[i];
		held[n] = &copies[n];
		n++;
	}
	s->n_rx = n;
	if (n > 0 && held[0]->verdict == VERDICT_DIVERT)
		c->pass.diverted = DIVERTED_LOOPBACK;
	if (n > 0)
		resume_burst(c, &s->lanes[lane], held, n, false);
	c->pass.diverted = 0;
	return n > 0;
}

void
side_burst(struct side *s, unsigned lane)
{
	unsigned n = s->n_rx;

	s->n_sent = 0;
	step(&s->ctx, &s->lanes[lane], SIDE_BURST);
	if (s->ctx.enabled)
		for (unsigned i = 0; i < SIDE_ROUNDS && come_back(s, lane); i++)
			;
	s->n_rx = n;
}
