/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/diverts.h"

#include "engine/fate.h"
#include "engine/resume.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { RING_OUT = 1 << 20, RING_BACK = 1 << 19 };

int
diverts_create(unsigned n_workers, struct diverts **out, struct err *e)
{
	struct diverts *d = calloc(1, sizeof(*d));

	if (d == NULL ||
	    (d->ways = calloc(n_workers, sizeof(*d->ways))) == NULL)
		goto err_memory;
	d->n_ways = n_workers;
	for (unsigned i = 0; i < n_workers; i++) {
		d->ways[i].out.ports = &d->ports;
		d->ways[i].out.ring = msgring_create(RING_OUT);
		d->ways[i].back = msgring_create(RING_BACK);
		if (d->ways[i].out.ring == NULL || d->ways[i].back == NULL)
			goto err_memory;
	}
	d->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (d->wake == -1) {
		int rc = err_set(e, errno, "divert: eventfd: %s",
		    strerror(errno));

		diverts_destroy(d);
		return rc;
	}
	*out = d;
	return 0;
err_memory:
	diverts_destroy(d);
	return err_set(e, ENOMEM, "no memory for divert");
}

void
diverts_destroy(struct diverts *d)
{
	if (d == NULL)
		return;
	for (unsigned i = 0; i < d->n_ways; i++) {
		msgring_destroy(d->ways[i].out.ring);
		msgring_destroy(d->ways[i].back);
	}
	if (d->wake > 0)
		close(d->wake);
	free(d->ways);
	free(d);
}

void
diverts_publish(struct diverts *d, struct divert_way *way)
{
	uint64_t one = 1;

	if (likely(!msgring_unpublished(way->out.ring)))
		return;
	msgring_publish(way->out.ring);
	/* Partner: the store in diverts_sleep(), which looks at the rings
	 * after it. */
	if (atomic_load_explicit(&d->asleep, memory_order_seq_cst) &&
	    write(d->wake, &one, sizeof(one)) == -1)
		return; /* EAGAIN: it has been woken */
}

/* A run of packets that go on together: same lane, pass and history. */
struct run {
	struct lane *lane;
	uint8_t diverted;
	bool out;
	unsigned n;
};

/* The packet in a message; it may be one that parse finds bad. */
static struct pkt
open_message(const struct step_ctx *c, struct kipfw_divert *m)
{
	struct pkt p = {.data = (uint8_t *)(m + 1), .len = (uint16_t)m->len};

	parse(&p, &c->parse);
	p.mark = m->mark;
	p.verdict = VERDICT_DIVERT;
	p.fate = (struct pkt_fate){.rule_num = m->rule,
	    .rule_id = m->rule != 0 ? UINT32_MAX : 0};
	return p;
}

static struct run
run_of(const struct kipfw_divert *m, struct lane *lanes, unsigned n)
{
	unsigned k = m->lane % WORKER_MAX_LANES % n;
	bool out = m->dir == KIPFW_DIVERT_OUT;
	uint8_t bit = out ? DIVERTED_OUTPUT : DIVERTED_LOOPBACK;

	return (struct run){.lane = &lanes[k], .out = out,
	    .diverted = m->rule != 0 ? bit : 0};
}

static void
end_run(struct step_ctx *c, struct run *r, struct pkt *pkts)
{
	struct pkt *held[PORT_BURST];

	for (unsigned i = 0; i < r->n; i++)
		held[i] = &pkts[i];
	if (r->n > port_room(r->lane->out))
		port_kick(r->lane->out);
	tag_reset(&c->tags);
	c->now_ns = 0; /* these came now */
	c->pass.diverted = r->diverted;
	resume_burst(c, r->lane, held, r->n, r->out);
	c->pass.diverted = 0;
	r->n = 0;
}

unsigned
diverts_resume(struct step_ctx *c, struct divert_way *way, struct lane *lanes,
    unsigned n)
{
	struct pkt pkts[PORT_BURST];
	struct kipfw_divert *m;
	struct run r = {0};
	unsigned total = 0;
	uint32_t len;

	while (total < PORT_BURST &&
	    (m = msgring_next(way->back, &len)) != NULL) {
		struct run next = run_of(m, lanes, n);

		if (r.n > 0 && (next.lane != r.lane || next.out != r.out ||
		    next.diverted != r.diverted))
			end_run(c, &r, pkts);
		next.n = r.n;
		r = next;
		pkts[r.n++] = open_message(c, m);
		total++;
	}
	if (r.n > 0)
		end_run(c, &r, pkts);
	if (total > 0) {
		msgring_release(way->back);
		stat_add(&way->resumed, total);
	}
	return total;
}

void
diverts_listen(struct diverts *d, uint16_t port, bool on)
{
	uint64_t bit = 1ull << port % 64;

	if (on)
		atomic_fetch_or(&d->ports.words[port / 64], bit);
	else
		atomic_fetch_and(&d->ports.words[port / 64], ~bit);
}

bool
diverts_sleep(struct diverts *d)
{
	atomic_store_explicit(&d->asleep, true, memory_order_seq_cst);
	for (unsigned i = 0; i < d->n_ways; i++)
		if (!msgring_empty(d->ways[i].out.ring))
			return false;
	return true;
}

void
diverts_awake(struct diverts *d)
{
	uint64_t n;

	atomic_store_explicit(&d->asleep, false, memory_order_relaxed);
	if (read(d->wake, &n, sizeof(n)) == -1)
		return; /* EAGAIN: something else woke it */
}

bool
diverts_give_back(struct diverts *d, unsigned way, const void *msg,
    uint32_t len)
{
	void *room = msgring_put(d->ways[way].back, len);

	if (room != NULL)
		memcpy(room, msg, len);
	return room != NULL;
}
