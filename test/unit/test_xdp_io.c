/* SPDX-License-Identifier: BSD-2-Clause */
/* Receiving and sending over AF_XDP rings, with a test in the kernel's place:
 * frames that are lent, swapped, gathered and cut, and descriptors that lie. */
#include "unit.h"

#include "frames.h"

#include "port/kinds.h"
#include "port/xdp_io.h"

#include <stdlib.h>
#include <string.h>

enum { SIZE = 64, FRAMES = 256 };

/* A port and the kernel's side of its rings. */
struct side {
	struct port port;
	struct xdp x;
	struct xdp_desc rx[SIZE], tx[SIZE];
	uint64_t fill[SIZE], comp[SIZE];
	uint32_t rx_prod, rx_cons, tx_prod, tx_cons;
	uint32_t fill_prod, fill_cons, comp_prod, comp_cons;
	uint32_t flags;
};

static struct side *a, *b; /* they share their memory */
static struct pkt pkts[PORT_BURST];
static struct pkt *ptrs[PORT_BURST];

static void
make_rings(struct side *s)
{
	struct xdp_queue *q = &s->x.queues[0];

	q->rx = (struct xsk_ring_cons){.mask = SIZE - 1, .size = SIZE,
	    .producer = &s->rx_prod, .consumer = &s->rx_cons, .ring = s->rx,
	    .flags = &s->flags};
	q->comp = (struct xsk_ring_cons){.mask = SIZE - 1, .size = SIZE,
	    .producer = &s->comp_prod, .consumer = &s->comp_cons,
	    .ring = s->comp, .flags = &s->flags};
	q->tx = (struct xsk_ring_prod){.mask = SIZE - 1, .size = SIZE,
	    .producer = &s->tx_prod, .consumer = &s->tx_cons, .ring = s->tx,
	    .flags = &s->flags, .cached_cons = SIZE};
	q->fill = (struct xsk_ring_prod){.mask = SIZE - 1, .size = SIZE,
	    .producer = &s->fill_prod, .consumer = &s->fill_cons,
	    .ring = s->fill, .flags = &s->flags, .cached_cons = SIZE};
	q->size = SIZE;
	q->gather = XDP_NONE;
	q->has_frags = true;
}

static struct side *
make(unsigned max_len)
{
	struct side *s = calloc(1, sizeof(*s));
	struct xdp *x = &s->x;
	struct err e;

	s->port.ops = &port_xdp;
	s->port.priv = x;
	assert_int_equal(xdp_umem_get(FRAMES, FRAMES, &x->umem, &x->half, &e),
	    0);
	x->n_frames = FRAMES;
	x->free = calloc(FRAMES, sizeof(*x->free));
	for (uint32_t i = 0; i < x->umem->n_frames; i++) {
		if (x->umem->owner[i] == x->half)
			xdp_free(x, i);
	}
	x->longs = malloc((size_t)XDP_LONGS * XDP_LONG_SIZE);
	for (int i = 0; i < XDP_LONGS; i++)
		x->free_longs[x->n_free_longs++] = i;
	x->max_len = max_len;
	x->pieces = (max_len + XDP_FRAME_SIZE - 1) / XDP_FRAME_SIZE;
	x->n_queues = 1;
	x->look_at = UINT64_MAX; /* there is no interface to look at */
	x->has_warned = true; /* and nobody to warn */
	x->batch = x->live = XDP_BATCH_NONE;
	x->cutting = XDP_NONE;
	make_rings(s);
	return s;
}

static void
unmake(struct side *s)
{
	xdp_umem_put(s->x.umem, s->x.half);
	free(s->x.free);
	free(s->x.longs);
	free(s);
}

static int
set_up(void **state)
{
	(void)state;
	a = make(9022);
	b = make(9022);
	for (unsigned i = 0; i < PORT_BURST; i++)
		ptrs[i] = &pkts[i];
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	unmake(a);
	unmake(b);
	return 0;
}

/* The kernel takes a frame from the fill ring. */
static uint64_t
k_frame(struct side *s)
{
	if (s->fill_cons == s->fill_prod)
		fail_msg("no frame to receive into");
	return s->fill[s->fill_cons++ % SIZE];
}

static void
k_describe(struct side *s, uint64_t addr, uint32_t len, bool more)
{
	s->rx[s->rx_prod++ % SIZE] = (struct xdp_desc){addr, len,
	    more ? XDP_DESC_MORE : 0};
}

/* The kernel receives a frame of 'len' octets 'what', a piece at a time. */
static void
k_receive(struct side *s, unsigned len, uint8_t what, unsigned piece)
{
	while (len > 0) {
		unsigned n = len < piece ? len : piece;
		uint64_t addr = k_frame(s) + 256;

		memset(s->x.umem->frames + addr, what, n);
		len -= n;
		k_describe(s, addr, n, len > 0);
	}
}

