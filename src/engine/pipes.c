/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/pipes.h"

#include "base/msgring.h"
#include "engine/fate.h"
#include "engine/keys.h"
#include "engine/resume.h"
#include "engine/vtime.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	RING = 1 << 21,	     /* octets between two workers, a direction */
	HUGE = 2 << 20,	     /* a big page */
	MAX_BATCHES = 8,     /* of packets that leave in one round */
	WARM = 32 << 20,     /* octets that get their pages beforehand */
};
#define STUCK_NS NS_PER_MS

/* A packet on its way to worker 0; frame and tags follow. */
struct handed {
	ns_t time;
	struct pkt_fate fate;
	uint32_t mark;
	uint16_t lane;
	uint16_t len;
	uint8_t n_tags;
	bool queue;
	bool out;
	bool go_on;
};

struct pipe_call {
	engine_dn_fn *fn;
	void *arg;
	int rc;
};

/* ---- life ---- */

/* Address space for packets; pages come when they are touched, big ones if the
 * system has them to give. */
static int
map_memory(struct pipes *p, size_t size, struct err *e)
{
	p->map_size = size + HUGE;
	p->map = mmap(NULL, p->map_size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p->map == MAP_FAILED) {
		p->map = NULL;
		return err_set(e, ENOMEM, "no address space of %zu octets for "
		    "pipes", p->map_size);
	}
	if (madvise(p->map, p->map_size, MADV_HUGEPAGE) == -1)
		return 0; /* small pages do as well */
	return 0;
}

static int
make_dn(struct pipes *p, size_t size, const struct pipes_cfg *pc,
    struct err *e)
{
	struct dn_cfg cfg = {.memory_size = size, .seed = pc->seed,
	    .exact = pc->vtime != NULL};
	int rc = keys_draw(pc->keys, &cfg.hash_key, sizeof(cfg.hash_key),
	    "pipes", e);

	if (rc != 0)
		return rc;
	cfg.memory = (void *)(((uintptr_t)p->map + HUGE - 1) &
	    ~(uintptr_t)(HUGE - 1));
	return dn_create(&cfg, &p->dn, e);
}

static int
make_doors(struct pipes *p, struct err *e)
{
	size_t size = p->n_doors * sizeof(*p->doors);

	if ((p->doors = calloc(1, size)) == NULL)
		return err_set(e, ENOMEM, "no memory for pipes");
	for (unsigned i = 0; i < p->n_doors; i++) {
		struct pipe_door *d = &p->doors[i];

		d->pipes = p;
		d->doorbell = -1;
		if (i > 0 && ((d->in = msgring_create(RING)) == NULL ||
		    (d->back = msgring_create(RING)) == NULL))
			return err_set(e, ENOMEM, "no memory for pipes");
	}
	return 0;
}

int
pipes_create(const struct pipes_cfg *cfg, struct pipes **out, struct err *e)
{
	size_t memory = cfg->memory != 0 ? cfg->memory : PIPES_MEMORY;
	struct pipes *p = calloc(1, sizeof(*p));
	int rc;

	if (p == NULL)
		return err_set(e, ENOMEM, "no memory for pipes");
	memory = memory / SLAB_CHUNK * SLAB_CHUNK;
	p->n_doors = cfg->n_workers;
	p->vtime = cfg->vtime;
	sem_init(&p->done, 0, 0);
	if ((rc = map_memory(p, memory, e)) != 0 ||
	    (rc = make_dn(p, memory, cfg, e)) != 0 ||
	    (rc = make_doors(p, e)) != 0) {
		pipes_destroy(p);
		return rc;
	}
	*out = p;
	return 0;
}

void
pipes_destroy(struct pipes *p)
{
	if (p == NULL)
		return;
	for (unsigned i = 0; p->doors != NULL && i < p->n_doors; i++) {
		msgring_destroy(p->doors[i].in);
		msgring_destroy(p->doors[i].back);
	}
	dn_destroy(p->dn);
	if (p->map != NULL)
		munmap(p->map, p->map_size);
	sem_destroy(&p->done);
	free(p->doors);
	free(p);
}

/* ---- in ---- */

