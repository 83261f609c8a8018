/* SPDX-License-Identifier: BSD-2-Clause */
/* Ports whose packets have a virtio-net header, and ports whose have none. */
#include "vale_rig.h"

#include "vale/nmctl.h"

static struct nmport *p[4];
static const char *const names[] = { "valeH:none", "valeH:ten", "valeH:twelve",
	"valeH:also12" };
static const unsigned lens[] = { 0, 10, 12, 12 };

static int
setup(void **state)
{
	struct err e;

	rig_setup(state);
	for (unsigned i = 0; i < 4; i++) {
		p[i] = rig_open(names[i]);
		assert_int_equal(nmctl_set_hdr_len(names[i], lens[i], &e), 0);
	}
	return 0;
}

static int
teardown(void **state)
{
	rig_check_buffers();
	for (unsigned i = 0; i < 4; i++)
		nmport_close(p[i]);
	return rig_teardown(state);
}

static void
drain(void)
{
	for (unsigned i = 0; i < 4; i++) {
		struct netmap_ring *r = nmport_rxring(p[i], 0);

		nmport_rxsync(p[i], 0);
		r->head = r->cur = r->tail;
		nmport_rxsync(p[i], 0);
	}
}

/* A frame of 64 octets behind a header of the port's length that begins with
 * 'flags' and 'gso'; all of them are numbered. */
static struct netmap_slot *
put(unsigned from, unsigned dst, uint8_t flags, uint8_t gso, uint32_t tag)
{
	struct netmap_ring *r = nmport_txring(p[from], 0);
	struct netmap_slot *s = &r->slot[r->cur];
	uint8_t *buf = nm_buf(r, s->buf_idx);

	for (unsigned i = 0; i < lens[from]; i++)
		buf[i] = (uint8_t)(100 + i);
	if (lens[from] != 0) {
		buf[0] = flags;
		buf[1] = gso;
	}
	rig_frame(buf + lens[from], dst, 1 + from, tag);
	s->len = (uint16_t)(lens[from] + 64);
	s->flags = 0;
	r->head = r->cur = nm_ring_next(r, r->cur);
	return s;
}

static void
learn(void)
{
	for (unsigned i = 0; i < 4; i++) {
		put(i, 9, 0, 0, 0);
		assert_int_equal(nmport_txsync(p[i], 0), 0);
	}
	drain();
}

/* The next frame of a port is this one; its header begins with 'first' and
 * goes on with numbers, or is all zeros. */
static void
check_next(unsigned to, uint8_t first, bool is_kept, uint32_t tag)
{
	struct netmap_ring *r = nmport_rxring(p[to], 0);
	const uint8_t *buf;
	uint32_t got;

	assert_int_equal(nmport_rxsync(p[to], 0), 0);
	assert_true(nm_ring_space(r) > 0);
	assert_int_equal(r->slot[r->cur].len, lens[to] + 64);
	buf = nm_buf(r, r->slot[r->cur].buf_idx);
	memcpy(&got, buf + lens[to] + 14, sizeof(got));
	assert_int_equal(got, tag);
	if (lens[to] != 0)
		assert_int_equal(buf[0], first);
	for (unsigned i = 2; i < 10 && lens[to] != 0; i++)
		assert_int_equal(buf[i], is_kept ? 100 + i : 0);
	r->head = r->cur = nm_ring_next(r, r->cur);
	assert_int_equal(nmport_rxsync(p[to], 0), 0);
}

static void
from_each_to_each(void **state)
{
	(void)state;
	learn();
	for (unsigned from = 0; from < 4; from++)
		for (unsigned to = 0; to < 4; to++) {
			bool both = lens[from] != 0 && lens[to] != 0;

			if (from == to)
				continue;
			for (unsigned i = 0; i < 3; i++)
				put(from, 1 + to, 2, 0, from * 100 + to + i);
			assert_int_equal(nmport_txsync(p[from], 0), 0);
			for (unsigned i = 0; i < 3; i++)
				check_next(to, both ? 2 : 0, both,
				    from * 100 + to + i);
		}
}

