/* SPDX-License-Identifier: BSD-2-Clause */
/* Building control requests, for the tests of ctl/. */
#pragma once

#include "ipfw_abi.h"
#include "rule/insn.h"

#include <string.h>

/* A request under construction. */
struct message {
	uint32_t optname;
	uint32_t dir;
	size_t len;
	_Alignas(8) unsigned char data[8192];
};

static inline void *
msg_put(struct message *m, const void *what, size_t len)
{
	void *at = m->data + m->len;

	memcpy(at, what, len);
	m->len += len;
	return at;
}

static inline struct message
msg_fw3(unsigned opcode)
{
	struct message m = {.optname = CTL_FW3, .dir = CTL_DIR_GET};
	struct fw3_hdr h = {.opcode = (uint16_t)opcode};

	msg_put(&m, &h, sizeof(h));
	return m;
}

/* XADD of 'n' rules "count ip4 from any to any" with numbers 'nums' (0 = auto)
 * in set 'set'. */
static inline struct message
msg_add(const unsigned *nums, unsigned n, unsigned set)
{
	struct message m = msg_fw3(FW3_XADD);
	struct obj_ctlv l = {
	    .head = {TLV_RULE_LIST, 0, (uint32_t)(sizeof(l) + n * 24)},
	    .count = n,
	};
	struct {
		struct abi_rule head;
		struct insn cmd[2];
	} r = {
	    .head = {.act_ofs = 1, .cmd_len = 2, .set = (uint8_t)set},
	    .cmd = {{O_IP4, 1, 0}, {O_COUNT, 1, 0}},
	};

	msg_put(&m, &l, sizeof(l));
	for (unsigned i = 0; i < n; i++) {
		r.head.rulenum = nums[i];
		msg_put(&m, &r, sizeof(r));
	}
	return m;
}

/* Rule 'i' of a request made by msg_add(). */
static inline struct abi_rule *
msg_rule(struct message *m, unsigned i)
{
	return (struct abi_rule *)(void *)(m->data + sizeof(struct fw3_hdr) +
	    sizeof(struct obj_ctlv) + i * 24);
}

static inline struct message
msg_range(unsigned opcode, unsigned flags, unsigned lo, unsigned hi,
    unsigned set, unsigned new_set)
{
	struct message m = msg_fw3(opcode);
	struct range_tlv t = {
	    .head = {TLV_RANGE, 0, sizeof(t)},
	    .flags = flags,
	    .start_rule = (uint16_t)lo,
	    .end_rule = (uint16_t)hi,
	    .set = set,
	    .new_set = new_set,
	};

	msg_put(&m, &t, sizeof(t));
	return m;
}

static inline struct message
msg_get(unsigned flags, unsigned lo, unsigned hi, size_t room)
{
	struct message m = msg_fw3(FW3_XGET);
	struct cfg_lhdr *h = (struct cfg_lhdr *)(void *)m.data;

	h->flags = flags;
	h->start_rule = lo;
	h->end_rule = hi;
	m.len = room;
	return m;
}

static inline struct message
msg_dn(uint32_t dir, unsigned type, unsigned subtype)
{
	struct message m = {.optname = CTL_DUMMYNET3, .dir = dir};
	struct dn_id id = {
	    .len = sizeof(id),
	    .type = (uint8_t)type,
	    .subtype = (uint8_t)subtype,
	    .id = DN_API_VERSION,
	};

	msg_put(&m, &id, sizeof(id));
	return m;
}

static inline struct message
msg_sysctl(const char *name, uint32_t value)
{
	struct message m = msg_dn(CTL_DIR_SET, DN_SYSCTL_SET, 0);
	struct dn_sysctl h = {
	    .namelen = (uint32_t)strlen(name) + 1,
	    .datalen = sizeof(value),
	};

	h.blocklen = (uint32_t)(sizeof(h) + sizeof(value) + h.namelen + 3) & ~3u;
	msg_put(&m, &h, sizeof(h));
	msg_put(&m, &value, sizeof(value));
	msg_put(&m, name, h.namelen);
	return m;
}
