/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dummynet: pipes, queues and schedulers; configuration, data path, reports.
 *
 * Place      engine/ owns one and drives it from worker 0; ctl/ configures and
 *            reads it through engine_dn_call(), so in that same thread.
 * Threads    one at a time: nothing here locks.
 * Time       every 'now' is ns of one monotonic clock and never goes back.
 *            Packets leave by their own time, exact to the ns whatever the
 *            moments dn_run() is called at; nothing here has a tick.
 *
 * Objects, numbered as in FreeBSD (M = DN_MAX_NR = 65536):
 *
 *	rule        flowset          scheduler          link
 *	pipe N  ->  N + 2M      ->   N + M (FIFO)   ->  N (its own copy)
 *	queue Q ->  Q           ->   N (WF2Q+, ...) ->  N
 *	            S + M       ->   S, if its type has no flowsets (FIFO, FQ)
 *
 * A link is part of the schedulers N and N + M, and each instance of one (there
 * is one for each flow of its mask, else one) has the link for itself.  So
 * 'pipe N config' is three calls in this order: dn_sched_config (nr N,
 * DN_SCHED_PIPE, the mask), dn_link_config (nr N), dn_fs_config (nr N + 2M,
 * sched N + M).  'sched N config' makes all of pipe N too, if it is not there,
 * and gives its FIFO the same mask.  A flowset may come before its scheduler:
 * until that comes its packets are dropped.
 *
 * Every config replaces all of the object, but for what is DN_KEEP; identical
 * ones change nothing.  A live object keeps its packets and flows: packets on
 * the delay line keep their time, packets in queues meet the new parameters.
 *
 * Memory     held packets, flows and instances live in the piece given to
 *            dn_create(); cap in all: that; per pipe: dn_link_cfg.memory.
 *            Objects themselves are calloc'ed, by control functions only.
 * Cost       some 50 ns a packet that finds its pipe empty and unlimited.
 */
#pragma once

#include "base/err.h"
#include "base/ns.h"
#include "packet/pkt.h"
#include "packet/tag.h"
#include "pipe/held.h"
#include "pipe/sched.h"

enum {
	DN_MAX_NR = 65536,
	DN_NAME_LEN = 32,
	DN_MAX_SAMPLES = 1024, /* of a profile */
	DN_MAX_BUCKETS = 65536,
	DN_DEF_SLOTS = 50,
	DN_DEF_BYTES = 16384,
	DN_MAX_SLOTS = 1 << 24,
	DN_TRACE_MAX = 1 << 22, /* moments of a trace, deliveries of one */
	DN_TRACE_BYTES = 1504,	/* what one delivery of a trace carries, as in
				 * Mahimahi; a packet costs 4 more than 'bytes' */
};
#define DN_MAX_RATE	(400ull * 1000 * 1000 * 1000)	/* bit/s */
#define DN_MAX_DELAY	(3600 * NS_PER_S)
#define DN_MAX_BYTES	(1ull << 31)			/* queue, burst */
#define DN_KEEP		UINT32_MAX	/* weight, lmax, pri, type: as before */

/* Probabilities are fractions of this: rng_31() < p with p <= DN_ONE - 1 never
 * always; DN_ONE is always.  ipfw's plr x 0x7fffffff fits, its maximum is taken
 * for 1. */
#define DN_ONE 0x7fffffffu

/* ------------------------------------------------------------ flows ---- */

/* What tells flows apart, and masks for it: IPv4 in host order (a mask /N has
 * its N low bits set), IPv6 as on the wire. */
struct dn_flow_id {
	uint32_t dst4;
	uint32_t src4;
	uint16_t dport;
	uint16_t sport;
	uint8_t proto;
	uint8_t family;	 /* 4, 6, 0 = no IP; in a mask: 6 if it is about IPv6,
			  * only for showing */
	uint8_t unused[2];
	uint8_t dst6[16];
	uint8_t src6[16];
	uint32_t flow6;	 /* IPv6 flow label, host order */
};

/* ---------------------------------------------------- configuration ---- */

enum dn_jitter_kind {
	DN_JITTER_NONE,
	DN_JITTER_UNIFORM, /* delay +- jitter */
	DN_JITTER_NORMAL,  /* jitter = standard deviation */
	DN_JITTER_PARETO,  /* likewise; shape 3, mean = delay */
};

