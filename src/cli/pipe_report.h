/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a pipe measured about itself, as text: a warning if it cannot hold rate
 * times delay, and with -v all the numbers.
 *
 * Place      under pipe_list.c.
 */
#pragma once

#include "cli/text.h"

/* 'at' holds an abi_dn_more_report of 'len' octets, checked to be no less. */
void pipe_report_put(struct text *t, const void *at, size_t len, bool verbose);
