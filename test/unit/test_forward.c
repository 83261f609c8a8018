/* SPDX-License-Identifier: BSD-2-Clause */
/* The switch as its ports see it: where packets go, what is counted, and that
 * nothing written into shared memory can do harm. */
#include "vale_rig.h"

#include "base/clock.h"
#include "vale/forward.h"

static struct nmport *a, *b, *c;

static int
setup2(void **state)
{
	rig_setup(state);
	a = rig_open("valeT:a");
	b = rig_open("valeT:b");
	c = NULL;
	return 0;
}

static int
setup3(void **state)
{
	setup2(state);
	c = rig_open("valeT:c");
	return 0;
}

static int
teardown(void **state)
{
	rig_check_buffers();
	nmport_close(a);
	nmport_close(b);
	nmport_close(c);
	rig_check_buffers();
	return rig_teardown(state);
}

/* What the port has sent and dropped for this reason. */
static uint64_t
tx_drops(const char *name, enum vdrop why)
{
	struct arena_info *i = rig_list();
	uint64_t n = rig_find(i, name)->tx.drops[why];

	free(i);
	return n;
}

static void
check_sums(const char *name, uint64_t want_sent, uint64_t want_dropped)
{
	struct arena_info *i = rig_list();
	const struct vport_info *p = rig_find(i, name);
	uint64_t n = 0;

	for (unsigned d = 0; d < VDROP_N; d++)
		n += p->tx.drops[d];
	assert_int_equal(p->tx.pkts, want_sent);
	assert_int_equal(n, want_dropped);
	free(i);
}

static void
one_destination_swaps(void **state)
{
	struct netmap_ring *tx = nmport_txring(a, 0), *rx = nmport_rxring(b, 0);
	uint32_t mine = tx->slot[0].buf_idx, theirs = rx->slot[0].buf_idx;

	(void)state;
	rig_send(a, 2, 1, 77);
	assert_int_equal(tx->slot[0].buf_idx, theirs);
	assert_int_equal(rx->slot[0].buf_idx, mine);
	assert_true(tx->slot[0].flags & NS_BUF_CHANGED);
	assert_true(rx->slot[0].flags & NS_BUF_CHANGED);
	assert_int_equal(rx->slot[0].len, 64);
	assert_int_equal(rig_get(b), 77);
	assert_int_equal(rig_get(b), -1);
	assert_int_equal(rig_get(a), -1);
	check_sums("valeT:a", 1, 0);
}

static void
broadcast_copies_to_all_others(void **state)
{
	struct netmap_ring *tx = nmport_txring(a, 0);
	uint32_t mine = tx->slot[0].buf_idx;

	(void)state;
	rig_send(a, 0xff, 1, 5);
	assert_int_equal(tx->slot[0].buf_idx, mine);
	assert_int_equal(rig_get(b), 5);
	assert_int_equal(rig_get(c), 5);
	assert_int_equal(rig_get(a), -1);
	check_sums("valeT:a", 1, 0);
}

static void
learns_and_then_sends_to_one(void **state)
{
	(void)state;
	rig_send(b, 9, 2, 1); /* unknown: to all; b is 2 from now on */
	assert_int_equal(rig_get(a), 1);
	assert_int_equal(rig_get(c), 1);
	rig_send(a, 2, 1, 2);
	assert_int_equal(rig_get(b), 2);
	assert_int_equal(rig_get(c), -1);
	/* The address moves to c. */
	rig_send(c, 9, 2, 3);
	assert_int_equal(rig_get(b), 3);
	assert_int_equal(rig_get(a), 3);
	rig_send(a, 2, 1, 4);
	assert_int_equal(rig_get(c), 4);
	assert_int_equal(rig_get(b), -1);
}

static void
does_not_learn_when_told_or_from_groups(void **state)
{
	struct netmap_slot *s = rig_put(b, 9, 2, 1);

	(void)state;
	s->flags = NS_NO_LEARN;
	assert_int_equal(nmport_txsync(b, 0), 0);
	s = rig_put(b, 9, 3, 1);
	nm_buf(nmport_txring(b, 0), s->buf_idx)[6] = 3; /* group bit */
	assert_int_equal(nmport_txsync(b, 0), 0);
	while (rig_get(c) >= 0)
		;
	rig_send(a, 2, 1, 7);
	assert_int_equal(rig_get(c), 7); /* still unknown */
	rig_send(a, 3, 1, 8);
	assert_int_equal(rig_get(c), 8);
}

