/* SPDX-License-Identifier: BSD-2-Clause */
/* The port that stands on a VALE switch, seen as the engine sees it. */
#include "vale_rig.h"

#include "port/port.h"

static struct port *
open_port(const char *name)
{
	struct port *p = NULL;
	struct err e = {0};

	if (port_open(name, &p, &e) != 0)
		fail_msg("%s: %s", name, e.text);
	return p;
}

/* What is lent is what was sent; tx brings it to the other switch. */
static void
test_forwards(void **state)
{
	struct nmport *a = rig_open("valeA:s"), *b = rig_open("valeB:d");
	struct port *in = open_port("valeA:f"), *out = open_port("valeB:f");
	struct pkt pkts[PORT_BURST], *list[3] = {&pkts[0], &pkts[1], &pkts[2]};
	struct netmap_ring *rx = nmport_rxring(b, 0);

	(void)state;
	for (uint32_t i = 0; i < 3; i++)
		rig_put(a, 2, 1, i);
	assert_int_equal(nmport_txsync(a, 0), 0);
	assert_int_equal(port_rx(in, pkts, PORT_BURST), 3);
	assert_int_equal(pkts[0].len, 64);
	assert_int_equal(port_tx(out, in, list, 3), 3);
	port_release(in);
	port_kick(out);
	assert_int_equal(port_pending(out), 0);
	assert_int_equal(nmport_rxsync(b, 0), 0);
	assert_int_equal(nm_ring_space(rx), 3);
	assert_int_equal(port_rx(in, pkts, PORT_BURST), 0);
	port_close(in);
	port_close(out);
	nmport_close(a);
	nmport_close(b);
}

/* A frame in several slots: no rule can see all of it, so none of its slots has
 * a length, also when a burst ends inside.  The next frame is whole again. */
static void
test_frames_in_pieces(void **state)
{
	static const uint16_t lens[] = {64, 0, 0, 0, 64, 0, 0, 64};
	static const bool more[] = {0, 1, 1, 0, 0, 1, 0, 0};
	struct nmport *a = rig_open("valeA:s");
	struct port *in = open_port("valeA:f");
	struct pkt pkts[PORT_BURST];

	(void)state;
	for (uint32_t i = 0; i < ARRAY_LEN(lens); i++)
		rig_put(a, 2, 1, i)->flags = more[i] ? NS_MOREFRAG : 0;
	assert_int_equal(nmport_txsync(a, 0), 0);
	for (unsigned at = 0; at < ARRAY_LEN(lens); at += 2) {
		assert_int_equal(port_rx(in, pkts, 2), 2);
		assert_int_equal(pkts[0].len, lens[at]);
		assert_int_equal(pkts[1].len, lens[at + 1]);
		port_release(in);
	}
	port_close(in);
	nmport_close(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_forwards, rig_setup,
		    rig_teardown),
		cmocka_unit_test_setup_teardown(test_frames_in_pieces,
		    rig_setup, rig_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
