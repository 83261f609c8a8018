/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/uplink.h"

#include "base/clock.h"
#include "port/kinds.h"
#include "port/xdp_io.h"
#include "vale/nmport.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

enum {
	SLOTS = 1024,
	LONGEST = 1 << 16, /* a frame in several slots, and one octet */
	LOOK_ROUNDS = 256, /* of traffic, between two looks at the clock */
};
#define SPIN_NS	 (50 * NS_PER_US)  /* before it sleeps */
#define LOOK_NS	 (100 * NS_PER_MS) /* is somebody there?  the longest sleep */
#define SHORT_NS NS_PER_MS	   /* sleep while the port has a backlog */
#define GRACE_NS (10 * NS_PER_S)   /* for the first user to come */

/* A ring as we believe it to be: the one in memory others can write. */
struct end {
	struct netmap_ring *ring;
	uint32_t n_slots, head;
};

struct uplink {
	struct port *nic;
	struct nmport *pipe; /* NULL: closed */
	unsigned n_rings;
	struct end rx[NMPORT_MAX_RINGS]; /* what the program sends */
	struct end tx[NMPORT_MAX_RINGS];
	uint32_t n_bufs;
	unsigned full; /* tx rings without room, as bits */
	uint32_t first_gen; /* of the pipe's other end; another: had a user */
	ns_t started;
	uint64_t n_lost; /* read by any thread */
	struct port lender; /* as whose the program's packets are sent */
	struct pkt pkts[PORT_BURST];
	struct pkt *ptrs[PORT_BURST];
	uint8_t whole[LONGEST];
};

/* ---- slots ---- */

static unsigned
space(const struct end *end)
{
	uint32_t tail = __atomic_load_n(&end->ring->tail, __ATOMIC_RELAXED);

	if (unlikely(tail >= end->n_slots))
		return 0;
	return tail >= end->head ? tail - end->head :
				   tail + end->n_slots - end->head;
}

static inline struct netmap_slot *
slot_at(const struct end *end, uint32_t ahead)
{
	return &end->ring->slot[(end->head + ahead) & (end->n_slots - 1)];
}

static inline void
move(struct end *end, uint32_t n)
{
	end->head = (end->head + n) & (end->n_slots - 1);
	end->ring->head = end->ring->cur = end->head;
}

/* A number that cannot be leads to buffer 0, which nobody uses. */
static inline uint8_t *
buf_of(const struct uplink *u, const struct end *end,
    const struct netmap_slot *s)
{
	uint32_t idx = __atomic_load_n(&s->buf_idx, __ATOMIC_RELAXED);

	return nm_buf(end->ring, likely(idx < u->n_bufs) ? idx : 0);
}

static inline unsigned
buf_size(const struct end *end)
{
	return end->ring->nr_buf_size;
}

/* ---- from the port to the program ---- */

static unsigned
ring_of(const struct uplink *u, const struct pkt *p)
{
	if (u->n_rings == 1 || u->nic->ops != &port_xdp)
		return 0;
	return xdp_queue_of(p) % u->n_rings;
}

/* Puts one frame into as many slots as it takes; false if there is no room. */
static bool
put(struct uplink *u, const struct pkt *p)
{
	struct end *end = &u->tx[ring_of(u, p)];
	unsigned size = buf_size(end), left = p->len;
	unsigned n = (left + size - 1) / size;

	if (space(end) < n)
		return false;
	for (unsigned i = 0; i < n; i++) {
		struct netmap_slot *s = slot_at(end, i);
		unsigned len = left < size ? left : size;

		memcpy(buf_of(u, end, s), p->data + i * size, len);
		left -= len;
		s->len = (uint16_t)len;
		s->flags = left != 0 ? NS_MOREFRAG : 0;
	}
	move(end, n);
	return true;
}

/* As many as the roomiest ring could take; 0 when all are full. */
static unsigned
room(struct uplink *u)
{
	unsigned most = 0;

	u->full = 0;
	for (unsigned i = 0; i < u->n_rings; i++) {
		unsigned n;

		nmport_txsync(u->pipe, i); /* what has come back */
		n = space(&u->tx[i]);
		if (n == 0)
			u->full |= 1u << i;
		most = n > most ? n : most;
	}
	return most < PORT_BURST ? most : PORT_BURST;
}