static unsigned
copy_tags(const struct tag_pool *tags, uint32_t head, uint16_t *to)
{
	unsigned n = 0;

	for (; head != 0 && n < HELD_TAGS; head = tags->tags[head].next)
		to[n++] = tags->tags[head].value;
	return n;
}

/* Puts the packet into the ring to worker 0. */
static void
hand_over(struct step_ctx *c, const struct pkt *p, const struct dn_target *t)
{
	uint16_t tags[HELD_TAGS];
	unsigned n_tags = copy_tags(t->tags, p->tags, tags);
	struct handed *m = msgring_put(c->door->in, (uint32_t)(sizeof(*m) +
	    p->len + n_tags * sizeof(tags[0])));

	if (unlikely(m == NULL)) {
		stat_add(&c->door->lost, 1);
		return;
	}
	*m = (struct handed){.time = c->now_ns, .fate = p->fate,
	    .mark = p->mark, .lane = t->lane, .len = p->len,
	    .n_tags = (uint8_t)n_tags, .queue = t->queue, .out = t->out,
	    .go_on = t->go_on};
	memcpy(m + 1, p->data, p->len);
	memcpy((uint8_t *)(m + 1) + p->len, tags, n_tags * sizeof(tags[0]));
}

/* The time for dn: it never goes back, whoever's clock it was. */
static ns_t
on_time(struct pipes *p, ns_t t)
{
	if (t > p->last)
		p->last = t;
	return p->last;
}

/* In virtual time each comes at its own moment, and has its number. */
static void
take_stamped(struct step_ctx *c, const struct pkt *const *p, unsigned n,
    const struct dn_target *t)
{
	struct pipes *ps = c->door->pipes;
	const ns_t *stamps = c->vtime->stamps;

	on_time(ps, stamps[p[n - 1] - c->pkts]);
	dn_enqueue_stamped(ps->dn, p, n, t, c->pkts, stamps);
}

/* Takes p[n], all to one pipe or queue. */
static void
take_run(struct step_ctx *c, const struct pkt *const *p, unsigned n)
{
	struct pipe_door *d = c->door;
	const struct vtime *v = c->vtime;
	struct dn_target t = {
	    .nr = p[0]->fate.to,
	    .queue = p[0]->verdict == VERDICT_QUEUE,
	    .out = c->pass.out,
	    .go_on = !c->one_pass,
	    .lane = c->pass.lane,
	    .number = v != NULL ? v->number : 0,
	    .tags = &c->tags,
	};

	if (unlikely(d->in != NULL)) {
		for (unsigned i = 0; i < n; i++)
			hand_over(c, p[i], &t);
	} else if (v != NULL && v->stamps != NULL) {
		take_stamped(c, p, n, &t);
	} else {
		dn_enqueue_run(d->pipes->dn, p, n, &t,
		    on_time(d->pipes, c->now_ns));
	}
}

/* The segments of a packet that has them left, one after the other. */
static void
take_segments(struct step_ctx *c, const struct pkt *p)
{
	struct segments cut;
	struct pkt one;
	const struct pkt *run = &one;

	if (!segments_begin(&cut, p->data, p->len, p->slot)) {
		stat_add(&c->drops[DROP_PIPE], 1);
		return; /* it has been begun once: this cannot be */
	}
	while ((one.len = (uint16_t)segments_next(&cut, c->segment)) != 0) {
		one = (struct pkt){.data = c->segment, .len = one.len};
		parse(&one, &c->parse);
		one.fate = p->fate;
		one.verdict = p->verdict;
		one.mark = p->mark;
		one.tags = p->tags;
		take_run(c, &run, 1);
	}
}

/* Packets of a burst, some of which may have segments left. */
static void
take_cutting(struct step_ctx *c)
{
	for (unsigned i = 0; i < c->n_piped; i++) {
		if (c->piped[i]->slot != NULL)
			take_segments(c, c->piped[i]);
		else
			take_run(c, &c->piped[i], 1);
	}
	c->n_piped = 0;
}

void
pipes_take(struct step_ctx *c)
{
	const struct pkt **p = c->piped;
	unsigned n = c->n_piped;

	if (c->now_ns == 0)
		c->now_ns = vtime_mono_ns(c->vtime);
	if (unlikely(c->whole)) {
		take_cutting(c);
		return;
	}
	for (unsigned at = 0, k; at < n; at += k) {
		for (k = 1; at + k < n &&
		     p[at + k]->fate.to == p[at]->fate.to &&
		     p[at + k]->verdict == p[at]->verdict;)
			k++;
		take_run(c, &p[at], k);
	}
	c->n_piped = 0;
}

