/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keys and values of lookup tables as text, and their types.
 *
 * Place      under cmd_table.c; tabentry_put_* is the inverse of the readers.
 */
#pragma once

#include "cli/names.h"
#include "cli/text.h"
#include "cli/words.h"
#include "ipfw_abi.h"

extern const struct name names_table_type[];
extern const struct name names_flow_field[];
extern const struct name names_value_type[];

/* Reads a key for a table of this type; a sysexits code with 'e' filled. */
int tabentry_key(const struct table_info *i, const struct word *w,
    struct obj_tentry *out, struct err *e);
/* Reads "V" or "V,V,...", one for each member of the table's type of value. */
int tabentry_value(const struct table_info *i, const struct word *w,
    struct table_value *out, struct err *e);

/* The type of table that a key looks like, for a table that is to be made. */
uint8_t tabentry_guess(const char *key);

/* "KEY VALUE"; 'as_ip' shows a legacy value as an address. */
void tabentry_put(struct text *t, const struct table_info *i,
    const struct obj_tentry *en, bool as_ip);
void tabentry_put_value(struct text *t, uint32_t vmask,
    const struct table_value *v, bool as_ip);
/* "addr", "flow:src-ip,proto"; "legacy", "skipto,pipe" */
void tabentry_put_type(struct text *t, const struct table_info *i);
void tabentry_put_vtype(struct text *t, uint32_t vmask);
