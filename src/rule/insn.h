/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ipfw's bytecode: opcode numbers, instruction layouts, and one table of both.
 *
 * Place      written by cli/, checked by rule/check, run by rule/interp.
 * Layout     an instruction is 1 to 63 words of 32 bits; the first word holds
 *            opcode, length and arg1.  All numbers in host order, addresses of
 *            IPv4 and IPv6 and MACs as in the packet.
 * Invariant  the numbers are FreeBSD's ip_fw.h, append-only since 2006; layouts
 *            are those of FreeBSD 11 to 14 (before the 32-bit indexes of 15).
 *
 *	 0        8        16               32
 *	+--------+--+------+----------------+- - -
 *	| opcode |NO| words|      arg1      | further words
 *	+--------+--+------+----------------+- - -
 *	          N = INSN_NOT, O = INSN_OR
 */
#pragma once

#include "base/cdefs.h"

enum insn_op {
#define INSN(num, name, kind, min, max, support) O_##name = num,
#include "rule/insn.def"
	O_LAST
};

enum insn_kind {
	INSN_NONE,
	INSN_MATCH,
	INSN_STATE,
	INSN_NOTE,
	INSN_MODIFIER,
	INSN_ACTION,
};

enum {
	INSN_NOT = 0x80,      /* the test is negated */
	INSN_OR = 0x40,	      /* or the next one, up to one without this bit */
	INSN_LEN_MASK = 0x3f, /* words, this one included */
	INSN_MAX_WORDS = 63,
	RULE_MAX_WORDS = 255, /* pattern and action part together */
	TABLEARG = 0,	      /* arg1 of actions: take the table's value */
};

/* One row of insn.def. */
struct insn_info {
	const char *name; /* "IP_SRC" */
	enum insn_kind kind;
	uint8_t min_words;
	uint8_t max_words;
	const char *refusal; /* NULL = supported */
};

/* Indexed by opcode; O_LAST rows. */
extern const struct insn_info insn_table[O_LAST];

struct insn {
	uint8_t opcode;
	uint8_t len; /* words | INSN_NOT | INSN_OR */
	uint16_t arg1;
};

struct insn_u16 { /* ranges lo,hi in pairs: ports, lengths, ethertypes */
	struct insn o;
	uint16_t ports[2];
};

struct insn_u32 {
	struct insn o;
	uint32_t d[1];
};

struct insn_ip { /* address and mask, network order; repeated */
	struct insn o;
	uint32_t addr;
	uint32_t mask;
};

struct insn_ip6 { /* a host has no mask */
	struct insn o;
	uint8_t addr6[16];
	uint8_t mask6[16];
};

struct insn_mac { /* destination first, as in the frame */
	struct insn o;
	uint8_t addr[12];
	uint8_t mask[12];
};

struct insn_if {
	struct insn o;
	union {
		uint32_t ip;   /* network order, if name[0] == 0 */
		uint32_t glob; /* 1: name is a pattern */
		uint16_t kidx; /* table, if name[0] == 1 */
	} p;
	char name[16];
};

struct insn_log {
	struct insn o;
	uint32_t max_log; /* 0 = no limit */
	uint32_t log_left;
};

struct insn_limit {
	struct insn o;
	uint8_t pad;
	uint8_t mask; /* LIMIT_* */
	uint16_t limit;
};

struct insn_sa { /* fwd: sockaddr_in of FreeBSD: len, family, port, addr */
	struct insn o;
	uint8_t sa_len;
	uint8_t sa_family;
	uint16_t port; /* host order */
	uint32_t addr; /* network order */
	uint8_t zero[8];
};

struct insn_sa6 {
	struct insn o;
	uint8_t sa_len;
	uint8_t sa_family;
	uint16_t port;
	uint32_t flowinfo;
	uint8_t addr6[16];
	uint32_t scope;
};

struct insn_icmp6 { /* bit per type, 0 to 223 */
	struct insn o;
	uint32_t d[7];
};

