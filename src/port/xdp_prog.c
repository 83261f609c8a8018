/* SPDX-License-Identifier: BSD-2-Clause */
#include "port/xdp_prog.h"

#include "port/nic_xdp.h"
#include "port/xdp_insn.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

enum { DEVICE_BOUND = 1 << 6 }; /* a flag newer than Debian 12's headers */

/* A VLAN tag that the neighbour or the card hands over beside the frame goes
 * back to its place, behind the two addresses; if there is no room for it, the
 * frame is dropped rather than sent without. */
#define RESTORE_TAG(kfunc)                                                    \
	COPY(BPF_REG_6, BPF_REG_1),                                           \
	COPY(BPF_REG_2, BPF_REG_10), ADD(BPF_REG_2, -2), /* its protocol */   \
	COPY(BPF_REG_3, BPF_REG_10), ADD(BPF_REG_3, -4), /* its number */     \
	INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, kfunc),         \
	SKIP_IF(BPF_JNE, BPF_REG_0, 0, 21), /* no tag */                      \
	COPY(BPF_REG_1, BPF_REG_6),                                           \
	SET(BPF_REG_2, -4),                                                   \
	CALL(BPF_FUNC_xdp_adjust_head),                                       \
	SKIP_IF(BPF_JNE, BPF_REG_0, 0, 15), /* drop */                        \
	LOAD(BPF_W, BPF_REG_1, BPF_REG_6, offsetof(struct xdp_md, data)),     \
	LOAD(BPF_W, BPF_REG_2, BPF_REG_6, offsetof(struct xdp_md, data_end)), \
	COPY(BPF_REG_3, BPF_REG_1), ADD(BPF_REG_3, 18),                       \
	SKIP_IF_REG(BPF_JGT, BPF_REG_3, BPF_REG_2, 10), /* drop */            \
	LOAD(BPF_DW, BPF_REG_4, BPF_REG_1, 4), /* the two addresses */        \
	STORE(BPF_DW, BPF_REG_1, 0, BPF_REG_4),                               \
	LOAD(BPF_W, BPF_REG_4, BPF_REG_1, 12),                                \
	STORE(BPF_W, BPF_REG_1, 8, BPF_REG_4),                                \
	LOAD(BPF_H, BPF_REG_4, BPF_REG_10, -2),                               \
	STORE(BPF_H, BPF_REG_1, 12, BPF_REG_4),                               \
	LOAD(BPF_H, BPF_REG_4, BPF_REG_10, -4),                               \
	INSN(BPF_ALU | BPF_END | BPF_TO_BE, BPF_REG_4, 0, 0, 16),             \
	STORE(BPF_H, BPF_REG_1, 14, BPF_REG_4),                               \
	GOTO(2),                                                              \
	SET(BPF_REG_0, XDP_DROP),                                             \
	EXIT(),                                                               \
	COPY(BPF_REG_1, BPF_REG_6)

/* return bpf_redirect_map(map, ctx->rx_queue_index, XDP_PASS) */
#define REDIRECT(map)                                                         \
	LOAD(BPF_W, BPF_REG_2, BPF_REG_1,                                     \
	    offsetof(struct xdp_md, rx_queue_index)),                         \
	MAP(BPF_REG_1, map),                                                  \
	SET(BPF_REG_3, XDP_PASS),                                             \
	CALL(BPF_FUNC_redirect_map),                                          \
	EXIT()

/* The kernel's number of the function that tells a frame's tag, 0 = it has
 * none. */
static int
tag_function(void)
{
	static int id = -1; /* it stays: looking takes 20 ms */
	struct btf *btf;

	if (id >= 0)
		return id;
	id = 0;
	if ((btf = btf__load_vmlinux_btf()) == NULL)
		return id;
	id = btf__find_by_name_kind(btf, "bpf_xdp_metadata_rx_vlan_tag",
	    BTF_KIND_FUNC);
	btf__free(btf);
	return id > 0 ? id : (id = 0);
}

/* A kind of program, the best first. */
struct variant {
	bool tags;   /* puts tags back: only for drivers that tell */
	bool pieces; /* takes frames in several pieces, as an MTU above a page
		      * needs: not every driver has them */
};

static int
load(int map, unsigned index, const struct variant *v)
{
	/* Functions of the kernel are only for programs under the GPL, too. */
	static const char licence[] = "Dual BSD/GPL";
	const int kfunc = v->tags ? tag_function() : 0;
	const struct bpf_insn plain[] = {REDIRECT(map)};
	const struct bpf_insn tagged[] = {RESTORE_TAG(kfunc), REDIRECT(map)};
	LIBBPF_OPTS(bpf_prog_load_opts, opts,
	    .prog_flags = v->pieces ? BPF_F_XDP_HAS_FRAGS : 0,
	    .expected_attach_type = BPF_XDP);

	if (!v->tags)
		return bpf_prog_load(BPF_PROG_TYPE_XDP, "kipfw", licence, plain,
		    ARRAY_LEN(plain), &opts);
	if (kfunc == 0)
		return -EOPNOTSUPP;
	opts.prog_flags |= DEVICE_BOUND;
	opts.prog_ifindex = index;
	return bpf_prog_load(BPF_PROG_TYPE_XDP, "kipfw", licence, tagged,
	    ARRAY_LEN(tagged), &opts);
}

static int
put_on(struct xdp_prog *p, unsigned index, uint32_t flags)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = flags);

	return bpf_link_create(p->prog, (int)index, BPF_XDP, &opts);
}

/* A driver may tell programs this and that of a frame, and not its tag: the
 * question is allowed and never answered. */
static bool
tells_tags(unsigned index)
{
	struct nic_xdp can;

	return nic_xdp_look(index, &can) == 0 &&
	    (can.tells & NIC_XDP_TELLS_TAG) != 0;
}

/* Loads a program that the interface takes and puts it on. */
static int
load_and_put_on(struct xdp_prog *p, unsigned index, bool native)
{
	static const struct variant variants[] = {
		{.tags = true, .pieces = true},
		{.tags = true},
		{.pieces = true},
		{.tags = false},
	};
	unsigned first = native && tells_tags(index) ? 0 : 2;
	int rc = -EOPNOTSUPP;

	for (unsigned i = first; i < ARRAY_LEN(variants); i++) {
		if ((p->prog = load(p->map, index, &variants[i])) < 0) {
			rc = p->prog;
			continue;
		}
		p->link = put_on(p, index,
		    native ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE);
		rc = p->link;
		p->has_tags = variants[i].tags;
		if (rc >= 0 || rc == -EBUSY || rc == -EEXIST)
			return rc;
		close(p->prog);
		p->prog = -1;
	}
	return rc;
}

/* Native mode if it can be had and is not unwanted, or else generic mode. */
static int
attach_best(struct xdp_prog *p, unsigned index, enum xdp_mode mode)
{
	int rc = -EOPNOTSUPP;

	p->mode = XDP_MODE_NATIVE;
	if (mode != XDP_MODE_GENERIC)
		rc = load_and_put_on(p, index, true);
	if (rc >= 0 || rc == -EBUSY || rc == -EEXIST || mode == XDP_MODE_NATIVE)
		return rc;
	p->mode = XDP_MODE_GENERIC;
	return load_and_put_on(p, index, false);
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
	    sizeof(uint32_t), XDP_PROG_QUEUES, NULL);
	rc = p->map < 0 ? p->map : attach_best(p, index, mode);
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