static void
to_itself_is_dropped(void **state)
{
	(void)state;
	rig_send(a, 0xff, 1, 1);
	rig_send(a, 1, 1, 2);
	assert_int_equal(rig_get(b), 1);
	assert_int_equal(rig_get(b), -1);
	assert_int_equal(tx_drops("valeT:a", VDROP_SELF), 1);
}

static void
nobody_there_is_a_drop(void **state)
{
	(void)state;
	nmport_close(b);
	b = NULL;
	rig_send(a, 0xff, 1, 1);
	assert_int_equal(nmport_txpending(a, 0), 0);
	assert_int_equal(tx_drops("valeT:a", VDROP_NO_DEST), 1);
	check_sums("valeT:a", 0, 1);
}

static void
forgets_the_address_of_a_port_that_left(void **state)
{
	(void)state;
	rig_send(b, 9, 2, 1);
	nmport_close(b);
	b = rig_open("valeT:x"); /* takes b's place, but is not 2 */
	while (rig_get(c) >= 0)
		;
	rig_send(a, 2, 1, 6);
	assert_int_equal(rig_get(b), 6);
	assert_int_equal(rig_get(c), 6);
}

/* 300 packets into a ring that takes 255; the rest goes when there is room. */
static void
full_ring_waits_and_keeps_order(void **state)
{
	struct netmap_ring *tx = nmport_txring(a, 0);
	unsigned sent = 0;

	(void)state;
	for (; sent < 255; sent++)
		rig_put(a, 2, 1, sent);
	assert_int_equal(nmport_txsync(a, 0), 0);
	assert_int_equal(nmport_txpending(a, 0), 0);
	for (; sent < 300; sent++)
		rig_put(a, 2, 1, sent);
	assert_int_equal(nmport_txsync(a, 0), 0);
	assert_int_equal(nmport_txpending(a, 0), 45);
	assert_int_equal(nm_ring_space(tx), 255 - 45);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(rig_get(b), i);
	/* Less than what waits, less than a quarter: not worth a pass yet. */
	assert_int_equal(nmport_txsync(a, 0), 0);
	assert_int_equal(nmport_txpending(a, 0), 45);
	for (unsigned i = 10; i < 45; i++)
		assert_int_equal(rig_get(b), i);
	assert_int_equal(nmport_txsync(a, 0), 0);
	assert_int_equal(nmport_txpending(a, 0), 0);
	for (unsigned i = 45; i < 300; i++) {
		assert_int_equal(rig_get(b), i);
		assert_int_equal(nmport_txsync(a, 0), 0);
	}
	assert_int_equal(rig_get(b), -1);
	check_sums("valeT:a", 300, 0);
}

/* Packets for c behind packets for a full b go on; b's keep their order. */
static void
full_ring_does_not_hold_up_others(void **state)
{
	(void)state;
	rig_send(b, 9, 2, 0);
	rig_send(c, 9, 3, 0);
	assert_int_equal(rig_get(b), 0);
	assert_int_equal(rig_get(c), 0);
	for (unsigned i = 0; i < 255; i++)
		rig_put(a, 2, 1, i);
	assert_int_equal(nmport_txsync(a, 0), 0);
	for (unsigned i = 0; i < 40; i++)
		rig_put(a, i % 2 ? 2 : 3, 1, 1000 + i);
	assert_int_equal(nmport_txsync(a, 0), 0);
	assert_int_equal(nmport_txpending(a, 0), 39);
	for (unsigned i = 0; i < 40; i += 2)
		assert_int_equal(rig_get(c), 1000 + i);
	assert_int_equal(rig_get(c), -1);
	for (unsigned i = 0; i < 255; i++)
		assert_int_equal(rig_get(b), i);
	assert_int_equal(nmport_txsync(a, 0), 0);
	assert_int_equal(nmport_txpending(a, 0), 0);
	for (unsigned i = 1; i < 40; i += 2)
		assert_int_equal(rig_get(b), 1000 + i);
	assert_int_equal(rig_get(b), -1);
	assert_int_equal(rig_get(c), -1); /* none twice */
	check_sums("valeT:a", 255 + 40, 0);
}

