/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The options of a request: a list in the program's memory, read with netmap's
 * bounds.  None of them makes sense here, so each is answered EOPNOTSUPP.
 */
#pragma once

#include "netmap_api.h"

/* Checks the list of 'hdr', whose body has 'body_size' octets, and writes each
 * option's status.  0 if there is none; -EMSGSIZE a list without end or too
 * large, -EINVAL a type that is none or twice, -EFAULT a bad address,
 * -EOPNOTSUPP otherwise. */
int option_check(const struct nmreq_header *hdr, size_t body_size);
