/* SPDX-License-Identifier: BSD-2-Clause */
/* Descriptors that stand for a port, and handing a port over by one. */
#include "vale/nmport_in.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file offset belongs to the open file description, so it travels with the
 * locks that say what is used: tag, generation, place, port. */
#define HANDED_TAG      ((off_t)0x6b << 48)
#define HANDED_TAG_MASK ((off_t)0x7fff << 48)

static int
claim_rings(int fd, unsigned idx, unsigned first, unsigned rings,
    bool is_exclusive)
{
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < NMPORT_MAX_RINGS; i++)
		if ((rings >> i & 1) != 0)
			rc = arena_claim(fd, idx, first + i, is_exclusive);
	return rc;
}

static int
claim_place(int fd, unsigned idx, unsigned *place)
{
	for (unsigned i = 1; i < NMPORT_IF_PLACES; i++) {
		int rc = arena_claim(fd, idx, CLAIM_IF + i, true);

		if (rc == 0)
			*place = i;
		if (rc != -EBUSY)
			return rc;
	}
	return -ENOMEM;
}

int
nmport_claim(const struct nmport *p, struct nmport_rings on,
    bool is_exclusive, unsigned *place)
{
	int rc, fd = arena_hold(p->a, p->idx);

	if (fd < 0)
		return fd;
	rc = claim_rings(fd, p->idx, CLAIM_TX, on.tx, is_exclusive);
	if (rc == 0)
		rc = claim_rings(fd, p->idx, CLAIM_RX, on.rx, is_exclusive);
	if (rc == 0)
		rc = claim_place(fd, p->idx, place);
	if (rc < 0) {
		arena_unhold(fd);
		return rc;
	}
	/* Other file systems than /dev/shm's may have no such offset; then the
	 * port cannot be handed over. */
	lseek(fd, HANDED_TAG | (off_t)p->vp->gen << 16 |
	    (off_t)*place << 8 | p->idx, SEEK_SET);
	return fd;
}

struct netmap_if *
nmport_if_at(const struct nmport *p, unsigned place)
{
	return (void *)((char *)p->nifp +
	    place % NMPORT_IF_PLACES * NMPORT_IF_SIZE);
}

/* Is 'fd' the arena's file, marked by nmport_claim()?  Then the port. */
static int
find_handed(const struct arena *a, int fd, unsigned *place)
{
	struct stat st, ours;
	off_t tag = lseek(fd, 0, SEEK_CUR);
	unsigned idx = tag & 0xff;
	const struct vport *vp;

	if (tag == -1 || (tag & HANDED_TAG_MASK) != HANDED_TAG ||
	    fstat(fd, &st) == -1 || fstat(a->fd, &ours) == -1 ||
	    st.st_dev != ours.st_dev || st.st_ino != ours.st_ino)
		return -ENOENT;
	*place = tag >> 8 & 0xff;
	vp = arena_port(a->base, idx);
	if (*place >= NMPORT_IF_PLACES ||
	    ld_acquire(&vp->state) != VPORT_LIVE ||
	    vp->gen != (uint32_t)(tag >> 16))
		return -ENOENT;
	return (int)idx;
}

static int
join(struct nmport *p, unsigned idx, int fd, struct err *e)
{
	const struct vport *vp = arena_port(p->a->base, idx);
	struct nmport_cfg cfg = {
		.tx_slots = vp->tx_slots,
		.rx_slots = vp->rx_slots,
		.tx_rings = vp->n_tx,
		.rx_rings = vp->n_rx,
		.n_extra = vp->n_extra,
	};
	int rc = place_complete_cfg(&cfg, e);

	if (rc < 0)
		return rc;
	p->fds.has_joined = true;
	p->fds.alive = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (p->fds.alive == -1)
		return err_set(e, errno, "port: %s", strerror(errno));
	rc = place_open_wakes(p->a, idx, &p->fds, &cfg, e);
	return rc == 0 ? nmport_set_up(p, idx, &cfg, e) : rc;
}

int
nmport_adopt(int fd, struct nmport **out, unsigned *place, struct err *e)
{
	struct nmport *p = nmport_alloc();
	int rc, idx;

	if (p == NULL)
		return err_set(e, ENOMEM, "port: no memory");
	rc = arena_get(&p->a, e);
	if (rc == 0) {
		idx = find_handed(p->a, fd, place);
		rc = idx >= 0 ? join(p, (unsigned)idx, fd, e) :
		    err_set(e, ENOENT, "descriptor: not of a live port");
	}
	if (rc < 0) {
		if (p->fds.alive != -1)
			close(p->fds.alive);
		nmport_free(p);
		return rc;
	}
	*out = p;
	return 0;
}