static void
standing_receiver_is_given_up(void **state)
{
	unsigned n_tries = 0;
	ns_t begun;

	(void)state;
	for (unsigned i = 0; i < 255; i++)
		rig_put(a, 2, 1, i);
	assert_int_equal(nmport_txsync(a, 0), 0);
	rig_put(a, 2, 1, 999);
	begun = clock_mono_ns();
	while (assert_int_equal(nmport_txsync(a, 0), 0),
	    nmport_txpending(a, 0) != 0) {
		usleep(1000);
		assert_true(n_tries++ < 10000);
	}
	assert_true(clock_mono_ns() - begun >= FWD_PATIENCE_NS);
	assert_int_equal(tx_drops("valeT:a", VDROP_RING_FULL), 1);
	/* From now on at once, until it moves. */
	rig_send(a, 2, 1, 998);
	assert_int_equal(nmport_txpending(a, 0), 0);
	assert_int_equal(rig_get(b), 0);
	rig_send(a, 2, 1, 255);
	rig_send(a, 2, 1, 256);
	assert_int_equal(nmport_txpending(a, 0), 1);
	for (unsigned i = 1; i <= 255; i++)
		assert_int_equal(rig_get(b), i);
	assert_int_equal(nmport_txsync(a, 0), 0);
	assert_int_equal(rig_get(b), 256);
	check_sums("valeT:a", 257, 2);
}

static void
drop_at_once_if_the_switch_says_so(void **state)
{
	struct arena *ar;
	struct err e;

	(void)state;
	assert_int_equal(arena_get(&ar, &e), 0);
	assert_int_equal(vswitch_set_flow(ar, "valeNo", true, &e), -ENOENT);
	assert_int_equal(vswitch_set_flow(ar, "", true, &e), -ENOENT);
	assert_int_equal(vswitch_set_flow(ar, "valeT", true, &e), 0);
	for (unsigned i = 0; i < 250; i++)
		rig_put(a, 2, 1, i);
	assert_int_equal(nmport_txsync(a, 0), 0);
	for (unsigned i = 0; i < 10; i++)
		rig_put(a, 2, 1, i);
	assert_int_equal(nmport_txsync(a, 0), 0);
	assert_int_equal(nmport_txpending(a, 0), 0);
	check_sums("valeT:a", 255, 5);
	arena_put(ar);
}

/* A copy that does not fit is missed by that port only. */
static void
broadcast_never_waits(void **state)
{
	struct arena_info *i;

	(void)state;
	for (unsigned n = 0; n < 300; n++) {
		rig_send(a, 0xff, 1, n);
		assert_int_equal(rig_get(b), n);
	}
	assert_int_equal(nmport_txpending(a, 0), 0);
	i = rig_list();
	assert_int_equal(rig_find(i, "valeT:a")->tx.pkts, 300);
	assert_int_equal(rig_find(i, "valeT:a")->tx.copies, 300 + 255);
	assert_int_equal(rig_find(i, "valeT:b")->rx_pkts, 300);
	assert_int_equal(rig_find(i, "valeT:c")->rx_pkts, 255);
	assert_int_equal(rig_find(i, "valeT:c")->rx_drops[VDROP_RING_FULL], 45);
	free(i);
}

/* Unicast and broadcast mixed in one batch arrive in the order sent. */
static void
mixed_batch_keeps_order(void **state)
{
	(void)state;
	rig_send(b, 9, 2, 0);
	rig_get(a), rig_get(c);
	for (unsigned i = 0; i < 200; i++)
		rig_put(a, i % 3 ? 2 : 0xff, 1, i);
	assert_int_equal(nmport_txsync(a, 0), 0);
	for (unsigned i = 0; i < 200; i++)
		assert_int_equal(rig_get(b), i);
	for (unsigned i = 0; i < 200; i += 3)
		assert_int_equal(rig_get(c), i);
	assert_int_equal(rig_get(c), -1);
}

/* ---- fragments and indirect data ---- */

