/* SPDX-License-Identifier: BSD-2-Clause */
/* Names, places, and what a list of switches says. */
#include "vale_rig.h"

#include "vale/mac.h"

static void
names(void **state)
{
	static const struct {
		const char *name;
		int rc;
	} cases[] = {
		{ "valeA:f", 0 },
		{ "vale:f", 0 },
		{ "vale0:1", 0 },
		{ "valeA:a.b-c_9", 0 },
		{ "vale12345678901:p", 0 },
		{ "vale123456789012:p", -EINVAL }, /* switch of 16 */
		{ "valeA:012345678901234567890123456789012345678901234567"
		  "890123456", 0 },
		{ "valeA:012345678901234567890123456789012345678901234567"
		  "8901234567", -EINVAL }, /* 64 */
		{ "", -EINVAL },
		{ "vale", -EINVAL },
		{ "valeA", -EINVAL },
		{ "valeA:", -EINVAL },
		{ "valA:f", -EINVAL },
		{ "VALEA:f", -EINVAL },
		{ ":f", -EINVAL },
		{ "valeA:b:c", -EINVAL },
		{ "valeA/x:c", -EINVAL },
		{ "valeA:../x", -EINVAL },
		{ "valeA:a b", -EINVAL },
		{ "valeA:\xc3\xa4", -EINVAL },
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(cases); i++)
		if (rig_try_open(cases[i].name) != cases[i].rc)
			fail_msg("%s", cases[i].name);
}

static void
one_user_of_a_port(void **state)
{
	struct nmport *p = rig_open("valeA:f");

	(void)state;
	assert_int_equal(rig_try_open("valeA:f"), -EBUSY);
	assert_int_equal(rig_try_open("valeA:g"), 0);
	assert_int_equal(rig_try_open("valeB:f"), 0);
	nmport_close(p);
	assert_int_equal(rig_try_open("valeA:f"), 0);
}

static void
as_many_ports_as_there_are_places(void **state)
{
	static struct nmport *p[VALE_N_PLACES];
	char name[VALE_NAME_SIZE];
	struct arena_info *i;

	(void)state;
	for (unsigned n = 0; n < VALE_N_PLACES; n++) {
		snprintf(name, sizeof(name), "valeA:%u", n);
		p[n] = rig_open(name);
	}
	assert_int_equal(rig_try_open("valeA:more"), -ENOSPC);
	i = rig_list();
	assert_int_equal(i->n_ports, VALE_N_PLACES);
	assert_int_equal(i->n_switches, 1);
	free(i);
	/* A broadcast reaches all of them. */
	rig_send(p[100], 0xff, 1, 3);
	for (unsigned n = 0; n < VALE_N_PLACES; n++)
		assert_int_equal(rig_get(p[n]), n == 100 ? -1 : 3);
	nmport_close(p[7]);
	p[7] = rig_open("valeA:more");
	rig_check_buffers();
	for (unsigned n = 0; n < VALE_N_PLACES; n++)
		nmport_close(p[n]);
}

static void
as_many_switches_as_there_are_places(void **state)
{
	struct nmport *p[VALE_MAX_SWITCHES];
	char name[VALE_NAME_SIZE];

	(void)state;
	for (unsigned n = 0; n < VALE_MAX_SWITCHES; n++) {
		snprintf(name, sizeof(name), "vale%u:x", n);
		p[n] = rig_open(name);
	}
	assert_int_equal(rig_try_open("valeMore:x"), -ENOSPC);
	assert_int_equal(rig_try_open("vale0:y"), 0);
	nmport_close(p[5]);
	p[5] = rig_open("valeMore:x");
	for (unsigned n = 0; n < VALE_MAX_SWITCHES; n++)
		nmport_close(p[n]);
}

static void
switch_keeps_the_counters_of_ports_that_left(void **state)
{
	struct nmport *p = rig_open("valeA:p"), *q = rig_open("valeA:q");
	struct arena_info *i;

	(void)state;
	rig_send(p, 0xff, 1, 1);
	rig_put_len(p, 0xff, 1, 2, 3);
	nmport_txsync(p, 0);
	nmport_close(p);
	i = rig_list();
	assert_int_equal(i->n_ports, 1);
	assert_int_equal(i->switches[0].n_ports, 1);
	assert_int_equal(i->switches[0].total.tx.pkts, 1);
	assert_int_equal(i->switches[0].total.tx.bytes, 64);
	assert_int_equal(i->switches[0].total.tx.drops[VDROP_BAD_SLOT], 1);
	assert_int_equal(i->switches[0].total.rx_pkts, 1);
	free(i);
	nmport_close(q);
	i = rig_list();
	assert_int_equal(i->n_switches, 0);
	free(i);
}

