/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The engine: ports, lanes between them, workers, and what they share.
 *
 * Place      daemon/ builds it; ctl/ publishes rulesets and reads counters.
 * Life       engine_create -> engine_add_pair (any number) -> engine_start ->
 *            publish, read, switch the source -> engine_stop -> destroy.
 * Threads    all functions are the control thread's, except where said.
 * Sharing    workers read one pointer (the ruleset) once per burst under QSBR
 *            RCU, and the knobs.  They write only their own counters.
 */
#pragma once

#include "base/err.h"
#include "base/ns.h"
#include "engine/counters.h"
#include "engine/knobs.h"
#include "rule/me.h"
#include "rule/plan.h"
#include "rule/record.h"
#include "rule/ruleset.h"
#include "state/state.h"
#include "table/table.h"

struct engine;

enum { ENGINE_MAX_WORKERS = 64, ENGINE_STATES = 1 << 20 };

struct engine_cfg {
	unsigned n_workers;    /* 1 to ENGINE_MAX_WORKERS; 0 = 1 */
	int realtime;	       /* priority of their threads, see thread.h; 0 = none */
	uint16_t cpus[ENGINE_MAX_WORKERS]; /* worker i stays at cpus[i % n_cpus] */
	unsigned n_cpus;       /* 0: they run anywhere */
	bool default_accept;   /* what rule 65535 does */
	unsigned source_burst; /* packets a burst of the infinite source */
	const char *source_pcap; /* packets it sends; NULL = the classic one */
	uint64_t seed;	       /* for prob */
	struct me me;	       /* addresses that 'me' stands for */
	uint32_t max_states;   /* room for them; 0 = ENGINE_STATES */
	uint64_t pipe_memory;  /* octets for packets in pipes; 0 = 1 GiB */
	bool log_capture;      /* 'log' records packets, verbose or not */
	bool is_virtual;       /* virtual time; then there is one worker */
};

/* What became of the answers to rejected packets; those sent are part of
 * tx_pkts. */
struct reply_stats { /* written by the worker, read by anybody */
	uint64_t sent;
	uint64_t limited; /* over a limit */
	uint64_t no_room; /* on the way back */
};

/* Likewise of keepalives. */
struct keepalive_stats {
	uint64_t sent;
	uint64_t no_room;
};

/* Why a packet ended in the engine; beside them rules count their own. */
enum drop_reason {
#define DROP(name, text) DROP_##name,
#include "engine/drop.def"
	N_DROPS
};

/* Packets of divert and tee. */
struct divert_stats {
	uint64_t handed;    /* to a listener, copies included */
	uint64_t tees_lost; /* copies that found no room */
	uint64_t resumed;   /* given back, and gone on */
};

/* Packets of pipes and queues; what is not out and not dropped (DROP_PIPE) is
 * still there. */
struct pipe_stats {
	uint64_t in;
	uint64_t out; /* duplicates included */
};

struct engine_totals {
	struct divert_stats diverts;
	struct pipe_stats pipes;
	uint64_t rx_pkts;
	uint64_t tx_pkts;
	uint64_t rx_lost; /* by the ports, before they were received */
	uint64_t drops[N_DROPS];
	struct reply_stats replies;
	struct keepalive_stats keepalives;
};

enum { ENGINE_LEAF_WARN = 512 }; /* rules: a leaf so long is warned about */
int engine_create(const struct engine_cfg *cfg, struct engine **out,
    struct err *e);
/* Opens both ports and forwards between them in both directions. */
int engine_add_pair(struct engine *en, const char *a, const char *b,
    struct err *e);
int engine_start(struct engine *en, struct err *e);
/* Ends the workers and waits for them.  Safe if never started. */
void engine_stop(struct engine *en);
/* With engine_cfg.is_virtual, when all ports are there and before rules are
 * loaded: sets the clock to the first stamp of all captures.  -EINVAL: a port is
 * no capture (and no sink), so that nobody knows its time. */
int engine_virtual_begin(struct engine *en, struct err *e);
/* And instead of engine_start(): everything that the captures hold goes its way,
 * until nothing is left, or engine_interrupt() was called.  engine/virtual.h. */
struct virtual_cfg;
int engine_virtual_run(struct engine *en, const struct virtual_cfg *cfg,
    struct err *e);
