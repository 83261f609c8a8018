/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sends keepalives for the connections whose packets a worker moves.
 *
 * Place      the worker's round calls it while net.inet.ip.fw.dyn_keepalive is
 *            1; state/keepalive builds the frames.
 * When       every LIFE_KEEPALIVE_S seconds all states are looked at, a bounded
 *            piece a round.
 * Where      a state remembers the lane of its first packet: the end that sent
 *            it is behind the port that the lane comes in by, the other one
 *            behind the port it leads to.  Both are the worker's own.
 * Bounds     what a port has no room for is counted; the state is asked for
 *            again at the next look, of which its last seconds see three or
 *            four.
 * Threads    one worker.
 */
#pragma once

#include "engine/engine.h"
#include "port/port.h"

struct lane;

struct keepalives {
	struct keepalive_stats stats;
	uint32_t began_s; /* second in which the last look began */
	uint32_t at;	  /* next index to look at; 0 = between two looks */
	struct port none; /* where the frames come from: no arena, so that a
			   * port copies them */
};

/* A piece of the look, if one is due, for the states that came in by
 * lanes[n_lanes], whose ids count up from that of the first. */
void keepalives_run(struct keepalives *k, struct state_table *states,
    const struct lane *lanes, unsigned n_lanes, uint32_t now_s);
