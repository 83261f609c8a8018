/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The 16-octet header of every control message, in host order and on the wire.
 *
 * Place      shared by ctl/server and ctl/client; ipfw_abi.h tells the meaning.
 */
#pragma once

#include "base/cdefs.h"
#include "ipfw_abi.h"

#include <arpa/inet.h>

/* A header in host order.  'error' and 'level' share a word on the wire. */
struct wire_msg {
	uint32_t optlen;
	uint32_t error; /* reply: errno; request: level, ignored */
	uint32_t optname;
	uint32_t dir;
};

static inline struct wire_hdr
wire_pack(const struct wire_msg *m)
{
	return (struct wire_hdr){
	    .optlen = htonl(m->optlen),
	    .level = htonl(m->error),
	    .optname = htonl(m->optname),
	    .dir = htonl(m->dir),
	};
}

static inline struct wire_msg
wire_unpack(const struct wire_hdr *h)
{
	return (struct wire_msg){
	    .optlen = ntohl(h->optlen),
	    .error = ntohl(h->level),
	    .optname = ntohl(h->optname),
	    .dir = ntohl(h->dir),
	};
}
