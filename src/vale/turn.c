/* SPDX-License-Identifier: BSD-2-Clause */
#include "vale/turn.h"

#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static __thread uint64_t own_word;

static uint64_t
make_word(void)
{
	struct stat st = { 0 };

	/* Without /proc all are taken for one namespace. */
	if (stat("/proc/self/ns/pid", &st) == -1)
		st.st_ino = 0;
	return (uint64_t)(uint32_t)st.st_ino << 32 |
	    (uint32_t)syscall(SYS_gettid);
}

static uint64_t
word(void)
{
	if (unlikely(own_word == 0))
		own_word = make_word();
	return own_word;
}

bool
turn_is_held(uint64_t w)
{
	return w != 0 && (w >> 32 != word() >> 32 ||
	    kill((pid_t)(uint32_t)w, 0) == 0 || errno != ESRCH);
}

bool
turn_try(uint64_t *lock, bool *from_dead)
{
	uint64_t seen = 0;

	*from_dead = false;
	while (!__atomic_compare_exchange_n(lock, &seen, word(), false,
	    __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
		if (seen == 0)
			continue;
		if (turn_is_held(seen))
			return false;
		*from_dead = true;
	}
	return true;
}

void
turn_end(uint64_t *lock)
{
	__atomic_store_n(lock, 0, __ATOMIC_RELEASE);
}

void
turn_forked(void)
{
	own_word = 0;
}