/* Gives a packet of another worker to dn. */
static void
take_handed(struct step_ctx *c, struct handed *m)
{
	struct pipes *ps = c->door->pipes;
	struct pkt p = {.data = (uint8_t *)(m + 1), .len = m->len};
	struct dn_target t = {.nr = m->fate.to, .queue = m->queue,
	    .out = m->out, .go_on = m->go_on, .lane = m->lane,
	    .tags = &c->tags};
	const uint8_t *tags = p.data + p.len;

	parse(&p, &c->parse);
	p.fate = m->fate;
	p.mark = m->mark;
	for (unsigned i = 0; i < m->n_tags; i++) {
		uint16_t tag;

		memcpy(&tag, tags + i * sizeof(tag), sizeof(tag));
		tag_set(&c->tags, &p.tags, tag);
	}
	dn_enqueue(ps->dn, &p, &t, on_time(ps, m->time));
}

/* Everything that the other workers have brought; at most a ring each. */
static unsigned
take_all_handed(struct step_ctx *c)
{
	struct pipes *p = c->door->pipes;
	unsigned n = 0;

	for (unsigned i = 1; i < p->n_doors; i++) {
		struct msgring *g = p->doors[i].in;
		unsigned before = n;
		struct handed *m;
		uint32_t len;

		tag_reset(&c->tags);
		while (n - before < 4 * PORT_BURST &&
		    (m = msgring_next(g, &len)) != NULL) {
			take_handed(c, m);
			n++;
		}
		if (n > before)
			msgring_release(g);
	}
	return n;
}

/* ---- out ---- */

static bool
same_way(const struct held *a, const struct held *b)
{
	return a->lane == b->lane &&
	    ((a->flags ^ b->flags) & (HELD_OUT | HELD_GO_ON)) == 0;
}

/* As a rule left the packet. */
static void
open_held(struct step_ctx *c, struct held *h, struct pkt *p)
{
	const uint8_t *tags = held_tags(h);

	*p = (struct pkt){.data = h->frame, .len = h->len};
	parse(p, &c->parse);
	p->mark = h->mark;
	p->fate = (struct pkt_fate){.rule_id = h->rule_id,
	    .rule_num = h->rule_num};
	p->verdict = (h->flags & HELD_GO_ON) != 0 ? VERDICT_PIPE :
						    VERDICT_ACCEPT;
	for (unsigned i = 0; i < h->n_tags; i++) {
		uint16_t tag;

		memcpy(&tag, tags + i * sizeof(tag), sizeof(tag));
		tag_set(&c->tags, &p->tags, tag);
	}
}

/* Further rules are asked. */
static void
resume_held(struct step_ctx *c, struct lane *lane, struct held *const *h,
    unsigned n)
{
	struct pkt pkts[PORT_BURST], *ptrs[PORT_BURST];

	tag_reset(&c->tags);
	for (unsigned i = 0; i < n; i++) {
		open_held(c, h[i], &pkts[i]);
		ptrs[i] = &pkts[i];
	}
	resume_burst(c, lane, ptrs, n, (h[0]->flags & HELD_OUT) != 0);
}

void
pipes_go_on(struct step_ctx *c, struct lane *lane, struct held *const *h,
    unsigned n)
{
	bool out = (h[0]->flags & HELD_OUT) != 0;

	c->now_ns = 0;
	if ((h[0]->flags & HELD_GO_ON) != 0 || (c->out_pass && !out)) {
		resume_held(c, lane, h, n);
		return;
	}
	for (unsigned i = 0; i < n; i++) {
		struct pkt *p = &c->pkts[i];

		p->data = h[i]->frame;
		p->len = h[i]->len;
		p->slot = NULL;
		c->to_send[i] = p;
	}
	fate_send(c, lane, &c->none, n);
	port_kick(lane->out);
}

