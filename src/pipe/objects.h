/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What dummynet is made of, for the files dn*.c and nobody else.
 *
 *	struct dn --- scheds[nr] --- instances, each a link and a delay line
 *	         '--- flowsets[nr] - streams, each in one instance
 *
 * Instances and streams are found by their owner and masked flow in one hash
 * table; without masks a scheduler has one instance, 'only', and a flowset one
 * stream.  A scheduler without flowsets has one stream an instance, whichever
 * flowset a packet comes by.
 *
 * Memory     objects from calloc by control; instances and streams from the
 *            slab, because a packet may need a new one.
 * Threads    one at a time.
 */
#pragma once

#include "pipe/dn.h"
#include "pipe/events.h"
#include "pipe/lateness.h"
#include "pipe/line.h"
#include "pipe/link.h"

/* What the hash table holds: an instance or a stream. */
struct member {
	struct member *hash_next;
	struct member *next; /* of the same owner */
	struct member *prev;
	struct member *all_next; /* of those that may expire */
	struct member *all_prev;
	const void *owner;
	uint64_t hash;
	ns_t used;	     /* when a packet last came */
	bool is_inst;
	bool dynamic;	     /* may expire */
	struct dn_flow_id id;
};

struct members { /* all of one owner */
	struct member *first;
	unsigned n;
};

struct dn_inst {
	struct member m;
	struct inst pub;
	struct sched *sched;
	struct dn_stream *only; /* of a scheduler without flowsets */
	ns_t serve_at;	    /* when the link can send, if 'busy' */
	bool busy;	    /* packets wait, or may */
	bool retired;	    /* only its line is still wanted */
	uint32_t event;	    /* its place in dn.events */
	unsigned n_streams;
	struct link link;
	struct line line;
};

struct dn_stream {
	struct member m;
	struct stream pub;
	struct dn_inst *inst;
	struct flowset *fs;
	uint64_t pkts;	/* drops included */
	uint64_t bytes;
	bool bad;	/* Gilbert-Elliott */
};

struct meter { /* of what leaves */
	ns_t second;	/* when the present second began */
	uint64_t pkts;	/* out_pkts then */
	uint64_t bytes;
	uint64_t last_pkts; /* in the second before */
	uint64_t last_bytes;
};

struct sched {
	/* configuration */
	struct dn_sched_cfg cfg;
	const struct sched_ops *ops;
	struct dn_link_cfg link;
	struct link_cfg wire;	/* of 'link' */
	bool has_link;
	bool disturbs;		/* jitter, reorder, duplicate or corrupt */
	struct dn_profile *profile; /* owned */
	struct dn_moment *trace;    /* owned */
	char trace_name[DN_NAME_LEN];
	struct aqm fq_aqm;
	struct flowset *children;
	/* the worker's */
	struct rng rng;
	struct dn_inst *only;	/* without a mask */
	struct members insts;
	struct dn_inst *retired; /* by m.next */
	struct queue_counts counts;
	uint64_t in_pkts, in_bytes, out_pkts, out_bytes;
	uint64_t duplicated, corrupted, reordered;
	uint64_t line_pkts;
	ns_t since;		/* of its first packet, 0 = none yet */
	struct meter meter;
	struct lateness late;
};

struct flowset {
	struct dn_fs_cfg cfg;
	struct flow_par par;	/* what was asked for; cfg.par is clamped */
	struct sched *sched;	/* NULL: it is not there */
	struct flowset *next;	/* of the same scheduler, by number */
	struct aqm aqm;		/* ops NULL = drop-tail */
	bool masked;		/* it or its scheduler */
	struct dn_flow_id mask; /* of both */
	struct dn_stream *only; /* without a mask */
	struct members streams;
	uint64_t no_sched;
};

enum { DN_BLOCK = 256 }; /* numbers that are skipped together */

