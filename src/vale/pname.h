/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the name of a port says.
 *
 *	[netmap:] valeX:p            a port of a switch
 *	[netmap:] NAME               a persistent port
 *	[netmap:] BASE { ID          a pipe's master end, BASE as above
 *	[netmap:] BASE } ID          its slave end
 *	any of these + /[z][r][t]    a monitor of it
 *
 * Names and ids are letters, digits and "_-.", not empty.
 */
#pragma once

#include "base/err.h"
#include "vale/layout.h"

enum pname_kind { PNAME_SWITCH, PNAME_PLAIN, PNAME_PIPE };

struct pname {
	enum pname_kind kind;
	bool is_slave;	  /* of a pipe */
	bool is_zcopy;	  /* monitor: without copies */
	unsigned watches; /* monitor: NMPORT_RX, NMPORT_TX; 0 = no monitor */
	size_t sw_len;	  /* of the switch's name, 0 = none */
	size_t base_len;  /* without what makes it a pipe */
	char text[VALE_NAME_SIZE]; /* without prefix and monitor's suffix */
};

/* -EINVAL, and why. */
int pname_parse(const char *name, struct pname *n, struct err *e);

/* The name of a pipe's other end. */
void pname_other_end(const struct pname *n, char other[VALE_NAME_SIZE]);
