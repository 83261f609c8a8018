/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory for big tables that are looked up at random: on huge pages, where the
 * system has them, so that a lookup does not miss the TLB as well.
 *
 * Place      engine/ takes it for the states; the pure core gets it as an
 *            argument.
 * Cost       reserves addresses; memory is taken when it is touched, 2 MiB at a
 *            time.
 */
#pragma once

#include "base/cdefs.h"

enum { HUGEMEM_PAGE = 2 << 20 };

/* 'size' zeroed octets, aligned to HUGEMEM_PAGE.  Returns owned, NULL without
 * memory. */
void *hugemem_alloc(size_t size);
/* Gives back what hugemem_alloc(size) returned.  NULL is fine. */
void hugemem_free(void *memory, size_t size);
