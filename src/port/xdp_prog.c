/* SPDX-License-Identifier: BSD-2-Clause */
#include "port/xdp_prog.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

enum { MAX_QUEUES = 1024 };

/* An instruction of eBPF. */
#define INSN(op, to, from, offset, value)                                     \
	((struct bpf_insn){.code = (op), .dst_reg = (to), .src_reg = (from),  \
	    .off = (offset), .imm = (value)})

/* return bpf_redirect_map(map, ctx->rx_queue_index, XDP_PASS) */
static int
load(int map, uint32_t flags)
{
	const struct bpf_insn code[] = {
		INSN(BPF_LDX | BPF_MEM | BPF_W, BPF_REG_2, BPF_REG_1,
		    offsetof(struct xdp_md, rx_queue_index), 0),
		INSN(BPF_LD | BPF_IMM | BPF_DW, BPF_REG_1, BPF_PSEUDO_MAP_FD,
		    0, map),
		INSN(0, 0, 0, 0, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_3, 0, 0, XDP_PASS),
		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_redirect_map),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .prog_flags = flags,
	    .expected_attach_type = BPF_XDP);

	return bpf_prog_load(BPF_PROG_TYPE_XDP, "kipfw", "BSD", code,
	    ARRAY_LEN(code), &opts);
}

/* Puts p->prog on the interface; *mode becomes what was got. */
static int
put_on(struct xdp_prog *p, unsigned index, enum xdp_mode mode)
{
	LIBBPF_OPTS(bpf_link_create_opts, native, .flags = XDP_FLAGS_DRV_MODE);
	LIBBPF_OPTS(bpf_link_create_opts, generic, .flags = XDP_FLAGS_SKB_MODE);

	p->link = -EOPNOTSUPP;
	p->mode = XDP_MODE_NATIVE;
	if (mode != XDP_MODE_GENERIC)
		p->link = bpf_link_create(p->prog, (int)index, BPF_XDP,
		    &native);
	if (p->link >= 0 || p->link == -EBUSY || p->link == -EEXIST ||
	    mode == XDP_MODE_NATIVE)
		return p->link;
	p->mode = XDP_MODE_GENERIC;
	p->link = bpf_link_create(p->prog, (int)index, BPF_XDP, &generic);
	return p->link;
}

/* Loads it and puts it on: first as one that takes frames in several pieces,
 * which an MTU above a page needs and not every driver has. */
static int
load_and_put_on(struct xdp_prog *p, unsigned index, enum xdp_mode mode)
{
	static const uint32_t flags[] = {BPF_F_XDP_HAS_FRAGS, 0};
	int rc = -EOPNOTSUPP;

	for (unsigned i = 0; i < ARRAY_LEN(flags); i++) {
		bool last = i == ARRAY_LEN(flags) - 1;

		if ((p->prog = load(p->map, flags[i])) < 0) {
			rc = p->prog;
			continue;
		}
		rc = put_on(p, index, !last && mode == XDP_MODE_ANY ?
		    XDP_MODE_NATIVE : mode);
		if (rc >= 0 || rc == -EBUSY || rc == -EEXIST)
			return rc;
		close(p->prog);
		p->prog = -1;
	}
	return rc;
}

static int
explain(const char *name, int rc, enum xdp_mode mode, struct err *e)
{
	if (rc == -EPERM || rc == -EACCES)
		return err_set(e, EPERM, "interface %s: no right to load an "
		    "XDP program: it takes root, or CAP_NET_ADMIN, CAP_NET_RAW "
		    "and CAP_BPF", name);
	if (rc == -EBUSY || rc == -EEXIST)
		return err_set(e, EBUSY, "interface %s: another XDP program is "
		    "on it (seen by: ip link show %s)", name, name);
	if (mode == XDP_MODE_NATIVE)
		return err_set(e, -rc, "interface %s: its driver takes no XDP "
		    "program: %s", name, strerror(-rc));
	return err_set(e, -rc, "interface %s: XDP program: %s", name,
	    strerror(-rc));
}

int
xdp_prog_attach(struct xdp_prog *p, const char *name, unsigned index,
    enum xdp_mode mode, struct err *e)
{
	int rc;

	libbpf_set_print(NULL); /* what it would say is in our error */
	*p = XDP_PROG_NONE;
	p->map = bpf_map_create(BPF_MAP_TYPE_XSKMAP, "kipfw", sizeof(uint32_t),
	    sizeof(uint32_t), MAX_QUEUES, NULL);
	rc = p->map < 0 ? p->map : load_and_put_on(p, index, mode);
	if (rc >= 0)
		return 0;
	xdp_prog_detach(p);
	return explain(name, rc, mode, e);
}

int
xdp_prog_add(struct xdp_prog *p, unsigned queue, int fd, struct err *e)
{
	int rc = bpf_map_update_elem(p->map, &queue, &fd, BPF_ANY);

	if (rc < 0)
		return err_set(e, -rc, "XDP program: queue %u: %s", queue,
		    strerror(-rc));
	return 0;
}

void
xdp_prog_detach(struct xdp_prog *p)
{
	if (p->link >= 0)
		close(p->link);
	if (p->prog >= 0)
		close(p->prog);
	if (p->map >= 0)
		close(p->map);
	*p = XDP_PROG_NONE;
}
