/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netmap's requests: what a program and /dev/netmap say to each other.
 *
 * Numbers and layouts were checked against netmap's sys/net/netmap.h and
 * netmap_legacy.h (NETMAP_API 14; the legacy request is as in 11 to 13).  The
 * rings that a request yields are in netmap_ring.h.
 *
 *	fd = open("/dev/netmap", O_RDWR);
 *	ioctl(fd, NIOCCTRL, &hdr)	any request, body and options by pointer
 *	ioctl(fd, NIOCREGIF, &nmreq)	what programs used before API 13
 *	mem = mmap(NULL, memsize, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
 *	poll(fd), ioctl(fd, NIOCTXSYNC), ioctl(fd, NIOCRXSYNC)
 *	close(fd)			the port is left
 */
#pragma once

#include "netmap_ring.h"

#include <sys/ioctl.h>

#define NETMAP_DEVICE	 "/dev/netmap"
#define NETMAP_API	 14
#define NETMAP_MIN_API	 11
#define NETMAP_MAX_API	 15

#define NS_PORT_MASK 0xff00 /* of a slot: tx, send to port n - 1; rx, fragments */
#define NI_PRIV_MEM 0x1 /* ni_flags: a memory region of its own */

/* ---- NIOCCTRL: one header, a body and a list of options ---- */

enum netmap_req {
	NETMAP_REQ_REGISTER = 1,
	NETMAP_REQ_PORT_INFO_GET,
	NETMAP_REQ_VALE_ATTACH,
	NETMAP_REQ_VALE_DETACH,
	NETMAP_REQ_VALE_LIST,
	NETMAP_REQ_PORT_HDR_SET,
	NETMAP_REQ_PORT_HDR_GET,
	NETMAP_REQ_VALE_NEWIF,
	NETMAP_REQ_VALE_DELIF,
	NETMAP_REQ_VALE_POLLING_ENABLE,
	NETMAP_REQ_VALE_POLLING_DISABLE,
	NETMAP_REQ_POOLS_INFO_GET,
	NETMAP_REQ_SYNC_KLOOP_START,
	NETMAP_REQ_SYNC_KLOOP_STOP,
	NETMAP_REQ_CSB_ENABLE,
};

enum netmap_opt {
	NETMAP_REQ_OPT_EXTMEM = 1,
	NETMAP_REQ_OPT_SYNC_KLOOP_EVENTFDS,
	NETMAP_REQ_OPT_CSB,
	NETMAP_REQ_OPT_SYNC_KLOOP_MODE,
	NETMAP_REQ_OPT_OFFSETS,
	NETMAP_REQ_OPT_MAX,
};

#define NETMAP_REQ_IFNAMSIZ 64
#define NETMAP_REQ_MAXSIZE  4096 /* of header, body and options */

struct nmreq_header {
	uint16_t nr_version; /* in: wanted, out: spoken */
	uint16_t nr_reqtype; /* enum netmap_req */
	uint32_t nr_reserved;
	char nr_name[NETMAP_REQ_IFNAMSIZ];
	uint64_t nr_options; /* address of the first option, or 0 */
	uint64_t nr_body;    /* address of the body, or 0 */
};

struct nmreq_option {
	uint64_t nro_next;    /* address of the next one, or 0 */
	uint32_t nro_reqtype; /* enum netmap_opt */
	uint32_t nro_status;  /* out: 0 = done, else an errno */
	uint64_t nro_size;    /* of options that end in an array */
};

#define NIOCCTRL   _IOWR('i', 151, struct nmreq_header)
#define NIOCTXSYNC _IO('i', 148)
#define NIOCRXSYNC _IO('i', 149)

/* ---- bodies ---- */

/* Which rings of the port a descriptor stands for. */
enum netmap_reg_mode {
	NR_REG_DEFAULT = 0, /* nr_ringid says it, in the legacy way */
	NR_REG_ALL_NIC = 1,
	NR_REG_SW = 2,
	NR_REG_NIC_SW = 3,
	NR_REG_ONE_NIC = 4,
	NR_REG_PIPE_MASTER = 5,
	NR_REG_PIPE_SLAVE = 6,
	NR_REG_NULL = 7, /* memory only, no rings */
	NR_REG_ONE_SW = 8,
};
#define NR_REG_MASK 0xf /* the mode in a legacy nr_flags */

#define NR_MONITOR_TX	   0x100
#define NR_MONITOR_RX	   0x200
#define NR_ZCOPY_MON	   0x400
#define NR_EXCLUSIVE	   0x800 /* nobody else on these rings */
#define NR_RX_RINGS_ONLY   0x2000
#define NR_TX_RINGS_ONLY   0x4000
#define NR_ACCEPT_VNET_HDR 0x8000
#define NR_DO_RX_POLL	   0x10000 /* poll() always does an rxsync */
#define NR_NO_TX_POLL	   0x20000 /* poll() does a txsync for POLLOUT only */

struct nmreq_register {
	uint64_t nr_offset;  /* out: of the netmap_if in the region */
	uint64_t nr_memsize; /* out: of the region */
	uint32_t nr_tx_slots;
	uint32_t nr_rx_slots;
	uint16_t nr_tx_rings;
	uint16_t nr_rx_rings;
	uint16_t nr_host_tx_rings;
	uint16_t nr_host_rx_rings;
	uint16_t nr_mem_id; /* equal ids: buffers can be exchanged */
	uint16_t nr_ringid;
	uint32_t nr_mode;	/* enum netmap_reg_mode */
	uint32_t nr_extra_bufs; /* wanted, got */
	uint64_t nr_flags;
};

struct nmreq_port_info_get {
	uint64_t nr_memsize;
	uint32_t nr_tx_slots;
	uint32_t nr_rx_slots;
	uint16_t nr_tx_rings;
	uint16_t nr_rx_rings;
	uint16_t nr_host_tx_rings;
	uint16_t nr_host_rx_rings;
	uint16_t nr_mem_id;
	uint16_t pad[3];
};

struct nmreq_vale_attach {
	struct nmreq_register reg;
	uint32_t port_index; /* out */
	uint32_t pad1;
};

struct nmreq_vale_detach {
	uint32_t port_index; /* out */
	uint32_t pad1;
};

/* With a name: where is it?  Without: the first port at or after the two
 * indexes, and its name. */
struct nmreq_vale_list {
	uint16_t nr_bridge_idx;
	uint16_t pad1;
	uint32_t nr_port_idx;
};

struct nmreq_port_hdr {
	uint32_t nr_hdr_len; /* of the virtio-net header: 0, 10 or 12 */
	uint32_t pad1;
};

struct nmreq_vale_newif {
	uint32_t nr_tx_slots;
	uint32_t nr_rx_slots;
	uint16_t nr_tx_rings;
	uint16_t nr_rx_rings;
	uint16_t nr_mem_id;
	uint16_t pad1;
};

#define NETMAP_POLLING_MODE_SINGLE_CPU 1
#define NETMAP_POLLING_MODE_MULTI_CPU  2

struct nmreq_vale_polling {
	uint32_t nr_mode;
	uint32_t nr_first_cpu_id;
	uint32_t nr_num_polling_cpus;
	uint32_t pad1;
};

struct nmreq_pools_info {
	uint64_t nr_memsize;
	uint16_t nr_mem_id;
	uint16_t pad1[3];
	uint64_t nr_if_pool_offset;
	uint32_t nr_if_pool_objtotal;
	uint32_t nr_if_pool_objsize;
	uint64_t nr_ring_pool_offset;
	uint32_t nr_ring_pool_objtotal;
	uint32_t nr_ring_pool_objsize;
	uint64_t nr_buf_pool_offset;
	uint32_t nr_buf_pool_objtotal;
	uint32_t nr_buf_pool_objsize;
};

struct nmreq_sync_kloop_start {
	uint32_t sleep_us;
	uint32_t pad1;
};

/* Positions kept outside the rings, one entry a ring, tx rings first. */
struct nm_csb_atok { /* program to netmap */
	uint32_t head;
	uint32_t cur;
	uint32_t appl_need_kick;
	uint32_t sync_flags;
	uint32_t pad[12];
};

struct nm_csb_ktoa { /* netmap to program */
	uint32_t hwcur;
	uint32_t hwtail;
	uint32_t kern_need_kick;
	uint32_t pad[13];
};

/* ---- options ---- */

struct nmreq_opt_sync_kloop_eventfds {
	struct nmreq_option nro_opt;
	struct {
		int32_t ioeventfd; /* program to netmap, or < 0 */
		int32_t irqfd;	   /* netmap to program, or < 0 */
	} eventfds[];
};

#define NM_OPT_SYNC_KLOOP_DIRECT_TX (1 << 0)
#define NM_OPT_SYNC_KLOOP_DIRECT_RX (1 << 1)

struct nmreq_opt_sync_kloop_mode {
	struct nmreq_option nro_opt;
	uint32_t mode;
};

struct nmreq_opt_extmem {
	struct nmreq_option nro_opt;
	uint64_t nro_usrptr;
	struct nmreq_pools_info nro_info;
};

struct nmreq_opt_csb {
	struct nmreq_option nro_opt;
	uint64_t csb_atok; /* address of the array */
	uint64_t csb_ktoa;
};

struct nmreq_opt_offsets {
	struct nmreq_option nro_opt;
	uint64_t nro_max_offset;
	uint64_t nro_initial_offset;
	uint32_t nro_offset_bits;
	uint32_t nro_tx_align;
	uint64_t nro_min_gap;
};

/* ---- the legacy request, for everything ---- */

struct nmreq {
	char nr_name[NM_IFNAMSIZ];
	uint32_t nr_version;
	uint32_t nr_offset;
	uint32_t nr_memsize;
	uint32_t nr_tx_slots;
	uint32_t nr_rx_slots;
	uint16_t nr_tx_rings;
	uint16_t nr_rx_rings;
	uint16_t nr_ringid; /* ring | NETMAP_* below */
	uint16_t nr_cmd;    /* enum netmap_cmd */
	uint16_t nr_arg1;
	uint16_t nr_arg2;  /* nr_mem_id */
	uint32_t nr_arg3;  /* nr_extra_bufs */
	uint32_t nr_flags; /* NR_REG_* | NR_* */
	uint32_t spare2[1];
};

#define NETMAP_RING_MASK  0x0fff
#define NETMAP_NO_TX_POLL 0x1000
#define NETMAP_SW_RING	  0x2000
#define NETMAP_HW_RING	  0x4000
#define NETMAP_DO_RX_POLL 0x8000

enum netmap_cmd { /* 0: register (NIOCREGIF), info (NIOCGINFO) */
	NETMAP_BDG_ATTACH = 1,
	NETMAP_BDG_DETACH = 2,
	NETMAP_BDG_REGOPS = 3,
	NETMAP_BDG_LIST = 4, /* with NIOCGINFO */
	NETMAP_BDG_VNET_HDR = 5,
	NETMAP_BDG_NEWIF = 6,
	NETMAP_BDG_DELIF = 7,
	NETMAP_PT_HOST_CREATE = 8,
	NETMAP_PT_HOST_DELETE = 9,
	NETMAP_BDG_POLLING_ON = 10,
	NETMAP_BDG_POLLING_OFF = 11,
	NETMAP_VNET_HDR_GET = 12,
};
#define NETMAP_BDG_HOST 1 /* nr_arg1 of NETMAP_BDG_ATTACH */

struct nm_ifreq {
	char nifr_name[NM_IFNAMSIZ];
	char data[256];
};

#define NIOCGINFO  _IOWR('i', 145, struct nmreq)
#define NIOCREGIF  _IOWR('i', 146, struct nmreq)
#define NIOCCONFIG _IOWR('i', 150, struct nm_ifreq)

_Static_assert(sizeof(struct nmreq) == 60, "nmreq ABI");
_Static_assert(sizeof(struct nmreq_header) == 88, "nmreq_header ABI");
_Static_assert(sizeof(struct nmreq_option) == 24, "nmreq_option ABI");
_Static_assert(sizeof(struct nmreq_register) == 56, "register ABI");
_Static_assert(sizeof(struct nmreq_port_info_get) == 32, "info ABI");
_Static_assert(sizeof(struct nmreq_vale_attach) == 64, "attach ABI");
_Static_assert(sizeof(struct nmreq_vale_newif) == 16, "newif ABI");
_Static_assert(sizeof(struct nmreq_pools_info) == 64, "pools ABI");
_Static_assert(sizeof(struct nmreq_opt_extmem) == 96, "extmem ABI");
_Static_assert(sizeof(struct nmreq_opt_offsets) == 56, "offsets ABI");
_Static_assert(sizeof(struct nm_csb_atok) == 64, "csb ABI");
