/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/pages.h"

#include "base/hugemem.h"

static void
give(void *block, uint32_t units)
{
	hugemem_free(block, (size_t)units * PAGES_UNIT);
}

const struct pages pages_huge = {hugemem_alloc, give};