struct dn_profile { /* a delay that a packet costs the link beside its size */
	char name[DN_NAME_LEN];
	uint32_t n_samples;  /* 2 to DN_MAX_SAMPLES */
	uint32_t loss_level; /* a draw of this index or above: lost */
	ns_t samples[DN_MAX_SAMPLES];
};

struct dn_moment { /* deliveries of DN_TRACE_BYTES at one time of a trace */
	uint32_t ms;	/* ascending, no two alike */
	uint32_t n;	/* > 0 */
};

struct dn_link_cfg {
	uint32_t nr;	     /* 1 to DN_MAX_NR - 1 */
	uint64_t rate_bps;   /* 0 = unlimited */
	ns_t delay;
	uint64_t burst;	     /* octets saved up while idle */
	/* extensions; 0 = none */
	uint8_t jitter_kind; /* enum dn_jitter_kind */
	bool jitter_reorder; /* packets may overtake */
	ns_t jitter;
	uint32_t reorder;    /* this part of DN_ONE skips the delay */
	uint32_t duplicate;
	uint32_t corrupt;    /* one bit behind the Ethernet header turns */
	uint64_t memory;     /* octets its packets may take; 0 = all there is */
	const struct dn_profile *profile; /* copied; NULL = none */
	const char *trace_name;	       /* copied; shown */
	const struct dn_moment *trace; /* copied; NULL = none; replaces rate */
	uint32_t n_trace;	       /* repeats after its last moment */
};

enum dn_fs_flags { /* the control's numbers */
	DN_FS_NOERROR = 0x0002,
	DN_FS_BYTES = 0x0008, /* 'queue' counts octets */
};

/* plr: kind of loss. */
struct dn_loss { /* parts of DN_ONE */
	bool gilbert_elliott;
	uint32_t p; /* simple: loss.  Gilbert-Elliott: good -> bad */
	uint32_t k; /* loss while good */
	uint32_t h; /* loss while bad */
	uint32_t r; /* bad -> good */
};

struct dn_fs_cfg {
	uint32_t nr;	   /* 1 to 3 * DN_MAX_NR - 1 */
	uint32_t sched_nr; /* 0 = as before, or none */
	uint32_t flags;	   /* DN_FS_* */
	uint64_t limit;	   /* slots or octets; 0 = default */
	struct dn_loss loss;
	uint32_t buckets;  /* as shown; 0 = default */
	bool has_mask;
	struct dn_flow_id mask;
	struct flow_par par; /* DN_KEEP = as before, else the type's default */
	struct aqm_cfg aqm;  /* type AQM_DROP_TAIL = none */
};

enum dn_sched_flags {
	DN_SCHED_PIPE = 0x1000, /* of a 'pipe config': the mask is only that of
				 * the FIFO N + M, which each config makes or
				 * changes too */
};

struct dn_sched_cfg {
	uint32_t nr;	  /* 1 to DN_MAX_NR - 1 */
	uint32_t type;	  /* enum sched_type; DN_KEEP = as before, or WF2Q+ */
	uint32_t flags;
	bool has_mask;
	struct dn_flow_id mask;
	uint32_t buckets; /* as shown; 0 = default */
	struct fq_cfg fq; /* read if the type is an FQ one */
};

struct dn;

struct dn_cfg {
	void *memory;	  /* SLAB_CHUNK-aligned, borrowed until dn_destroy */
	size_t memory_size;
	uint64_t seed;	  /* of all chance, with the number of the scheduler */
	uint64_t hash_key; /* nobody may guess it */
	bool exact;	   /* dn_run() is called late on purpose: in virtual time
			    * packets leave by their own time anyway */
};

int dn_create(const struct dn_cfg *cfg, struct dn **out, struct err *e);
void dn_destroy(struct dn *dn);

/* Settings that may change at any time; dn_create sets the defaults. */
struct dn_knobs {
	uint32_t slot_limit;  /* most that 'queue N' may ask for */
	uint64_t byte_limit;
	uint32_t hash_size;   /* default of buckets with a mask */
	bool expire;	      /* idle flows and instances go */
	ns_t expire_after;
};
struct dn_knobs *dn_knobs(struct dn *dn);

/* Only looks at what can be judged without the other objects: so that several
 * objects in one message are all refused before one of them is changed.
 * -EINVAL with a sentence. */
int dn_sched_check(const struct dn *dn, const struct dn_sched_cfg *cfg,
    struct err *e);