static unsigned
receive(struct uplink *u)
{
	unsigned max = room(u), n;

	n = max == 0 ? 0 : port_rx(u->nic, u->pkts, max);
	for (unsigned i = 0; i < n; i++)
		if (u->pkts[i].len != 0)
			stat_add(&u->n_lost, !put(u, &u->pkts[i]));
	if (n == 0)
		return 0;
	port_release(u->nic);
	for (unsigned i = 0; i < u->n_rings; i++)
		nmport_txsync(u->pipe, i);
	return n;
}

/* ---- from the program to the port ---- */

/* How many slots the frame 'ahead' of head has; 0 if its end is not there. */
static unsigned
frame_slots(const struct end *end, unsigned ahead, unsigned n)
{
	for (unsigned i = ahead; i < n; i++)
		if ((slot_at(end, i)->flags & NS_MOREFRAG) == 0)
			return i - ahead + 1;
	return 0;
}

static unsigned
slot_len(const struct end *end, const struct netmap_slot *s)
{
	unsigned len = __atomic_load_n(&s->len, __ATOMIC_RELAXED);

	return len < buf_size(end) ? len : buf_size(end);
}

/* The frames of one slot each from head on. */
static unsigned
list_short(struct uplink *u, const struct end *end, unsigned n)
{
	unsigned k = 0;

	while (k < n && frame_slots(end, k, n) == 1) {
		const struct netmap_slot *s = slot_at(end, k);

		u->pkts[k] = (struct pkt){ .data = buf_of(u, end, s),
			.len = (uint16_t)slot_len(end, s) };
		u->ptrs[k] = &u->pkts[k];
		k++;
	}
	return k;
}

/* The frame of n slots at head in one piece; false if it is too long. */
static bool
gather(struct uplink *u, const struct end *end, unsigned n)
{
	unsigned len = 0;

	for (unsigned i = 0; i < n; i++) {
		const struct netmap_slot *s = slot_at(end, i);
		unsigned part = slot_len(end, s);

		if (len + part >= LONGEST)
			return false;
		memcpy(u->whole + len, buf_of(u, end, s), part);
		len += part;
	}
	u->pkts[0] = (struct pkt){ .data = u->whole, .len = (uint16_t)len };
	u->ptrs[0] = &u->pkts[0];
	return true;
}

/* The long frame at head; the slots that are done. */
static unsigned
send_long(struct uplink *u, struct end *end, unsigned n)
{
	unsigned slots = frame_slots(end, 0, n);

	if (slots == 0)
		slots = n; /* a frame without end: the other end broke it */
	else if (gather(u, end, slots))
		return port_tx(u->nic, &u->lender, u->ptrs, 1) == 1 ? slots :
								      0;
	stat_add(&u->n_lost, 1);
	return slots;
}

static unsigned
send_ring(struct uplink *u, unsigned i)
{
	struct end *end = &u->rx[i];
	unsigned n, can, k;

	nmport_rxsync(u->pipe, i);
	n = space(end);
	can = n == 0 ? 0 : port_room(u->nic);
	if (can == 0)
		return 0;
	can = can < PORT_BURST ? can : PORT_BURST;
	k = list_short(u, end, n < can ? n : can);
	k = k != 0 ? port_tx(u->nic, &u->lender, u->ptrs, k) :
		     send_long(u, end, n);
	move(end, k);
	nmport_rxsync(u->pipe, i); /* the slots are the program's again */
	return k;
}

static unsigned
transmit(struct uplink *u)
{
	unsigned n = 0;

	for (unsigned i = 0; i < u->n_rings; i++)
		n += send_ring(u, i);
	if (n != 0 || port_pending(u->nic) != 0)
		port_kick(u->nic);
	return n;
}

/* ---- life ---- */

/* Is it time to go?  Then the pipe is closed. */
static bool
is_over(struct uplink *u)
{
	if (nmport_has_peer(u->pipe) ||
	    (nmport_peer_gen(u->pipe) == u->first_gen &&
		clock_mono_ns() - u->started < GRACE_NS))
		return false;
	transmit(u); /* its last words */
	if (!nmport_close_alone(u->pipe))
		return false;
	u->pipe = NULL;
	return true;
}

