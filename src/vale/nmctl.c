/* SPDX-License-Identifier: BSD-2-Clause */
#include "vale/nmctl.h"

#include <errno.h>

static int
refuse(const char *name, struct err *e)
{
	return err_set(e, EOPNOTSUPP, "%.40s: not built into this version",
	    name);
}

int
nmctl_create(const char *name, const struct nmport_cfg *cfg, struct err *e)
{
	(void)cfg;
	return refuse(name, e);
}

int
nmctl_destroy(const char *name, struct err *e)
{
	return refuse(name, e);
}

int
nmctl_attach(const char *name, unsigned *port_idx, struct err *e)
{
	(void)port_idx;
	return refuse(name, e);
}

int
nmctl_detach(const char *name, unsigned *port_idx, struct err *e)
{
	(void)port_idx;
	return refuse(name, e);
}

int
nmctl_next(struct nmctl_port *p, struct err *e)
{
	return refuse(p->name, e);
}

int
nmctl_find(struct nmctl_port *p, struct err *e)
{
	return refuse(p->name, e);
}

int
nmctl_info(const char *name, struct nmport_info *i, struct err *e)
{
	(void)i;
	return refuse(name, e);
}

int
nmctl_set_hdr_len(const char *name, unsigned len, struct err *e)
{
	(void)len;
	return refuse(name, e);
}

int
nmctl_hdr_len(const char *name, unsigned *len, struct err *e)
{
	(void)len;
	return refuse(name, e);
}
