/* SPDX-License-Identifier: BSD-2-Clause */
#include "nmapi/legacy.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static uint32_t
clip32(uint64_t v)
{
	return v > LEGACY_MAX_MEMSIZE ? LEGACY_MAX_MEMSIZE : (uint32_t)v;
}

/* Which rings: by nr_flags, or by nr_ringid in programs before version 11. */
static unsigned
mode_of(const struct nmreq *old)
{
	unsigned mode = old->nr_flags & NR_REG_MASK;

	if (mode != NR_REG_DEFAULT)
		return mode;
	if (old->nr_ringid & NETMAP_SW_RING)
		return NR_REG_SW;
	return old->nr_ringid & NETMAP_HW_RING ? NR_REG_ONE_NIC :
						 NR_REG_ALL_NIC;
}

/* A pipe's number becomes part of its name. */
static int
name_pipe(struct nmreq_header *hdr, struct nmreq_register *r)
{
	size_t used = strlen(hdr->nr_name), room = sizeof(hdr->nr_name) - used;
	int n;

	if (r->nr_mode != NR_REG_PIPE_MASTER && r->nr_mode != NR_REG_PIPE_SLAVE)
		return 0;
	n = snprintf(hdr->nr_name + used, room, "%c%u",
	    r->nr_mode == NR_REG_PIPE_MASTER ? '{' : '}', r->nr_ringid);
	if (n < 0 || (size_t)n >= room)
		return -ENOBUFS;
	r->nr_mode = NR_REG_ALL_NIC;
	r->nr_ringid = 0;
	return 0;
}

static int
read_register(const struct nmreq *old, struct nmreq_header *hdr,
    struct nmreq_register *r)
{
	*r = (struct nmreq_register){
		.nr_tx_slots = old->nr_tx_slots,
		.nr_rx_slots = old->nr_rx_slots,
		.nr_tx_rings = old->nr_tx_rings,
		.nr_rx_rings = old->nr_rx_rings,
		.nr_mem_id = old->nr_arg2,
		.nr_ringid = old->nr_ringid & NETMAP_RING_MASK,
		.nr_mode = mode_of(old),
		.nr_extra_bufs = old->nr_arg3,
		.nr_flags = old->nr_flags & ~(uint32_t)NR_REG_MASK,
	};
	if (old->nr_ringid & NETMAP_NO_TX_POLL)
		r->nr_flags |= NR_NO_TX_POLL;
	if (old->nr_ringid & NETMAP_DO_RX_POLL)
		r->nr_flags |= NR_DO_RX_POLL;
	hdr->nr_reqtype = NETMAP_REQ_REGISTER;
	return name_pipe(hdr, r);
}

static int
read_command(const struct nmreq *old, struct nmreq_header *hdr,
    union legacy_body *b)
{
	switch (old->nr_cmd) {
	case 0:
		return read_register(old, hdr, &b->reg);
	case NETMAP_BDG_ATTACH:
		read_register(old, hdr, &b->attach.reg);
		b->attach.reg.nr_mode = old->nr_arg1 & NETMAP_BDG_HOST ?
		    NR_REG_NIC_SW : NR_REG_ALL_NIC;
		hdr->nr_reqtype = NETMAP_REQ_VALE_ATTACH;
		return 0;
	case NETMAP_BDG_DETACH:
		hdr->nr_reqtype = NETMAP_REQ_VALE_DETACH;
		return 0;
	case NETMAP_BDG_VNET_HDR:
	case NETMAP_VNET_HDR_GET:
		b->hdr.nr_hdr_len = old->nr_arg1;
		hdr->nr_reqtype = old->nr_cmd == NETMAP_BDG_VNET_HDR ?
		    NETMAP_REQ_PORT_HDR_SET : NETMAP_REQ_PORT_HDR_GET;
		return 0;
	case NETMAP_BDG_NEWIF:
		b->newif = (struct nmreq_vale_newif){ old->nr_tx_slots,
			old->nr_rx_slots, old->nr_tx_rings, old->nr_rx_rings,
			old->nr_arg2, 0 };
		hdr->nr_reqtype = NETMAP_REQ_VALE_NEWIF;
		return 0;
	case NETMAP_BDG_DELIF:
		hdr->nr_reqtype = NETMAP_REQ_VALE_DELIF;
		return 0;
	case NETMAP_BDG_POLLING_ON:
	case NETMAP_BDG_POLLING_OFF:
		hdr->nr_reqtype = old->nr_cmd == NETMAP_BDG_POLLING_ON ?
		    NETMAP_REQ_VALE_POLLING_ENABLE :
		    NETMAP_REQ_VALE_POLLING_DISABLE;
		return 0;
	}
	return -EINVAL;
}

