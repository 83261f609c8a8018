/* SPDX-License-Identifier: BSD-2-Clause */
/* Handing a port over to another process, by its descriptor. */
#include "vale/nmport_in.h"
#include "vale/wake.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file offset belongs to the open file description, so it travels with the
 * lock that keeps the port alive: tag, generation, port. */
#define ALIVE_TAG      ((off_t)0x6b << 48)
#define ALIVE_TAG_MASK ((off_t)0x7fff << 48)

int
nmport_alive_fd(const struct nmport *p)
{
	lseek(p->fds.alive, ALIVE_TAG | (off_t)p->vp->gen << 16 | p->idx,
	    SEEK_SET);
	return p->fds.alive;
}

/* Is 'fd' the arena's file, marked by nmport_alive_fd()?  Then the port. */
static int
find_handed(const struct arena *a, int fd, uint32_t *gen)
{
	struct stat st, ours;
	off_t tag = lseek(fd, 0, SEEK_CUR);
	unsigned idx = tag & 0xffff;
	const struct vport *vp;

	if (tag == -1 || (tag & ALIVE_TAG_MASK) != ALIVE_TAG ||
	    fstat(fd, &st) == -1 || fstat(a->fd, &ours) == -1 ||
	    st.st_dev != ours.st_dev || st.st_ino != ours.st_ino ||
	    idx >= VALE_MAX_PORTS)
		return -ENOENT;
	*gen = (uint32_t)(tag >> 16);
	vp = arena_port(a->base, idx);
	if (ld_acquire(&vp->state) != VPORT_LIVE || vp->gen != *gen)
		return -ENOENT;
	return (int)idx;
}

/* The shape of a live port; -EINVAL what cannot be. */
static int
shape_of(const struct vport *vp, struct nmport_cfg *cfg, struct err *e)
{
	*cfg = (struct nmport_cfg){
		.tx_slots = vp->tx_slots,
		.rx_slots = vp->rx_slots,
		.tx_rings = vp->n_tx,
		.rx_rings = vp->n_rx,
		.n_extra = vp->n_extra,
	};
	return place_complete_cfg(cfg, e);
}

static int
open_fds(struct nmport *p, unsigned idx, uint32_t gen, int fd,
    const struct nmport_cfg *cfg, struct err *e)
{
	struct place_fds *fds = &p->fds;
	unsigned n = cfg->tx_rings > cfg->rx_rings ? cfg->tx_rings :
						     cfg->rx_rings;

	fds->alive = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (fds->alive == -1)
		return err_set(e, errno, "port: %s", strerror(errno));
	while (fds->n_wakes < n) {
		int w = wake_open(p->a, idx, gen, fds->n_wakes);

		if (w == -1)
			return err_set(e, errno, "port: %s", strerror(errno));
		fds->wakes[fds->n_wakes++] = w;
	}
	return 0;
}

/* What the program last said of a ring stays. */
struct user_pos {
	uint32_t head, cur, tail;
};

static struct user_pos
pos_of(const struct netmap_ring *ring)
{
	return (struct user_pos){ ld_relaxed(&ring->head),
		ld_relaxed(&ring->cur), ld_relaxed(&ring->tail) };
}

static void
put_pos(struct netmap_ring *ring, struct user_pos pos)
{
	ring->head = pos.head;
	ring->cur = pos.cur;
	ring->tail = pos.tail;
}

/* What the process that had the port before knew, from what is in memory.
 * Slots it had not sent yet are sent by us. */
static void
resume_switch(struct nmport *p)
{
	for (unsigned i = 0; i < p->n_tx; i++)
		p->tx[i].cur = p->tx[i].head =
		    (ld_relaxed(&p->tx[i].ring->tail) + 1) & p->tx[i].mask;
	for (unsigned i = 0; i < p->n_rx; i++) {
		p->rx[i].head = ld_relaxed(&p->rx[i].k->head) & p->rx[i].mask;
		p->rx[i].tail = ld_relaxed(&p->rx[i].ring->tail) &
		    p->rx[i].mask;
	}
}

static void
resume_pipe(struct nmport *p, const struct user_pos *tx,
    const struct user_pos *rx)
{
	for (unsigned i = 0; i < p->n_tx; i++) {
		put_pos(p->pipe_tx[i].ring, tx[i]);
		p->pipe_tx[i].other = (tx[i].tail + 1) & p->pipe_tx[i].mask;
	}
	for (unsigned i = 0; i < p->n_rx; i++) {
		put_pos(p->pipe_rx[i].ring, rx[i]);
		p->pipe_rx[i].other = rx[i].tail & p->pipe_rx[i].mask;
	}
}

static int
set_up(struct nmport *p, unsigned idx, const struct nmport_cfg *cfg,
    struct err *e)
{
	struct user_pos tx[NMPORT_MAX_RINGS], rx[NMPORT_MAX_RINGS];
	size_t area = port_area_ofs(idx);
	int rc;

	for (unsigned i = 0; i < cfg->tx_rings; i++)
		tx[i] = pos_of(at(p->a->base, area + place_ring_ofs(cfg, i)));
	for (unsigned i = 0; i < cfg->rx_rings; i++)
		rx[i] = pos_of(at(p->a->base,
		    area + place_ring_ofs(cfg, cfg->tx_rings + i)));
	rc = nmport_set_up(p, idx, cfg, e);
	if (rc < 0)
		return rc;
	if (p->is_pipe)
		resume_pipe(p, tx, rx);
	else
		resume_switch(p);
	return 0;
}

int
nmport_adopt(int fd, struct nmport **out, struct err *e)
{
	struct nmport *p = nmport_alloc();
	struct nmport_cfg cfg;
	uint32_t gen = 0;
	int rc, idx;

	if (p == NULL)
		return err_set(e, ENOMEM, "port: no memory");
	rc = arena_get(&p->a, e);
	if (rc < 0)
		goto err_port;
	idx = find_handed(p->a, fd, &gen);
	if (idx < 0) {
		rc = err_set(e, ENOENT, "descriptor: not of a live port");
		goto err_port;
	}
	rc = shape_of(arena_port(p->a->base, (unsigned)idx), &cfg, e);
	if (rc == 0)
		rc = open_fds(p, (unsigned)idx, gen, fd, &cfg, e);
	if (rc == 0)
		rc = set_up(p, (unsigned)idx, &cfg, e);
	if (rc < 0)
		goto err_fds;
	*out = p;
	return 0;
err_fds:
	if (p->fds.alive != -1)
		close(p->fds.alive);
err_port:
	nmport_free(p);
	return rc;
}
