/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sysctls of dummynet: settings on their way to it, counts on their way back.
 *
 * Place      op_dn.c calls it around reading and writing.
 */
#pragma once

#include "engine/engine.h"

/* Brings the counts into the knobs, before they are read. */
void dn_sysctl_tell(struct engine *en);

/* Brings the settings into the dummynet, after one was written. */
void dn_sysctl_apply(struct engine *en);