struct dn {
	struct slab *slab;
	uint64_t seed;
	uint64_t key;
	struct dn_knobs knobs;
	struct sched **scheds;	   /* [2 * DN_MAX_NR] */
	struct flowset **flowsets; /* [3 * DN_MAX_NR] */
	uint16_t sched_blocks[2 * DN_MAX_NR / DN_BLOCK]; /* how many are in */
	uint16_t fs_blocks[3 * DN_MAX_NR / DN_BLOCK];	 /* each block */
	struct member **table;
	size_t table_mask;
	struct events events;
	unsigned n_insts;	   /* retired ones too; <= events.max */
	unsigned n_streams;
	struct member *dynamic;	   /* a list of all that may expire */
	struct member *hand;	   /* the next one to be looked at */
	ns_t sweep_at;
	uint64_t in_pkts, out_pkts;
	uint64_t drops[N_DN_DROPS];
	struct dn_watch watch;
	bool exact; /* dn_cfg.exact */
};

/* The first number >= nr of a scheduler, of a flowset that exists; the end of
 * the numbers if there is none. */
static inline uint32_t
dn_next_sched(const struct dn *dn, uint32_t nr)
{
	while (nr < 2 * DN_MAX_NR && dn->scheds[nr] == NULL)
		nr += dn->sched_blocks[nr / DN_BLOCK] == 0 ?
		    DN_BLOCK - nr % DN_BLOCK : 1;
	return nr;
}

static inline uint32_t
dn_next_fs(const struct dn *dn, uint32_t nr)
{
	while (nr < 3 * DN_MAX_NR && dn->flowsets[nr] == NULL)
		nr += dn->fs_blocks[nr / DN_BLOCK] == 0 ?
		    DN_BLOCK - nr % DN_BLOCK : 1;
	return nr;
}

/* ---- members.c: instances and streams come and go ---- */

/* The stream for a packet that comes by 'fs', made if it must be; NULL without
 * memory.  'p' is looked at only if there are masks; 'hash' is 0 or what
 * members_hash() says. */
struct dn_stream *members_find(struct dn *dn, struct flowset *fs,
    const struct pkt *p, uint64_t hash, ns_t now);

/* For flowsets with a mask: the hash by which the packet's stream (or, if the
 * scheduler has one a stream, its instance) is found, and fetching that, in two
 * steps. */
uint64_t members_hash(struct dn *dn, const struct flowset *fs,
    const struct pkt *p);
static inline void
members_fetch_bucket(const struct dn *dn, uint64_t hash)
{
	__builtin_prefetch(&dn->table[hash & dn->table_mask]);
}
void members_fetch(const struct dn *dn, const struct flowset *fs,
    uint64_t hash);

/* The instance of a scheduler without a mask, made if it must be; NULL without
 * memory. */
struct dn_inst *members_only(struct dn *dn, struct sched *s, ns_t now);
/* What an instance takes. */
size_t members_inst_size(const struct sched_ops *ops, const struct fq_cfg *fq);

/* Ends a retired one whose line is empty. */
void members_end_retired(struct dn *dn, struct dn_inst *in);

/* All streams of the flowset; all instances of the scheduler, streams first,
 * with what waits. */
void members_free_streams(struct dn *dn, struct flowset *fs, ns_t now);
void members_free_insts(struct dn *dn, struct sched *s, ns_t now);

/* How often that happens: at the first call in each such piece of time. */
#define DN_SWEEP_EVERY NS_PER_MS

/* Looks at some members, frees those that have been idle for long. */
void members_sweep(struct dn *dn, ns_t now);

/* ---- dn.c ---- */

/* Sets the instance's next event. */
void dn_arm(struct dn *dn, struct dn_inst *in);
/* Sends what the link can send until 'until'. */
void dn_serve(struct dn *dn, struct dn_inst *in, ns_t until);
/* Gives a held packet, whose memory is booked on the scheduler, to that, and
 * perhaps to the link.  False: dropped. */
bool dn_put(struct dn *dn, struct dn_stream *st, struct held *h, ns_t now);
