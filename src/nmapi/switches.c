/* SPDX-License-Identifier: BSD-2-Clause */
#include "nmapi/switches.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A picture of all switches; the caller frees it. */
static struct arena_info *
look(struct err *e)
{
	struct arena_info *info = malloc(sizeof(*info));
	struct arena *a;
	int rc;

	if (info == NULL) {
		err_set(e, ENOMEM, "switches: no memory");
		return NULL;
	}
	rc = arena_get(&a, e);
	if (rc == 0) {
		rc = vswitch_list(a, info, e);
		arena_put(a);
	}
	if (rc < 0) {
		free(info);
		return NULL;
	}
	return info;
}

static int
index_of(const struct arena_info *info, const char *name)
{
	for (unsigned i = 0; i < info->n_ports; i++)
		if (strcmp(info->ports[i].port.name, name) == 0)
			return (int)i;
	return -ENXIO;
}

int
switches_find(const char *name, struct vport_info *out, struct err *e)
{
	struct err why = { 0 };
	struct arena_info *info = look(&why);
	int i;

	if (info == NULL)
		return err_set(e, why.code, "%s", why.text);
	i = index_of(info, name);
	if (i >= 0 && out != NULL)
		*out = info->ports[i].port;
	free(info);
	return i >= 0 ? 0 : err_set(e, ENXIO, "%s: no such port", name);
}

/* ---- list ---- */

static int
find_by_name(const struct arena_info *info, const char *name,
    struct nmreq_vale_list *l, struct err *e)
{
	size_t n = strcspn(name, ":");
	unsigned sw = 0;
	int i;

	if (strncmp(name, "vale", 4) != 0)
		return err_set(e, EINVAL, "%s: not a switch", name);
	while (sw < info->n_switches &&
	    (strncmp(info->switches[sw].name, name, n) != 0 ||
		info->switches[sw].name[n] != '\0'))
		sw++;
	if (sw == info->n_switches)
		return err_set(e, ENOENT, "%s: no such switch", name);
	i = index_of(info, name);
	l->nr_bridge_idx = (uint16_t)sw;
	l->nr_port_idx = i < 0 ? VALE_MAX_PORTS : info->ports[i].port.idx;
	return 0;
}

/* The next port in order of switch, then port. */
static int
find_next(const struct arena_info *info, char name[NETMAP_REQ_IFNAMSIZ],
    struct nmreq_vale_list *l)
{
	const struct vport_info *best = NULL;
	unsigned best_sw = 0;

	for (unsigned i = 0; i < info->n_ports; i++) {
		const struct vport_info *v = &info->ports[i].port;
		unsigned sw = info->ports[i].switch_idx;

		if (sw < l->nr_bridge_idx ||
		    (sw == l->nr_bridge_idx && v->idx < l->nr_port_idx))
			continue;
		if (best == NULL || sw < best_sw ||
		    (sw == best_sw && v->idx < best->idx)) {
			best = v;
			best_sw = sw;
		}
	}
	if (best == NULL)
		return -ENOENT;
	snprintf(name, NETMAP_REQ_IFNAMSIZ, "%s", best->name);
	l->nr_bridge_idx = (uint16_t)best_sw;
	l->nr_port_idx = best->idx;
	return 0;
}

int
switches_list(char name[NETMAP_REQ_IFNAMSIZ], struct nmreq_vale_list *l,
    struct err *e)
{
	struct err why = { 0 };
	struct arena_info *info = look(&why);
	int rc;

	if (info == NULL)
		return err_set(e, why.code, "%s", why.text);
	rc = name[0] != '\0' ? find_by_name(info, name, l, e) :
			       find_next(info, name, l);
	free(info);
	return rc;
}

/* ---- what outlives its user ---- */

int
switches_attach(const char *name, struct nmreq_vale_attach *a, struct err *e)
{
	if (a->reg.nr_mem_id > 1)
		return err_set(e, EINVAL, "no memory with id %u",
		    a->reg.nr_mem_id);
	if (strncmp(name, "vale", 4) != 0)
		return err_set(e, EINVAL, "%s: not a switch", name);
	if (switches_find(name, NULL, NULL) == 0)
		return err_set(e, EBUSY, "%s: is attached", name);
	return err_set(e, EOPNOTSUPP, "%s: no interface to attach", name);
}

int
switches_detach(const char *name, struct nmreq_vale_detach *d, struct err *e)
{
	int rc = switches_find(name, NULL, e);

	(void)d;
	return rc < 0 ? rc : err_set(e, EBUSY, "%s: in use", name);
}

int
switches_newif(const char *name, struct nmreq_vale_newif *n, struct err *e)
{
	(void)n;
	return err_set(e, EOPNOTSUPP, "%s: cannot be made", name);
}

int
switches_delif(const char *name, struct err *e)
{
	return err_set(e, ENXIO, "%s: no such interface", name);
}