/* The kernel sends all that is in the tx ring. */
static unsigned
k_send(struct side *s)
{
	unsigned n = s->tx_prod - s->tx_cons;

	while (s->tx_cons != s->tx_prod)
		s->comp[s->comp_prod++ % SIZE] =
		    s->tx[s->tx_cons++ % SIZE].addr;
	return n;
}

static unsigned
rx(struct side *s)
{
	return xdp_rx(&s->port, pkts, PORT_BURST);
}

/* All frames of the side are somewhere, once. */
static void
complete(struct side *s)
{
	struct xdp *x = &s->x;
	bool *seen = calloc(x->umem->n_frames, sizeof(*seen));
	unsigned n = x->n_free;

	for (uint32_t i = 0; i < x->n_free; i++) {
		assert_false(seen[x->free[i]]);
		assert_int_equal(x->umem->owner[x->free[i]], x->half);
		seen[x->free[i]] = true;
	}
	for (uint32_t i = s->fill_cons; i != s->fill_prod; i++, n++) {
		uint32_t frame = (uint32_t)(s->fill[i % SIZE] >> 12);

		assert_false(seen[frame]);
		assert_int_equal(x->umem->owner[frame], x->half);
		seen[frame] = true;
	}
	assert_int_equal(n, FRAMES);
	assert_int_equal(x->n_free_longs, XDP_LONGS);
	assert_int_equal(x->queues[0].n_in_rx, s->fill_prod - s->fill_cons);
	free(seen);
}

/* Frames go from one port to the other where they lie, thousands of times. */
static void
swapped(void **state)
{
	(void)state;
	b->x.pieces = 1;
	assert_int_equal(rx(a), 0); /* fills */
	for (unsigned round = 0; round < 3000; round++) {
		unsigned n = 1 + round % 50;
		uint8_t *at[64];

		for (unsigned i = 0; i < n; i++)
			k_receive(a, 60 + i, (uint8_t)(round + i), 4096);
		assert_int_equal(rx(a), n);
		for (unsigned i = 0; i < n; i++) {
			at[i] = pkts[i].data;
			assert_int_equal(pkts[i].len, 60 + i);
			assert_int_equal(at[i][59], (uint8_t)(round + i));
		}
		assert_true(xdp_room(&b->port) >= n);
		assert_int_equal(xdp_tx(&b->port, &a->port, ptrs, n), n);
		xdp_release(&a->port);
		for (unsigned i = 0; i < n; i++) {
			const struct xdp_desc *d =
			    &b->tx[(b->tx_cons + i) % SIZE];

			assert_ptr_equal(b->x.umem->frames + d->addr, at[i]);
			assert_int_equal(d->len, 60 + i);
		}
		assert_int_equal(k_send(b), n);
		xdp_kick(&b->port);
		assert_int_equal(rx(a), 0);
		complete(a);
		complete(b);
	}
	assert_int_equal(b->port.stats.tx_pkts, a->port.stats.rx_pkts);
	assert_int_equal(b->port.stats.tx_bytes, a->port.stats.rx_bytes);
}

/* A long frame is gathered, also over two calls, and leaves in pieces. */
static void
in_pieces(void **state)
{
	(void)state;
	rx(a);
	k_receive(a, 9022, 0x5a, 3840);
	a->rx_prod--; /* its last piece is not there yet */
	assert_int_equal(rx(a), 0);
	assert_int_equal(xdp_pending(&a->port), 0);
	a->rx_prod++;
	assert_int_equal(rx(a), 1);
	assert_int_equal(pkts[0].len, 9022);
	for (unsigned i = 0; i < 9022; i++)
		assert_int_equal(pkts[0].data[i], 0x5a);
	assert_int_equal(xdp_tx(&b->port, &a->port, ptrs, 1), 1);
	xdp_release(&a->port);
	assert_int_equal(b->tx_prod, 3);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(b->tx[i].len, i < 2 ? 4096 : 9022 - 8192);
		assert_int_equal(b->tx[i].options, i < 2 ? XDP_DESC_MORE : 0);
		assert_int_equal(b->x.umem->frames[b->tx[i].addr], 0x5a);
	}
	assert_int_equal(xdp_pending(&b->port), 3);
	k_send(b);
	xdp_kick(&b->port);
	rx(a);
	complete(a);
	complete(b);
}

/* More long frames than buffers: the rest waits in the ring. */
static void
many_long(void **state)
{
	unsigned n = 0;

	(void)state;
	for (unsigned i = 0; i < XDP_LONGS - 3; i++)
		a->x.n_free_longs--; /* somebody has them */
	rx(a);
	for (int i = 0; i < 5; i++)
		k_receive(a, 5000, (uint8_t)i, 3840);
	for (int i = 0; i < 2; i++) {
		unsigned got = rx(a);

		assert_int_equal(got, i == 0 ? 3 : 2);
		for (unsigned k = 0; k < got; k++)
			assert_int_equal(pkts[k].data[4999], n++);
		xdp_release(&a->port);
	}
	assert_int_equal(n, 5);
}