static void
chain_arrives_whole_or_not(void **state)
{
	struct netmap_ring *rx = nmport_rxring(b, 0);

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		rig_put(a, 2, 1, i)->flags = i < 2 ? NS_MOREFRAG : 0;
	assert_int_equal(nmport_txsync(a, 0), 0);
	assert_int_equal(nmport_rxsync(b, 0), 0);
	assert_int_equal(nm_ring_space(rx), 3);
	assert_true(rx->slot[0].flags & NS_MOREFRAG);
	assert_true(rx->slot[1].flags & NS_MOREFRAG);
	assert_false(rx->slot[2].flags & NS_MOREFRAG);
	check_sums("valeT:a", 1, 0);
	/* 253 in the ring: a chain of three has to wait for room. */
	for (unsigned i = 0; i < 250; i++)
		rig_put(a, 2, 1, i);
	assert_int_equal(nmport_txsync(a, 0), 0);
	for (unsigned i = 0; i < 3; i++)
		rig_put(a, 2, 1, i)->flags = i < 2 ? NS_MOREFRAG : 0;
	assert_int_equal(nmport_txsync(a, 0), 0);
	assert_int_equal(nmport_txpending(a, 0), 3);
	rig_get(b);
	assert_int_equal(nmport_txsync(a, 0), 0);
	assert_int_equal(nmport_txpending(a, 0), 0);
	check_sums("valeT:a", 252, 0);
}

static void
chain_to_many_is_copied_whole(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 5; i++)
		rig_put(a, 0xff, 1, i)->flags = i < 4 ? NS_MOREFRAG : 0;
	assert_int_equal(nmport_txsync(a, 0), 0);
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(rig_get(b), i);
		assert_int_equal(rig_get(c), i);
	}
	check_sums("valeT:a", 1, 0);
}

static void
bad_chains_are_dropped(void **state)
{
	(void)state;
	rig_put(a, 2, 1, 0)->flags = NS_MOREFRAG; /* without an end */
	assert_int_equal(nmport_txsync(a, 0), 0);
	assert_int_equal(nmport_txpending(a, 0), 0);
	assert_int_equal(tx_drops("valeT:a", VDROP_BAD_CHAIN), 1);
	for (unsigned i = 0; i <= FWD_MAX_FRAGS; i++) /* one too many */
		rig_put(a, 2, 1, i)->flags = i < FWD_MAX_FRAGS ? NS_MOREFRAG :
								 0;
	assert_int_equal(nmport_txsync(a, 0), 0);
	assert_int_equal(tx_drops("valeT:a", VDROP_BAD_CHAIN), 2);
	rig_put(a, 2, 1, 0)->flags = NS_MOREFRAG; /* one slot is bad */
	rig_put(a, 2, 1, 0)->len = 60000;
	assert_int_equal(nmport_txsync(a, 0), 0);
	assert_int_equal(tx_drops("valeT:a", VDROP_BAD_SLOT), 1);
	rig_send(a, 2, 1, 42);
	assert_int_equal(rig_get(b), 42);
	check_sums("valeT:a", 1, 3);
}

/* A chain over the end of a batch of 256 slots. */
static void
chain_across_batches(void **state)
{
	struct nmport_cfg cfg = { .tx_slots = 1024, .rx_slots = 1024 };
	struct nmport *x = rig_open_cfg("valeU:x", &cfg);
	struct nmport *y = rig_open_cfg("valeU:y", &cfg);

	(void)state;
	for (unsigned i = 0; i < 400; i++)
		rig_put(x, 2, 1, i)->flags =
		    i >= 250 && i < 260 ? NS_MOREFRAG : 0;
	assert_int_equal(nmport_txsync(x, 0), 0);
	for (unsigned i = 0; i < 400; i++)
		assert_int_equal(rig_get(y), i);
	check_sums("valeU:x", 390, 0);
	nmport_close(x);
	nmport_close(y);
}

