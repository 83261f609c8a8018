/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copies from and to addresses that a request names: -EFAULT, not a crash, if
 * there is nothing.
 *
 * Cost       a system call each; control path only.  Where the system does not
 *            allow it (seccomp), a plain copy.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* 0 or -EFAULT; partial copies may have happened. */
int user_copyin(void *to, uint64_t from, size_t size);
int user_copyout(uint64_t to, const void *from, size_t size);
