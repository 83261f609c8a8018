/* SPDX-License-Identifier: BSD-2-Clause */
#include "nmapi/vfork.h"

#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

enum { WIPED_SIZE = 4096 };

static pid_t *owner; /* 0 after a fork, NULL if there is no such page */

void
vfork_start(void)
{
	void *m = mmap(NULL, WIPED_SIZE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (m == MAP_FAILED)
		return;
	if (madvise(m, WIPED_SIZE, MADV_WIPEONFORK) == -1) {
		munmap(m, WIPED_SIZE);
		return;
	}
	owner = m;
	*owner = getpid();
}

bool
vfork_is_child(void)
{
	pid_t self, seen;

	if (owner == NULL)
		return false;
	self = getpid();
	seen = __atomic_load_n(owner, __ATOMIC_RELAXED);
	if (seen == 0)
		__atomic_store_n(owner, self, __ATOMIC_RELAXED);
	return seen != 0 && seen != self;
}