static unsigned
room(struct lane *lane, unsigned n)
{
	unsigned there = port_room(lane->out);

	if (there < n) {
		port_kick(lane->out);
		there = port_room(lane->out);
	}
	return there < n ? there : n;
}

/* Sends what there is room for; returns how many are seen to, which is less
 * than 'n' if the rest is to wait. */
static unsigned
send_run(struct step_ctx *c, struct lane *lane, struct held *const *h,
    unsigned n)
{
	struct pipes *p = c->door->pipes;
	unsigned k = room(lane, n);

	if (likely(k > 0)) {
		pipes_go_on(c, lane, h, k);
		p->stuck_since = 0;
		return k;
	}
	if (p->stuck_since == 0)
		p->stuck_since = p->last;
	if (p->last - p->stuck_since < STUCK_NS)
		return 0;
	stat_add(&c->drops[DROP_TX_FULL], n);
	return n;
}

/* Gives packets to the worker of their lane. */
static void
hand_back(struct pipes *p, struct pipe_door *d, struct held *const *h,
    unsigned n)
{
	uint64_t one = 1;

	for (unsigned i = 0; i < n; i++) {
		uint32_t size = (uint32_t)(sizeof(*h[i]) + h[i]->len +
		    h[i]->n_tags * sizeof(uint16_t));
		void *m = msgring_put(d->back, size);

		if (m != NULL)
			memcpy(m, h[i], size);
		else
			stat_add(&p->lost, 1);
	}
	msgring_publish(d->back);
	/* Partner: the store in pipes_sleep(), which looks at the ring after
	 * it. */
	if (atomic_load_explicit(&d->asleep, memory_order_seq_cst) &&
	    write(d->doorbell, &one, sizeof(one)) == -1)
		return; /* EAGAIN: it has been woken */
}

/* The first packets of h[n] that have one way. */
static unsigned
run_of(struct held *const *h, unsigned n)
{
	unsigned k = 1;

	while (k < n && same_way(h[0], h[k]))
		k++;
	return k;
}

/* Sees to p->out; false if some have to wait. */
static bool
send_out(struct step_ctx *c, struct lane *lanes, unsigned n_lanes,
    struct lane *source)
{
	struct pipes *p = c->door->pipes;

	while (p->at < p->n_out) {
		struct held *const *h = &p->out[p->at];
		unsigned k = run_of(h, p->n_out - p->at), sent = k;
		unsigned worker = h[0]->lane / WORKER_MAX_LANES;
		unsigned i = h[0]->lane % WORKER_MAX_LANES;

		if (worker > 0 && worker < p->n_doors)
			hand_back(p, &p->doors[worker], h, k);
		else
			sent = send_run(c, worker == 0 && i < n_lanes ?
			    &lanes[i] : source, h, k);
		p->at += sent;
		if (sent == 0)
			return false;
	}
	dn_free(p->dn, p->out, p->n_out);
	p->n_out = p->at = 0;
	return true;
}

/* Packets whose time has come. */
static unsigned
leave(struct step_ctx *c, struct lane *lanes, unsigned n_lanes,
    struct lane *source)
{
	struct pipes *p = c->door->pipes;
	unsigned n = 0;

	for (unsigned i = 0; i < MAX_BATCHES; i++) {
		unsigned before = p->at;

		if (p->n_out == 0) {
			p->n_out = dn_run(p->dn,
			    on_time(p, vtime_mono_ns(p->vtime)), p->out, PORT_BURST);
			if (p->n_out == 0)
				break;
		}
		n += p->n_out - before;
		if (!send_out(c, lanes, n_lanes, source)) {
			on_time(p, vtime_mono_ns(p->vtime));
			n -= p->n_out - p->at;
			break;
		}
	}
	return n;
}

/* ---- control's calls ---- */

/* Runs it, and looks what is there then. */
static int
run_call(struct pipes *p, engine_dn_fn *fn, void *arg)
{
	int rc = fn(p->dn, on_time(p, vtime_mono_ns(p->vtime)), arg);

	atomic_store_explicit(&p->live,
	    !dn_is_empty(p->dn) || p->n_out > 0, memory_order_relaxed);
	return rc;
}

