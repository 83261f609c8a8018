/* SPDX-License-Identifier: BSD-2-Clause */
#include "vale/classify.h"

#include "vale/indirect.h"
#include "vale/mac.h"

#include <string.h>

enum {
	PREFETCH = 16, /* headers, slots ahead */
	DST_FLOOD = VALE_MAX_PORTS,
	DST_DROP, /* + enum vdrop */
};

/* 'least': the sending port's header and an Ethernet header. */
static inline bool
word_ok(uint64_t w, uint32_t least)
{
	return buf_idx_ok((uint32_t)w) &&
	    word_len(w) - least <= VALE_BUF_SIZE - least;
}

static inline uint32_t
least_len(const struct txring *t)
{
	return t->hdr_len + VALE_MIN_LEN;
}

void
classify_set_switch(struct txring *t, uint32_t sw_idx)
{
	static struct vswitch nowhere;

	t->switch_idx = sw_idx;
	t->sw = sw_idx < VALE_MAX_SWITCHES ? arena_switch(t->a->base, sw_idx) :
					     &nowhere;
}

void
classify_look_around(struct txring *t)
{
	uint32_t sw_idx = ld_relaxed(&t->vp->switch_idx);
	bool is_many = false;

	t->hdr_len = hdr_len_of(t->vp);
	t->only = ONLY_NOBODY;
	if (unlikely(sw_idx != t->switch_idx)) /* attached or detached */
		classify_set_switch(t, sw_idx);
	for (unsigned i = 0; i < VALE_PORT_WORDS; i++) {
		t->others[i] = ld_acquire(&t->sw->members[i]);
		if (i == t->port / 64)
			t->others[i] &= ~(1ull << t->port % 64);
		if (t->others[i] == 0)
			continue;
		if (t->only != ONLY_NOBODY ||
		    (t->others[i] & (t->others[i] - 1)) != 0)
			is_many = true;
		t->only = (int)(i * 64) + __builtin_ctzll(t->others[i]);
	}
	if (is_many)
		t->only = ONLY_MANY;
}

static inline bool
is_member(const struct txring *t, unsigned port)
{
	return (t->others[port / 64] >> port % 64 & 1) != 0;
}

/* Learns the source and finds the destination of one frame: a port, DST_FLOOD
 * or DST_DROP + reason. */
static unsigned
resolve(struct txring *t, uint64_t bytes0to7, uint32_t bytes8to11,
    unsigned flags)
{
	uint64_t seed = arena_hdr(t->a->base)->hash_seed;
	uint64_t dst = bytes0to7 & MAC_MASK;
	uint64_t src = bytes0to7 >> 48 | (uint64_t)bytes8to11 << 16;
	unsigned port = VALE_MAX_PORTS;

	if ((src & 1) == 0 && (flags & NS_NO_LEARN) == 0)
		mac_learn(t->sw, src, seed, t->port);
	if ((dst & 1) == 0)
		port = mac_lookup(t->sw, dst, seed);
	if (port == t->port)
		return DST_DROP + VDROP_SELF;
	if (port < VALE_MAX_PORTS && is_member(t, port))
		return port;
	if (t->only == ONLY_NOBODY)
		return DST_DROP + VDROP_NO_DEST;
	return t->only >= 0 ? (unsigned)t->only : DST_FLOOD;
}

static struct fwd_list *
list_of(struct txring *t, unsigned dst)
{
	struct fwd_list *l = dst == DST_FLOOD ? &t->flood : &t->lists[dst];

	if (l->first == FWD_NONE && dst != DST_FLOOD)
		t->dsts[t->n_dsts++] = (uint16_t)dst;
	return l;
}

static struct fwd_run *
new_run(struct txring *t, unsigned dst, unsigned off)
{
	struct fwd_list *l = list_of(t, dst);
	unsigned i = t->n_runs++;

	t->runs[i] = (struct fwd_run){ .off = (uint16_t)off, .next = FWD_NONE };
	if (l->first == FWD_NONE)
		l->first = (uint16_t)i;
	else
		t->runs[l->last].next = (uint16_t)i;
	l->last = (uint16_t)i;
	return &t->runs[i];
}

/* Replaces indirect data by a copy in the slot's own buffer. */
static bool
fetch_indirect(struct txring *t, unsigned off, uint64_t *w)
{
	uint64_t ptr = ld_relaxed(&slot_at(t, off)->ptr);

	if (!indirect_read(word_data(t, *w), ptr, (size_t)word_len(*w)))
		return false;
	*w &= ~((uint64_t)NS_INDIRECT << 48);
	return true;
}

/* A packet's virtio-net header in a slot of its own. */
static inline bool
is_bare_hdr(const struct txring *t, uint64_t w)
{
	return t->hdr_len != 0 && word_len(w) == t->hdr_len &&
	    (w >> 48 & NS_MOREFRAG) != 0;
}

/* A packet with fragments or indirect data at 'off': checks all its slots.
 * Returns how many there are, at least 1; 0 if the batch ends inside. */
