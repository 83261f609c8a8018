/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random frames over the values of a vocabulary: IPv4 with options and
 * fragments, IPv6 with extension headers, ARP, tags of VLANs, and some that are
 * cut short.
 */
#pragma once

#include "test/oracle/vocab.h"

enum { TRAFFIC_FRAME = 256 };

/* Writes one frame; returns its length. */
unsigned traffic_frame(uint8_t to[TRAFFIC_FRAME], const struct vocab *v,
    struct chance *c);