static void
too_long(void **state)
{
	(void)state;
	a->x.max_len = 1522;
	rx(a);
	k_receive(a, 1523, 1, 4096);
	k_receive(a, 100000, 2, 3840); /* merged segments, a whole lot */
	k_receive(a, 1522, 3, 4096);
	assert_int_equal(rx(a), 1);
	assert_int_equal(pkts[0].data[1521], 3);
	assert_int_equal(a->port.stats.rx_lost, 2);
	xdp_release(&a->port);
	rx(a);
	complete(a);
}

enum { HDR = ETHER_LEN + IP4_LEN + TCP_LEN, MERGED = 60000 };

/* A TCP packet of so many octets whose checksum is left to a card; each octet of
 * payload tells its place. */
static void
merged(uint8_t *to, unsigned len)
{
	struct frame f;
	unsigned sum;

	f_ether(&f, ETYPE_IP4);
	f_ip4(&f, PROTO_TCP, 0x0a000001, 0x0a000002, 0x4000);
	f_tcp(&f, 1000, 80, TH_ACK);
	memcpy(to, f.b, HDR);
	put16(to + ETHER_LEN + 2, (uint16_t)(len - ETHER_LEN));
	sum = 0x0a00 + 1 + 0x0a00 + 2 + PROTO_TCP + len - ETHER_LEN - IP4_LEN;
	put16(to + ETHER_LEN + IP4_LEN + 16,
	    (uint16_t)((sum & 0xffff) + (sum >> 16)));
	for (unsigned i = HDR; i < len; i++)
		to[i] = (uint8_t)((i - HDR) * 2654435761u >> 24);
}

static void
k_receive_merged(struct side *s, unsigned len, unsigned piece)
{
	uint8_t *all = malloc(len);

	merged(all, len);
	for (unsigned at = 0, n; at < len; at += n) {
		uint64_t addr = k_frame(s) + 256;

		n = len - at < piece ? len - at : piece;
		memcpy(s->x.umem->frames + addr, all + at, n);
		k_describe(s, addr, n, at + n < len);
	}
	free(all);
}

/* Packets of the burst from 'i' on are the segments of a merged frame, from octet
 * *at of its payload on. */
static void
check_segments(unsigned i, unsigned n, unsigned *at)
{
	for (; i < n; i++) {
		assert_in_range(pkts[i].len, HDR + 1, 1514);
		assert_int_equal(get32(pkts[i].data + 14 + 20 + 4), *at);
		for (unsigned k = HDR; k < pkts[i].len; k++)
			assert_int_equal(pkts[i].data[k],
			    (uint8_t)((*at)++ * 2654435761u >> 24));
	}
}

/* In generic mode TCP segments that were merged are cut, in as many bursts as
 * it takes; what comes behind them waits, and nothing is lost. */
static void
cut_again(void **state)
{
	unsigned at = 0, n, rounds = 0;
	bool is_last = false;

	(void)state;
	a->x.max_len = 1522;
	a->x.nic.now.mtu = 1500;
	a->x.cutter = calloc(1, sizeof(*a->x.cutter));
	assert_int_equal(vnet_init(a->x.cutter), 0);
	rx(a);
	k_receive(a, 60, 1, 4096);
	k_receive_merged(a, 3000, 4096);
	k_receive_merged(a, MERGED, 3840);
	k_receive(a, 60, 2, 4096);
	assert_int_equal(rx(a), 1 + 3);
	assert_int_equal(pkts[0].len, 60);
	check_segments(1, 4, &at);
	assert_int_equal(at, 3000 - HDR);
	xdp_release(&a->port);
	for (at = 0; !is_last; rounds++) {
		n = xdp_rx(&a->port, pkts, 7);
		is_last = n > 0 && pkts[n - 1].len == 60;
		check_segments(0, n - is_last, &at);
		assert_false(at > 0 && at < MERGED - HDR &&
		    xdp_sleep_begin(&a->port, PORT_RX));
		xdp_release(&a->port);
		assert_true(rounds < 20);
	}
	assert_int_equal(at, MERGED - HDR);
	assert_int_equal(a->port.stats.rx_lost, 0);
	k_receive(a, 3000, 9, 4096); /* no TCP */
	k_receive_merged(a, 70000, 3840); /* no packet is that long */
	assert_int_equal(rx(a), 0);
	assert_int_equal(a->port.stats.rx_lost, 2);
	rx(a);
	complete(a);
	vnet_fini(a->x.cutter);
	free(a->x.cutter);
}

