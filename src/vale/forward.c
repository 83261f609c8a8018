/* SPDX-License-Identifier: BSD-2-Clause */
#include "vale/forward.h"

#include "base/clock.h"
#include "vale/indirect.h"
#include "vale/journal.h"
#include "vale/kring.h"
#include "vale/mac.h"
#include "vale/wake.h"

#include <string.h>

enum {
	PREFETCH = 16,	   /* slots ahead: headers, */
	PREFETCH_DST = 64, /* and the ring they go to */
	DST_FLOOD = VALE_MAX_PORTS,
	DST_DROP, /* + enum vdrop */
	ONLY_NOBODY = -1, /* of txring.only */
	ONLY_MANY = -2,
};

/* ---- pass 1: what is to go where ---- */

static inline uint64_t
word_len(uint64_t w)
{
	return w >> 32 & 0xffff;
}

static inline uint8_t *
word_data(const struct txring *t, uint64_t w)
{
	return arena_buf(t->a->base, (uint32_t)w);
}

static inline struct netmap_slot *
slot_at(struct txring *t, unsigned off)
{
	return &t->ring->slot[(t->cur + off) & t->mask];
}

static inline bool
word_ok(uint64_t w)
{
	return buf_idx_ok((uint32_t)w) &&
	    word_len(w) - VALE_MIN_LEN <= VALE_BUF_SIZE - VALE_MIN_LEN;
}

/* A port on no switch sends on one that has no members. */
static void
set_switch(struct txring *t, uint32_t sw_idx)
{
	static struct vswitch nowhere;

	t->switch_idx = sw_idx;
	t->sw = sw_idx < VALE_MAX_SWITCHES ? arena_switch(t->a->base, sw_idx) :
					     &nowhere;
}

