/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers as people type them, whole or with K, M, G.
 *
 * Place      under pkt-gen's options.
 * Rule       the text is a number to its last character and lies within the
 *            bounds, or it is refused; nothing wraps, nothing is cut.
 */
#pragma once

#include "base/err.h"

#include <stdint.h>

/* Decimal digits only.  -EINVAL if it is no number, -ERANGE if it lies outside
 * [lo, hi]; both say what would be accepted, without naming the text. */
int gen_num_parse(const char *text, uint64_t lo, uint64_t hi, uint64_t *out,
		  struct err *e);

/* The same, with a decimal fraction and a factor of 1000, 1000^2 or 1000^3 for
 * K, M, G: "1.5M" is 1500000.  What is not whole after that is refused. */
int gen_num_scaled(const char *text, uint64_t lo, uint64_t hi, uint64_t *out,
		   struct err *e);