/* Descriptors that point outside are counted and cost their frame, no more. */
static void
lies(void **state)
{
	const uint64_t size = a->x.umem->size;
	const struct xdp_desc bad[] = {{size, 1, 0}, {UINT64_MAX, 64, 0},
	    {UINT64_MAX, UINT32_MAX, 1}, {size - 63, 64, 0},
	    {0, UINT32_MAX, 0}, {1ull << 48, 64, 1}};

	(void)state;
	rx(a);
	for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
		k_frame(a);
		k_describe(a, bad[i].addr, bad[i].len, bad[i].options != 0);
	}
	k_receive(a, 60, 7, 4096);
	assert_int_equal(rx(a), 1);
	assert_int_equal(pkts[0].data[0], 7);
	assert_int_equal(a->port.stats.rx_lost, ARRAY_LEN(bad));
	xdp_release(&a->port);
	/* what was never sent is no frame of ours, or one too many */
	b->x.n_free -= SIZE / 4;
	for (unsigned i = 0; i < SIZE; i++)
		b->comp[b->comp_prod++ % SIZE] = i % 2 == 0 ? size + i : 0;
	xdp_kick(&b->port);
	assert_int_equal(b->x.n_free, FRAMES);
	for (unsigned i = 0; i < FRAMES; i++)
		assert_true(b->x.free[i] < b->x.umem->n_frames);
}

/* What cannot go out is lost, and what has no room stays with the caller. */
static void
refused(void **state)
{
	static uint8_t frame[16384];
	struct port other = {.ops = &port_mem};

	(void)state;
	for (unsigned i = 0; i < PORT_BURST; i++)
		pkts[i] = (struct pkt){.data = frame, .len = 60};
	pkts[0].len = 13;
	pkts[1].len = 9023;
	assert_int_equal(xdp_tx(&b->port, &other, ptrs, 2), 2);
	assert_int_equal(b->port.stats.tx_lost, 2);
	assert_int_equal(b->tx_prod, 0);
	assert_int_equal(xdp_room(&b->port), SIZE / 3);
	assert_int_equal(xdp_tx(&b->port, &other, ptrs + 2, 100), SIZE);
	assert_int_equal(xdp_room(&b->port), 0);
	assert_int_equal(xdp_tx(&b->port, &other, ptrs + 2, 1), 0);
	assert_int_equal(k_send(b), SIZE);
	xdp_kick(&b->port);
	pkts[2].len = 9000;
	b->x.queues[0].has_frags = false;
	assert_int_equal(xdp_tx(&b->port, &other, ptrs + 2, 1), 1);
	assert_int_equal(b->port.stats.tx_lost, 3);
	b->x.queues[0].has_frags = true;
	for (unsigned i = 2; i < 40; i++)
		pkts[i].len = 9000;
	assert_int_equal(xdp_tx(&b->port, &other, ptrs + 2, 38), SIZE / 3);
	assert_int_equal(k_send(b), SIZE / 3 * 3);
	xdp_kick(&b->port);
	rx(b);
	complete(b);
}

/* Without a link everything is taken and lost; nothing touches the rings. */
static void
no_link(void **state)
{
	struct port other = {.ops = &port_mem};

	(void)state;
	b->x.state = XDP_GONE;
	b->x.n_queues = 0;
	memset(b->x.queues, 0, sizeof(b->x.queues));
	assert_int_equal(xdp_room(&b->port), PORT_BURST);
	assert_int_equal(xdp_tx(&b->port, &other, ptrs, 200), 200);
	assert_int_equal(b->port.stats.tx_lost, 200);
	assert_int_equal(xdp_pending(&b->port), 0);
	xdp_kick(&b->port);
	assert_int_equal(rx(b), 0);
	assert_true(xdp_sleep_begin(&b->port, PORT_RX));
}

static void
sleeps_when_empty(void **state)
{
	(void)state;
	a->x.epoll = 77;
	rx(a);
	assert_true(xdp_sleep_begin(&a->port, PORT_RX));
	assert_int_equal(a->port.fd, 77);
	assert_false(xdp_sleep_begin(&a->port, PORT_TX)); /* there is room */
	k_receive(a, 60, 1, 4096);
	assert_false(xdp_sleep_begin(&a->port, PORT_RX));
	assert_int_equal(rx(a), 1);
	assert_int_equal(xdp_tx(&a->port, &a->port, ptrs, 1), 1); /* back */
	xdp_release(&a->port);
	assert_true(xdp_sleep_begin(&a->port, PORT_RX | PORT_TX));
	assert_int_equal(a->port.fd, -1); /* nothing would wake it */
}

int
main(void)
{
#define ONE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		ONE(swapped),
		ONE(in_pieces),
		ONE(many_long),
		ONE(too_long),
		ONE(cut_again),
		ONE(lies),
		ONE(refused),
		ONE(no_link),
		ONE(sleeps_when_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
