/* SPDX-License-Identifier: BSD-2-Clause */
#include "nmapi/reg.h"

#include "nmapi/switches.h"
#include "vale/layout.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

enum { DEFAULT_SLOTS = 1024, MEM_ID = 1 };

static unsigned
round_slots(uint32_t wanted)
{
	unsigned n = VALE_MIN_SLOTS;

	if (wanted == 0)
		return DEFAULT_SLOTS;
	while (n < wanted && n < VALE_MAX_SLOTS)
		n *= 2;
	return n;
}

static unsigned
bound_rings(unsigned wanted)
{
	if (wanted == 0)
		return 1;
	return wanted > NMPORT_MAX_RINGS ? NMPORT_MAX_RINGS : wanted;
}

static int
check_mode(const char *name, const struct nmreq_register *r, struct err *e)
{
	if (r->nr_mem_id > MEM_ID)
		return err_set(e, EINVAL, "%s: no memory with id %u", name,
		    r->nr_mem_id);
	switch (r->nr_mode) {
	case NR_REG_ALL_NIC:
	case NR_REG_ONE_NIC:
		return 0;
	case NR_REG_SW:
	case NR_REG_NIC_SW:
	case NR_REG_ONE_SW:
		return err_set(e, EINVAL, "%s: has no host rings", name);
	}
	return err_set(e, EINVAL, "%s: mode %u", name, r->nr_mode);
}

/* "vale..." and pipes are made when asked for; anything else would be an
 * interface of the system. */
static int
check_name(const char *name, struct err *e)
{
	if (strncmp(name, "vale", 4) == 0 || strpbrk(name, "{}") != NULL)
		return 0;
	return err_set(e, ENXIO, "%s: no such port", name);
}

static struct dev_reg
read_reg(const char *name, const struct nmreq_register *r)
{
	return (struct dev_reg){
		.name = name,
		.cfg = {
			.tx_slots = round_slots(r->nr_tx_slots),
			.rx_slots = round_slots(r->nr_rx_slots),
			.tx_rings = bound_rings(r->nr_tx_rings),
			.rx_rings = bound_rings(r->nr_rx_rings),
		},
		.one_ring = r->nr_mode == NR_REG_ONE_NIC ? r->nr_ringid : -1,
		.no_tx = (r->nr_flags & NR_RX_RINGS_ONLY) != 0,
		.no_rx = (r->nr_flags & NR_TX_RINGS_ONLY) != 0,
		.is_excl = (r->nr_flags & NR_EXCLUSIVE) != 0,
		.tx_poll = (r->nr_flags & NR_NO_TX_POLL) == 0,
		.rx_poll = (r->nr_flags & NR_DO_RX_POLL) != 0,
	};
}

static void
write_reg(const struct dev *d, struct nmreq_register *r)
{
	const struct share *s = d->share;
	size_t size;
	uint8_t *base = nmport_region(s->nm, &size);

	r->nr_offset = (uint64_t)((uint8_t *)d->nifp - base);
	r->nr_memsize = size;
	r->nr_tx_slots = share_ring(s, SHARE_TX, 0)->num_slots;
	r->nr_rx_slots = share_ring(s, SHARE_RX, 0)->num_slots;
	r->nr_tx_rings = (uint16_t)s->n_rings[SHARE_TX];
	r->nr_rx_rings = (uint16_t)s->n_rings[SHARE_RX];
	r->nr_host_tx_rings = r->nr_host_rx_rings = 0;
	r->nr_mem_id = MEM_ID;
	r->nr_extra_bufs = 0;
}

int
reg_port(struct dev *d, const char *name, struct nmreq_register *r,
    struct err *e)
{
	struct dev_reg reg = read_reg(name, r);
	int rc;

	if (d->share != NULL)
		return err_set(e, EBUSY, "descriptor: has a port");
	rc = check_mode(name, r, e);
	if (rc == 0)
		rc = check_name(name, e);
	if (rc == 0)
		rc = dev_register(d, &reg, e);
	if (rc == 0)
		write_reg(d, r);
	return rc;
}

int
reg_info(const char *name, struct nmreq_port_info_get *i, struct err *e)
{
	struct vport_info v = { .n_tx = bound_rings(i->nr_tx_rings),
		.n_rx = bound_rings(i->nr_rx_rings),
		.tx_slots = round_slots(i->nr_tx_slots),
		.rx_slots = round_slots(i->nr_rx_slots) };
	int rc = 0;

	if (i->nr_mem_id > MEM_ID)
		return err_set(e, EINVAL, "no memory with id %u",
		    i->nr_mem_id);
	if (name[0] != '\0') {
		rc = check_name(name, e);
		if (rc == 0)
			rc = switches_find(name, &v, e);
		if (rc < 0 && rc != -ENXIO)
			return rc;
		if (rc == -ENXIO && check_name(name, NULL) < 0)
			return rc;
		i->nr_tx_slots = v.tx_slots;
		i->nr_rx_slots = v.rx_slots;
		i->nr_tx_rings = (uint16_t)v.n_tx;
		i->nr_rx_rings = (uint16_t)v.n_rx;
		i->nr_host_tx_rings = i->nr_host_rx_rings = 0;
	}
	i->nr_memsize = ARENA_SIZE;
	i->nr_mem_id = MEM_ID;
	return 0;
}

int
reg_pools(const char *name, struct nmreq_pools_info *p, struct err *e)
{
	int rc = check_name(name, e);

	if (rc < 0)
		return rc;
	if (p->nr_mem_id > MEM_ID)
		return err_set(e, EINVAL, "no memory with id %u",
		    p->nr_mem_id);
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
