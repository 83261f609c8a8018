/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packet memory of AF_XDP ports: frames that two ports can exchange.
 *
 * Place      under port_xdp.c.
 * Sharing    the first port makes memory for two, the next gets the other
 *            half: the two ends of a bump in the wire, which are opened one
 *            after the other, can swap frames.  Each socket registers the
 *            whole of it as a UMEM of its own, so that none depends on the
 *            life of another's.
 * Owners     owner[] says which half's port a frame belongs to now; a swap
 *            moves two.  So a port that has to start anew finds its frames,
 *            wherever the kernel had them.
 * Threads    get and put: one.  Frames of a half: those of its port's worker.
 */
#pragma once

#include "base/cdefs.h"
#include "base/err.h"

enum {
	XDP_FRAME_SHIFT = 12,
	XDP_FRAME_SIZE = 1 << XDP_FRAME_SHIFT,
	XDP_FRAMES_MAX = 1 << 17, /* two halves of 512 MB: offsets are int */
};

struct xdp_umem {
	uint8_t *frames;
	size_t size;	   /* octets of all frames; one more frame may be read */
	uint32_t n_frames; /* both halves */
	int map;	   /* a BPF map whose memory the frames are; -1 = none */
	uint8_t *owner;	   /* n_frames: 0 or 1 */
	bool is_used[2];   /* the halves */
	struct xdp_umem *next;
};

/* A half of at least 'least' frames that is free, or else one of 'want', at most
 * XDP_FRAMES_MAX, in new memory.  Its frames are those that owner[] gives to
 * *half, (*out)->n_frames / 2 of them.  -ENOMEM. */
int xdp_umem_get(uint32_t want, uint32_t least, struct xdp_umem **out,
    unsigned *half, struct err *e);
/* Gives it back; the memory goes with the second one. */
void xdp_umem_put(struct xdp_umem *u, unsigned half);

static inline uint8_t *
xdp_frame(const struct xdp_umem *u, uint32_t frame)
{
	return u->frames + ((size_t)frame << XDP_FRAME_SHIFT);
}
