/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A capture file in pcapng, times in ns, a comment beside each packet.
 *
 * Place      daemon/logger writes into it what rules have logged.
 * Life       pcapng_create -> pcapng_put (any number) -> pcapng_close.
 * Threads    one.
 */
#pragma once

#include "base/cdefs.h"
#include "base/err.h"

struct pcapng;

struct pcapng_packet {
	uint64_t ns;	    /* since 1970 */
	const char *ifname; /* where it was seen */
	const void *data;
	uint32_t kept;	    /* octets at 'data' */
	uint32_t len;	    /* of the whole frame */
	const char *comment; /* NULL = none */
};

/* Makes (or empties) the file.  'snap' is the longest 'kept' to come. */
int pcapng_create(const char *path, uint32_t snap, struct pcapng **out,
    struct err *e);

/* Appends a packet.  False: it could not be written; nor will later ones. */
bool pcapng_put(struct pcapng *f, const struct pcapng_packet *p);

/* Brings what was written to the file. */
bool pcapng_flush(struct pcapng *f);

/* NULL is fine. */
void pcapng_close(struct pcapng *f);