static bool
answer(struct pipes *p)
{
	struct pipe_call *call = atomic_load_explicit(&p->call,
	    memory_order_acquire);

	if (likely(call == NULL))
		return false;
	call->rc = run_call(p, call->fn, call->arg);
	atomic_store_explicit(&p->call, NULL, memory_order_relaxed);
	sem_post(&p->done); /* orders all of it */
	return true;
}

/* With the first pipe: a worker should not wait for pages, which can take the
 * system a millisecond each if they are big. */
static void
warm(struct pipes *p)
{
	if (p->map_size >= WARM &&
	    madvise(p->map, WARM, MADV_POPULATE_WRITE) == -1)
		return; /* an older system: they come when they are touched */
}

/* Has worker 0 run it, and waits. */
static int
post_call(struct pipes *p, engine_dn_fn *fn, void *arg)
{
	struct pipe_call call = {.fn = fn, .arg = arg};
	uint64_t one = 1;

	atomic_store_explicit(&p->call, &call, memory_order_release);
	if (write(p->doors[0].doorbell, &one, sizeof(one)) == -1)
		one = 0; /* EAGAIN: it rings already */
	while (sem_wait(&p->done) == -1)
		continue; /* EINTR */
	return call.rc;
}

int
pipes_call(struct pipes *p, bool running, engine_dn_fn *fn, void *arg)
{
	bool was_live = pipes_live(p);
	int rc = running ? post_call(p, fn, arg) : run_call(p, fn, arg);

	if (!was_live && pipes_live(p))
		warm(p);
	return rc;
}

uint64_t
pipes_lost(const struct pipes *p)
{
	uint64_t n = stat_get(&p->lost);

	for (unsigned i = 0; i < p->n_doors; i++)
		n += stat_get(&p->doors[i].lost);
	return n;
}

/* ---- rounds ---- */

unsigned
pipes_round(struct step_ctx *c, struct lane *lanes, unsigned n_lanes,
    struct lane *source)
{
	struct pipes *p = c->door->pipes;
	unsigned n = answer(p);

	n += take_all_handed(c);
	if (!pipes_live(p))
		return n;
	n += leave(c, lanes, n_lanes, source);
	return n;
}

unsigned
pipes_exchange(struct step_ctx *c, struct lane *lanes, unsigned n_lanes)
{
	struct pipe_door *d = c->door, *owner = &d->pipes->doors[0];
	struct held *h[PORT_BURST];
	uint64_t one = 1;
	unsigned n = 0;
	uint32_t len;

	if (msgring_unpublished(d->in)) {
		msgring_publish(d->in);
		/* Partner: as in hand_back(). */
		if (atomic_load_explicit(&owner->asleep,
		    memory_order_seq_cst) &&
		    write(owner->doorbell, &one, sizeof(one)) == -1)
			one = 0; /* EAGAIN: it has been woken */
	}
	while (n < PORT_BURST && (h[n] = msgring_next(d->back, &len)) != NULL)
		n++;
	for (unsigned at = 0, k; at < n; at += k) {
		unsigned i = h[at]->lane % WORKER_MAX_LANES;

		k = run_of(&h[at], n - at);
		if (i < n_lanes)
			pipes_go_on(c, &lanes[i], &h[at], k);
	}
	if (n > 0)
		msgring_release(d->back);
	return n;
}

ns_t
pipes_next(const struct pipes *p)
{
	if (!pipes_live(p))
		return UINT64_MAX;
	return p->n_out > 0 ? 0 : dn_next(p->dn);
}

bool
pipes_due_in(const struct pipes *p, ns_t ns)
{
	return pipes_live(p) && pipes_next(p) <= p->last + ns;
}

/* True if other workers have something for this one. */
static bool
has_mail(const struct pipe_door *d)
{
	const struct pipes *p = d->pipes;

	if (d->back != NULL)
		return !msgring_empty(d->back) || msgring_unpublished(d->in);
	for (unsigned i = 1; i < p->n_doors; i++) {
		if (!msgring_empty(p->doors[i].in))
			return true;
	}
	return false;
}

bool
pipes_sleep(struct pipe_door *d)
{
	atomic_store_explicit(&d->asleep, true, memory_order_seq_cst);
	return !has_mail(d);
}

void
pipes_awake(struct pipe_door *d)
{
	atomic_store_explicit(&d->asleep, false, memory_order_relaxed);
}
