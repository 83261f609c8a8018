/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packets on their way to a program that listens at a divert port.
 *
 * Place      interp leaves the copies of 'tee', engine/fate the packets of
 *            'divert'; the thread that has the sockets reads them
 *            (engine/diverts.h).
 * Why a ring The worker copies a frame into a ring and goes on: 50 to 100 ns,
 *            and at most one wake-up a round of its lanes.  Sending from the
 *            worker, even many at once, costs it a copy by the kernel and the
 *            reader's wake-up each time, and whoever reads slowly would hold it
 *            up with what the kernel does then.
 * Nobody     Where nobody listens nothing is copied: one load tells.
 * Threads    a struct divert is one worker's; the ports are written by the
 *            sockets' thread.
 * Form       the messages of include/kipfw_divert.h.
 */
#pragma once

#include "base/msgring.h"
#include "base/stat.h"
#include "packet/pkt.h"

struct pass;

/* Who listens where. */
struct divert_ports {
	_Atomic uint64_t words[65536 / 64]; /* a bit a port */
};

static inline bool
divert_listens(const struct divert_ports *d, uint16_t port)
{
	return (atomic_load_explicit(&d->words[port / 64],
	    memory_order_relaxed) >> port % 64 & 1) != 0;
}

struct divert {
	struct msgring *ring;
	const struct divert_ports *ports;
	uint64_t handed;    /* written by the worker, read by anybody */
	uint64_t tees_lost; /* copies that found no room */
};

enum divert_end {
	DIVERT_HANDED,
	DIVERT_NOBODY, /* listens there */
	DIVERT_FULL,   /* the listener is too slow */
};

/* Puts a copy of 'p', as it is now, into the ring for the port fate->to;
 * 'flags' are KIPFW_DIVERT_*.  d == NULL: nobody listens. */
enum divert_end divert_put(struct divert *d, const struct pass *pass,
    const struct pkt *p, const struct pkt_fate *fate, uint8_t flags);

/* The same for the copy of 'tee': what cannot be had is counted. */
void divert_tee(const struct pass *pass, const struct pkt *p,
    const struct pkt_fate *fate);
