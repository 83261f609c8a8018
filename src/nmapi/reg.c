/* SPDX-License-Identifier: BSD-2-Clause */
#include "nmapi/reg.h"

#include "nmapi/hostif.h"
#include "vale/layout.h"
#include "vale/nmctl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { MEM_ID = 1, NAME_SIZE = NETMAP_REQ_IFNAMSIZ + 4 };
#define NULL_NAME "/null" /* no port's */
enum { MAX_NULL_RINGS = 10 }; /* have a place in a netmap_if */
_Static_assert(sizeof(struct netmap_if) +
	2 * (MAX_NULL_RINGS + 1) * sizeof(ssize_t) <= NMPORT_IF_SIZE,
    "netmap_if");
#define MONITOR (NR_MONITOR_TX | NR_MONITOR_RX | NR_ZCOPY_MON)

static int
check_mem(unsigned mem_id, struct err *e)
{
	return mem_id <= MEM_ID ? 0 :
	    err_set(e, EINVAL, "no memory with id %u", mem_id);
}

static int
check_mode(const char *name, const struct nmreq_register *r, struct err *e)
{
	switch (r->nr_mode) {
	case NR_REG_ALL_NIC:
	case NR_REG_ONE_NIC:
		return check_mem(r->nr_mem_id, e);
	case NR_REG_NULL:
		if (r->nr_tx_rings > MAX_NULL_RINGS ||
		    r->nr_rx_rings > MAX_NULL_RINGS)
			return err_set(e, EINVAL, "%s: more than %d rings",
			    name, MAX_NULL_RINGS);
		return r->nr_mem_id == MEM_ID ? 0 :
		    err_set(e, EINVAL, "%s: a port without rings is of memory "
			"that is there, %d", name, MEM_ID);
	case NR_REG_SW:
	case NR_REG_NIC_SW:
	case NR_REG_ONE_SW:
		return err_set(e, EINVAL, "%s: has no host rings", name);
	}
	return err_set(e, EINVAL, "%s: mode %u", name, r->nr_mode);
}

/* A name that is neither a switch's port nor a pipe's is an interface's, and
 * a bad one is just not there. */
static int
no_such(const char *name, int rc, struct err *e)
{
	if (rc != -EINVAL || strncmp(name, "vale", 4) == 0 ||
	    strpbrk(name, "{}") != NULL)
		return rc;
	return err_set(e, ENXIO, "%s: no such port", name);
}

/* With the suffix of a monitor if it is to be one. */
static void
full_name(char out[NAME_SIZE], const char *name, uint64_t flags)
{
	bool z = (flags & NR_ZCOPY_MON) != 0;

	snprintf(out, NAME_SIZE, "%s%s%s%s%s", name,
	    (flags & MONITOR) != 0 ? "/" : "", z ? "z" : "",
	    z || (flags & NR_MONITOR_RX) ? "r" : "",
	    z || (flags & NR_MONITOR_TX) ? "t" : "");
}

static struct dev_reg
read_reg(const char *name, const struct nmreq_register *r)
{
	bool is_one = r->nr_mode == NR_REG_ONE_NIC;
	bool is_monitor = (r->nr_flags & MONITOR) != 0;
	bool is_null = r->nr_mode == NR_REG_NULL;

	return (struct dev_reg){
		.name = is_null ? NULL_NAME : name,
		.cfg = {
			.tx_slots = r->nr_tx_slots,
			.rx_slots = r->nr_rx_slots,
			.tx_rings = r->nr_tx_rings,
			.rx_rings = r->nr_rx_rings,
			.n_extra = r->nr_extra_bufs,
			.one_ring = is_one && is_monitor ?
			    r->nr_ringid + 1u : 0,
			.are_wishes = true,
			.is_null = is_null,
			.knows_hdr = (r->nr_flags & NR_ACCEPT_VNET_HDR) != 0,
		},
		.one_ring = is_one ? r->nr_ringid : -1,
		.is_new = is_monitor || is_null,
		.no_tx = is_null || (r->nr_flags & NR_RX_RINGS_ONLY) != 0,
		.no_rx = is_null || (r->nr_flags & NR_TX_RINGS_ONLY) != 0,
		.is_excl = (r->nr_flags & NR_EXCLUSIVE) != 0,
		.tx_poll = !is_monitor && (r->nr_flags & NR_NO_TX_POLL) == 0,
		.rx_poll = (r->nr_flags & NR_DO_RX_POLL) != 0,
	};
}