static void
look_around(struct txring *t)
{
	uint32_t sw_idx = ld_relaxed(&t->vp->switch_idx);
	bool is_many = false;

	t->only = ONLY_NOBODY;
	if (unlikely(sw_idx != t->switch_idx)) /* attached or detached */
		set_switch(t, sw_idx);
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
		bool ok = word_ok(w) ||
		    (i > 0 && buf_idx_ok((uint32_t)w) &&
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
		x = read_addresses(word_data(t, t->words[off]));
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
	uint32_t cur = t->cur, mask = t->mask;
	unsigned i;

	if (unlikely(t->n_done != 0))
		return 0; /* some of them are done already: one by one */
	for (i = off; i < n_slots; i++) {
		struct netmap_slot *s = &slots[(cur + i) & mask];
		uint32_t ahead = slots[(cur + i + PREFETCH) & mask].buf_idx;
		uint64_t w = ld_relaxed(slot_word(s));
		struct addresses x;

		__builtin_prefetch(arena_buf(base, ahead));
		if ((w >> 48 & PLAIN_FLAGS) != flags || !word_ok(w))
			break;
		x = read_addresses(arena_buf(base, (uint32_t)w));
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
	if (unlikely(!word_ok(w))) {
		t->drops[VDROP_BAD_SLOT]++;
		return 1;
	}
	x = read_addresses(word_data(t, w));
	dst = resolve(t, x.lo, x.hi, flags);
	t->words[off] = w;
	n = 1 + count_alike(t, off + 1, n_slots, x, flags);
	if (dst >= DST_DROP)
		t->drops[dst - DST_DROP] += n;
	else
		new_run(t, dst, off)->n = (uint16_t)n;
	return n;
}

/* Lists up to n_slots from 'cur' on; is_end: there are no more after them.
 * Returns the slots looked at (fewer if a chain goes on behind them). */
static unsigned
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

/* ---- pass 2: one destination at a time ---- */

static bool
lock_ring(struct txring *t, struct kring *k, uint64_t *seen)
{
	return kring_lock(k,
	    klock_word(t->port, t->ring_idx, t->gen, ++t->lock_seq),
	    t->stuck_word, seen);
}

static struct kring *
kring_of(const struct txring *t, unsigned port)
{
	struct vport *vp = arena_port(t->a->base, port);
	uint32_t n = ld_relaxed(&vp->n_rx);

	if (n == 0 || n > NMPORT_MAX_RINGS)
		n = 1;
	return &vp->rx[t->ring_idx % n];
}

/* What NS_RFRAGS says in a receiver's slot: how many slots of the packet are
 * left, this one included.  'now' of the first slot, 'step' to the next. */
struct rfrags {
	uint64_t now, step;
};
#define RFRAGS_SHIFT 56 /* in a slot's word */

static inline struct rfrags
rfrags_of(const struct fwd_run *r)
{
	return r->is_chain ? (struct rfrags){ r->n, 1 } :
			     (struct rfrags){ 1, 0 };
}

/* Exchanges the buffers of n slots with the ring's next ones.  Returns how
 * many were delivered: fewer only if the ring holds broken slots. */
static unsigned
swap_slots(struct txring *t, struct dst *d, const struct fwd_run *r, unsigned n)
{
	/* In locals: the stores below could change anything, says C. */
	const uint64_t flag = (uint64_t)NS_BUF_CHANGED << 48;
	const uint64_t keep = (uint64_t)NS_MOREFRAG << 48 | 0xffffffffffffull;
	const uint64_t *words = t->words + r->off;
	struct rfrags frags = rfrags_of(r);
	struct netmap_slot *ours = t->ring->slot, *dst = d->slots;
	uint64_t *journal = &d->k->journal, bytes = 0;
	uint32_t tail = d->tail, mask = d->mask;
	uint32_t pos = (t->cur + r->off) & t->mask, our_mask = t->mask;
	unsigned i;

	for (i = 0; i < n; i++) {
		uint64_t w = words[i];
		uint32_t theirs = ld_relaxed(&dst[tail].buf_idx);

		prefetch_write(&dst[(tail + PREFETCH_DST) & mask]);
		if (unlikely(!buf_idx_ok(theirs)))
			break;
		st_release(journal, swap_note_encode((uint32_t)w, theirs, pos));
		st_release(slot_word(&dst[tail]),
		    (w & keep) | flag | frags.now << RFRAGS_SHIFT);
		st_release(slot_word(&ours[pos]),
		    (w & ~0xffffffffull) | theirs | flag);
		frags.now -= frags.step;
		bytes += word_len(w);
		tail = (tail + 1) & mask;
		pos = (pos + 1) & our_mask;
	}
	d->tail = tail;
	d->room -= i;
	d->bytes += bytes;
	return i;
}

static unsigned
copy_slots(struct txring *t, struct dst *d, const struct fwd_run *r, unsigned n)
{
	struct rfrags frags = rfrags_of(r);
	uint64_t keep = (uint64_t)NS_MOREFRAG << 48 | 0xffffull << 32;
	unsigned i;

	for (i = 0; i < n; i++) {
		uint64_t w = t->words[r->off + i];
		struct netmap_slot *dst = &d->slots[d->tail];
		uint32_t theirs = ld_relaxed(&dst->buf_idx);

		if (unlikely(!buf_idx_ok(theirs)))
			break;
		memcpy(arena_buf(t->a->base, theirs), word_data(t, w),
		    word_len(w));
		st_relaxed(slot_word(dst),
		    (w & keep) | theirs | frags.now << RFRAGS_SHIFT);
		frags.now -= frags.step;
		d->bytes += word_len(w);
		d->tail = (d->tail + 1) & d->mask;
	}
	d->room -= i;
	return i;
}

/* The batch's first slot that stays says what the ring waits for. */
static void
note_blocker(struct txring *t, unsigned off, enum fwd_why why, unsigned port,
    uint64_t value)
{
	if (t->met.why != FWD_NOT_BLOCKED && t->met_off < off)
		return;
	t->met_off = off;
	t->met = (struct fwd_blocker){ .why = why, .port = port,
		.value = value };
}

static inline unsigned
n_pkts(const struct fwd_run *r, unsigned n_slots)
{
	return r->is_chain ? n_slots != 0 : n_slots;
}

/* Slots [from, n) of a run stay pending. */
static void
leave(struct txring *t, const struct fwd_run *r, unsigned from)
{
	for (unsigned i = from; i < r->n; i++)
		t->left[(t->cur + r->off + i) % FWD_BATCH] = 1;
	t->n_left += r->n - from;
}

static void
count_drop(struct txring *t, struct dst *d, enum vdrop why, unsigned pkts)
{
	t->drops[why] += pkts;
	if (d != NULL)
		add_to(&d->k->drops[why], pkts);
}

/* Is the full ring one that nobody waits for? */
static bool
is_given_up(struct txring *t, const struct kring *k, uint32_t head)
{
	return ld_relaxed(&t->sw->drop_at_once) != 0 ||
	    ld_relaxed(&k->stalled) == head + 1;
}

/* As many slots of the run as go: all, what there is room for, or, of a chain
 * that does not fit, none. */
static unsigned
fitting(struct dst *d, const struct fwd_run *r)
{
	if (d->room >= r->n)
		return r->n;
	dst_refresh_room(d);
	if (d->room >= r->n)
		return r->n;
	return r->is_chain ? 0 : d->room;
}

/* A run for this port alone.  Returns false once the ring is blocked. */
static bool
deliver_one(struct txring *t, struct dst *d, unsigned port,
    const struct fwd_run *r, bool is_blocked)
{
	unsigned fit = is_blocked ? 0 : fitting(d, r);
	uint64_t bytes = d->bytes;
	unsigned sent = swap_slots(t, d, r, fit);
	uint32_t head = d->k->head_seen;

	if (unlikely(sent < fit)) { /* the receiver broke its ring */
		unsigned bad = r->n - sent;

		if (r->is_chain) { /* a part of a packet is none */
			d->tail = (d->tail - sent) & d->mask;
			d->bytes = bytes;
			sent = 0;
		}
		count_drop(t, d, VDROP_BAD_RX_SLOT, n_pkts(r, bad));
		t->pkts += sent;
		d->pkts += sent;
		t->bytes += d->bytes - bytes;
		return true;
	}
	t->bytes += d->bytes - bytes;
	t->pkts += n_pkts(r, sent);
	d->pkts += n_pkts(r, sent);
	if (likely(sent == r->n))
		return true;
	if (!is_blocked && is_given_up(t, d->k, head)) {
		count_drop(t, d, VDROP_RING_FULL, n_pkts(r, r->n - sent));
		return true;
	}
	if (!is_blocked)
		note_blocker(t, r->off + sent, FWD_FULL, port, head);
	leave(t, r, sent);
	return false;
}

/* A run that goes to several ports: this port's copy. */
static void
deliver_copy(struct txring *t, struct dst *d, const struct fwd_run *r,
    bool is_blocked)
{
	unsigned fit = is_blocked ? 0 : fitting(d, r);
	uint64_t bytes = d->bytes;
	unsigned sent = copy_slots(t, d, r, fit);

	if (r->is_chain && sent < r->n) {
		d->tail = (d->tail - sent) & d->mask;
		d->bytes = bytes;
		sent = 0;
	}
	memset(&t->flooded[r->off], 1, sent);
	t->copies += n_pkts(r, sent);
	d->pkts += n_pkts(r, sent);
	if (sent < r->n) {
		t->flood_drop = sent < fit ? VDROP_BAD_RX_SLOT :
					     VDROP_RING_FULL;
		add_to(&d->k->drops[t->flood_drop], n_pkts(r, r->n - sent));
	}
}

/* Nothing can be delivered to this port: its own packets wait for the lock or
 * are dropped, copies are missed. */
static void
miss(struct txring *t, unsigned port, uint64_t lock_word)
{
	bool waits = lock_word != KLOCK_CLOSED && lock_word != t->stuck_word;
	enum vdrop why = lock_word == KLOCK_CLOSED ? VDROP_GONE :
						     VDROP_LOCK_BUSY;

	for (unsigned i = t->lists[port].first; i != FWD_NONE;
	     i = t->runs[i].next) {
		const struct fwd_run *r = &t->runs[i];

		if (!waits) {
			count_drop(t, NULL, why, n_pkts(r, r->n));
			continue;
		}
		note_blocker(t, r->off, FWD_LOCKED, port, lock_word);
		leave(t, r, 0);
	}
	if (t->flood.first != FWD_NONE)
		t->flood_drop = why;
}

/* Both lists of a port in the order of their slots. */
static void
deliver_lists(struct txring *t, struct dst *d, unsigned port)
{
	unsigned one = t->lists[port].first, all = t->flood.first;
	bool is_blocked = false;

	while (one != FWD_NONE || all != FWD_NONE) {
		if (all == FWD_NONE ||
		    (one != FWD_NONE &&
			t->runs[one].off < t->runs[all].off)) {
			if (!deliver_one(t, d, port, &t->runs[one], is_blocked))
				is_blocked = true;
			one = t->runs[one].next;
		} else {
			deliver_copy(t, d, &t->runs[all], is_blocked);
			all = t->runs[all].next;
		}
	}
}

static void
deliver(struct txring *t, unsigned port)
{
	struct kring *k = kring_of(t, port);
	uint64_t seen = 0;
	struct dst d;
	uint32_t tail;

	if (unlikely(!lock_ring(t, k, &seen))) {
		miss(t, port, seen);
		return;
	}
	if (unlikely(!dst_open(t->a->base, port, k, t->switch_idx, &d))) {
		kring_unlock(k);
		miss(t, port, KLOCK_CLOSED);
		return;
	}
	tail = d.tail;
	deliver_lists(t, &d, port);
	add_to(&k->pkts, d.pkts);
	add_to(&k->bytes, d.bytes);
	if (d.tail != tail)
		st_seqcst(&k->tail, d.tail);
	kring_unlock(k);
	t->next_dst = &d.slots[d.tail];
	wake_ring(t->a, port, (unsigned)(k - arena_port(t->a->base, port)->rx),
	    NMPORT_RX);
}

static void
flood_others(struct txring *t)
{
	for (unsigned i = 0; i < VALE_PORT_WORDS; i++)
		for (uint64_t w = t->others[i]; w != 0; w &= w - 1)
			deliver(t, i * 64 + (unsigned)__builtin_ctzll(w));
}

/* A packet for many counts as sent if one got it. */
static void
count_flood(struct txring *t)
{
	for (unsigned i = t->flood.first; i != FWD_NONE; i = t->runs[i].next) {
		const struct fwd_run *r = &t->runs[i];

		for (unsigned s = 0; s < r->n; s++) {
			uint64_t len = word_len(t->words[r->off + s]);

			if (t->flooded[r->off + s])
				t->bytes += len;
			if (r->is_chain && s != 0)
				continue;
			if (t->flooded[r->off + s])
				t->pkts++;
			else
				t->drops[t->flood_drop]++;
		}
	}
}

static void
deliver_all(struct txring *t)
{
	if (t->flood.first == FWD_NONE) {
		for (unsigned i = 0; i < t->n_dsts; i++)
			deliver(t, t->dsts[i]);
	} else {
		memset(t->flooded, 0, sizeof(t->flooded));
		flood_others(t);
		count_flood(t);
		t->flood.first = FWD_NONE;
	}
	for (unsigned i = 0; i < t->n_dsts; i++)
		t->lists[t->dsts[i]].first = FWD_NONE;
}

/* ---- batches, and what to do when something stands still ---- */

static void
publish_counters(struct txring *t)
{
	add_to(&t->stat->pkts, t->pkts);
	add_to(&t->stat->bytes, t->bytes);
	add_to(&t->stat->copies, t->copies);
	t->pkts = t->bytes = t->copies = 0;
	for (unsigned d = 0; d < VDROP_N; d++)
		if (unlikely(t->drops[d] != 0)) {
			add_to(&t->stat->drops[d], t->drops[d]);
			t->drops[d] = 0;
		}
}

/* Moves 'cur' over the slots that are done; notes those done behind it. */
static void
retire(struct txring *t, unsigned n_slots)
{
	bool in_front = true;

	if (t->n_left == 0) {
		if (t->n_done != 0)
			memset(t->done, 0, sizeof(t->done));
		t->n_done = 0;
		t->cur = (t->cur + n_slots) & t->mask;
		return;
	}
	t->n_done = 0;
	for (uint32_t pos = t->cur, i = 0; i < n_slots; i++, pos++) {
		uint8_t *left = &t->left[pos % FWD_BATCH];

		if (*left)
			in_front = false;
		if (in_front)
			t->cur = (pos + 1) & t->mask;
		t->done[pos % FWD_BATCH] = !in_front && !*left;
		t->n_done += t->done[pos % FWD_BATCH];
		*left = 0;
	}
}

/* Nobody waits any longer for a receiver that stands with this head. */
static void
mark_stalled(struct txring *t, unsigned port, uint64_t head)
{
	struct kring *k = kring_of(t, port);
	uint64_t seen;

	if (!lock_ring(t, k, &seen))
		return;
	st_relaxed(&k->stalled, (uint32_t)head + 1);
	kring_unlock(k);
}

/* What 'met' says stands in our way; since when?  True: something was given
 * up or cleaned up, so it is worth trying again at once. */
static bool
give_up(struct txring *t)
{
	struct fwd_blocker *b = &t->blocker;
	ns_t now = clock_mono_ns(), waited;

	if (b->why != t->met.why || b->port != t->met.port ||
	    b->value != t->met.value) {
		*b = t->met;
		b->since = b->asked = now;
		return false;
	}
	waited = now - b->since;
	if (b->why == FWD_LOCKED && now - b->asked >= FWD_SUSPECT_NS) {
		b->asked = now;
		if (!vswitch_holder_is_alive(t->a, b->value)) {
			vswitch_try_sweep(t->a);
			return false;
		}
	}
	if (waited < FWD_PATIENCE_NS)
		return false;
	b->since = now;
	if (b->why == FWD_LOCKED) {
		t->stuck_word = b->value;
		return true;
	}
	if (!arena_is_alive(t->a, b->port))
		vswitch_try_sweep(t->a);
	mark_stalled(t, b->port, b->value);
	return true;
}

/* True while the first pending slot waits for a full ring that has no room yet
 * for a burst worth another pass.  Keeps a sender that asks again and again
 * from looking at all its slots each time. */
static bool
is_still_full(struct txring *t, uint32_t n_pending)
{
	const struct fwd_blocker *b = &t->blocker;
	struct kring *k = kring_of(t, b->port);
	uint32_t n = ld_relaxed(&k->n_slots), head, room;

	if (b->why != FWD_FULL || !slots_ok(n) ||
	    ld_relaxed(&k->lock) == KLOCK_CLOSED ||
	    ld_relaxed(&t->sw->drop_at_once) != 0)
		return false;
	head = ld_acquire(&k->head) & (n - 1);
	room = (head - ld_relaxed(&k->tail) - 1) & (n - 1);
	if (head != b->value && (room >= n_pending || room >= n / 4))
		return false;
	t->met = *b;
	t->met.value = head; /* if it moved, its patience begins anew */
	return !give_up(t);
}

void
fwd_run(struct txring *t)
{
	uint32_t n = (t->head - t->cur) & t->mask;

	if (t->blocker.why == FWD_FULL && n != 0 && is_still_full(t, n))
		return;
	while ((n = (t->head - t->cur) & t->mask) != 0) {
		unsigned n_slots = n < FWD_BATCH ? n : FWD_BATCH;

		for (unsigned i = 0; i < PREFETCH_DST && t->next_dst != NULL;
		     i += 4)
			prefetch_write(t->next_dst + i);
		look_around(t);
		t->n_runs = t->n_dsts = t->n_left = 0;
		t->met.why = FWD_NOT_BLOCKED;
		n_slots = classify(t, n_slots, n <= FWD_BATCH);
		deliver_all(t);
		publish_counters(t);
		retire(t, n_slots);
		if (t->n_left != 0 && !give_up(t))
			return;
	}
	t->blocker.why = FWD_NOT_BLOCKED;
}

bool
fwd_can_go_on(struct txring *t, ns_t now, ns_t *wait_ns)
{
	const struct fwd_blocker *b = &t->blocker;
	struct kring *k = kring_of(t, b->port);
	uint64_t lock = ld_seqcst(&k->lock);
	uint32_t n, room;

	if (b->why == FWD_NOT_BLOCKED || now - b->since >= FWD_PATIENCE_NS)
		return true;
	*wait_ns = FWD_PATIENCE_NS - (now - b->since);
	if (b->why == FWD_LOCKED) {
		if (*wait_ns > FWD_SUSPECT_NS)
			*wait_ns = FWD_SUSPECT_NS; /* no unlock wakes us */
		return lock != b->value;
	}
	n = ld_relaxed(&k->n_slots);
	room = (ld_seqcst(&k->head) - ld_seqcst(&k->tail) - 1) & (n - 1);
	return lock == KLOCK_CLOSED || room >= n / 2;
}

void
fwd_ask_wake(struct txring *t)
{
	struct kring *k = kring_of(t, t->blocker.port);

	__atomic_fetch_or(&k->waiters[t->port / 64], 1ull << t->port % 64,
	    __ATOMIC_SEQ_CST);
}

void
fwd_init(struct txring *t, struct arena *a, unsigned port, unsigned ring_idx,
    struct netmap_ring *ring, uint32_t n_slots)
{
	struct vport *vp = arena_port(a->base, port);

	memset(t, 0, sizeof(*t));
	t->a = a;
	t->vp = vp;
	set_switch(t, vp->switch_idx);
	t->ring = ring;
	t->stat = &vp->tx[ring_idx];
	t->mask = n_slots - 1;
	t->port = port;
	t->ring_idx = ring_idx;
	t->gen = vp->gen;
	t->flood.first = FWD_NONE;
	for (unsigned i = 0; i < VALE_MAX_PORTS; i++)
		t->lists[i].first = FWD_NONE;
}
