/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sending many frames by an interface with one system call.
 *
 * An AF_XDP socket in copy mode sends one frame after the other, each with a
 * softirq of its own.  A program of the traffic control, which the kernel runs
 * when bpf(2) asks it to (BPF_PROG_TEST_RUN), can send a list of frames within
 * one: a quarter less work a frame on a veth pair.
 *
 * Place      under xdp_io.c, for sockets in copy mode.
 * Memory     the program reads the frames where they lie: the UMEM is the memory
 *            of a BPF map.
 * Bound      a call sends at most 'most' frames, in order, and is done with them
 *            when it returns.
 * Way        through the interface's queueing discipline, if it has one.
 */
#pragma once

#include "base/cdefs.h"
#include "port/xdp_umem.h"

enum {
	XDP_BATCH = 64,	      /* frames; veth and the backlog hold more */
	XDP_BATCH_LEAST = 16, /* below it, a call costs what it saves */
	XDP_BATCH_MOST = 256, /* room of the list: for live frames */
};

struct xdp_batch_list { /* the program reads it */
	uint32_t index;	/* of the interface */
	uint32_t n;
	uint32_t n_sent; /* by the program */
	uint32_t i;	 /* the next one, of a live program */
	struct {
		uint32_t at; /* offset in the UMEM */
		uint32_t len;
	} frames[XDP_BATCH_MOST];
};

struct xdp_batch {
	int prog; /* -1 = there is none */
	int map;
	struct xdp_batch_list *list;
	unsigned most;	  /* frames of a call */
	unsigned max_len; /* of a frame */
	bool is_live;	  /* xdp_live.h opened it, and has these: */
	int link;
	int net;
};

#define XDP_BATCH_NONE                                                        \
	((struct xdp_batch){.prog = -1, .map = -1, .link = -1, .net = -1})

/* Prepares for frames of 'u' to leave by interface 'index'.  False, with nothing
 * changed, if memory or kernel do not allow it. */
bool xdp_batch_open(struct xdp_batch *b, const struct xdp_umem *u,
    unsigned index);
/* One that is not open is fine. */
void xdp_batch_close(struct xdp_batch *b);

/* Makes list and map, for a program that reads frames of 'u'; false if memory or
 * kernel do not allow it. */
bool xdp_batch_make(struct xdp_batch *b, const struct xdp_umem *u);

/* Adds a frame of len <= max_len octets at offset 'at' of the UMEM; there is room
 * until b->list->n is b->most. */
static inline void
xdp_batch_add(struct xdp_batch *b, uint32_t at, uint32_t len)
{
	b->list->frames[b->list->n].at = at;
	b->list->frames[b->list->n++].len = len;
}

/* Sends what was added.  Returns how many the interface took. */
unsigned xdp_batch_send(struct xdp_batch *b);