enum { /* bits of O_LIMIT's mask */
	LIMIT_SRC_ADDR = 1,
	LIMIT_SRC_PORT = 2,
	LIMIT_DST_ADDR = 4,
	LIMIT_DST_PORT = 8,
};

enum { /* bits of O_EXT_HDR's arg1 */
	EXT_FRAGMENT = 0x1,
	EXT_HOPOPTS = 0x2,
	EXT_ROUTING = 0x4,
	EXT_AH = 0x8,
	EXT_ESP = 0x10,
	EXT_DSTOPTS = 0x20,
	EXT_RTHDR0 = 0x40,
	EXT_RTHDR2 = 0x80,
};

enum { /* O_IPOPT: low byte of arg1 must be set, high byte must be clear */
	IPOPT_LSRR = 0x1,
	IPOPT_SSRR = 0x2,
	IPOPT_RR = 0x4,
	IPOPT_TS = 0x8,
};

enum { /* O_TCPOPTS, likewise */
	TCPOPT_MSS = 0x1,
	TCPOPT_WINDOW = 0x2,
	TCPOPT_SACK = 0x4,
	TCPOPT_TS = 0x8,
	TCPOPT_CC = 0x10,
};

enum { /* O_FRAG, likewise; arg1 0 is the bare form: offset not zero */
	FRAG_RF = 0x80,
	FRAG_DF = 0x40,
	FRAG_MF = 0x20,
	FRAG_OFFSET = 0x1,
};

/* The name behind O_EXTERNAL_ACTION's arg1.  There is one that the daemon knows;
 * its O_EXTERNAL_DATA's arg1 is the largest MSS. */
#define EACTION_SETMSS "tcp-setmss"

enum { EACTION_SETMSS_IDX = 65535 }; /* its index in the daemon */

enum { /* bits of O_LOG's arg1; 0 = as sysctls and options have it */
	LOGDST_SYSLOG = 0x8000, /* a line */
	LOGDST_BPF = 0x4000,	/* the capture */
	LOGDST_RTSOCK = 0x2000, /* refused: there are no routing sockets */
};

enum { /* bits of O_DIVERTED's arg1: the pass that went on after a divert */
	DIVERTED_LOOPBACK = 1, /* on the way in */
	DIVERTED_OUTPUT = 2,
};

enum { /* arg1 of O_REJECT beside ICMP codes */
	REJECT_RST = 0x100,
	REJECT_ABORT = 0x101,
};

_Static_assert(sizeof(struct insn) == 4, "insn ABI");
_Static_assert(sizeof(struct insn_u32) == 8, "insn_u32 ABI");
_Static_assert(sizeof(struct insn_ip) == 12, "insn_ip ABI");
_Static_assert(sizeof(struct insn_ip6) == 36, "insn_ip6 ABI");
_Static_assert(sizeof(struct insn_mac) == 28, "insn_mac ABI");
_Static_assert(sizeof(struct insn_if) == 24, "insn_if ABI");
_Static_assert(sizeof(struct insn_log) == 12, "insn_log ABI");
_Static_assert(sizeof(struct insn_limit) == 8, "insn_limit ABI");
_Static_assert(sizeof(struct insn_sa) == 20, "insn_sa ABI");
_Static_assert(sizeof(struct insn_sa6) == 32, "insn_sa6 ABI");
_Static_assert(sizeof(struct insn_icmp6) == 32, "insn_icmp6 ABI");

/* Length in words, header included; 0 is malformed. */
static inline unsigned
insn_words(const struct insn *i)
{
	return i->len & INSN_LEN_MASK;
}

/* The instruction after 'i'.  The caller knows that there is one, or an end. */
static inline const struct insn *
insn_next(const struct insn *i)
{
	return i + insn_words(i);
}

/* The words behind the first one. */
static inline const uint32_t *
insn_args(const struct insn *i)
{
	return (const uint32_t *)(const void *)(i + 1);
}
