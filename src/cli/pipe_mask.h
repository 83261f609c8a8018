/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Masks of flows: which part of a packet's addresses tells flows apart.
 *
 * Place      read under pipe_config.c, shown by pipe_list.c.
 * Grammar    all | queue | one or more of: dst-ip M, src-ip M, dst-port M,
 *            src-port M, proto M, dst-ip6 /L, src-ip6 /L, flow-id M.
 * /N         the N low-order bits of everything but IPv6 addresses, of which it
 *            is the N first ones: so it is in ipfw.
 */
#pragma once

#include "base/err.h"
#include "cli/text.h"
#include "cli/words.h"
#include "ipfw_abi.h"

/* Reads words from *w on and moves it past them.  *any: some bit is set. */
int pipe_mask_read(const struct word **w, const struct word *end,
    const struct word *key, struct abi_flow_id *mask, bool *any,
    struct err *e);

/* The line of a mask in a listing, with its newline. */
void pipe_mask_put(struct text *t, const struct abi_flow_id *mask);