static void
layout_is_netmaps(void **state)
{
	struct nmport_cfg cfg = { .tx_slots = 256, .rx_slots = 1024,
		.tx_rings = 2, .rx_rings = 3 };
	struct nmport *p = rig_open_cfg("valeA:p", &cfg);
	struct netmap_if *nifp = nmport_if(p);

	(void)state;
	assert_string_equal(nifp->ni_name, "valeA:p");
	assert_int_equal(nifp->ni_tx_rings, 2);
	assert_int_equal(nifp->ni_rx_rings, 3);
	assert_int_equal(nifp->ni_host_tx_rings, 0);
	for (unsigned r = 0; r < 5; r++) {
		struct netmap_ring *ring = (void *)((char *)nifp +
		    nifp->ring_ofs[r]);

		assert_ptr_equal(ring, r < 2 ? nmport_txring(p, r) :
					       nmport_rxring(p, r - 2));
		assert_int_equal(ring->num_slots, r < 2 ? 256 : 1024);
		assert_int_equal(ring->dir, r >= 2);
		assert_int_equal(ring->ringid, r < 2 ? r : r - 2);
		assert_int_equal(ring->tail, r < 2 ? 255 : 0);
		assert_int_equal(ring->nr_buf_size, 2112);
		assert_true(ring->slot[0].buf_idx >= 2);
		assert_int_equal((uintptr_t)nm_buf(ring,
		    ring->slot[0].buf_idx) % 64, 0);
	}
	assert_int_equal(nmport_n_bufs(p), VALE_MAX_BUFS);
	nmport_close(p);
}

/* ---- the address table by itself ---- */

static void
mac_table_learns_moves_and_overflows(void **state)
{
	struct vswitch *sw = aligned_alloc(128,
	    ALIGN_UP(sizeof(*sw), 128));
	unsigned n_found = 0;

	(void)state;
	assert_non_null(sw);
	memset(sw, 0, sizeof(*sw));
	assert_int_equal(mac_lookup(sw, 0, 7), VALE_MAX_PORTS);
	mac_learn(sw, 0, 7, 0);
	assert_int_equal(mac_lookup(sw, 0, 7), 0);
	mac_learn(sw, MAC_MASK, 7, VALE_MAX_PORTS - 1);
	assert_int_equal(mac_lookup(sw, MAC_MASK, 7), VALE_MAX_PORTS - 1);
	mac_learn(sw, MAC_MASK, 7, 3);
	assert_int_equal(mac_lookup(sw, MAC_MASK, 7), 3);
	/* Half as many as there is room for: hardly any is lost. */
	for (uint64_t m = 1; m <= 1024; m++)
		mac_learn(sw, m << 8, 7, (unsigned)m % VALE_MAX_PORTS);
	for (uint64_t m = 1; m <= 1024; m++) {
		unsigned p = mac_lookup(sw, m << 8, 7);

		n_found += p == m % VALE_MAX_PORTS;
		assert_true(p == m % VALE_MAX_PORTS || p == VALE_MAX_PORTS);
	}
	assert_true(n_found > 950);
	/* Far too many: what is found is right, the latest is there. */
	for (uint64_t m = 1; m <= 100000; m++)
		mac_learn(sw, m << 8, 7, (unsigned)m % VALE_MAX_PORTS);
	assert_int_equal(mac_lookup(sw, 100000ull << 8, 7),
	    100000 % VALE_MAX_PORTS);
	free(sw);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)
	const struct CMUnitTest tests[] = {
		T(names),
		T(one_user_of_a_port),
		T(as_many_ports_as_there_are_places),
		T(as_many_switches_as_there_are_places),
		T(switch_keeps_the_counters_of_ports_that_left),
		T(layout_is_netmaps),
		T(mac_table_learns_moves_and_overflows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
