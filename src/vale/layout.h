/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The arena as it lies in memory: header, switches, ports, pool, rings, buffers.
 *
 * Place      read and written by every process of one user at once; the ABI
 *            between them is this file, and LAYOUT_VERSION names it.
 * Trust      any process may be killed at any instruction and may write
 *            garbage.  Whoever reads an index from here reads it once and
 *            bounds it.  Pointers are never stored.
 * Locks      [slow] fields change under the slow lock (arena.h) only.
 *            [lock] fields belong to the holder of kring.lock.
 *            Everything else names its single writer.
 *
 *	0        header          (one page)
 *	         switches        name, members, MAC table
 *	         ports           state, counters, one kring per rx ring
 *	         free bits       one bit a buffer, 1 = free           [slow]
 *	RINGS    one fixed area a port: netmap_if, tx rings, rx rings; each ring
 *	         has its header in the last octets of a page and its slots on
 *	         pages of their own, so that the slots of a pipe can be seen
 *	         twice (nmpipe.h)
 *	BUFS     buffers, 2112 octets each, 0 and 1 never given out
 *
 * The file is sparse: only what attached ports use is backed by memory.
 */
#pragma once

#include "base/cdefs.h"
#include "netmap_ring.h"
#include "vale/nmport.h"

enum {
	VALE_MAX_PORTS = 256,
	VALE_N_PLACES = 254, /* of these are used: offsets of the others do not
			      * fit 32 bits, and netmap has no port 255 */
	VALE_MAX_SWITCHES = 64,
	VALE_MAX_BUFS = 1 << 20,
	VALE_BUF_SIZE = 2112, /* 33 lines: headers spread over cache sets */
	VALE_MIN_LEN = 14,    /* an Ethernet header */
	VALE_MIN_SLOTS = 256,
	VALE_MAX_SLOTS = 65536,
	VALE_NAME_SIZE = 64, /* "valeX:p" and its NUL */
	VALE_SW_NAME_SIZE = 16,
	VALE_MAC_WAYS = 8, /* one cache line of entries a bucket */
	VALE_MAC_BUCKETS = 256,
	VALE_PORT_WORDS = VALE_MAX_PORTS / 64,
};

#define LAYOUT_MAGIC   0x314572417066694bull
#define LAYOUT_VERSION 3u
#define LINE2	       __attribute__((aligned(128))) /* lines come in pairs */

enum vdrop {
#define VDROP(name, word, text) VDROP_##name,
#include "vale/vdrop.def"
#undef VDROP
	VDROP_N
};

/* Lock word of a kring: 0 free, all ones closed, else who holds it.  The
 * sequence number makes every acquisition a different word. */
#define KLOCK_CLOSED  (~0ull)
#define KLOCK_SWEEPER 0xfffeu /* port number of the sweeper */

static inline uint64_t
klock_word(unsigned port, unsigned ring, uint32_t gen, uint32_t seq)
{
	return (uint64_t)(port + 1) << 48 | (uint64_t)(ring & 0xff) << 40 |
	    (uint64_t)(gen & 0xffff) << 24 | (seq & 0xffffff);
}

/* Control of one rx ring, apart from netmap's own header so that the user of
 * the ring cannot slow down or fool its senders by accident. */
struct kring {
	/* senders only */
	uint64_t lock LINE2; /* klock_word */
	uint64_t journal;    /* [lock] the swap in progress, 0 = none */
	uint64_t journal_by; /* [lock] klock_word of who wrote 'journal' */
	uint32_t head_seen;  /* [lock] last value read of 'head' */
	uint64_t pkts;	     /* [lock] delivered */
	uint64_t bytes;
	uint64_t drops[VDROP_N]; /* [lock] copies that did not fit */
	/* senders to receiver */
	uint32_t tail LINE2; /* [lock] first slot not yet filled */
	/* receiver to senders */
	uint32_t head LINE2; /* first slot not yet given back */
	/* senders that sleep until there is room: bit = port */
	uint64_t waiters[VALE_PORT_WORDS] LINE2;
	/* how the ring was made [slow, while 'lock' is closed] */
	uint32_t n_slots LINE2;
	uint32_t ring_ofs; /* of the netmap_ring in the port's area */
	uint32_t switch_idx;
	uint32_t stalled; /* [lock] 1 + head of a receiver that stopped */
};

/* What one tx ring has sent; written by its thread alone. */
struct txstat {
	uint64_t pkts LINE2; /* reached at least one port */
	uint64_t bytes;
	uint64_t copies; /* of packets for several ports */
	uint64_t drops[VDROP_N];
};

enum vport_kind {
	VPORT_SWITCH = 0, /* a port of a switch, or a persistent one of none */
	VPORT_MASTER,	  /* ends of a pipe; the master's area has the slots */
	VPORT_SLAVE,
	VPORT_MONITOR,
};

