/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/rcu.h"

#ifdef KIPFW_TSAN
char rcu_grace;
#endif
