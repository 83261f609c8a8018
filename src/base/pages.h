/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the big blocks of the pure core come from.
 *
 * Place      whoever builds the engine hands one to those that take blocks as
 *            they grow (table/); pages_huge is hugemem.
 * Why        a table with a million entries is looked up at random: in pages of
 *            4 KB much of the cost is in finding the page.
 */
#pragma once

#include "base/cdefs.h"

enum { PAGES_UNIT = 4096 };

struct pages {
	/* 'size' zeroed octets, aligned to 64 or more; NULL without memory. */
	void *(*take)(size_t size);
	/* Gives a whole block back, whose size was so many PAGES_UNITs, rounded
	 * up. */
	void (*give)(void *block, uint32_t units);
};

/* Huge pages where the system has them to give. */
extern const struct pages pages_huge;