/* Order matters: recovery redoes whatever state it finds (vswitch.c). */
enum vport_state {
	VPORT_FREE = 0,
	VPORT_FILLING,	/* slots get buffer numbers, bits are still free */
	VPORT_MARKING,	/* slots are complete, bits are being taken */
	VPORT_LIVE,
	VPORT_CLOSING,	/* rx rings are being closed against senders */
	VPORT_FREEING,	/* nobody else looks; bits are being given back */
	VPORT_IDLE,	/* persistent and without a user: no rings */
};

#define NO_SWITCH VALE_MAX_SWITCHES /* vport.switch_idx of a port on none */
#define NO_PEER	  VALE_MAX_PORTS

struct vport {
	uint32_t state; /* [slow] enum vport_state */
	uint32_t gen;	/* [slow] counts the users of this place */
	uint32_t switch_idx; /* [slow], read by its tx rings; or NO_SWITCH */
	uint32_t kind;	     /* [slow] enum vport_kind */
	uint32_t pid;	     /* for humans; liveness is a file lock */
	uint32_t n_tx, n_rx;
	uint32_t tx_slots, rx_slots;
	uint32_t n_extra;	/* [slow] buffers beside the rings */
	uint32_t peer;		/* [slow] the pipe's other end; the monitored */
	uint32_t peer_gen;	/* [slow] of a monitor: of whom it watches */
	uint32_t one_ring;	/* [slow] of a monitor: 1 + its only ring, or 0 */
	uint32_t has_user;	/* [slow] of a pipe's end: it was opened */
	uint32_t is_persistent; /* [slow] */
	uint32_t is_shared;	/* [slow] more users may come, by its name */
	uint32_t hdr_len;	/* [slow] of the virtio-net header, read by all */
	uint32_t watched;	/* [slow] NMPORT_* that monitors want, read by
				 * its user */
	uint64_t watchers[3][VALE_PORT_WORDS]; /* [slow] monitors: monitor.h */
	uint32_t wished[4];  /* [slow] persistent: slots and rings, tx and rx */
	char name[VALE_NAME_SIZE];
	struct {
		uint32_t word LINE2; /* 0 awake, else seq << 2 | NMPORT_* */
	} sleeping[NMPORT_MAX_RINGS]; /* the user of tx and rx ring i */
	struct {
		uint64_t lock LINE2; /* turn.h; 0 = nobody is at the ring */
		uint32_t last;	     /* who was: struct nmport.user */
	} turns[2][NMPORT_MAX_RINGS]; /* of a shared port: rx, tx */
	struct txstat tx[NMPORT_MAX_RINGS];
	struct kring rx[NMPORT_MAX_RINGS];
};

/* A learnt address: mac48 << 16 | port + 1, in the order of the wire read as
 * a little-endian number; 0 = empty. */
struct vswitch {
	char name[VALE_SW_NAME_SIZE]; /* [slow] "" = unused */
	uint32_t drop_at_once;	      /* flow mode, see vswitch_set_flow() */
	uint64_t members[VALE_PORT_WORDS] LINE2; /* [slow] bit = port */
	struct txstat gone_tx;			 /* [slow] of ports that left */
	uint64_t gone_rx_pkts, gone_rx_bytes;
	uint64_t gone_rx_drops[VDROP_N];
	uint64_t macs[VALE_MAC_BUCKETS][VALE_MAC_WAYS] LINE2;
};

struct arena_hdr {
	uint64_t magic; /* written last when the file is made */
	uint32_t version;
	uint32_t hdr_size, vport_size, vswitch_size; /* of the maker */
	uint32_t max_bufs, buf_size;
	uint64_t file_size;
	uint32_t reserved;   /* [slow] the tables are backed by memory */
	uint32_t suspect;    /* [slow] buffers may be lost: audit */
	uint32_t gen; /* [slow] of the latest port; never goes back */
	uint32_t users; /* handles given out, ever; atomic */
	uint64_t hash_seed;
};

/* Where things lie. */
#define ALIGN_UP(x, a) (((x) + (a) - 1) / (a) * (a))
enum {
	PAGE = 4096,
	RING_HDR = sizeof(struct netmap_ring),
	RING_GAP = PAGE - RING_HDR, /* in front of each ring */
	PORT_AREA_SIZE = PAGE +
	    2 * NMPORT_MAX_RINGS *
		(PAGE + VALE_MAX_SLOTS * 16),
};
#define OFS_SWITCHES ((size_t)PAGE)
#define OFS_PORTS                                                              \
	ALIGN_UP(OFS_SWITCHES + VALE_MAX_SWITCHES * sizeof(struct vswitch), PAGE)
#define OFS_BITS                                                               \
	ALIGN_UP(OFS_PORTS + VALE_MAX_PORTS * sizeof(struct vport), PAGE)
