/* SPDX-License-Identifier: BSD-2-Clause */
#include "port/xdp_batch.h"

#include "packet/proto.h"
#include "port/xdp_insn.h"

#include <bpf/bpf.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	SKB_LEN = 60,	 /* of the frame that the kernel makes an skb of */
	LIVE_BATCH = 64, /* live frames that the neighbour gets at once */
};

#define AT(member) offsetof(struct xdp_batch_list, member)

/*
 * for (i = 0; i < 64 && i < list->n; i++) {
 *	at = list->frames[i].at, len = list->frames[i].len;
 *	if (at and len are good && skb is or gets as long && its octets are
 *	    stored && a clone of it goes to the interface)
 *		list->n_sent++;
 * }
 * R6 skb, R7 list, R8 i, R9 frames.
 */
static int
load(int list, const struct xdp_umem *u)
{
	const struct bpf_insn code[] = {
		COPY(BPF_REG_6, BPF_REG_1),
		MAP_MEMORY(BPF_REG_7, list),
		MAP_MEMORY(BPF_REG_9, u->map),
		SET(BPF_REG_8, 0),
		/* 6: the next frame */
		SKIP_IF(BPF_JGE, BPF_REG_8, XDP_BATCH, 38),
		LOAD(BPF_W, BPF_REG_1, BPF_REG_7, AT(n)),
		SKIP_IF_REG(BPF_JGE, BPF_REG_8, BPF_REG_1, 36),
		COPY(BPF_REG_1, BPF_REG_8),
		SHIFT(BPF_REG_1, 3),
		ADD_REG(BPF_REG_1, BPF_REG_7),
		LOAD(BPF_W, BPF_REG_2, BPF_REG_1, AT(frames[0].at)),
		LOAD(BPF_W, BPF_REG_3, BPF_REG_1, AT(frames[0].len)),
		SKIP_IF(BPF_JLT, BPF_REG_3, ETHER_LEN, 28),
		SKIP_IF(BPF_JGT, BPF_REG_3, XDP_FRAME_SIZE, 27),
		SKIP_IF(BPF_JGT, BPF_REG_2, (int)u->size, 26),
		STORE(BPF_DW, BPF_REG_10, -8, BPF_REG_2),
		STORE(BPF_DW, BPF_REG_10, -16, BPF_REG_3),
		/* 19: its length */
		LOAD(BPF_W, BPF_REG_1, BPF_REG_6,
		    offsetof(struct __sk_buff, len)),
		SKIP_IF_REG(BPF_JEQ, BPF_REG_1, BPF_REG_3, 5),
		COPY(BPF_REG_1, BPF_REG_6),
		COPY(BPF_REG_2, BPF_REG_3),
		SET(BPF_REG_3, 0),
		CALL(BPF_FUNC_skb_change_tail),
		SKIP_IF(BPF_JNE, BPF_REG_0, 0, 17),
		/* 26: its octets */
		COPY(BPF_REG_1, BPF_REG_6),
		SET(BPF_REG_2, 0),
		COPY(BPF_REG_3, BPF_REG_9),
		LOAD(BPF_DW, BPF_REG_4, BPF_REG_10, -8),
		ADD_REG(BPF_REG_3, BPF_REG_4),
		LOAD(BPF_DW, BPF_REG_4, BPF_REG_10, -16),
		SET(BPF_REG_5, 0),
		CALL(BPF_FUNC_skb_store_bytes),
		SKIP_IF(BPF_JNE, BPF_REG_0, 0, 8),
		/* out; 43: or on */
		COPY(BPF_REG_1, BPF_REG_6),
		LOAD(BPF_W, BPF_REG_2, BPF_REG_7, AT(index)),
		SET(BPF_REG_3, 0),
		CALL(BPF_FUNC_clone_redirect),
		SKIP_IF(BPF_JNE, BPF_REG_0, 0, 3),
		LOAD(BPF_W, BPF_REG_1, BPF_REG_7, AT(n_sent)),
		ADD(BPF_REG_1, 1),
		STORE(BPF_W, BPF_REG_7, AT(n_sent), BPF_REG_1),
		ADD(BPF_REG_8, 1),
		GOTO(-39),
		SET(BPF_REG_0, 0),
		EXIT(),
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts);

	return bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "kipfw_tx", "Dual BSD/GPL",
	    code, ARRAY_LEN(code), &opts);
}

/* The list lies in memory that is shared with the program. */
bool
xdp_batch_make(struct xdp_batch *b, const struct xdp_umem *u)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	void *m;

	if (u->map < 0)
		return false;
	b->map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "kipfw_tx",
	    sizeof(uint32_t), sizeof(*b->list), 1, &opts);
	if (b->map < 0)
		return false;
	m = mmap(NULL, sizeof(*b->list), PROT_READ | PROT_WRITE, MAP_SHARED,
	    b->map, 0);
	if (m == MAP_FAILED)
		return false;
	b->list = m;
	return true;
}

/* Has the kernel run the program on some frame, whose octets it replaces; a live
 * one on as many as are listed. */
static int
run(const struct xdp_batch *b)
{
	static const uint8_t any[XDP_FRAME_SIZE] = {[12] = 0x08}; /* IPv4 */
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = any,
	    .data_size_in = SKB_LEN, .repeat = 1);

	if (b->is_live) {
		opts.flags = BPF_F_TEST_XDP_LIVE_FRAMES;
		opts.repeat = (int)b->list->n;
		opts.batch_size = LIVE_BATCH;
		opts.data_size_in = b->list->frames[0].len;
	}

	return bpf_prog_test_run_opts(b->prog, &opts);
}

bool
xdp_batch_open(struct xdp_batch *b, const struct xdp_umem *u, unsigned index)
{
	struct xdp_batch new = XDP_BATCH_NONE;

	new.most = XDP_BATCH;
	new.max_len = XDP_FRAME_SIZE;
	if (!xdp_batch_make(&new, u) || (new.prog = load(new.map, u)) < 0 ||
	    run(&new) != 0) {
		xdp_batch_close(&new);
		return false;
	}
	new.list->index = index;
	*b = new;
	return true;
}

void
xdp_batch_close(struct xdp_batch *b)
{
	if (b->link >= 0)
		close(b->link);
	if (b->net >= 0)
		close(b->net);
	if (b->list != NULL)
		munmap(b->list, sizeof(*b->list));
	if (b->prog >= 0)
		close(b->prog);
	if (b->map >= 0)
		close(b->map);
	*b = XDP_BATCH_NONE;
}

unsigned
xdp_batch_send(struct xdp_batch *b)
{
	b->list->n_sent = b->list->i = 0;
	run(b); /* n_sent tells how it went */
	b->list->n = 0;
	return b->list->n_sent;
}
