/* SPDX-License-Identifier: BSD-2-Clause */
#include "pipe/requeue.h"

#include "packet/parse.h"

#include <string.h>

static void
add(struct requeue *w, struct held *h, struct flowset *fs,
    struct queue_counts *counts)
{
	stat_add(&counts->memory, -(uint64_t)held_size(h));
	h->ahead = (struct held *)(void *)fs;
	h->next = NULL;
	*w->end = h;
	w->end = &h->next;
}

/* Collects the packets of a stream. */
static void
empty_stream(struct requeue *w, struct dn_stream *st)
{
	struct dn_inst *in = st->inst;
	const struct sched_ops *ops = in->sched->ops;
	struct held *h;

	while ((h = queue_take(&st->pub.q)) != NULL)
		add(w, h, st->fs, &in->sched->counts);
	if (in->only != st || ops->drain == NULL)
		return;
	while ((h = ops->drain(&in->pub)) != NULL)
		add(w, h, st->fs, &in->sched->counts);
}

void
requeue_take(struct dn *dn, struct requeue *w, struct flowset *fs, ns_t now)
{
	struct member *m;

	for (m = fs->streams.first; m != NULL; m = m->next) {
		struct dn_stream *st = (struct dn_stream *)(void *)m;

		dn_serve(dn, st->inst, now);
		empty_stream(w, st);
		dn_arm(dn, st->inst);
	}
	members_free_streams(dn, fs, now);
}

static struct held *
merge(struct held *a, struct held *b)
{
	struct held *first = NULL, **end = &first;

	while (a != NULL && b != NULL) {
		struct held **from = b->time < a->time ? &b : &a;

		*end = *from;
		end = &(*end)->next;
		*from = *end;
	}
	*end = a != NULL ? a : b;
	return first;
}

/* Sorts by the time they came; keeps the order of equals.  Runs of 2^i packets
 * wait in sorted[i]. */
static struct held *
sort(struct held *h)
{
	enum { RUNS = 40 };
	struct held *sorted[RUNS] = {NULL}, *all = NULL;

	while (h != NULL) {
		struct held *run = h;
		unsigned i;

		h = h->next;
		run->next = NULL;
		for (i = 0; i + 1 < RUNS && sorted[i] != NULL; i++) {
			run = merge(sorted[i], run);
			sorted[i] = NULL;
		}
		sorted[i] = run;
	}
	for (unsigned i = 0; i < RUNS; i++)
		all = merge(sorted[i], all);
	return all;
}

/* The packet as parse sees it. */
static void
reparse(struct held *h, struct pkt *p)
{
	const struct parse_cfg any = {.permit_single_frag6 = true};

	memset(p, 0, sizeof(*p));
	p->data = h->frame;
	p->len = h->len;
	parse(p, &any);
}

static void
queue_again(struct dn *dn, struct held *h, ns_t now)
{
	struct flowset *fs = (struct flowset *)(void *)h->ahead;
	struct dn_stream *st = NULL;
	struct pkt p;

	reparse(h, &p);
	if (fs->sched != NULL && p.bad == PKT_GOOD)
		st = members_find(dn, fs, &p, 0, now);
	if (st == NULL) {
		stat_add(&dn->drops[DN_DROP_DELETED], 1);
		if (fs->sched != NULL)
			stat_add(&fs->sched->counts.drops[DN_DROP_DELETED], 1);
		slab_free(dn->slab, h);
		return;
	}
	st->pub.q.open = true;
	stat_add(&fs->sched->counts.memory, held_size(h));
	dn_put(dn, st, h, now);
	st->pub.q.open = false;
}

void
requeue_put(struct dn *dn, struct requeue *w, ns_t now)
{
	struct held *h = sort(w->first);

	while (h != NULL) {
		struct held *next = h->next;

		queue_again(dn, h, now);
		h = next;
	}
}