#define OFS_TABLES_END ALIGN_UP(OFS_BITS + VALE_MAX_BUFS / 8, PAGE)
#define OFS_RINGS      ALIGN_UP(OFS_TABLES_END, 1u << 20)
#define OFS_BUFS       (OFS_RINGS + (size_t)VALE_MAX_PORTS * PORT_AREA_SIZE)
#define ARENA_SIZE                                                             \
	ALIGN_UP(OFS_BUFS + (size_t)VALE_MAX_BUFS * VALE_BUF_SIZE, PAGE)

_Static_assert(sizeof(struct arena_hdr) <= PAGE, "header fits its page");
_Static_assert(VDROP_N <= 10, "drop counters fit the first line of a kring");
_Static_assert(offsetof(struct kring, tail) == 128, "kring lines");

/* Typed views.  'base' is where this process mapped the arena; the caller has
 * bounded the index. */
static inline void *
at(uint8_t *base, size_t ofs)
{
	return base + ofs;
}

static inline struct arena_hdr *
arena_hdr(uint8_t *base)
{
	return at(base, 0);
}

static inline struct vswitch *
arena_switch(uint8_t *base, unsigned i)
{
	return (struct vswitch *)at(base, OFS_SWITCHES) + i;
}

static inline struct vport *
arena_port(uint8_t *base, unsigned i)
{
	return (struct vport *)at(base, OFS_PORTS) + i;
}

static inline uint64_t *
arena_bits(uint8_t *base)
{
	return at(base, OFS_BITS);
}

static inline uint8_t *
arena_buf(uint8_t *base, uint32_t idx)
{
	return base + OFS_BUFS + (size_t)idx * VALE_BUF_SIZE;
}

static inline size_t
port_area_ofs(unsigned port)
{
	return OFS_RINGS + (size_t)port * PORT_AREA_SIZE;
}

/* From one ring to the next: a page that ends in the header, and the slots,
 * which fill their pages. */
static inline uint32_t
ring_size(uint32_t n_slots)
{
	return PAGE + n_slots * 16;
}

/* Offset of a ring from the start of its port's area: tx rings, then rx. */
static inline size_t
tx_ring_ofs(uint32_t tx_slots, unsigned ring)
{
	return PAGE + RING_GAP + (size_t)ring * ring_size(tx_slots);
}

static inline size_t
rx_ring_ofs(uint32_t n_tx, uint32_t tx_slots, uint32_t rx_slots, unsigned ring)
{
	return tx_ring_ofs(tx_slots, n_tx) +
	    (size_t)ring * ring_size(rx_slots);
}

/* Where the rings end. */
static inline size_t
rings_end(uint32_t n_tx, uint32_t tx_slots, uint32_t n_rx, uint32_t rx_slots)
{
	return PAGE + (size_t)n_tx * ring_size(tx_slots) +
	    (size_t)n_rx * ring_size(rx_slots);
}

static inline bool
slots_ok(uint32_t n)
{
	return n >= VALE_MIN_SLOTS && n <= VALE_MAX_SLOTS &&
	    (n & (n - 1)) == 0;
}

/* Is lo <= x <= hi on a ring, lo and hi in range? */
static inline bool
pos_is_between(uint32_t lo, uint32_t x, uint32_t hi, uint32_t mask)
{
	return x <= mask && ((x - lo) & mask) <= ((hi - lo) & mask);
}

static inline bool
buf_idx_ok(uint32_t idx)
{
	return idx - 2 < VALE_MAX_BUFS - 2;
}

/* A slot's first eight octets as one word, so that buffer, length and flags
 * change together: buf_idx | len << 32 | flags << 48. */
typedef uint64_t __attribute__((may_alias)) slotword;

static inline slotword *
slot_word(struct netmap_slot *s)
{
	return (slotword *)(void *)s;
}

/* Fetches a line for writing.  The compiler's own prefetch for writing is a
 * plain one on baseline x86-64, and then the first store still waits for the
 * other core to give the line up.  A no-op on processors without it. */
static inline void
prefetch_write(const void *p)
{
	__asm__ volatile("prefetchw %0" : : "m"(*(const char *)p));
}

#define ld_relaxed(p)	  __atomic_load_n(p, __ATOMIC_RELAXED)
#define ld_acquire(p)	  __atomic_load_n(p, __ATOMIC_ACQUIRE)
#define ld_seqcst(p)	  __atomic_load_n(p, __ATOMIC_SEQ_CST)
#define st_relaxed(p, v)  __atomic_store_n(p, v, __ATOMIC_RELAXED)
#define st_release(p, v)  __atomic_store_n(p, v, __ATOMIC_RELEASE)
#define st_seqcst(p, v)	  __atomic_store_n(p, v, __ATOMIC_SEQ_CST)
#define cas(p, old, new)                                                       \
	__atomic_compare_exchange_n(p, old, new, false, __ATOMIC_ACQ_REL,      \
	    __ATOMIC_RELAXED)
