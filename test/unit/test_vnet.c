/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames of the host become packets: whole, finished or cut, burst by burst. */
#include "unit.h"

#include "frames.h"

#include "packet/checksum.h"
#include "port/vnet.h"

#include <stdlib.h>

enum { MSS = 1000, HEAD = ETHER_LEN + IP4_LEN + TCP_LEN };

static struct vnet v;
static struct pkt pkts[PORT_BURST];
static uint8_t frame[OFFLOAD_MAX_FRAME];
static struct offload work;

/* An IPv4 TCP packet of 'payload' octets, numbered, with work left. */
static unsigned
make(unsigned payload, unsigned flags, unsigned mss)
{
	struct frame f;

	f_ether(&f, ETYPE_IP4);
	f_ip4(&f, PROTO_TCP, 0x0a000001, 0x0a000002, 0);
	f_tcp(&f, 1000, 80, (uint8_t)flags);
	memcpy(frame, f.b, f.len);
	put16(frame + ETHER_LEN + 2, (uint16_t)(HEAD - ETHER_LEN + payload));
	for (unsigned i = 0; i < payload; i++)
		frame[HEAD + i] = (uint8_t)(i / 7);
	work = (struct offload){.flags = OFFLOAD_CSUM,
	    .gso = mss != 0 ? OFFLOAD_TCP4 : OFFLOAD_WHOLE,
	    .gso_size = (uint16_t)mss, .csum_start = HEAD - TCP_LEN,
	    .csum_offset = 16};
	return HEAD + payload;
}

static void
start(void **state)
{
	(void)state;
	assert_int_equal(vnet_init(&v), 0);
	assert_true(vnet_is_idle(&v));
	assert_int_equal(vnet_give(&v, pkts, PORT_BURST), 0);
}

static void
without_segmentation(void **state)
{
	unsigned len = make(10, TH_ACK, 0);

	start(state);
	assert_true(vnet_take(&v, frame, len, &work, true));
	assert_false(vnet_is_idle(&v));
	assert_int_equal(vnet_give(&v, pkts, 1), 1);
	assert_true(vnet_is_idle(&v));
	assert_ptr_equal(pkts[0].data, frame);
	assert_null(pkts[0].slot);
	assert_int_equal(pkts[0].len, len);
	/* Its place held 0, so the sum over all is the whole of ones. */
	assert_int_equal(checksum_end(checksum_add(0, frame + HEAD - TCP_LEN,
	    TCP_LEN + 10)), 0);
	vnet_fini(&v);
}

/* As it came, with what is left; its number of octets is a packet's. */
static void
whole(void **state)
{
	struct port from = {.whole = true};
	unsigned len = make(5 * MSS, TH_ACK, MSS);

	start(state);
	for (unsigned i = 0; i < 3; i++) {
		assert_true(vnet_take(&v, frame, len, &work, true));
		assert_int_equal(vnet_give(&v, pkts + i, PORT_BURST), 1);
		assert_ptr_equal(pkts[i].data, frame);
		assert_int_equal(pkts[i].len, len);
		assert_memory_equal(port_offload(&from, &pkts[i]), &work,
		    sizeof(work));
		work.hdr_len++;
	}
	from.whole = false;
	assert_null(port_offload(&from, &pkts[0]));
	vnet_fini(&v);
}

static unsigned
give_all(unsigned max)
{
	unsigned n = 0;

	while (!vnet_is_idle(&v))
		n += vnet_give(&v, pkts + n, max);
	return n;
}

/* What may not be given whole is cut, asked for or not. */
static void
never_whole(void **state)
{
	unsigned len = make(5 * MSS, TH_SYN, MSS);

	start(state);
	assert_true(vnet_take(&v, frame, len, &work, true));
	assert_int_equal(give_all(PORT_BURST), 5);
	len = make(MSS, TH_ACK, MSS);
	assert_true(vnet_take(&v, frame, len, &work, true));
	assert_int_equal(give_all(PORT_BURST), 1);
	assert_null(pkts[0].slot);
	len = make(65535 - HEAD + ETHER_LEN, TH_ACK, MSS);
	assert_true(len > UINT16_MAX);
	assert_true(vnet_take(&v, frame, len, &work, true));
	assert_int_equal(give_all(PORT_BURST), 66);
	vnet_fini(&v);
}

/* Segments over several bursts, none lost, none twice. */
static void
cut_in_bursts(void **state)
{
	unsigned len = make(60 * MSS + 1, TH_ACK, MSS), at = 0;
	static const unsigned max[] = {1, 7, 50, 100};

	start(state);
	assert_true(vnet_take(&v, frame, len, &work, false));
	for (unsigned b = 0; b < ARRAY_LEN(max); b++) {
		unsigned n = vnet_give(&v, pkts, max[b]);

		assert_int_equal(n, b < 3 ? max[b] : 3);
		for (unsigned i = 0; i < n; i++) {
			unsigned size = pkts[i].len - HEAD;

			assert_memory_equal(pkts[i].data + HEAD,
			    frame + HEAD + at, size);
			at += size;
		}
		assert_int_equal(vnet_is_idle(&v), b == 3);
		vnet_recycle(&v);
	}
	assert_int_equal(at, 60 * MSS + 1);
	vnet_fini(&v);
}

/* When its memory is full it waits for the burst's end, and loses nothing. */
static void
memory_is_bounded(void **state)
{
	unsigned len = make(60000, TH_ACK, 40), n = 0, bursts = 0;

	start(state);
	for (unsigned i = 0; i < 20; i++) {
		unsigned got;

		assert_true(vnet_take(&v, frame, len, &work, false));
		while (!vnet_is_idle(&v)) {
			got = vnet_give(&v, pkts, PORT_BURST);
			n += got;
			if (got < PORT_BURST && !vnet_is_idle(&v)) {
				bursts++;
				vnet_recycle(&v);
				assert_true(vnet_give(&v, pkts, 1) == 1);
				n++;
			}
		}
	}
	assert_int_equal(n, 20 * 1500);
	assert_true(bursts > 0);
	vnet_fini(&v);
}

static void
lies(void **state)
{
	unsigned len = make(5 * MSS, TH_ACK, MSS);

	start(state);
	work.csum_start++;
	assert_false(vnet_take(&v, frame, len, &work, true));
	assert_true(vnet_is_idle(&v));
	work.gso = OFFLOAD_WHOLE;
	work.csum_start = (uint16_t)len;
	assert_false(vnet_take(&v, frame, len, &work, true));
	assert_false(vnet_take(&v, frame, UINT16_MAX + 1,
	    &(struct offload){0}, true));
	assert_true(vnet_is_idle(&v));
	vnet_fini(&v);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_segmentation),
		cmocka_unit_test(whole),
		cmocka_unit_test(never_whole),
		cmocka_unit_test(cut_in_bursts),
		cmocka_unit_test(memory_is_bounded),
		cmocka_unit_test(lies),
	};

	return cmocka_run_group_tests_name("vnet", tests, NULL, NULL);
}
