/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/hugemem.h"

#include <sys/mman.h>

static size_t
whole_pages(size_t size)
{
	return (size + HUGEMEM_PAGE - 1) & ~(size_t)(HUGEMEM_PAGE - 1);
}

/* Reserves a page more than wanted and gives back what lies before the first
 * page border and behind the end. */
void *
hugemem_alloc(size_t size)
{
	size_t want = whole_pages(size), before;
	uintptr_t at;
	char *m;

	if (size > SIZE_MAX - 2 * (size_t)HUGEMEM_PAGE)
		return NULL;
	m = mmap(NULL, want + HUGEMEM_PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (m == MAP_FAILED)
		return NULL;
	at = ((uintptr_t)m + HUGEMEM_PAGE - 1) &
	    ~(uintptr_t)(HUGEMEM_PAGE - 1);
	before = at - (uintptr_t)m;
	if (before > 0)
		munmap(m, before);
	if (before < HUGEMEM_PAGE)
		munmap(m + before + want, HUGEMEM_PAGE - before);
	madvise(m + before, want, MADV_HUGEPAGE); /* or small ones */
	return m + before;
}

void
hugemem_free(void *memory, size_t size)
{
	if (memory != NULL)
		munmap(memory, whole_pages(size));
}
