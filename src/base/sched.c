/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/sched.h"

#include <sched.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SHORTEST_NS = 100000 }; /* what the kernel allows */

/* struct sched_attr of the kernel's first version, which libc 2.36 lacks. */
struct attr {
	uint32_t size;
	uint32_t policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime_ns; /* SCHED_OTHER: the slice, 0 = the usual one */
	uint64_t deadline_ns;
	uint64_t period_ns;
};

static void
set_slice(uint64_t ns)
{
	struct attr a = {.size = sizeof(a)};

	if (syscall(SYS_sched_getattr, 0, &a, sizeof(a), 0) != 0 ||
	    a.policy != SCHED_OTHER)
		return;
	a.flags = 0;
	a.runtime_ns = ns;
	/* Refused by an older kernel: then the slice stays what it was. */
	(void)syscall(SYS_sched_setattr, 0, &a, 0);
}

void
sched_short_slices(void)
{
	set_slice(SHORTEST_NS);
}
