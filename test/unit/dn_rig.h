/* SPDX-License-Identifier: BSD-2-Clause */
/* A dummynet on a virtual clock, and packets for it. */
#pragma once

#include "unit.h"

#include "base/bytes.h"
#include "packet/parse.h"
#include "pipe/dn.h"

#include <stdio.h>
#include <stdlib.h>

enum { RIG_MEMORY = 64 << 20, RIG_BURST = 256 };

struct rig {
	struct dn *dn;
	void *memory;
	ns_t now;
	uint64_t n_out;
	uint64_t bytes_out;
};

static inline void
rig_init(struct rig *r, size_t memory)
{
	struct dn_cfg cfg = {.memory_size = memory, .seed = 7,
	    .hash_key = 0x1234567890abcdefull};

	memset(r, 0, sizeof(*r));
	r->memory = aligned_alloc(SLAB_CHUNK, memory);
	assert_non_null(r->memory);
	cfg.memory = r->memory;
	r->now = 1000 * NS_PER_S;
	assert_int_equal(0, dn_create(&cfg, &r->dn, NULL));
}

static inline void
rig_fini(struct rig *r)
{
	dn_destroy(r->dn);
	free(r->memory);
}

static inline void
rig_ok(int rc, const struct err *e)
{
	if (rc != 0)
		fail_msg("refused: %s", e->text);
}

/* 'pipe nr config': all three objects. */
static inline void
rig_pipe(struct rig *r, const struct dn_link_cfg *link,
    const struct dn_fs_cfg *fs, const struct dn_flow_id *mask)
{
	struct dn_sched_cfg s = {.nr = link->nr, .type = DN_KEEP,
	    .flags = DN_SCHED_PIPE, .has_mask = mask != NULL};
	struct dn_fs_cfg f = fs != NULL ? *fs : (struct dn_fs_cfg){0};
	struct err e;

	if (mask != NULL)
		s.mask = *mask;
	f.nr = link->nr + 2 * DN_MAX_NR;
	f.sched_nr = link->nr + DN_MAX_NR;
	rig_ok(dn_sched_config(r->dn, &s, r->now, &e), &e);
	rig_ok(dn_link_config(r->dn, link, r->now, &e), &e);
	rig_ok(dn_fs_config(r->dn, &f, r->now, &e), &e);
}

/* A frame: Ethernet, IPv4, UDP; 'bytes' octets without Ethernet, >= 28. */
struct rig_frame {
	uint8_t b[2048];
	struct pkt p;
};

static inline struct pkt *
rig_frame(struct rig_frame *f, unsigned bytes, uint32_t src, uint32_t dst,
    uint16_t sport, uint16_t dport)
{
	static const struct parse_cfg cfg;
	uint8_t *ip = f->b + 14;

	memset(f->b, 0, 64);
	put16(f->b + 12, 0x0800);
	ip[0] = 0x45;
	ip[8] = 64;
	ip[9] = 17;
	put16(ip + 2, (uint16_t)bytes);
	put32(ip + 12, src);
	put32(ip + 16, dst);
	put16(ip + 20, sport);
	put16(ip + 22, dport);
	put16(ip + 24, (uint16_t)(bytes - 20));
	memset(&f->p, 0, sizeof(f->p));
	f->p.data = f->b;
	f->p.len = (uint16_t)(bytes + 14);
	parse(&f->p, &cfg);
	assert_int_equal(PKT_GOOD, f->p.bad);
	return &f->p;
}

static inline bool
rig_put(struct rig *r, const struct pkt *p, unsigned nr, bool queue)
{
	return dn_enqueue(r->dn, p,
	    &(struct dn_target){.nr = (uint16_t)nr, .queue = queue}, r->now);
}

/* Puts a packet of 'bytes' octets into a pipe; its number goes into the IP
 * identification and the ports (32 bits). */
static inline bool
rig_send(struct rig *r, unsigned nr, unsigned bytes, uint32_t number)
{
	struct rig_frame f;
	struct pkt *p = rig_frame(&f, bytes, 0x0a000001, 0x0a000002,
	    (uint16_t)(number >> 16), (uint16_t)number);

	return rig_put(r, p, nr, false);
}

/* The number that rig_send() gave it. */
static inline uint32_t
rig_number(const struct held *h)
{
	return get32(h->frame + 34);
}

typedef void rig_out_fn(struct rig *r, const struct held *h, void *arg);

/* Lets the clock go on to 'until', event after event; each packet leaves at
 * exactly its time. */
static inline void
rig_run(struct rig *r, ns_t until, rig_out_fn *fn, void *arg)
{
	struct held *out[RIG_BURST];

	while (dn_next(r->dn) <= until) {
		unsigned n;

		if (dn_next(r->dn) > r->now)
			r->now = dn_next(r->dn);
		while ((n = dn_run(r->dn, r->now, out, RIG_BURST)) > 0) {
			for (unsigned i = 0; i < n; i++) {
				assert_true(out[i]->time <= r->now);
				r->n_out++;
				r->bytes_out += out[i]->bytes;
				if (fn != NULL)
					fn(r, out[i], arg);
			}
			dn_free(r->dn, out, n);
		}
	}
	r->now = until;
}

/* Every packet that ever came is accounted for, and no memory is lost. */
static inline void
rig_balance(struct rig *r, uint64_t duplicated)
{
	struct dn_totals t;
	uint64_t drops = 0;

	dn_totals(r->dn, &t);
	for (unsigned i = 0; i < N_DN_DROPS; i++)
		drops += t.drops[i];
	assert_int_equal(t.in_pkts + duplicated,
	    t.out_pkts + drops + t.held_pkts);
}
