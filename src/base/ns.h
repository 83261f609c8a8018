/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Time as a number: nanoseconds of a monotonic clock, handed in as an argument.
 *
 * The type lives apart from the clock (clock.h) because the pure core computes
 * with time and never reads it.
 */
#pragma once

#include <stdint.h>

typedef uint64_t ns_t;

#define NS_PER_US 1000ull
#define NS_PER_MS 1000000ull
#define NS_PER_S  1000000000ull