/* As many rings as were asked for, and none of them is there. */
static void
show_none(const struct nmreq_register *r, struct netmap_if *nifp)
{
	nifp->ni_tx_rings = r->nr_tx_rings;
	nifp->ni_rx_rings = r->nr_rx_rings;
	nifp->ni_host_tx_rings = nifp->ni_host_rx_rings = 1;
	memset(nifp->ring_ofs, 0, NMPORT_IF_SIZE - sizeof(*nifp));
}

static void
write_reg(const struct dev *d, struct nmreq_register *r)
{
	struct nmport_info i;
	size_t size;
	uint8_t *base = nmport_region(d->share->nm, &size);

	nmport_get_info(d->share->nm, &i);
	r->nr_offset = (uint64_t)((uint8_t *)d->nifp - base);
	r->nr_memsize = size;
	r->nr_mem_id = MEM_ID;
	r->nr_extra_bufs = d->has_extra ? i.n_extra : 0;
	if (r->nr_mode == NR_REG_NULL) {
		show_none(r, d->nifp);
		return;
	}
	r->nr_tx_slots = i.tx_slots;
	r->nr_rx_slots = i.rx_slots;
	r->nr_tx_rings = (uint16_t)i.tx_rings;
	r->nr_rx_rings = (uint16_t)i.rx_rings;
	r->nr_host_tx_rings = r->nr_host_rx_rings = 0;
}

int
reg_port(struct dev *d, const char *name, struct nmreq_register *r,
    struct err *e)
{
	char full[NAME_SIZE];
	struct dev_reg reg;
	int rc;

	if (d->share != NULL)
		return err_set(e, EBUSY, "descriptor: has a port");
	full_name(full, name, r->nr_flags);
	reg = read_reg(full, r);
	rc = check_mode(name, r, e);
	if (rc == 0)
		rc = no_such(name, dev_register(d, &reg, e), e);
	if (rc == 0)
		write_reg(d, r);
	return rc;
}

/* As nmctl_info(), and of an interface of the host. */
static int
look_up(const char *name, struct nmport_info *i, struct err *e)
{
	char port[HOSTIF_NAME_SIZE];
	int rc = no_such(name, nmctl_info(name, i, e), e);

	if (rc != -ENXIO || !hostif_port(name, port) ||
	    (rc = nmctl_info(port, i, e)) < 0)
		return rc;
	if (i->port_idx == NMCTL_NO_PORT)
		i->tx_rings = i->rx_rings = hostif_rings(name);
	return 0;
}

int
reg_info(const char *name, struct nmreq_port_info_get *out, struct err *e)
{
	struct nmport_info i = { 0 };
	int rc = check_mem(out->nr_mem_id, e);

	if (rc == 0 && name[0] != '\0') {
		rc = look_up(name, &i, e);
		if (rc < 0)
			return rc;
		out->nr_tx_slots = i.tx_slots;
		out->nr_rx_slots = i.rx_slots;
		out->nr_tx_rings = (uint16_t)i.tx_rings;
		out->nr_rx_rings = (uint16_t)i.rx_rings;
		out->nr_host_tx_rings = out->nr_host_rx_rings = 0;
	}
	out->nr_memsize = ARENA_SIZE;
	out->nr_mem_id = MEM_ID;
	return rc;
}

int
reg_pools(const char *name, struct nmreq_pools_info *p, struct err *e)
{
	struct nmport_info i;
	int rc = look_up(name, &i, e);

	if (rc == 0)
		rc = check_mem(p->nr_mem_id, e);
	if (rc < 0)
		return rc;
	*p = (struct nmreq_pools_info){
		.nr_memsize = ARENA_SIZE,
		.nr_mem_id = MEM_ID,
		.nr_if_pool_offset = OFS_RINGS,
		.nr_if_pool_objtotal = VALE_MAX_PORTS,
		.nr_if_pool_objsize = PAGE,
		.nr_ring_pool_offset = OFS_RINGS,
		.nr_ring_pool_objtotal = VALE_MAX_PORTS * 2 * NMPORT_MAX_RINGS,
		.nr_ring_pool_objsize = ring_size(VALE_MAX_SLOTS),
		.nr_buf_pool_offset = OFS_BUFS,
		.nr_buf_pool_objtotal = VALE_MAX_BUFS,
		.nr_buf_pool_objsize = VALE_BUF_SIZE,
	};
	return 0;
}
