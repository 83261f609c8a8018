/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What stands behind a port's name: "xdp:eth0/1,copy,frames=4096".
 *
 *	kind : head [, key[=value]] ...
 *
 * Place      under the kinds of ports; each has one table of its keys.
 * Commas     separate; "\," is a comma of a value, a file's name say.
 * Errors     name the port, the key at fault and the keys that there are.
 */
#pragma once

#include "base/cdefs.h"
#include "base/err.h"

enum port_arg_type {
	PORT_ARG_FLAG,	 /* "key": *(bool *)out becomes true */
	PORT_ARG_NUMBER, /* "key=N", lo <= N <= hi: *(uint64_t *)out */
	PORT_ARG_TEXT,	 /* "key=WORD", not empty: out is char[size] */
};

enum { PORT_ARG_KEYS_TEXT = 256 };

struct port_arg {
	const char *key;	/* NULL ends a table */
	enum port_arg_type type;
	void *out;		/* left alone if the key does not come */
	uint64_t lo, hi;	/* of a number */
	size_t size;		/* of the array of a text */
};

/* Reads 'text', what follows "kind:" in the port's name 'port'.  What stands
 * before the first comma goes to head[head_size], unless 'head' is NULL: then
 * keys come from the start.  -EINVAL: an unknown or repeated key, a value that
 * is missing, not wanted, no number or out of range, an empty or overlong head;
 * what was read before it has been stored. */
int port_args(const char *port, const char *text, char *head, size_t head_size,
    const struct port_arg *args, struct err *e);
