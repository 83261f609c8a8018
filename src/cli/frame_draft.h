/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What was said of a packet: frame_field.c reads its words, frame.c completes
 * it, frame_put.c makes octets of it.  For these three alone.
 */
#pragma once

#include "cli/frame.h"
#include "rule/insn.h"

enum {
	P_ICMP = 1, P_TCP = 6, P_UDP = 17, P_FRAG6 = 44, P_ICMP6 = 58,
	P_SCTP = 132, P_UDPLITE = 136,
	P_NONE6 = 59,  /* 'ip' and no more said: nothing follows, ... */
	P_TRIAL = 253, /* ... and for experiments (RFC 3692) */
	SYN = 0x02, ACK = 0x10,
	FRAG_AT = 1480,	     /* where a later fragment lies */
	PORT_FROM = 49152, PORT_TO = 9,
	TTL = 64, WINDOW = 65535,
	ECHO4 = 8, ECHO6 = 128,
	L4_MAX = 60,
};

/* What was said; -1 is nothing. */
struct draft {
	const struct word *w;
	unsigned n, i;
	struct err *e;
	struct frame *f;
	uint8_t macs[12];
	int vlan, ethertype;
	unsigned family; /* 4, 6; 0 = nothing tells */
	const struct word *family_word; /* that told it */
	int proto;
	const struct word *ports_word; /* that needs ports */
	const struct word *tcp_word;   /* that only TCP has */
	const struct word *icmp_word;  /* that only ICMP has */
	bool has_src, has_dst;
	uint8_t src[16], dst[16];
	int sport, dport;
	unsigned tcp_flags; /* with has_flags */
	bool has_flags;
	uint32_t seq, ack;
	int window, mss;
	unsigned tcp_opts; /* TCPOPT_* */
	int icmp_type, icmp_code;
	unsigned frag; /* FRAG_* */
	const struct word *frag_word;
	int iplen, ipid, ttl;
	const struct word *iplen_word;
	unsigned tos;
	int part; /* of it, while it is read */
	uint32_t flow_label;
	const struct word *label_word;
	unsigned payload_len;
	uint8_t payload[FRAME_MAX];
};

/* Reads all words; 0 or a sysexits code, as the rest here. */
int draft_read(struct draft *d);

/* The word 'w' says that it is IPv4 or IPv6; an error if another said else. */
int draft_family(struct draft *d, const struct word *w, unsigned family);

/* Likewise of the protocol, and of the family that it goes with. */
int draft_proto(struct draft *d, const struct word *w, int proto);

/* EX_DATAERR: what is wrong with the word. */
int draft_wrong(struct draft *d, const struct word *w, const char *why);

/* Writes an IP packet's headers, payload, and the zeros that 'iplen' asks for
 * beyond them.  0 or EX_DATAERR. */
int frame_put_ip(struct draft *d);

/* Another frame: Ethernet header and payload. */
void frame_put_other(struct draft *d);
