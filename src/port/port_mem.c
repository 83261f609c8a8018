/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A queue in memory with a name: what is sent to "mem:a" is received from it.
 *
 * For tests and benchmarks inside one process: several ports may have the same
 * name and share the queue, e.g. 'kipfw source: mem:a mem:a sink:'.  "mem:a>b"
 * receives from one and sends to another, so that b keeps what it got.
 * Threads: one sender and one receiver at a time.
 *
 *	tail                head
 *	 | lent ... waiting  | free ...
 */
#include "port/kinds.h"
#include "port/mem.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 1024, STRIDE = 2112 };

struct mem_queue {
	struct mem_queue *next; /* control thread only, as refs */
	unsigned refs;
	char name[PORT_NAME_LEN];
	_Alignas(CACHE_LINE) _Atomic uint32_t head; /* written by tx */
	_Alignas(CACHE_LINE) _Atomic uint32_t tail; /* written by rx */
	uint32_t lent;
	uint16_t lens[SLOTS];
	uint8_t bufs[SLOTS][STRIDE];
};

struct mem { /* a port */
	struct mem_queue *rx;
	struct mem_queue *tx; /* the same, unless the name has two */
};

static struct mem_queue *queues;

static unsigned
queue_used(const struct mem_queue *q)
{
	return atomic_load_explicit(&q->head, memory_order_acquire) -
	    atomic_load_explicit(&q->tail, memory_order_acquire);
}

struct mem_queue *
mem_queue_open(const char *name)
{
	struct mem_queue *q;

	for (q = queues; q != NULL; q = q->next) {
		if (strcmp(q->name, name) == 0) {
			q->refs++;
			return q;
		}
	}
	if ((q = aligned_alloc(CACHE_LINE, sizeof(*q))) == NULL)
		return NULL;
	memset(q, 0, offsetof(struct mem_queue, bufs));
	snprintf(q->name, sizeof(q->name), "%s", name);
	q->refs = 1;
	q->next = queues;
	queues = q;
	return q;
}

void
mem_queue_close(struct mem_queue *q)
{
	if (--q->refs > 0)
		return;
	for (struct mem_queue **w = &queues; *w != NULL; w = &(*w)->next) {
		if (*w == q) {
			*w = q->next;
			break;
		}
	}
	free(q);
}

bool
mem_queue_put(struct mem_queue *q, const void *frame, unsigned len)
{
	uint32_t head = atomic_load_explicit(&q->head, memory_order_relaxed);

	if (len > STRIDE || queue_used(q) == SLOTS)
		return false;
	memcpy(q->bufs[head % SLOTS], frame, len);
	q->lens[head % SLOTS] = (uint16_t)len;
	/* Partner: the acquire in queue_used() of the receiver. */
	atomic_store_explicit(&q->head, head + 1, memory_order_release);
	return true;
}

unsigned
mem_queue_get(struct mem_queue *q, void *frame, unsigned room)
{
	uint32_t tail = atomic_load_explicit(&q->tail, memory_order_relaxed);
	unsigned len;

	if (queue_used(q) == 0)
		return 0;
	len = q->lens[tail % SLOTS];
	memcpy(frame, q->bufs[tail % SLOTS], len < room ? len : room);
	atomic_store_explicit(&q->tail, tail + 1, memory_order_release);
	return len;
}

/* Opens the queue, or the two. */
static bool
open_queues(struct mem *m, const char *name)
{
	const char *second = strchr(name, '>');
	char part[PORT_NAME_LEN];

	if (second == NULL)
		return (m->rx = mem_queue_open(name)) != NULL &&
		    (m->tx = mem_queue_open(name)) != NULL;
	snprintf(part, sizeof(part), "%.*s", (int)(second - name), name);
	m->rx = mem_queue_open(part);
	snprintf(part, sizeof(part), "%s%s", port_mem.kind, second + 1);
	m->tx = mem_queue_open(part);
	return m->rx != NULL && m->tx != NULL;
}

static void
mem_close(struct port *p)
{
	struct mem *m = p->priv;

	if (m->rx != NULL)
		mem_queue_close(m->rx);
	if (m->tx != NULL)
		mem_queue_close(m->tx);
	free(m);
}

static int
mem_open(struct port *p, const char *name, struct err *e)
{
	if (name[strlen(port_mem.kind)] == '\0')
		return err_set(e, EINVAL, "port '%s': a name must follow", name);
	if ((p->priv = calloc(1, sizeof(struct mem))) == NULL)
		return err_set(e, ENOMEM, "port '%s': no memory", name);
	if (open_queues(p->priv, name))
		return 0;
	mem_close(p);
	return err_set(e, ENOMEM, "port '%s': no memory", name);
}

static unsigned
mem_rx(struct port *p, struct pkt *pkts, unsigned max)
{
	struct mem_queue *q = ((struct mem *)p->priv)->rx;
	uint32_t tail = atomic_load_explicit(&q->tail, memory_order_relaxed);
	unsigned n = queue_used(q);

	if (n > max)
		n = max;
	for (unsigned i = 0; i < n; i++) {
		unsigned k = (tail + i) % SLOTS;

		pkts[i].data = q->bufs[k];
		pkts[i].len = q->lens[k];
		stat_add(&p->stats.rx_bytes, q->lens[k]);
	}
	q->lent = n;
	stat_add(&p->stats.rx_pkts, n);
	return n;
}

static void
mem_release(struct port *p)
{
	struct mem_queue *q = ((struct mem *)p->priv)->rx;
	uint32_t tail = atomic_load_explicit(&q->tail, memory_order_relaxed);

	/* Partner: the acquire in queue_used() of the sender. */
	atomic_store_explicit(&q->tail, tail + q->lent, memory_order_release);
	q->lent = 0;
}

static unsigned
mem_room(struct port *p)
{
	return SLOTS - queue_used(((struct mem *)p->priv)->tx);
}

static unsigned
mem_tx(struct port *p, struct port *from, struct pkt *const *pkts, unsigned n)
{
	struct mem *m = p->priv;
	unsigned i;

	(void)from;
	for (i = 0; i < n; i++) {
		if (!mem_queue_put(m->tx, pkts[i]->data, pkts[i]->len))
			break;
		stat_add(&p->stats.tx_bytes, pkts[i]->len);
	}
	stat_add(&p->stats.tx_pkts, i);
	return i;
}

static void
mem_nothing(struct port *p)
{
	(void)p;
}

/* Nobody wakes the reader of a memory queue, so it may only sleep briefly:
 * the worker bounds its sleep while such a port is there. */
static bool
mem_sleep_begin(struct port *p, unsigned flags)
{
	if ((flags & PORT_RX) != 0 &&
	    queue_used(((struct mem *)p->priv)->rx) != 0)
		return false;
	return (flags & PORT_TX) == 0 || mem_room(p) == 0;
}

const struct port_ops port_mem = {
	.kind = "mem:",
	.help = "mem:NAME         a queue in memory: what is sent to it is "
		"received from it",
	.open = mem_open,
	.close = mem_close,
	.rx = mem_rx,
	.release = mem_release,
	.room = mem_room,
	.tx = mem_tx,
	.kick = mem_nothing,
	.pending = port_none_pending,
	.sleep_begin = mem_sleep_begin,
	.sleep_end = mem_nothing,
};
