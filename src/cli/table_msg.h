/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests about lookup tables, and lists of objects.
 *
 * Place      under the table commands (cmd_table.c, cmd_entry.c, table_show.c)
 *            and internal; over the client.
 * Errors     0 or -errno with 'e' filled, as from the client.
 */
#pragma once

#include "cli/cli.h"
#include "ipfw_abi.h"

/* An obj_hdr and what may follow it. */
struct table_msg {
	struct obj_hdr h;
	union {
		struct table_info info;
		struct obj_ntlv second; /* the other table of a swap */
	};
};

/* Fills in the name of a table. */
void table_msg_name(struct obj_ntlv *n, const char *name);

/* Fills the header of a request about a table. */
void table_msg_header(struct obj_hdr *h, unsigned op, const char *name);

/* Sends a request that has nothing but a name. */
int table_msg_send(struct cli *c, unsigned op, const char *name, struct err *e);

/* What the daemon says of a table; -ESRCH if there is none. */
int table_msg_info(struct cli *c, const char *name, struct table_info *out,
    struct err *e);

/* Makes a table of the type and options of 'i'; -EEXIST if it is there. */
int table_msg_create(struct cli *c, const char *name,
    const struct table_info *i, struct err *e);

/* Fetches a list of objects of one size; *list is owned, *n of them follow its
 * header. */
int table_msg_list(struct cli *c, unsigned op, size_t objsize,
    struct obj_lhdr **list, size_t *n, struct err *e);
