/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A thread that wants to be answered soon and needs little time asks for short
 * slices of it: the kernel (6.12 and later) then lets it run before threads
 * that are busy, without a higher share of the processor and without rights.
 */
#pragma once

/* For the calling thread; threads it makes from now on inherit it.  Where the
 * kernel does not know this, nothing happens. */
void sched_short_slices(void);