/* What is to be done for a packet is kept, or there is no packet. */
static void
offloads_only_to_those_who_know(void **state)
{
	struct arena_info *l;

	(void)state;
	learn();
	put(2, 3, 1, 1, 0); /* to itself */
	put(2, 4, 1, 3, 1); /* the same header: nothing is looked at */
	put(2, 2, 1, 3, 2); /* ten */
	put(2, 1, 1, 0, 3); /* a checksum to finish */
	put(2, 1, 0, 4, 4); /* segments to cut */
	put(2, 1, 2, 0, 5);
	assert_int_equal(nmport_txsync(p[2], 0), 0);
	check_next(3, 1, true, 1);
	check_next(1, 1, true, 2);
	check_next(0, 0, false, 5);
	l = rig_list();
	assert_int_equal(rig_find(l, names[2])->tx.drops[VDROP_OFFLOAD], 2);
	assert_int_equal(rig_find(l, names[2])->tx.drops[VDROP_SELF], 1);
	assert_int_equal(rig_find(l, names[0])->rx_drops[VDROP_OFFLOAD], 2);
	assert_int_equal(rig_find(l, names[2])->tx.pkts, 3 + 1);
	free(l);
}

static void
to_all(void **state)
{
	(void)state;
	learn();
	put(1, 0xff, 1, 0, 1); /* a checksum to finish: not for the first */
	put(1, 0xff, 2, 0, 2);
	assert_int_equal(nmport_txsync(p[1], 0), 0);
	check_next(0, 0, false, 2);
	for (unsigned to = 2; to < 4; to++) {
		check_next(to, 1, true, 1);
		check_next(to, 2, true, 2);
	}
}

/* The header in a slot of its own, as drivers of virtual machines do. */
static void
a_bare_header(void **state)
{
	struct netmap_ring *r = nmport_txring(p[2], 0);
	struct netmap_slot *s;

	(void)state;
	learn();
	s = put(2, 1, 0, 0, 0);
	s->len = 12;
	s->flags = NS_MOREFRAG;
	s = &r->slot[r->cur];
	rig_frame(nm_buf(r, s->buf_idx), 4, 3, 77);
	s->len = 64;
	s->flags = 0;
	r->head = r->cur = nm_ring_next(r, r->cur);
	assert_int_equal(nmport_txsync(p[2], 0), 0);
	r = nmport_rxring(p[3], 0);
	assert_int_equal(nmport_rxsync(p[3], 0), 0);
	assert_int_equal(nm_ring_space(r), 2);
	assert_int_equal(r->slot[r->cur].len, 12);
	assert_int_equal(r->slot[r->cur + 1].len, 64);
}

/* Too short for its header, and too long with another one. */
static void
lengths(void **state)
{
	struct arena_info *l;

	(void)state;
	learn();
	put(2, 4, 0, 0, 1)->len = 12 + 13;
	put(0, 4, 0, 0, 2)->len = VALE_BUF_SIZE - 11;
	put(0, 4, 0, 0, 3)->len = VALE_BUF_SIZE - 12;
	assert_int_equal(nmport_txsync(p[2], 0), 0);
	assert_int_equal(nmport_txsync(p[0], 0), 0);
	l = rig_list();
	assert_int_equal(rig_find(l, names[2])->tx.drops[VDROP_BAD_SLOT], 1);
	assert_int_equal(rig_find(l, names[0])->tx.drops[VDROP_OFFLOAD], 1);
	assert_int_equal(rig_find(l, names[3])->rx_pkts, 3 + 1);
	free(l);
}

/* A full ring keeps its sender waiting, whatever the headers are. */
static void
a_full_ring(void **state)
{
	(void)state;
	learn();
	for (unsigned i = 0; i < 255; i++)
		put(0, 3, 0, 0, i);
	assert_int_equal(nmport_txsync(p[0], 0), 0);
	for (unsigned i = 255; i < 270; i++)
		put(0, 3, 0, 0, i);
	assert_int_equal(nmport_txsync(p[0], 0), 0);
	assert_int_equal(nmport_txpending(p[0], 0), 15);
	for (unsigned i = 0; i < 100; i++)
		check_next(2, 0, false, i);
	assert_int_equal(nmport_txsync(p[0], 0), 0);
	assert_int_equal(nmport_txpending(p[0], 0), 0);
	for (unsigned i = 100; i < 270; i++)
		check_next(2, 0, false, i);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(from_each_to_each),
		T(offloads_only_to_those_who_know),
		T(to_all),
		T(a_bare_header),
		T(lengths),
		T(a_full_ring),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
