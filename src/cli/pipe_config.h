/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * 'pipe N config ...', 'queue N config ...' and 'sched N config ...': from the
 * words after 'config' to the objects that are sent.
 *
 * Place      under cmd_pipe.c; pipe_list.c shows what comes back.
 * Life       zeroed -> pipe_config_parse -> pipe_config_message -> _fini.
 * Wire       what FreeBSD's objects can say is said with them alone, so that
 *            any daemon understands it; more goes into kipfw's own objects.
 */
#pragma once

#include "base/err.h"
#include "cli/words.h"
#include "ipfw_abi.h"

struct trace; /* pipe_file.h */

struct pipe_config {
	uint8_t kind;	  /* DN_LINK, DN_FS or DN_SCH */
	bool has_more_link, has_more_fs, has_fs_extra, has_sch_extra;
	struct abi_dn_sch sch;	 /* pipe, sched */
	struct abi_dn_extra sch_extra;
	struct abi_dn_link link; /* pipe */
	struct abi_dn_more_link more_link;
	struct abi_dn_fs fs;	 /* all */
	struct abi_dn_more_fs more_fs;
	struct abi_dn_extra fs_extra;
	struct abi_dn_profile *profile; /* owned; NULL = none */
	struct trace *trace;	 /* owned; NULL = none */
};

/* Reads the 'n' words at 'w' into the zeroed 'pc'.  A sysexits code with 'e'
 * filled, or 0. */
int pipe_config_parse(struct pipe_config *pc, uint8_t kind, uint32_t nr,
    const struct word *w, unsigned n, struct err *e);

/* The request, of *len octets, owned; NULL without memory. */
void *pipe_config_message(const struct pipe_config *pc, size_t *len);

void pipe_config_fini(struct pipe_config *pc);