/* For a signal handler. */
void engine_interrupt(struct engine *en);
/* True if a capture could not be read or written to its end. */
bool engine_captures_failed(const struct engine *en);
/* True if what comes in by all ports is over, and nothing is held. */
bool engine_is_finished(struct engine *en);
/* Instead of engine_start(): one round of each worker on the caller's thread,
 * for programs that want no threads.  Returns packets moved. */
unsigned engine_round(struct engine *en);
void engine_destroy(struct engine *en);

/* The ruleset that workers use now; borrowed until the next publish. */
const struct ruleset *engine_rules(const struct engine *en);

/* Makes 'next' (takes it) what workers use from their next burst on.  The one
 * before is freed after a grace period, which only every 8th call waits for:
 * a burst, some microseconds. */
void engine_publish(struct engine *en, struct ruleset *next);

/* To be called ten times a second: adopts an index that was built meanwhile, or
 * starts to build one, and tells what match=verify found. */
void engine_tend(struct engine *en);

/* What there is to see of the index of the present rules; how many were built
 * so far, and whether one is being built. */
void engine_plan_stats(const struct engine *en, struct plan_stats *out,
    uint64_t *n_builds, bool *is_building);

struct counters *engine_counters(struct engine *en);
struct knobs *engine_knobs(struct engine *en);

/* The lookup tables; changed by the control thread alone. */
struct tables *engine_tables(const struct engine *en);
/* Waits until no worker sees what the tables have let go, and frees it. */
void engine_settle_tables(struct engine *en);
/* Seconds of the monotonic clock of states. */
uint32_t engine_now_s(const struct engine *en);
/* The states of all workers; borrowed.  Their time is engine_now_s(). */
struct state_table *engine_states(struct engine *en);

/* Lets programs listen to what rules divert; before engine_start().  *out is
 * for the thread that serves them, see diverts.h; borrowed. */
struct diverts;
int engine_divert(struct engine *en, struct diverts **out, struct err *e);
/* Whatever a program says: checks a message of 'len' octets that it gives back
 * at 'port', and hands it to the worker of its lane.  -EINVAL: it is not such a
 * message; -ENOBUFS: no room now. */
int engine_divert_back(struct engine *en, uint16_t port, const void *msg,
    size_t len);
/* Tells the workers of what came since the last time. */
void engine_divert_ring(struct engine *en);

/* Starts (n > 0) or stops one user of the infinite source; it runs while at
 * least one wants it. */
void engine_source(struct engine *en, int delta);

void engine_totals(const struct engine *en, struct engine_totals *out);

/* Hands what workers have logged to 'fn', at most 'max' records, worker after
 * worker and in order for each.  Returns how many those were; *lost, if not
 * NULL, tells how many were lost so far because nobody came in time. */
typedef void engine_log_fn(void *arg, const struct record *r);
unsigned engine_log_drain(struct engine *en, unsigned max, engine_log_fn *fn,
    void *arg, uint64_t *lost);

/* One line a port and drop reason, for the farewell and for kipfw's status. */
extern const char *const drop_text[N_DROPS];
/* What parse found wrong (enum pkt_bad), as a drop reason. */
enum drop_reason drop_of_bad(uint8_t bad);

/* Runs 'fn' with the engine's dummynet and the time, in the worker that owns it,
 * between two of its bursts, and waits for the end; here and now if the workers
 * do not run.  Returns what 'fn' returns; a struct err goes into its argument.
 * Some microseconds. */
struct dn;
typedef int engine_dn_fn(struct dn *dn, ns_t now, void *arg);
int engine_dn_call(struct engine *en, engine_dn_fn *fn, void *arg);

/* Fills in the world of a trial (trial.h), as it is now: everything but the
 * question.  t->in_if and ->out_if are what is known of the interfaces, "" for
 * the other one of the pair or, if both are, for the first pair; -ENODEV if there
 * is no such pair, unless 'any_if'. */
struct trial;
int engine_trial(struct engine *en, struct trial *t, bool any_if,
    struct err *e);
/* After it: the trial's time is 'now_s', and states whose time is over then are
 * gone.  -EPERM: workers run, and have a time of their own. */
int engine_trial_at(struct engine *en, struct trial *t, uint32_t now_s,
    struct err *e);

/* Name of port 'i' as given, NULL past the last; for 'internal iflist'. */
const char *engine_port_name(const struct engine *en, unsigned i);
