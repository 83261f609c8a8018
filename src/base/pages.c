/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/pages.h"

#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 << 20)
#define PAGE	  ((size_t)4096)

/*
 *	map            block - PAGE   block, on a boundary of 2 MB
 *	| unused ...   | struct head  | size octets      | unused ...
 */
struct head {
	void *map;
	size_t size;
};

static struct head *
head_of(void *block)
{
	return (struct head *)(void *)((char *)block - PAGE);
}

static void *
take(size_t size)
{
	struct head head = {.size = size + HUGE_PAGE + PAGE};
	uintptr_t block;

	if (size > SIZE_MAX / 2)
		return NULL;
	head.map = mmap(NULL, head.size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (head.map == MAP_FAILED)
		return NULL;
	block = ((uintptr_t)head.map + PAGE + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
	*head_of((void *)block) = head;
	/* A system without big pages says no, and that is fine. */
	(void)madvise((void *)block, size, MADV_HUGEPAGE);
	return (void *)block;
}

static void
give(void *block, uint32_t unused)
{
	struct head head = *head_of(block);

	(void)unused;
	munmap(head.map, head.size);
}

const struct pages pages_huge = {take, give};