int dn_link_check(const struct dn *dn, const struct dn_link_cfg *cfg,
    struct err *e);
int dn_fs_check(const struct dn *dn, const struct dn_fs_cfg *cfg,
    struct err *e);

/* Makes or replaces one object.  -EINVAL: as above; a link without its
 * scheduler.  -ENOMEM.  On errors everything is as it was. */
int dn_sched_config(struct dn *dn, const struct dn_sched_cfg *cfg, ns_t now,
    struct err *e);
int dn_link_config(struct dn *dn, const struct dn_link_cfg *cfg, ns_t now,
    struct err *e);
int dn_fs_config(struct dn *dn, const struct dn_fs_cfg *cfg, ns_t now,
    struct err *e);

/* 'pipe N delete': the schedulers N and N + M, the flowset N + 2M.  Flowsets
 * of queues lose their scheduler and drop until it is made again.  'queue N
 * delete': the flowset.  Packets that wait there are dropped (DELETED), those
 * on the delay line too.  -EINVAL if there is none. */
int dn_link_delete(struct dn *dn, uint32_t nr, ns_t now, struct err *e);
int dn_fs_delete(struct dn *dn, uint32_t nr, ns_t now, struct err *e);
void dn_flush(struct dn *dn, ns_t now);

/* ---------------------------------------------------------- reports ---- */

struct dn_flow_info {
	struct dn_flow_id id;	/* masked */
	uint32_t bucket;	/* as shown */
	uint64_t pkts;		/* drops included */
	uint64_t bytes;
	uint32_t len;		/* now in its queue */
	uint64_t len_bytes;
	uint64_t drops;
};

struct dn_delay_error { /* when packets left, minus when they should have */
	uint64_t n;
	ns_t p50;	/* upper end of a step of 1/8 */
	ns_t p99;
	ns_t p999;
	ns_t max;	/* exact */
};

/* What the pipe does, all instances together. */
struct dn_report {
	uint64_t in_pkts;
	uint64_t in_bytes;
	uint64_t out_pkts; /* left the delay line */
	uint64_t out_bytes;
	uint64_t second_bps; /* over the last full second */
	uint64_t second_pps;
	ns_t since;	     /* since the first packet or the last reset */
	uint64_t line_pkts;  /* now on the delay line */
	struct queue_counts counts; /* queued, peak, marks, drops, memory */
	uint64_t memory_limit; /* 0 = all there is */
	struct dn_delay_error error;
	uint64_t duplicated;
	uint64_t corrupted;
	uint64_t reordered;
	/* what rate x delay needs */
	uint64_t bdp_bytes;  /* 0 if the rate is unlimited */
	uint64_t bdp_memory; /* octets of memory, in 64-octet frames */
	bool queue_short;    /* a queue holds less than bdp_bytes */
	bool memory_short;   /* the memory holds less than bdp_memory */
};

struct dn_sched_info {
	struct dn_sched_cfg cfg;   /* buckets, fq: as they apply */
	const struct sched_ops *ops;
	struct dn_link_cfg link;   /* profile, trace: borrowed */
	bool has_link;		   /* configured */
	unsigned n_instances;
	unsigned n_children;	   /* flowsets */
	struct dn_report report;
};

struct dn_fs_info {
	struct dn_fs_cfg cfg;	   /* limit, buckets, par: as they apply */
	unsigned n_flows;
	bool linked;		   /* its scheduler is there */
	uint64_t no_sched;	   /* packets dropped because it is not */
};

/* Each object of a number in [lo, hi], ascending.  The functions may look at
 * other objects but change none. */
typedef void dn_sched_fn(void *arg, const struct dn_sched_info *info);
typedef void dn_fs_fn(void *arg, const struct dn_fs_info *info);
typedef void dn_flow_fn(void *arg, const struct dn_flow_info *info);
void dn_each_sched(const struct dn *dn, uint32_t lo, uint32_t hi, ns_t now,
    dn_sched_fn *fn, void *arg);
void dn_each_fs(const struct dn *dn, uint32_t lo, uint32_t hi, dn_fs_fn *fn,
    void *arg);

/* One by its number; false if there is none. */
bool dn_sched_get(const struct dn *dn, uint32_t nr, ns_t now,
    struct dn_sched_info *out);
bool dn_fs_get(const struct dn *dn, uint32_t nr, struct dn_fs_info *out);

/* The flowsets of a scheduler, ascending: at most 'max' numbers to 'nrs'.
 * Returns how many there are. */
