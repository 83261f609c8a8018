/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The options of a request: a list in the program's memory, read with netmap's
 * bounds.  Those of positions outside the rings (kloop.h) are understood, the
 * others answered EOPNOTSUPP.
 */
#pragma once

#include "base/cdefs.h"
#include "netmap_api.h"

enum { OPTION_MAX = 130, OPTION_MAX_EVENTFDS = 16 };

/* What was read. */
struct options {
	bool has_csb, has_mode, has_eventfds;
	struct nmreq_opt_csb csb;
	uint32_t mode;	      /* NM_OPT_SYNC_KLOOP_* */
	unsigned n_eventfds;  /* entries there, maybe more than are kept */
	struct {
		int32_t io, irq;
	} eventfds[OPTION_MAX_EVENTFDS];
	unsigned n; /* of the list */
	uint64_t addrs[OPTION_MAX];
	struct nmreq_option heads[OPTION_MAX];
};

/* Reads the list of 'hdr', whose body has 'body_size' octets.  If it cannot be
 * taken each option's status is written: -EMSGSIZE a list without end or too
 * large, -EINVAL a type that is none or twice, -EFAULT a bad address,
 * -EOPNOTSUPP an option that the request does not know. */
int option_read(const struct nmreq_header *hdr, size_t body_size,
    struct options *o);

/* Writes what became of them: 'rc' is the request's. */
int option_write(struct options *o, int rc);