static void
indirect_data_is_fetched(void **state)
{
	struct netmap_slot *s = rig_put(a, 9, 9, 0);
	uint8_t f[64];

	(void)state;
	rig_frame(f, 2, 1, 4711);
	s->flags = NS_INDIRECT;
	s->ptr = (uintptr_t)f;
	assert_int_equal(nmport_txsync(a, 0), 0);
	assert_int_equal(rig_get(b), 4711);
	s = rig_put(a, 2, 1, 0);
	s->flags = NS_INDIRECT;
	s->ptr = 8; /* nobody's memory */
	assert_int_equal(nmport_txsync(a, 0), 0);
	assert_int_equal(rig_get(b), -1);
	assert_int_equal(tx_drops("valeT:a", VDROP_BAD_PTR), 1);
}

/* ---- hostile ---- */

static void
lengths_at_the_borders(void **state)
{
	static const struct {
		uint16_t len;
		bool ok;
	} cases[] = { { 0, 0 }, { 1, 0 }, { 13, 0 }, { 14, 1 }, { 15, 1 },
		{ 2111, 1 }, { 2112, 1 }, { 2113, 0 }, { 65535, 0 } };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
		struct netmap_ring *rx = nmport_rxring(b, 0);

		rig_put_len(a, 2, 1, i, cases[i].len);
		assert_int_equal(nmport_txsync(a, 0), 0);
		if (!cases[i].ok) {
			assert_int_equal(rig_get(b), -1);
			continue;
		}
		assert_int_equal(nmport_rxsync(b, 0), 0);
		assert_int_equal(rx->slot[rx->cur].len, cases[i].len);
		assert_int_equal(rig_get(b), i);
	}
	assert_int_equal(tx_drops("valeT:a", VDROP_BAD_SLOT), 5);
}

static void
buffer_numbers_at_the_borders(void **state)
{
	static const uint32_t bad[] = { 0, 1, VALE_MAX_BUFS, VALE_MAX_BUFS + 1,
		0x7fffffff, 0xffffffff };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
		struct netmap_slot *s = rig_put(a, 2, 1, i);
		uint32_t good = s->buf_idx;

		s->buf_idx = bad[i];
		assert_int_equal(nmport_txsync(a, 0), 0);
		assert_int_equal(rig_get(b), -1);
		s->buf_idx = good;
	}
	assert_int_equal(tx_drops("valeT:a", VDROP_BAD_SLOT), ARRAY_LEN(bad));
}

static void
receiver_with_a_broken_ring(void **state)
{
	struct netmap_ring *rx = nmport_rxring(b, 0);
	uint32_t good = rx->slot[2].buf_idx;

	(void)state;
	rx->slot[2].buf_idx = 0xfffffff0;
	for (unsigned i = 0; i < 5; i++)
		rig_put(a, 2, 1, i);
	assert_int_equal(nmport_txsync(a, 0), 0);
	assert_int_equal(nmport_txpending(a, 0), 0);
	assert_int_equal(rig_get(b), 0);
	assert_int_equal(rig_get(b), 1);
	assert_int_equal(rig_get(b), -1);
	assert_int_equal(tx_drops("valeT:a", VDROP_BAD_RX_SLOT), 3);
	rx->slot[2].buf_idx = good;
	rig_send(a, 2, 1, 9);
	assert_int_equal(rig_get(b), 9);
	check_sums("valeT:a", 3, 3);
}

/* An address that points at a place where nobody is: as if unknown. */
static void
address_of_nobody(void **state)
{
	uint8_t *base = (uint8_t *)nmport_if(a) - port_area_ofs(0);
	struct vswitch *sw = arena_switch(base, 0);

	(void)state;
	rig_send(b, 9, 2, 1);
	for (unsigned i = 0; i < VALE_MAC_BUCKETS; i++)
		for (unsigned w = 0; w < VALE_MAC_WAYS; w++)
			if (sw->macs[i][w] != 0)
				sw->macs[i][w] += 200;
	rig_send(a, 2, 1, 7);
	assert_int_equal(rig_get(b), 7);
}

struct head_cur {
	uint32_t head, cur;
};

/* Of a ring with head 20, tail 19, and 256 slots. */
static const struct head_cur bad_tx_heads[] = { { 256, 30 }, { 256, 256 },
	{ 276, 30 }, { 0x80000020, 30 }, { 0xffffffff, 30 }, { 30, 29 },
	{ 30, 20 }, { 30, 286 }, { 30, 256 }, { 30, 0xffffffff },
	{ 0xffffffff, 0xffffffff }, { 5, 200 } };

