/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Switches and their ports: attach, detach, and cleaning up after the dead.
 *
 * Place      over arena and wake; under nmport, forward and vale-ctl.
 * Life       FREE -> FILLING -> MARKING -> LIVE -> CLOSING -> FREEING -> FREE.
 *            A persistent port has IDLE where others have FREE.  A switch
 *            exists while it has ports, idle ones included.
 * Locks      everything here runs under the arena's slow lock, taken inside.
 *            kring locks are taken from senders only by closing them.
 * Death      each step can be repeated: whoever enters next sweeps first, and
 *            sweeping goes on from the state it finds.
 *
 *	died in   then nobody else has touched   so the sweep
 *	FILLING   any free bit                   forgets the port
 *	MARKING   its slots                      gives back what was taken
 *	LIVE      -                              closes its rings, repairs the
 *	                                         rings it had locked, then:
 *	CLOSING   -                              the same
 *	FREEING   its slots                      gives the buffers back
 *
 *            A ring whose lock belongs to a live but stopped process cannot
 *            be closed: its port stays CLOSING, and is tried again at the
 *            next sweep.
 */
#pragma once

#include "vale/place.h"
#include "vale/pname.h"

/* Attaches the port of a switch, or the persistent port, that 'n' names; '*cfg'
 * becomes what it has.  Returns the port's place, with the descriptors that hold
 * it alive and wake it in '*fds'; -errno as nmport_open() documents. */
int vswitch_attach(struct arena *a, const struct pname *n,
    struct nmport_cfg *cfg, struct place_fds *fds, struct err *e);

/* A port on no switch and of no name ("null:" in lists of memory), for who wants
 * memory alone; of cfg only n_extra counts. */
int vswitch_attach_null(struct arena *a, struct nmport_cfg *cfg,
    struct place_fds *fds, struct err *e);

/* Detaches the port of this process that alive_fd holds, and closes it; the
 * descriptors that wake it stay the caller's. */
void vswitch_detach(struct arena *a, int alive_fd);

/* The same for one of several processes that have the descriptor: the port goes
 * if it was the last. */
void vswitch_abandon(struct arena *a, int alive_fd);

/* Brackets of whatever changes ports: takes the slow lock and sweeps, with the
 * tables in memory; gives it back (and the tables, if it failed). */
int vswitch_enter(struct arena *a, struct err *e);
void vswitch_leave(struct arena *a, bool failed);

/* The persistent port of this name, with or without a switch's; NO_PEER.  Slow
 * lock held, as below. */
unsigned vswitch_find_persistent(struct arena *a, const char *name);

/* Puts a port of no switch on the one that the first sw_len octets of its new
 * name say.  ENOSPC. */
int vswitch_join(struct arena *a, unsigned port, const char *name,
    size_t sw_len, struct err *e);

/* Reclaims the ports of dead processes.  Returns how many. */
int vswitch_sweep(struct arena *a, struct err *e);

/* The same from a sender: only if the slow lock is free now. */
void vswitch_try_sweep(struct arena *a);

/* Is the owner of this lock word able to go on (it may be stopped)? */
bool vswitch_holder_is_alive(struct arena *a, uint64_t lock_word);

/* When a destination is full: wait for it while it moves (the default), or
 * drop at once as the kernel's VALE does.  ENOENT: no such switch. */
int vswitch_set_flow(struct arena *a, const char *name, bool drop_at_once,
    struct err *e);

/* What vale-ctl and the tests look at; a consistent copy. */
struct vport_info {
	char name[VALE_NAME_SIZE];
	unsigned idx, pid, n_tx, n_rx, tx_slots, rx_slots;
	unsigned n_extra, hdr_len;
	enum vport_kind kind;
	bool is_alive, is_closing;
	bool is_persistent, is_idle; /* idle: without a user, and rings */
	struct txstat tx;			 /* sum over rings */
	uint64_t rx_pkts, rx_bytes, rx_drops[VDROP_N]; /* sum over rings */
};
struct vswitch_info {
	char name[VALE_SW_NAME_SIZE];
	bool drop_at_once;
	unsigned n_ports, n_macs;
	struct vport_info total; /* with the ports that left */
};
struct arena_info {
	unsigned n_switches, n_ports;
	uint32_t n_bufs, n_free, n_in_rings, n_extra;
	uint32_t n_wrong; /* see sweep_count_wrong() */
	bool suspect;	  /* an audit is due as soon as it can be made */
	struct vswitch_info switches[VALE_MAX_SWITCHES];
	struct {
		unsigned switch_idx; /* in switches[], or NO_SWITCH */
		struct vport_info port;
	} ports[VALE_MAX_PORTS];
};

/* Sweeps, then fills '*info' (large: not on a stack). */
int vswitch_list(struct arena *a, struct arena_info *info, struct err *e);
