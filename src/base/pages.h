/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Big blocks of memory in big pages.
 *
 * Place      the pure core asks for memory through a struct pages that it is
 *            given; this is the one that asks the operating system.
 * Why        a table with a million entries is looked up at random: in pages of
 *            4 KB most of the cost is in finding the page.
 * Cost       two system calls a block, which is rounded up to 4 KB at least; if
 *            the system has big pages for it, to 2 MB.
 */
#pragma once

#include "base/cdefs.h"

struct pages {
	/* 'size' zeroed octets, aligned to 64 or more; NULL without memory. */
	void *(*take)(size_t size);
	/* Gives a whole block back; the number is not looked at. */
	void (*give)(void *block, uint32_t unused);
};

/* Pages of 2 MB where the system has them to give. */
extern const struct pages pages_huge;
