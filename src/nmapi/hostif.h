/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interfaces of the host as ports: netmap:eth0 without netmap's module.
 *
 *	program -- IF{nic-NETNS -- pipe -- IF}nic-NETNS -- netmap-nic -- xdp:IF
 *
 * Place      under share and reg; over vale's pipes.  Such a port is the master
 *            end of a pipe; at the slave's is netmap-nic, a process that lies
 *            beside the library (or is what NETMAP_NIC names), and that is
 *            started by the first program that asks for the interface.
 * Life       netmap-nic lives as long as somebody has the port, and no longer:
 *            it watches the pipe, so kill -9 is a close.  The interface is then
 *            as it was.
 * Names      mean interfaces of the program's network namespace, whose number
 *            is part of the pipe's.
 */
#pragma once

#include "base/err.h"
#include "vale/nmport.h"

enum { HOSTIF_NAME_SIZE = 64 };

/* The port that stands for 'name', an interface of the host, with or without a
 * monitor's suffix; false if there is no such interface. */
bool hostif_port(const char *name, char port[HOSTIF_NAME_SIZE]);

/* As nmport_open() for the port of hostif_port(): -EAGAIN if nobody carries its
 * packets yet.  A monitor is only of what is open. */
int hostif_open(const char *port, const struct nmport_cfg *cfg,
    struct nmport **out, struct err *e);

/* Starts netmap-nic for interface 'name' and waits until the interface is
 * taken.  0 also if another program was faster; -EPERM: no right to; -EBUSY: an
 * AF_XDP socket of somebody else has it; -ENOENT: there is no netmap-nic. */
int hostif_start(const char *name, struct err *e);

/* How many rings each way the interface has as a port. */
unsigned hostif_rings(const char *name);