/* Of a ring with head 10, tail 20. */
static const struct head_cur bad_heads[] = { { 9, 9 }, { 9, 15 }, { 256, 15 }, { 256, 256 }, { 266, 15 },
	{ 0x80000000, 15 }, { 0xffffffff, 15 }, { 15, 9 }, { 15, 14 },
	{ 15, 266 }, { 15, 271 }, { 15, 0xffffffff }, { 0xffffffff, 0xffffffff } };

static void
bad_heads_are_refused(void **state)
{
	struct netmap_ring *tx = nmport_txring(a, 0), *rx = nmport_rxring(b, 0);

	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		rig_send(a, 2, 1, i);
		assert_int_equal(rig_get(b), i);
	}
	for (unsigned i = 0; i < 10; i++)
		rig_send(a, 2, 1, i);
	assert_int_equal(nmport_rxsync(b, 0), 0);
	assert_int_equal(rx->tail, 20);
	for (unsigned i = 0; i < ARRAY_LEN(bad_heads); i++) {
		rx->head = bad_heads[i].head;
		rx->cur = bad_heads[i].cur;
		rx->tail = 77; /* not ours to write */
		if (nmport_rxsync(b, 0) != -EINVAL)
			fail_msg("rx head %u cur %u", bad_heads[i].head,
			    bad_heads[i].cur);
		assert_int_equal(rx->head, 10);
		assert_int_equal(rx->cur, 10);
		assert_int_equal(rx->tail, 20);
	}
	rx->head = rx->cur = 21; /* one more than arrived */
	assert_int_equal(nmport_rxsync(b, 0), -EINVAL);
	/* 19 is tx's tail, the one slot that stays unused is behind it. */
	for (unsigned i = 0; i < ARRAY_LEN(bad_tx_heads); i++) {
		tx->head = bad_tx_heads[i].head;
		tx->cur = bad_tx_heads[i].cur;
		tx->tail = 77;
		if (nmport_txsync(a, 0) != -EINVAL)
			fail_msg("tx head %u cur %u", bad_tx_heads[i].head,
			    bad_tx_heads[i].cur);
		assert_int_equal(tx->head, 20);
		assert_int_equal(tx->cur, 20);
		assert_int_equal(tx->tail, 19);
	}
	assert_int_equal(nmport_txsync(a, 1), -EINVAL);
	assert_int_equal(nmport_rxsync(a, 1), -EINVAL);
	assert_null(nmport_txring(a, 1));
	assert_null(nmport_rxring(a, 1));
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(rig_get(b), i);
	assert_int_equal(rig_get(b), -1);
	rig_send(a, 2, 1, 3);
	assert_int_equal(rig_get(b), 3);
}

/* Random garbage over everything the other side may have written, then
 * traffic: it may drop, it must not crash or hang. */
static void
garbage_everywhere(void **state)
{
	struct netmap_if *nifp = nmport_if(b);
	uint8_t *base = (uint8_t *)nifp - port_area_ofs(1);
	struct vport *vp = arena_port(base, 1);
	struct vswitch *sw = arena_switch(base, 0);
	struct netmap_ring *rx = nmport_rxring(b, 0), rx_was = *rx;
	struct vport vp_was = *vp;
	struct netmap_slot slots_was[256];
	uint64_t x = 88172645463325252ull;

	(void)state;
	memcpy(slots_was, rx->slot, sizeof(slots_was));
	for (unsigned round = 0; round < 3000; round++) {
		uint32_t words[64];

		for (unsigned i = 0; i < 64; i++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			words[i] = (uint32_t)x;
		}
		memcpy(&vp->rx[0].tail, words, 4);
		memcpy(&vp->rx[0].head, words + 1, 4);
		memcpy(&vp->rx[0].n_slots, words + 2, round % 3 ? 0 : 16);
		memcpy(&vp->rx[0].head_seen, words + 6, 4);
		memcpy(&vp->n_rx, words + 7, round % 5 ? 0 : 4);
		memcpy(&sw->macs[x % VALE_MAC_BUCKETS], words, 64);
		memcpy(rx, words + 8, round % 7 ? 0 : 32);
		for (unsigned i = 0; i < 8; i++)
			rx->slot[words[i] % 256].buf_idx = words[i + 8];
		rig_put(a, round % 251, round % 13, round);
		assert_int_equal(nmport_txsync(a, 0), 0);
		if (nmport_txpending(a, 0) > 200)
			vp->rx[0].stalled = vp->rx[0].head % 256 + 1;
		nmport_rxsync(b, 0);
		if (nm_ring_space(nmport_txring(a, 0)) < 2) {
			*vp = vp_was;
			while (assert_int_equal(nmport_txsync(a, 0), 0),
			    nmport_txpending(a, 0) != 0)
				usleep(1000);
		}
	}
	*vp = vp_was;
	*rx = rx_was;
	memcpy(rx->slot, slots_was, sizeof(slots_was));
	memset(sw->macs, 0, sizeof(sw->macs));
	/* Buffers went astray; the audit finds them when the ports leave. */
	nmport_close(b);
	nmport_close(a);
	a = b = NULL;
}

