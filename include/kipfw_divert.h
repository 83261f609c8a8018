/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What programs and kipfw say to each other about diverted packets.
 *
 * Socket     unix, SOCK_SEQPACKET, at the path of kipfw's --divert; only the
 *            daemon's user may connect.  One connection is one divert port, as
 *            a divert(4) socket is bound to one.
 * Hello      the program's first message names the port; kipfw answers with the
 *            same message and 'error' set: 0, or an errno (EADDRINUSE: another
 *            program listens there) after which it hangs up.
 * Packets    each message is one struct kipfw_divert and behind it 'len' octets
 *            of the frame: Ethernet header and VLAN tags included, no FCS.
 * Giving     a packet that the program sends to kipfw in the same form goes on
 * back       at the first rule whose number is above 'rule' (0: at the first
 *            rule of all), in the pass 'dir' of the lane 'lane'.  The frame may
 *            be another one, of KIPFW_DIVERT_MIN to KIPFW_DIVERT_MAX octets;
 *            'mark' becomes its mark; 'port' must be the connection's; names
 *            and flags are not looked at.  What does not fit is dropped and
 *            counted.  Checksums are the program's business.
 * Queue      kipfw never waits: what a program does not read in time is dropped
 *            (divert) or not copied (tee), and counted.
 *
 * All numbers are in the machine's order: both ends are on one.
 */
#pragma once

#include <stdint.h>

enum {
	KIPFW_DIVERT_MAGIC = 0x6b647631, /* "kdv1" */
	KIPFW_DIVERT_MIN = 14,	 /* octets of a frame given back */
	KIPFW_DIVERT_MAX = 2048,
	KIPFW_DIVERT_LONGEST = 65535, /* of a frame handed out */
};

struct kipfw_divert_hello {
	uint32_t magic;
	uint16_t port; /* 1 to 65535 */
	uint16_t zero;
	int32_t error; /* from kipfw */
};

enum { /* kipfw_divert.dir */
	KIPFW_DIVERT_IN,  /* kept in the pass on the way in */
	KIPFW_DIVERT_OUT, /* in the one on the way out */
};

enum { /* kipfw_divert.flags */
	KIPFW_DIVERT_TEE = 1, /* a copy: the packet itself has gone on */
};

struct kipfw_divert {
	uint16_t rule; /* number of the rule that diverted it */
	uint16_t port; /* and to where */
	uint16_t lane; /* from which port to which; means nothing elsewhere */
	uint8_t dir;
	uint8_t flags;
	uint32_t len;  /* octets of the frame, which follows */
	uint32_t mark; /* of setmark, 0 = none */
	char in_if[16];	 /* name of the port it came in by, ended by a zero */
	char out_if[16]; /* of the one it leaves by */
};

_Static_assert(sizeof(struct kipfw_divert_hello) == 12, "divert ABI");
_Static_assert(sizeof(struct kipfw_divert) == 48, "divert ABI");
