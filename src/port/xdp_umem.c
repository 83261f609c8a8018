/* SPDX-License-Identifier: BSD-2-Clause */
#include "port/xdp_umem.h"

#include "base/hugemem.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct xdp_umem *all;

/* One with a free half that is large enough; NULL = none. */
static struct xdp_umem *
half_free(uint32_t least)
{
	struct xdp_umem *u = all;

	while (u != NULL && (u->n_frames / 2 < least ||
	    (u->is_used[0] && u->is_used[1])))
		u = u->next;
	return u;
}

/* Memory that programs of the kernel may read, or any. */
static bool
make_frames(struct xdp_umem *u)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);

	u->map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "kipfw_umem",
	    sizeof(uint32_t), (uint32_t)u->size + XDP_FRAME_SIZE, 1, &opts);
	if (u->map >= 0) {
		u->frames = mmap(NULL, u->size + XDP_FRAME_SIZE, PROT_READ | PROT_WRITE,
		    MAP_SHARED, u->map, 0);
		if (u->frames != MAP_FAILED)
			return true;
		close(u->map);
	}
	u->map = -1;
	u->frames = hugemem_alloc(u->size);
	return u->frames != NULL;
}

static void
free_frames(struct xdp_umem *u)
{
	if (u->map < 0) {
		hugemem_free(u->frames, u->size);
		return;
	}
	munmap(u->frames, u->size + XDP_FRAME_SIZE);
	close(u->map);
}

static struct xdp_umem *
make(uint32_t n_frames)
{
	struct xdp_umem *u = calloc(1, sizeof(*u));

	if (u == NULL)
		return NULL;
	u->n_frames = 2 * n_frames;
	u->size = (size_t)u->n_frames << XDP_FRAME_SHIFT;
	if ((u->owner = malloc(u->n_frames)) == NULL || !make_frames(u)) {
		free(u->owner);
		free(u);
		return NULL;
	}
	memset(u->owner, 0, n_frames);
	memset(u->owner + n_frames, 1, n_frames);
	u->next = all;
	all = u;
	return u;
}

int
xdp_umem_get(uint32_t want, uint32_t least, struct xdp_umem **out,
    unsigned *half, struct err *e)
{
	struct xdp_umem *u = half_free(least);

	if (u == NULL && (u = make(want)) == NULL)
		return err_set(e, ENOMEM, "no memory for %u frames of %u "
		    "octets", 2 * want, XDP_FRAME_SIZE);
	*half = u->is_used[0] ? 1 : 0;
	u->is_used[*half] = true;
	*out = u;
	return 0;
}

void
xdp_umem_put(struct xdp_umem *u, unsigned half)
{
	struct xdp_umem **at = &all;

	u->is_used[half] = false;
	if (u->is_used[0] || u->is_used[1])
		return;
	while (*at != u)
		at = &(*at)->next;
	*at = u->next;
	free_frames(u);
	free(u->owner);
	free(u);
}
