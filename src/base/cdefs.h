/* SPDX-License-Identifier: BSD-2-Clause */
/* What every file wants of the compiler: branch hints, alignment, counts. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CACHE_LINE 64

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Polite busy-waiting: tells the core that this is a spin loop. */
static inline void
cpu_relax(void)
{
	__builtin_ia32_pause();
}
