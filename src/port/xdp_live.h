/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sending bursts as "live frames": an XDP program, which bpf(2) runs on frames of
 * the kernel's own (BPF_PROG_TEST_RUN with BPF_F_TEST_XDP_LIVE_FRAMES), writes one
 * of ours over each and redirects it to the interface.
 *
 * No sk_buff is made: a neighbour that has an XDP program itself gets frames for
 * a third of what a batch (xdp_batch.h) costs, one with GRO for three quarters.
 *
 * Place      beside xdp_batch.h, whose list of frames and calls it uses.
 * Wants      an interface that sends redirected frames (NIC_XDP_XMIT of nic_xdp.h).
 *            To one that does not, the kernel loses them and does not tell.
 * Bound      a call sends at most XDP_BATCH_MOST frames of XDP_LIVE_LEN octets, in
 *            order; it costs some 20 us before the first one.
 * Loss       what the neighbour's ring (256 frames of veth) cannot take is counted
 *            by the interface only.
 */
#pragma once

#include "base/err.h"
#include "port/xdp_batch.h"

enum {
	XDP_LIVE_LEAST = 64, /* frames; fewer are cheaper in a batch */
	XDP_LIVE_LEN = 3072, /* a page, less what the kernel keeps in it */
};

/* As xdp_batch_open(); says what is missing.  Close with xdp_batch_close(). */
int xdp_live_open(struct xdp_batch *b, const struct xdp_umem *u,
    unsigned index, struct err *e);
