/* SPDX-License-Identifier: BSD-2-Clause */
#include "port/xdp_live.h"

#include "packet/proto.h"
#include "port/xdp_insn.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

enum { LOOPBACK = 1 }; /* number of a new network namespace's only interface */

#define AT(member) offsetof(struct xdp_batch_list, member)

/*
 * i = list->i++;
 * at = list->frames[i].at, len = list->frames[i].len;
 * if (i < list->n and at and len are good && the frame is or gets as long &&
 *    its octets are stored) {
 *	list->n_sent++;
 *	return bpf_redirect(list->index, 0);
 * }
 * return XDP_DROP;
 *
 * R6 frame, R7 list, R8 len, R9 at.
 */
static int
load(int list, const struct xdp_umem *u)
{
	const struct bpf_insn code[] = {
		COPY(BPF_REG_6, BPF_REG_1),
		MAP_MEMORY(BPF_REG_7, list),
		LOAD(BPF_W, BPF_REG_1, BPF_REG_7, AT(i)),
		SKIP_IF(BPF_JGE, BPF_REG_1, XDP_BATCH_MOST, 37),
		LOAD(BPF_W, BPF_REG_2, BPF_REG_7, AT(n)),
		SKIP_IF_REG(BPF_JGE, BPF_REG_1, BPF_REG_2, 35),
		COPY(BPF_REG_2, BPF_REG_1),
		ADD(BPF_REG_2, 1),
		STORE(BPF_W, BPF_REG_7, AT(i), BPF_REG_2),
		SHIFT(BPF_REG_1, 3),
		ADD_REG(BPF_REG_1, BPF_REG_7),
		LOAD(BPF_W, BPF_REG_9, BPF_REG_1, AT(frames[0].at)),
		LOAD(BPF_W, BPF_REG_8, BPF_REG_1, AT(frames[0].len)),
		SKIP_IF(BPF_JLT, BPF_REG_8, ETHER_LEN, 27),
		SKIP_IF(BPF_JGT, BPF_REG_8, XDP_LIVE_LEN, 26),
		SKIP_IF(BPF_JGT, BPF_REG_9, (int)u->size, 25),
		/* 17: its length */
		LOAD(BPF_W, BPF_REG_1, BPF_REG_6,
		    offsetof(struct xdp_md, data)),
		LOAD(BPF_W, BPF_REG_2, BPF_REG_6,
		    offsetof(struct xdp_md, data_end)),
		SUB_REG(BPF_REG_2, BPF_REG_1),
		SKIP_IF_REG(BPF_JEQ, BPF_REG_2, BPF_REG_8, 6),
		COPY(BPF_REG_1, BPF_REG_2),
		COPY(BPF_REG_2, BPF_REG_8),
		SUB_REG(BPF_REG_2, BPF_REG_1),
		COPY(BPF_REG_1, BPF_REG_6),
		CALL(BPF_FUNC_xdp_adjust_tail),
		SKIP_IF(BPF_JNE, BPF_REG_0, 0, 15),
		/* 27: its octets */
		COPY(BPF_REG_1, BPF_REG_6),
		SET(BPF_REG_2, 0),
		MAP_MEMORY(BPF_REG_3, u->map),
		ADD_REG(BPF_REG_3, BPF_REG_9),
		COPY(BPF_REG_4, BPF_REG_8),
		CALL(BPF_FUNC_xdp_store_bytes),
		SKIP_IF(BPF_JNE, BPF_REG_0, 0, 7),
		/* 35: out */
		LOAD(BPF_W, BPF_REG_1, BPF_REG_7, AT(n_sent)),
		ADD(BPF_REG_1, 1),
		STORE(BPF_W, BPF_REG_7, AT(n_sent), BPF_REG_1),
		LOAD(BPF_W, BPF_REG_1, BPF_REG_7, AT(index)),
		SET(BPF_REG_2, 0),
		CALL(BPF_FUNC_redirect),
		EXIT(),
		/* 42: drop */
		SET(BPF_REG_0, XDP_DROP),
		EXIT(),
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts);

	return bpf_prog_load(BPF_PROG_TYPE_XDP, "kipfw_tx", "Dual BSD/GPL",
	    code, ARRAY_LEN(code), &opts);
}

/*
 * The kernel patches its code for each XDP program that begins or ends to be
 * used, which takes 20 ms: a run of one that is used nowhere costs that much.  So
 * ours is put on an interface, where no packet ever meets it: the loopback of a
 * network namespace that has nothing else, is down, and goes with us.
 */
static void *
hold(void *arg)
{
	struct xdp_batch *b = arg;
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = XDP_FLAGS_SKB_MODE);

	if (unshare(CLONE_NEWNET) == -1)
		return NULL;
	b->net = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	b->link = bpf_link_create(b->prog, LOOPBACK, BPF_XDP, &opts);
	return NULL;
}

/* In a thread of its own, whose end is that of its stay there. */
static bool
is_held(struct xdp_batch *b)
{
	pthread_t t;

	if (pthread_create(&t, NULL, hold, b) != 0)
		return false;
	pthread_join(t, NULL);
	return b->net >= 0 && b->link >= 0;
}

static int
open_one(struct xdp_batch *b, const struct xdp_umem *u, struct err *e)
{
	if (!xdp_batch_make(b, u))
		return err_set(e, ENOMEM, "no memory that programs may read");
	if ((b->prog = load(b->map, u)) < 0)
		return err_set(e, EPERM, "the kernel takes no such program: it "
		    "wants Linux 5.18, and root or CAP_BPF, CAP_NET_ADMIN and "
		    "CAP_PERFMON");
	if (!is_held(b))
		return err_set(e, EPERM, "no network namespace to be had: it "
		    "wants root or CAP_SYS_ADMIN");
	return 0;
}

int
xdp_live_open(struct xdp_batch *b, const struct xdp_umem *u, unsigned index,
    struct err *e)
{
	struct xdp_batch new = XDP_BATCH_NONE;
	int rc;

	new.is_live = true;
	new.most = XDP_BATCH_MOST;
	new.max_len = XDP_LIVE_LEN;
	if ((rc = open_one(&new, u, e)) != 0) {
		xdp_batch_close(&new);
		return rc;
	}
	new.list->index = index;
	*b = new;
	return 0;
}
