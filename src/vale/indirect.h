/* SPDX-License-Identifier: BSD-2-Clause */
/* Data of NS_INDIRECT slots: it lies where the user's pointer says. */
#pragma once

#include "base/cdefs.h"

/* Copies len octets from ptr; false if they cannot be read.  The kernel reads,
 * so that a bad pointer is an error and no signal. */
bool indirect_read(void *to, uint64_t ptr, size_t len);
