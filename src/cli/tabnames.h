/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of tables and the indexes that stand for them in bytecode.
 *
 * Place      compile.c collects the names of a rule, print.c looks them up; on
 *            the wire they are a list before the rules.
 * Life       {0} -> tabnames_add or tabnames_read -> tabnames_fini.
 */
#pragma once

#include "base/cdefs.h"
#include "ipfw_abi.h"

struct tabnames {
	struct obj_ntlv *n; /* count of them */
	unsigned count;
};

/* True for 1 to 63 letters, digits, '_', '.' and '-', and not "all". */
bool tabname_valid(const char *name);

/* The index of a name, new or known; 0 without memory. */
uint16_t tabnames_add(struct tabnames *t, const char *name);

/* Takes the names from 'len' octets behind the header of a list. */
bool tabnames_read(struct tabnames *t, const void *names, size_t len);

/* NULL if it has none; 't' may be NULL. */
const char *tabnames_find(const struct tabnames *t, unsigned idx);

void tabnames_fini(struct tabnames *t);
