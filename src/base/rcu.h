/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Read-copy-update, QSBR flavour: liburcu behind one file, so that it can leave.
 *
 * Readers    register; call rcu_quiescent() between bursts, when they hold no
 *            pointer; go off-line before any sleep.  About 1 ns.
 * Writer     swaps a pointer (release), rcu_wait(), frees what was there.
 * TSan       does not see liburcu's barriers, so the grace period is told to it.
 */
#pragma once

#include <urcu/urcu-qsbr.h>

#if defined(__SANITIZE_THREAD__)
#define KIPFW_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define KIPFW_TSAN 1
#endif
#endif

#ifdef KIPFW_TSAN
#include <sanitizer/tsan_interface.h>
extern char rcu_grace; /* an address for TSan */
#define RCU_TSAN_RELEASE() __tsan_release(&rcu_grace)
#define RCU_TSAN_ACQUIRE() __tsan_acquire(&rcu_grace)
#else
#define RCU_TSAN_RELEASE() ((void)0)
#define RCU_TSAN_ACQUIRE() ((void)0)
#endif

static inline void
rcu_register(void)
{
	urcu_qsbr_register_thread();
}

static inline void
rcu_unregister(void)
{
	RCU_TSAN_RELEASE();
	urcu_qsbr_unregister_thread();
}

/* This thread holds nothing that it read under RCU. */
static inline void
rcu_quiescent(void)
{
	RCU_TSAN_RELEASE();
	urcu_qsbr_quiescent_state();
}

static inline void
rcu_offline(void)
{
	RCU_TSAN_RELEASE();
	urcu_qsbr_thread_offline();
}

static inline void
rcu_online(void)
{
	urcu_qsbr_thread_online();
}

/* Returns when every reader has been quiescent or off-line since the call. */
static inline void
rcu_wait(void)
{
	urcu_qsbr_synchronize_rcu();
	RCU_TSAN_ACQUIRE();
}
