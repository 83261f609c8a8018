/* SPDX-License-Identifier: BSD-2-Clause */
/* Packet memory of two ports: who shares with whom, and whose a frame is. */
#include "unit.h"

#include "port/xdp_umem.h"

#include <string.h>

/* A half of at least 'least' frames, or of 'want'. */
static struct xdp_umem *
get(uint32_t want, uint32_t least, unsigned *half)
{
	struct xdp_umem *u = NULL;
	struct err e = {0};

	if (xdp_umem_get(want, least, &u, half, &e) != 0)
		fail_msg("%s", e.text);
	assert_true(u->n_frames / 2 >= least);
	assert_int_equal(u->size, (size_t)u->n_frames * XDP_FRAME_SIZE);
	return u;
}

static unsigned
owned(const struct xdp_umem *u, unsigned half)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < u->n_frames; i++)
		n += u->owner[i] == half;
	return n;
}

/* The first two share, the third has new memory, the fourth shares that. */
static void
pairs(void **state)
{
	unsigned halves[4];
	struct xdp_umem *u[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		u[i] = get(128, 128, &halves[i]);
	assert_ptr_equal(u[0], u[1]);
	assert_ptr_equal(u[2], u[3]);
	assert_ptr_not_equal(u[0], u[2]);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(halves[i], i % 2);
		assert_int_equal(owned(u[i], halves[i]), 128);
	}
	xdp_umem_put(u[0], halves[0]);
	xdp_umem_put(u[2], halves[2]);
	xdp_umem_put(u[3], halves[3]);
	u[0] = get(128, 128, &halves[0]); /* what is free is used first */
	assert_ptr_equal(u[0], u[1]);
	assert_int_equal(halves[0], 0);
	xdp_umem_put(u[1], halves[1]);
	xdp_umem_put(u[0], halves[0]);
}

static void
sizes(void **state)
{
	unsigned h[3];
	struct xdp_umem *a = get(256, 128, &h[0]), *b, *c;

	(void)state;
	b = get(512, 257, &h[1]); /* the other half is too small */
	assert_ptr_not_equal(a, b);
	c = get(512, 256, &h[2]); /* rather a smaller one than none to share */
	assert_true(c == a || c == b);
	xdp_umem_put(a, h[0]);
	xdp_umem_put(b, h[1]);
	xdp_umem_put(c, h[2]);
}

/* All of it can be written, up to the last octet, and no frame overlaps. */
static void
memory(void **state)
{
	unsigned half;
	struct xdp_umem *u = get(64, 64, &half);

	(void)state;
	for (uint32_t i = 0; i < u->n_frames; i++)
		memset(xdp_frame(u, i), (int)i, XDP_FRAME_SIZE);
	for (uint32_t i = 0; i < u->n_frames; i++) {
		assert_int_equal(xdp_frame(u, i)[0], i & 0xff);
		assert_int_equal(xdp_frame(u, i)[XDP_FRAME_SIZE - 1], i & 0xff);
	}
	xdp_umem_put(u, half);
}

/* A frame that was swapped stays with its owner when the half is given back,
 * and the next port of that half has what the last one had. */
static void
owners(void **state)
{
	unsigned a, b, c;
	struct xdp_umem *u = get(64, 64, &a), *v = get(64, 64, &b);

	(void)state;
	assert_ptr_equal(u, v);
	u->owner[3] = (uint8_t)b;
	u->owner[100] = (uint8_t)a;
	xdp_umem_put(u, a);
	v = get(64, 64, &c);
	assert_ptr_equal(u, v);
	assert_int_equal(c, a);
	assert_int_equal(u->owner[3], b);
	assert_int_equal(u->owner[100], c);
	assert_int_equal(owned(u, c), 64);
	xdp_umem_put(u, b);
	xdp_umem_put(u, c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pairs),
		cmocka_unit_test(sizes),
		cmocka_unit_test(memory),
		cmocka_unit_test(owners),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