static void
accounting_adds_up(void **state)
{
	struct nmport *ports[3] = { a, b, c };
	static const char *const names[3] = { "valeT:a", "valeT:b", "valeT:c" };
	uint64_t handed[3] = { 0 }, got[3] = { 0 }, x = 1;
	struct arena_info *i;

	(void)state;
	for (unsigned round = 0; round < 20000; round++) {
		unsigned p = (unsigned)(x = x * 6364136223846793005ull + 1442695040888963407ull) >> 16 & 0xffff;
		unsigned dst = (unsigned)(x >> 40) % 6;
		unsigned q = (unsigned)(x >> 50) % 3;

		p %= 3;
		if (nm_ring_space(nmport_txring(ports[p], 0)) > 0) {
			rig_put(ports[p], dst == 5 ? 0xff : dst, p + 1,
			    round)->len = dst == 4 ? 5 : 64;
			handed[p]++;
		}
		if (x >> 60 < 4)
			assert_int_equal(nmport_txsync(ports[p], 0), 0);
		if (rig_get(ports[q]) >= 0)
			got[q]++;
	}
	for (unsigned p = 0; p < 3; p++)
		assert_int_equal(nmport_txsync(ports[p], 0), 0);
	for (unsigned p = 0; p < 3; p++)
		while (rig_get(ports[p]) >= 0)
			got[p]++;
	i = rig_list();
	for (unsigned p = 0; p < 3; p++) {
		const struct vport_info *v = rig_find(i, names[p]);
		uint64_t sum = v->tx.pkts + nmport_txpending(ports[p], 0);

		for (unsigned d = 0; d < VDROP_N; d++)
			sum += v->tx.drops[d];
		assert_int_equal(sum, handed[p]);
		assert_int_equal(v->rx_pkts, got[p]);
	}
	free(i);
}

int
main(void)
{
#define T2(f) cmocka_unit_test_setup_teardown(f, setup2, teardown)
#define T3(f) cmocka_unit_test_setup_teardown(f, setup3, teardown)
	const struct CMUnitTest tests[] = {
		T2(one_destination_swaps),
		T3(broadcast_copies_to_all_others),
		T3(learns_and_then_sends_to_one),
		T3(does_not_learn_when_told_or_from_groups),
		T2(to_itself_is_dropped),
		T2(nobody_there_is_a_drop),
		T3(forgets_the_address_of_a_port_that_left),
		T2(full_ring_waits_and_keeps_order),
		T3(full_ring_does_not_hold_up_others),
		T2(standing_receiver_is_given_up),
		T2(drop_at_once_if_the_switch_says_so),
		T3(broadcast_never_waits),
		T3(mixed_batch_keeps_order),
		T2(chain_arrives_whole_or_not),
		T3(chain_to_many_is_copied_whole),
		T2(bad_chains_are_dropped),
		T2(chain_across_batches),
		T2(indirect_data_is_fetched),
		T2(lengths_at_the_borders),
		T2(buffer_numbers_at_the_borders),
		T2(receiver_with_a_broken_ring),
		T3(address_of_nobody),
		T2(bad_heads_are_refused),
		T2(garbage_everywhere),
		T3(accounting_adds_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
