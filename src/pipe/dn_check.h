/* SPDX-License-Identifier: BSD-2-Clause */
/* Judges configurations of dummynet by themselves, for dn_config.c; the checks
 * that others call are in dn.h. */
#pragma once

#include "pipe/dn.h"

/* Puts FreeBSD's defaults where an FQ scheduler's parameters are 0, the law
 * that belongs to its type included. */
void dn_check_complete_fq(uint32_t type, struct fq_cfg *fq);
