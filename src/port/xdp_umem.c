/* SPDX-License-Identifier: BSD-2-Clause */
#include "port/xdp_umem.h"

#include "base/hugemem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

static struct xdp_umem *
make(uint32_t n_frames)
{
	struct xdp_umem *u = calloc(1, sizeof(*u));

	if (u == NULL)
		return NULL;
	u->n_frames = 2 * n_frames;
	u->size = (size_t)u->n_frames << XDP_FRAME_SHIFT;
	u->frames = hugemem_alloc(u->size);
	u->owner = malloc(u->n_frames);
	if (u->frames == NULL || u->owner == NULL) {
		hugemem_free(u->frames, u->size);
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
	hugemem_free(u->frames, u->size);
	free(u->owner);
	free(u);
}
