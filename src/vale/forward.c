/* SPDX-License-Identifier: BSD-2-Clause */
#include "vale/forward.h"

#include "base/clock.h"
#include "vale/classify.h"
#include "vale/journal.h"
#include "vale/kring.h"
#include "vale/monitor.h"
#include "vale/wake.h"

#include <string.h>

enum {
	PREFETCH_DST = 64, /* slots ahead, in the ring they go to */
	VNET_HDR = 10, /* the virtio-net header, without its count of buffers */
	VNET_NEEDS_CSUM = 1, /* in its first octet; the second says how to cut */
};

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

/* To a port whose packets have another header, or none: copies the first slot
 * of a packet and returns its word with the new length.  A header that is new
 * says that nothing is to be done; one that stays, stays. */
static uint64_t
copy_other_hdr(const struct txring *t, const struct dst *d, uint32_t theirs,
    uint64_t w)
{
	uint8_t *to = arena_buf(t->a->base, theirs), *from = word_data(t, w);
	uint64_t len = word_len(w) - t->hdr_len;

	memset(to, 0, d->hdr_len);
	if (t->hdr_len != 0 && d->hdr_len != 0)
		memcpy(to, from, VNET_HDR);
	memcpy(to + d->hdr_len, from + t->hdr_len, len);
	return (w & ~(0xffffull << 32)) | (len + d->hdr_len) << 32;
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
		if (unlikely(d->hdr_len != t->hdr_len) && (i == 0 || !r->is_chain))
			w = copy_other_hdr(t, d, theirs, w);
		else
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
	unsigned sent = likely(d->hdr_len == t->hdr_len) ?
		  swap_slots(t, d, r, fit) :
		  copy_slots(t, d, r, fit);
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

/* Can the packet go where there is another header?  Who has none there is
 * nobody to finish checksums or cut segments, and it has to fit. */
static bool
can_convert(const struct txring *t, const struct dst *d,
    const struct fwd_run *r)
{
	uint64_t w = t->words[r->off];
	const uint8_t *hdr = word_data(t, w);

	if (t->hdr_len != 0 && d->hdr_len == 0 &&
	    ((hdr[0] & VNET_NEEDS_CSUM) != 0 || hdr[1] != 0))
		return false;
	return word_len(w) + d->hdr_len <= VALE_BUF_SIZE + t->hdr_len;
}

/* Runs for a port with another header, packet by packet.  Returns false once
 * the ring is blocked. */
static bool
deliver_converted(struct txring *t, struct dst *d, unsigned port,
    const struct fwd_run *r, bool is_copy, bool is_blocked)
{
	unsigned step = r->is_chain ? r->n : 1;

	for (unsigned i = 0; i < r->n; i += step) {
		struct fwd_run one = { .off = (uint16_t)(r->off + i),
			.n = (uint16_t)step, .is_chain = r->is_chain };

		if (!can_convert(t, d, &one)) {
			if (is_copy)
				t->flood_drop = VDROP_OFFLOAD;
			else
				t->drops[VDROP_OFFLOAD]++;
			add_to(&d->k->drops[VDROP_OFFLOAD], 1);
		} else if (is_copy) {
			deliver_copy(t, d, &one, is_blocked);
		} else if (!deliver_one(t, d, port, &one, is_blocked)) {
			is_blocked = true;
		}
	}
	return !is_blocked;
}

static bool
deliver_run(struct txring *t, struct dst *d, unsigned port,
    const struct fwd_run *r, bool is_copy, bool is_blocked)
{
	if (unlikely(d->hdr_len != t->hdr_len))
		return deliver_converted(t, d, port, r, is_copy, is_blocked);
	if (!is_copy)
		return deliver_one(t, d, port, r, is_blocked);
	deliver_copy(t, d, r, is_blocked);
	return !is_blocked;
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
			if (!deliver_run(t, d, port, &t->runs[one], false,
				is_blocked))
				is_blocked = true;
			one = t->runs[one].next;
		} else {
			deliver_run(t, d, port, &t->runs[all], true,
			    is_blocked);
			all = t->runs[all].next;
		}
	}
}

/* What came into the ring, for the monitors of its port. */
static void
show(struct txring *t, unsigned port, unsigned ring, const struct dst *d,
    uint32_t from)
{
	const struct monitor_view v = { port, NMPORT_RX, ring, d->slots,
		d->mask, from, d->tail, t->port, t->ring_idx };

	monitor_copy(t->a, &v);
}

static void
deliver(struct txring *t, unsigned port)
{
	struct vport *vp = arena_port(t->a->base, port);
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
	d.hdr_len = hdr_len_of(vp);
	tail = d.tail;
	deliver_lists(t, &d, port);
	add_to(&k->pkts, d.pkts);
	add_to(&k->bytes, d.bytes);
	if (unlikely(ld_acquire(&vp->watched) & NMPORT_RX))
		show(t, port, (unsigned)(k - vp->rx), &d, tail);
	if (d.tail != tail)
		st_seqcst(&k->tail, d.tail);
	kring_unlock(k);
	t->next_dst = &d.slots[d.tail];
	wake_ring(t->a, port, (unsigned)(k - vp->rx), NMPORT_RX);
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
		classify_look_around(t);
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

void
fwd_forget(struct txring *t)
{
	t->cur = t->head;
	t->n_done = 0;
	memset(t->done, 0, sizeof(t->done));
	memset(t->left, 0, sizeof(t->left));
	t->blocker.why = FWD_NOT_BLOCKED;
	t->flood.first = FWD_NONE;
	for (unsigned i = 0; i < VALE_MAX_PORTS; i++)
		t->lists[i].first = FWD_NONE;
}

/* What was not sent yet is pending; batches half done are not known. */
void
fwd_resume(struct txring *t)
{
	fwd_forget(t);
	t->cur = t->head = (ld_relaxed(&t->ring->tail) + 1) & t->mask;
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
	classify_set_switch(t, vp->switch_idx);
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