static unsigned
check_chain(struct txring *t, unsigned off, unsigned n_slots, bool is_end,
    unsigned *drop)
{
	*drop = VDROP_N;
	for (unsigned i = 0; off + i < n_slots; i++) {
		uint64_t w = ld_relaxed(slot_word(slot_at(t, off + i)));
		unsigned flags = (unsigned)(w >> 48);
		bool ok = word_ok(w, least_len(t)) ||
		    ((i > 0 || is_bare_hdr(t, w)) && buf_idx_ok((uint32_t)w) &&
			word_len(w) <= VALE_BUF_SIZE);

		if (!ok)
			*drop = VDROP_BAD_SLOT;
		else if ((flags & NS_INDIRECT) && !fetch_indirect(t, off + i, &w))
			*drop = VDROP_BAD_PTR;
		t->words[off + i] = w;
		if ((flags & NS_MOREFRAG) == 0) {
			if (i >= FWD_MAX_FRAGS)
				*drop = VDROP_BAD_CHAIN;
			return i + 1;
		}
	}
	/* No end in sight: of the batch only, or of what the user gave us. */
	if (!is_end && off != 0)
		return 0;
	*drop = VDROP_BAD_CHAIN;
	return n_slots - off;
}

struct addresses {
	uint64_t lo;
	uint32_t hi;
};

static inline struct addresses
read_addresses(const uint8_t *frame)
{
	struct addresses x;

	memcpy(&x.lo, frame, 8);
	memcpy(&x.hi, frame + 8, 4);
	return x;
}

/* One chain: a run of its own.  Returns its slots, 0 as check_chain(). */
static unsigned
classify_chain(struct txring *t, unsigned off, unsigned n_slots, bool is_end)
{
	unsigned drop, dst, n = check_chain(t, off, n_slots, is_end, &drop);
	struct addresses x;
	struct fwd_run *r;

	if (n == 0)
		return 0;
	if (drop == VDROP_N) {
		if (is_bare_hdr(t, t->words[off]))
			x = read_addresses(word_data(t, t->words[off + 1]));
		else
			x = read_addresses(word_data(t, t->words[off]) +
			    t->hdr_len);
		dst = resolve(t, x.lo, x.hi, (unsigned)(t->words[off] >> 48));
		if (dst < DST_DROP) {
			r = new_run(t, dst, off);
			r->n = (uint16_t)n;
			r->is_chain = true;
			return n;
		}
		drop = dst - DST_DROP;
	}
	t->drops[drop]++;
	return n;
}

#define PLAIN_FLAGS (NS_MOREFRAG | NS_INDIRECT | NS_NO_LEARN)

/* How many slots from 'off' on are like the one before: good, the same flags
 * and addresses.  This is pass 1 for nearly all packets, and its loop is kept
 * free of everything else. */
static unsigned
count_alike(struct txring *t, unsigned off, unsigned n_slots,
    struct addresses like, unsigned flags)
{
	uint8_t *base = t->a->base;
	struct netmap_slot *slots = t->ring->slot;
	uint32_t cur = t->cur, mask = t->mask, least = least_len(t);
	uint32_t hdr_len = t->hdr_len;
	unsigned i;

	if (unlikely(t->n_done != 0))
		return 0; /* some of them are done already: one by one */
	for (i = off; i < n_slots; i++) {
		struct netmap_slot *s = &slots[(cur + i) & mask];
		uint32_t ahead = slots[(cur + i + PREFETCH) & mask].buf_idx;
		uint64_t w = ld_relaxed(slot_word(s));
		struct addresses x;

		__builtin_prefetch(arena_buf(base, ahead));
		if ((w >> 48 & PLAIN_FLAGS) != flags || !word_ok(w, least))
			break;
		x = read_addresses(arena_buf(base, (uint32_t)w) + hdr_len);
		if (((x.lo ^ like.lo) | (x.hi ^ like.hi)) != 0)
			break;
		t->words[i] = w;
	}
	return i - off;
}

/* Puts the slot at 'off', and those like it, where they belong.  Returns how
 * many they are; 0 if a chain goes on behind the batch. */
static unsigned
classify_at(struct txring *t, unsigned off, unsigned n_slots, bool is_end)
{
	uint64_t w = ld_relaxed(slot_word(slot_at(t, off)));
	unsigned flags = (unsigned)(w >> 48) & PLAIN_FLAGS, dst, n;
	struct addresses x;

	if (unlikely(t->n_done != 0) && t->done[(t->cur + off) % FWD_BATCH])
		return 1;
	if (unlikely(flags & (NS_MOREFRAG | NS_INDIRECT)))
		return classify_chain(t, off, n_slots, is_end);
	if (unlikely(!word_ok(w, least_len(t)))) {
		t->drops[VDROP_BAD_SLOT]++;
		return 1;
	}
	x = read_addresses(word_data(t, w) + t->hdr_len);
	dst = resolve(t, x.lo, x.hi, flags);
	t->words[off] = w;
	n = 1 + count_alike(t, off + 1, n_slots, x, flags);
	if (dst >= DST_DROP)
		t->drops[dst - DST_DROP] += n;
	else
		new_run(t, dst, off)->n = (uint16_t)n;
	return n;
}

unsigned
classify(struct txring *t, unsigned n_slots, bool is_end)
{
	unsigned off, n;

	for (off = 0; off < n_slots; off += n) {
		n = classify_at(t, off, n_slots, is_end);
		if (n == 0)
			break;
	}
	return off;
}
