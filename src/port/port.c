/* SPDX-License-Identifier: BSD-2-Clause */
#include "port/port.h"

#include "port/kinds.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct port_ops *const port_kinds[] = {
	&port_vale,
	&port_netmap,
	&port_xdp,
	&port_source,
	&port_sink,
	&port_mem,
	&port_packet,
	&port_tap,
	&port_pcap,
	NULL,
};

static const struct port_ops *
kind_of(const char *name)
{
	for (const struct port_ops *const *k = port_kinds; *k != NULL; k++) {
		if (strncmp(name, (*k)->kind, strlen((*k)->kind)) == 0)
			return *k;
	}
	/* A pipe's end may be called anything. */
	return strpbrk(name, "{}") != NULL ? &port_vale : NULL;
}

/* Names the kinds that there are. */
static int
unknown_kind(const char *name, struct err *e)
{
	char kinds[160] = "";

	for (const struct port_ops *const *k = port_kinds; *k != NULL; k++) {
		const char *glue = k == port_kinds ? "" :
		    k[1] == NULL ? " or " : ", ";
		size_t n = strlen(kinds);

		snprintf(kinds + n, sizeof(kinds) - n, "%s%s", glue,
		    (*k)->kind);
	}
	return err_set(e, EINVAL, "port '%.100s': its name must begin with "
	    "%s, or be a pipe's end, NAME{id", name, kinds);
}

/* A switch port keeps its whole name; "kind:name/queue,options" is "name". */
static void
set_ifname(struct port *p)
{
	const char *colon = strchr(p->name, ':');
	const char *from = p->name;
	size_t len;

	if (p->ops != &port_vale && colon != NULL && colon[1] != '\0')
		from = colon + 1;
	len = p->ops == &port_vale ? strlen(from) : strcspn(from, "/,");
	if (len >= sizeof(p->ifname))
		len = sizeof(p->ifname) - 1;
	memcpy(p->ifname, from, len);
}

int
port_open(const char *name, struct port **out, struct err *e)
{
	const struct port_ops *ops = kind_of(name);
	struct port *p;
	int rc;

	if (ops == NULL)
		return unknown_kind(name, e);
	if (strlen(name) >= PORT_NAME_LEN)
		return err_set(e, ENAMETOOLONG,
		    "port '%.40s...': name longer than %d octets", name,
		    PORT_NAME_LEN - 1);
	if ((p = calloc(1, sizeof(*p))) == NULL)
		return err_set(e, ENOMEM, "port '%s': no memory", name);
	p->ops = ops;
	p->fd = -1;
	strcpy(p->name, name);
	set_ifname(p);
	if ((rc = ops->open(p, name, e)) != 0) {
		free(p);
		return rc;
	}
	*out = p;
	return 0;
}

unsigned
port_none_pending(struct port *p)
{
	(void)p;
	return 0;
}

void
port_close(struct port *p)
{
	if (p == NULL)
		return;
	p->ops->close(p);
	free(p);
}
