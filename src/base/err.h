/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An error that a human will read: an errno, a sentence, and where.
 *
 * Place      control path only; the data path counts drops instead.
 * Life       owned by the caller, usually on its stack; err_set() overwrites.
 * Rule       set once, where the cause is known; callers pass it through.
 */
#pragma once

struct err {
	int code;	/* errno, 0 = none */
	int pos;	/* index of the word (or byte) at fault, -1 = none */
	char text[512];	/* one line, lower case, no full stop */
};

/* Fills 'e' (may be NULL) with 'code' > 0 and a formatted sentence, cut if too
 * long; the position becomes -1.  Returns -code, for 'return err_set(...)'. */
int err_set(struct err *e, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The same with the index of the word or byte at fault. */
int err_at(struct err *e, int code, int pos, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
