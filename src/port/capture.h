/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What virtual time asks of the ports that are capture files.
 *
 * Place      engine/virtual; real time uses a capture as any other port.
 * Stamps     of a port never go back: a packet that its file has behind a later
 *            one comes with that one's stamp.  speed= and loop= are in them.
 * Clock      a port that was given a clock stamps what is sent by it with that
 *            clock's time, and reads no other.
 */
#pragma once

#include "base/ns.h"
#include "capture/writer.h"
#include "port/kinds.h"

static inline bool
port_is_capture(const struct port *p)
{
	return p->ops == &port_pcap;
}

/* From now on time is *now, which is borrowed.  -EINVAL if the options of the
 * port have no meaning then. */
int capture_set_clock(struct port *p, const ns_t *now, struct err *e);

/* The stamp of the packet that comes next, UINT64_MAX if there is none. */
ns_t capture_next_ns(struct port *p);

/* As port_rx(), in spite of any clock: the packets that come next with a stamp
 * below 'before', and their stamps.  After port_release() only. */
unsigned capture_rx(struct port *p, struct pkt *pkts, ns_t *stamps,
    unsigned max, ns_t before);

/* As port_tx(), each frame at its own time; those that cannot be written have
 * been told. */
unsigned capture_tx(struct port *p, const struct writer_frame *f, unsigned n);

/* True if the file that is read is over, or there is none.  For any thread. */
bool capture_is_over(const struct port *p);

/* True if reading or writing went wrong, which has been told. */
bool capture_failed(const struct port *p);

/* Brings what was sent to the file; false if it cannot be written, which has
 * been told. */
bool capture_finish(struct port *p);

/* True if an open port reads or writes the file 'path', which then must not be
 * emptied.  Control thread. */
bool capture_uses(const char *path);
