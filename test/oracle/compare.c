/* SPDX-License-Identifier: BSD-2-Clause */
#include "test/oracle/compare.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static __attribute__((format(printf, 2, 3))) const char *
differs(char *text, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, COMPARE_TEXT, fmt, ap);
	va_end(ap);
	return text;
}

/* The index of the rule that counts in 'counter'. */
static unsigned
rule_of(const struct side *s, unsigned counter)
{
	unsigned i = 0;

	while (i < s->rules->n_rules && s->rules->rules[i]->counter != counter)
		i++;
	return i;
}

static const char *
packets(const struct side *a, const struct side *b, char *text)
{
	for (unsigned i = 0; i < b->n_rx; i++) {
		const struct pkt *p = &a->ctx.pkts[i], *q = &b->ctx.pkts[i];

		if (p->bad != q->bad || p->verdict != q->verdict)
			return differs(text, "packet %u: verdict %u (bad %u), "
			    "linear %u (bad %u)", i, p->verdict, p->bad,
			    q->verdict, q->bad);
		if (p->mark != q->mark || p->tags != q->tags)
			return differs(text, "packet %u: mark %u, linear %u", i,
			    p->mark, q->mark);
		if (p->reply != q->reply || p->reply_code != q->reply_code ||
		    p->reply_mtu != q->reply_mtu)
			return differs(text, "packet %u: answer %u, linear %u",
			    i, p->reply, q->reply);
		if (memcmp(a->frames[i], b->frames[i], b->lens[i]) != 0)
			return differs(text, "packet %u: rewritten otherwise",
			    i);
	}
	return NULL;
}

static const char *
counters(const struct side *a, const struct side *b, char *text)
{
	unsigned n = b->rules->n_counters;

	for (unsigned i = 0; i < n; i++) {
		if (memcmp(&a->counts[i], &b->counts[i],
			sizeof(a->counts[i])) != 0)
			return differs(text, "rule at %u: %lu packets, linear "
			    "%lu", rule_of(b, i), a->counts[i].pkts,
			    b->counts[i].pkts);
		if (a->log_left[i] != b->log_left[i])
			return differs(text, "rule at %u: log budget",
			    rule_of(b, i));
	}
	return NULL;
}

static const char *
records(struct side *a, struct side *b, char *text)
{
	if (a->log->next != b->log->next || a->log->lost != b->log->lost)
		return differs(text, "%u records, linear %u", a->log->next,
		    b->log->next);
	for (;;) {
		const struct record *p = record_first(a->log);
		const struct record *q = record_first(b->log);
		size_t from = offsetof(struct record, rule_id), same;

		if (p == NULL || q == NULL)
			return NULL;
		same = offsetof(struct record, frame) + q->kept - from;
		if (memcmp((const char *)p + from, (const char *)q + from,
			same) != 0)
			return differs(text, "record of rule %u, linear %u",
			    p->rule, q->rule);
		record_done(a->log);
		record_done(b->log);
	}
}

const char *
compare_burst(struct side *a, struct side *b, char text[COMPARE_TEXT])
{
	const char *d;

	if ((d = packets(a, b, text)) != NULL ||
	    (d = counters(a, b, text)) != NULL ||
	    (d = records(a, b, text)) != NULL)
		return d;
	if (a->n_sent != b->n_sent || memcmp(a->sent, b->sent, b->n_sent) != 0)
		return differs(text, "what was sent, or its order");
	if (memcmp(a->ctx.drops, b->ctx.drops, sizeof(a->ctx.drops)) != 0)
		return differs(text, "drops");
	if (a->check.differences != 0)
		return differs(text, "verify: rule %lu would be missed",
		    a->check.rule);
	if (memcmp(&a->rng, &b->rng, sizeof(a->rng)) != 0)
		return differs(text, "chance: another number of draws");
	if (state_count(a->states) != state_count(b->states) ||
	    state_parent_count(a->states) != state_parent_count(b->states))
		return differs(text, "%u states, linear %u",
		    state_count(a->states), state_count(b->states));
	return NULL;
}

/* ---- deep ---- */

static const char *
states(struct side *a, struct side *b, char *text)
{
	uint32_t end = state_end(b->states), now = b->state_cfg.now_s;

	if (state_end(a->states) != end)
		return differs(text, "%u states ever, linear %u",
		    state_end(a->states), end);
	for (uint32_t i = 1; i < end; i++) {
		struct state_view p, q;
		bool has_p, has_q;

		memset(&p, 0, sizeof(p));
		memset(&q, 0, sizeof(q));
		has_p = state_read(a->states, i, now, &p);
		has_q = state_read(b->states, i, now, &q);
		if (has_p != has_q)
			return differs(text, "state %u: %d, linear %d", i,
			    has_p, has_q);
		if (has_p && memcmp(&p, &q, sizeof(p)) != 0)
			return differs(text, "state %u: rule %u, %lu packets, "
			    "linear: rule %u, %lu packets", i, p.rule.num,
			    p.pkts, q.rule.num, q.pkts);
	}
	return NULL;
}

static const char *
entries(struct side *a, struct side *b, unsigned tab, char *text)
{
	uint32_t n = 0, m = 0;
	struct table_entry *p = table_entries(a->tables, a->tabs[tab], &n);
	struct table_entry *q = table_entries(b->tables, b->tabs[tab], &m);
	const char *d = NULL;

	for (uint32_t i = 0; i < n && i < m && d == NULL; i++)
		if (p[i].pkts != q[i].pkts || p[i].bytes != q[i].bytes)
			d = differs(text, "table %u, entry %u: %lu packets, "
			    "linear %lu", tab, i, p[i].pkts, q[i].pkts);
	if (d == NULL && (p == NULL) != (q == NULL))
		d = differs(text, "table %u: entries", tab);
	free(p);
	free(q);
	return d;
}

const char *
compare_deep(struct side *a, struct side *b, char text[COMPARE_TEXT])
{
	const char *d = states(a, b, text);

	for (unsigned i = 1; i <= N_TABS && d == NULL; i++)
		if (b->tabs[i]->counters)
			d = entries(a, b, i, text);
	return d;
}