int
legacy_read(const struct nmreq *old, unsigned long cmd,
    struct nmreq_header *hdr, union legacy_body *b)
{
	if (old->nr_version < NETMAP_MIN_API)
		return -EINVAL;
	memset(b, 0, sizeof(*b));
	*hdr = (struct nmreq_header){ .nr_version = NETMAP_API };
	memcpy(hdr->nr_name, old->nr_name, NM_IFNAMSIZ - 1);
	if (cmd == NIOCREGIF)
		return read_command(old, hdr, b);
	if (old->nr_cmd == NETMAP_BDG_LIST) {
		b->list.nr_bridge_idx = old->nr_arg1;
		b->list.nr_port_idx = old->nr_arg2;
		hdr->nr_reqtype = NETMAP_REQ_VALE_LIST;
		return 0;
	}
	b->info.nr_mem_id = old->nr_arg2;
	hdr->nr_reqtype = NETMAP_REQ_PORT_INFO_GET;
	return 0;
}

static void
write_register(const struct nmreq_register *r, struct nmreq *old)
{
	old->nr_offset = (uint32_t)r->nr_offset;
	old->nr_memsize = clip32(r->nr_memsize);
	old->nr_tx_slots = r->nr_tx_slots;
	old->nr_rx_slots = r->nr_rx_slots;
	old->nr_tx_rings = r->nr_tx_rings;
	old->nr_rx_rings = r->nr_rx_rings;
	old->nr_arg2 = r->nr_mem_id;
	old->nr_arg3 = r->nr_extra_bufs;
}

static void
write_info(const struct nmreq_port_info_get *i, struct nmreq *old)
{
	old->nr_memsize = clip32(i->nr_memsize);
	old->nr_tx_slots = i->nr_tx_slots;
	old->nr_rx_slots = i->nr_rx_slots;
	old->nr_tx_rings = i->nr_tx_rings;
	old->nr_rx_rings = i->nr_rx_rings;
	old->nr_arg2 = i->nr_mem_id;
}

void
legacy_write(const struct nmreq_header *hdr, const union legacy_body *b,
    struct nmreq *old)
{
	switch (hdr->nr_reqtype) {
	case NETMAP_REQ_REGISTER:
		write_register(&b->reg, old);
		break;
	case NETMAP_REQ_VALE_ATTACH:
		write_register(&b->attach.reg, old);
		break;
	case NETMAP_REQ_PORT_INFO_GET:
		write_info(&b->info, old);
		break;
	case NETMAP_REQ_VALE_LIST:
		memcpy(old->nr_name, hdr->nr_name, NM_IFNAMSIZ - 1);
		old->nr_name[NM_IFNAMSIZ - 1] = '\0';
		old->nr_arg1 = b->list.nr_bridge_idx;
		old->nr_arg2 = (uint16_t)b->list.nr_port_idx;
		break;
	case NETMAP_REQ_PORT_HDR_SET:
	case NETMAP_REQ_PORT_HDR_GET:
		old->nr_arg1 = (uint16_t)b->hdr.nr_hdr_len;
		break;
	case NETMAP_REQ_VALE_NEWIF:
		old->nr_tx_slots = b->newif.nr_tx_slots;
		old->nr_rx_slots = b->newif.nr_rx_slots;
		old->nr_tx_rings = b->newif.nr_tx_rings;
		old->nr_rx_rings = b->newif.nr_rx_rings;
		old->nr_arg2 = b->newif.nr_mem_id;
		break;
	}
}