static void
sleep_in_poll(struct uplink *u, bool has_nic)
{
	bool has_fd = has_nic && u->nic->fd != -1;
	struct pollfd fds[2] = {
		{ .fd = nmport_fd(u->pipe), .events = POLLIN },
		{ .fd = has_fd ? u->nic->fd : -1,
		    .events = has_fd && u->nic->events != 0 ? u->nic->events :
							      POLLIN },
	};
	struct timespec ts = { .tv_nsec = has_nic && !has_fd ? SHORT_NS :
							       LOOK_NS };

	ppoll(fds, 2, &ts, NULL);
}

/* Until the program or the port has something, or it is time to look. */
static void
nap(struct uplink *u)
{
	struct nmport_rings on = { u->full, ~0u };
	bool is_backlog = port_pending(u->nic) != 0, has_nic = false;
	bool has_all = u->full == (1u << u->n_rings) - 1;
	unsigned want = (has_all ? 0 : PORT_RX) | (is_backlog ? PORT_TX : 0);

	for (unsigned i = 0; i < u->n_rings; i++)
		is_backlog |= space(&u->rx[i]) != 0;
	if (want != 0) {
		if (!u->nic->ops->sleep_begin(u->nic, want))
			return;
		has_nic = true;
	}
	/* With a backlog the pipe has work that nobody can do yet. */
	if (is_backlog) {
		struct timespec ts = { .tv_nsec = SHORT_NS };

		ppoll(NULL, 0, &ts, NULL);
	} else if (nmport_sleep_on(u->pipe, NMPORT_RX |
		    (has_all ? NMPORT_TX : 0), on)) {
		sleep_in_poll(u, has_nic);
		nmport_sleep_end(u->pipe);
	}
	if (has_nic)
		u->nic->ops->sleep_end(u->nic);
}

void
uplink_run(struct uplink *u)
{
	unsigned rounds = 0;
	ns_t idle_since = 0;

	for (;;) {
		unsigned n = transmit(u) + receive(u);

		if (n != 0)
			idle_since = 0;
		if (n != 0 && ++rounds % LOOK_ROUNDS != 0)
			continue;
		if (n == 0 && idle_since == 0)
			idle_since = clock_mono_ns();
		if (n == 0 && clock_mono_ns() - idle_since < SPIN_NS) {
			sched_yield();
			continue;
		}
		if (n == 0)
			nap(u);
		if (is_over(u))
			return;
	}
}

/* The pipe may have been there, of any shape. */
static void
init_ends(struct uplink *u)
{
	struct nmport_info is;

	nmport_get_info(u->pipe, &is);
	u->n_rings = is.tx_rings < is.rx_rings ? is.tx_rings : is.rx_rings;
	u->n_bufs = nmport_n_bufs(u->pipe);
	for (unsigned i = 0; i < u->n_rings; i++) {
		struct netmap_ring *rx = nmport_rxring(u->pipe, i);
		struct netmap_ring *tx = nmport_txring(u->pipe, i);

		u->rx[i] = (struct end){ rx, is.rx_slots, rx->head };
		u->tx[i] = (struct end){ tx, is.tx_slots, tx->head };
	}
}

int
uplink_open(const char *pipe, const char *port, unsigned n_rings,
    struct uplink **out, struct err *e)
{
	const struct nmport_cfg cfg = { .tx_slots = SLOTS, .rx_slots = SLOTS,
		.tx_rings = n_rings, .rx_rings = n_rings };
	struct uplink *u = calloc(1, sizeof(*u));
	int rc;

	if (u == NULL)
		return err_set(e, ENOMEM, "%s: no memory", pipe);
	rc = nmport_open(pipe, &cfg, &u->pipe, e);
	if (rc == -EBUSY)
		rc = err_set(e, EALREADY, "%s: somebody is at it", pipe);
	if (rc == 0)
		rc = port_open(port, &u->nic, e);
	if (rc < 0) {
		uplink_close(u);
		return rc;
	}
	u->lender.ops = &port_vale;
	u->first_gen = nmport_peer_gen(u->pipe);
	u->started = clock_mono_ns();
	init_ends(u);
	*out = u;
	return 0;
}

uint64_t
uplink_lost(const struct uplink *u)
{
	return __atomic_load_n(&u->n_lost, __ATOMIC_RELAXED);
}

void
uplink_close(struct uplink *u)
{
	nmport_close(u->pipe);
	port_close(u->nic);
	free(u);
}