unsigned dn_children(const struct dn *dn, uint32_t sched_nr, uint32_t *nrs,
    unsigned max);

/* The flows of a flowset; the instances of a scheduler with a mask. */
void dn_each_flow(const struct dn *dn, uint32_t fs_nr, dn_flow_fn *fn,
    void *arg);
void dn_each_instance(const struct dn *dn, uint32_t sched_nr, dn_flow_fn *fn,
    void *arg);

/* Totals of everything since dn_create.  in + duplicated = out + drops + held,
 * where duplicated is in the reports. */
struct dn_totals {
	uint64_t in_pkts;
	uint64_t out_pkts;
	uint64_t held_pkts;  /* now */
	uint64_t memory;     /* octets in use, of memory_size */
	uint64_t memory_size;
	uint64_t n_scheds, n_fs, n_flows, n_instances;
	uint64_t drops[N_DN_DROPS];
};
void dn_totals(const struct dn *dn, struct dn_totals *out);

/* The sums of it, as recent as may be; for any thread. */
struct dn_flow_totals {
	uint64_t in_pkts;
	uint64_t out_pkts;
	uint64_t drops;
};
void dn_flow_totals(const struct dn *dn, struct dn_flow_totals *out);

/* Words for the reasons. */
extern const char *const dn_drop_text[N_DN_DROPS];

/* -------------------------------------------------------- data path ---- */

/* Where a rule sends a packet; p->fate says which rule. */
struct dn_target {
	uint16_t nr;   /* of the pipe or queue */
	bool queue;
	bool out;      /* pass on the way out */
	bool go_on;    /* one_pass is 0 */
	uint16_t lane;
	uint32_t number; /* what the caller calls the packet, see held.h */
	const struct tag_pool *tags; /* of the packet; NULL = it has none */
};

/* Takes a copy of a good, parsed packet.  False: dropped, and counted. */
bool dn_enqueue(struct dn *dn, const struct pkt *p, const struct dn_target *to,
    ns_t now);

/* The same for pkts[n] to one pipe or queue, faster: what flows need of memory
 * is fetched ahead. */
void dn_enqueue_run(struct dn *dn, const struct pkt *const *pkts, unsigned n,
    const struct dn_target *to, ns_t now);

/* The same for packets that came each at its own time, never back: pkts[i] at
 * stamps[pkts[i] - first], and its number is to->number and that index. */
void dn_enqueue_stamped(struct dn *dn, const struct pkt *const *pkts,
    unsigned n, const struct dn_target *to, const struct pkt *first,
    const ns_t *stamps);

/* Hands out packets whose time has come, in the order of their times (and
 * counts how late they are): at most 'max' to out[].  Returns how many; == max
 * means call again.  They stay valid until dn_free(). */
unsigned dn_run(struct dn *dn, ns_t now, struct held **out, unsigned max);
void dn_free(struct dn *dn, struct held *const *held, unsigned n);

/* Tells 'fn' of each packet that is dropped from now on. */
typedef void dn_drop_fn(void *arg, uint32_t number, enum dn_drop why);
void dn_watch(struct dn *dn, dn_drop_fn *fn, void *arg);

/* May packets be given to dn_enqueue() whose time is after that of some that are
 * still to be taken by dn_run()?  Everything comes out as if dn_run() had been
 * called in between, but for the order of packets that leave at one time, if
 *
 *	DN_ORDER_STRICT  never: something goes by chance or by memory in use
 *	DN_ORDER_GRID    both times are in one piece of dn_ahead(): members come
 *			 and go
 *	DN_ORDER_FREE	 always
 *
 * For control: looks at everything that is configured. */
enum dn_order { DN_ORDER_STRICT, DN_ORDER_GRID, DN_ORDER_FREE };
enum dn_order dn_order(const struct dn *dn);

/* Up to which time, exclusively, packets may be given ahead at 'now'; 'now' if
 * not at all. */
ns_t dn_ahead(const struct dn *dn, enum dn_order order, ns_t now);

/* When something will happen next (a packet leaves, a link can send again);
 * UINT64_MAX if nothing is held. */
ns_t dn_next(const struct dn *dn);

/* True if no object is there, and so no packet.  For control. */
bool dn_is_empty(const struct dn *dn);

/* Packets inside: queued, on delay lines.  For control: looks at all
 * schedulers. */
uint64_t dn_held(const struct dn *dn);
