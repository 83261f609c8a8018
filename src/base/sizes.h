/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sizes of blocks that are replaced by ever so slightly bigger ones.
 *
 * Place      rulesets and their plans, which are made anew with every edit.
 * Why        a freed block that is eight octets too small for the next one, with
 *            a small lasting one behind it, is of no use to malloc: loading
 *            10,000 rules one by one kept 1.3 GB that way.  Blocks of few
 *            sizes fit where one of them was.
 */
#pragma once

#include "base/cdefs.h"

/* 'size' rounded up, by an eighth of it (or 63 octets) at most. */
static inline size_t
size_class(size_t size)
{
	size_t step = 64;

	while (step < size / 16 + (size % 16 != 0)) /* step * 16 < size */
		step *= 2;
	return (size + step - 1) / step * step;
}
