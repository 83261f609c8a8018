/* SPDX-License-Identifier: BSD-2-Clause */
#include "vale/vswitch.h"

#include "vale/sweep.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

int
vswitch_enter(struct arena *a, struct err *e)
{
	int rc = arena_lock(a, true, e);

	if (rc < 0)
		return rc;
	sweep_all(a);
	rc = arena_reserve_tables(a, e);
	if (rc < 0) {
		sweep_all(a);
		arena_unlock(a);
	}
	return rc;
}

void
vswitch_leave(struct arena *a, bool failed)
{
	if (failed)
		sweep_all(a); /* gives the tables back if we were the first */
	arena_unlock(a);
}

/* The switch of that name, made if it is not there. */
static int
find_switch(struct arena *a, const char *name, size_t len, unsigned *out,
    struct err *e)
{
	unsigned free_idx = VALE_MAX_SWITCHES;
	struct vswitch *sw;

	for (unsigned s = 0; s < VALE_MAX_SWITCHES; s++) {
		sw = arena_switch(a->base, s);
		if (sw->name[0] == '\0') {
			if (free_idx == VALE_MAX_SWITCHES)
				free_idx = s;
		} else if (strncmp(sw->name, name, len) == 0 &&
		    sw->name[len] == '\0') {
			*out = s;
			return 0;
		}
	}
	if (free_idx == VALE_MAX_SWITCHES)
		return err_set(e, ENOSPC, "%s: all %d switches are in use",
		    name, VALE_MAX_SWITCHES);
	sw = arena_switch(a->base, free_idx);
	memset(sw, 0, sizeof(*sw));
	memcpy(sw->name, name, len);
	*out = free_idx;
	return 0;
}

static void
join(struct arena *a, unsigned port)
{
	const struct vport *vp = arena_port(a->base, port);
	struct vswitch *sw;

	if (vp->switch_idx >= VALE_MAX_SWITCHES)
		return;
	sw = arena_switch(a->base, vp->switch_idx);
	st_release(&sw->members[port / 64],
	    sw->members[port / 64] | 1ull << port % 64);
}

/* What the port's own name is without the switch's. */
static const char *
own_name(const char *name)
{
	const char *colon = strchr(name, ':');

	return colon != NULL ? colon + 1 : name;
}

unsigned
vswitch_find_persistent(struct arena *a, const char *name)
{
	for (unsigned p = 0; p < VALE_MAX_PORTS; p++) {
		const struct vport *vp = arena_port(a->base, p);

		if (vp->state != VPORT_FREE && vp->is_persistent &&
		    strcmp(own_name(vp->name), own_name(name)) == 0)
			return p;
	}
	return NO_PEER;
}

int
vswitch_join(struct arena *a, unsigned port, const char *name, size_t sw_len,
    struct err *e)
{
	struct vport *vp = arena_port(a->base, port);
	unsigned sw;
	int rc = find_switch(a, name, sw_len, &sw, e);

	if (rc < 0)
		return rc;
	memcpy(vp->name, name, strlen(name) + 1);
	st_release(&vp->switch_idx, (uint32_t)sw);
	for (unsigned r = 0; r < NMPORT_MAX_RINGS; r++)
		st_release(&vp->rx[r].switch_idx, (uint32_t)sw);
	if (vp->state == VPORT_LIVE)
		join(a, port);
	return 0;
}

/* The persistent port that 'n' speaks of, if there is one: by its own name, or
 * as a port of a switch, which it then joins. */
static int
find_port(struct place *t, const struct pname *n, struct err *e)
{
	unsigned p = place_find(t->a, n->text);
	const struct vport *vp;

	if (p == NO_PEER)
		p = vswitch_find_persistent(t->a, n->text);
	t->port = p;
	if (p == NO_PEER)
		return n->kind == PNAME_SWITCH ? 0 :
			   err_set(e, ENXIO, "%s: no such port; of a switch it "
			       "is valeX:port, a pipe's end NAME{id", n->text);
	vp = t->vp = arena_port(t->a->base, p);
	if (n->kind == PNAME_SWITCH && strcmp(vp->name, n->text) != 0) {
		if (vp->switch_idx < VALE_MAX_SWITCHES)
			return err_set(e, EBUSY, "%s: is %s", n->text,
			    vp->name);
		if (vp->state != VPORT_IDLE)
			return err_set(e, EBUSY, "%s: in use by process %u",
			    n->text, vp->pid);
		return vswitch_join(t->a, p, n->text, n->sw_len, e);
	}
	return 0;
}

/* What is not asked for is as the persistent port was made. */
static void
take_wishes(const struct vport *vp, struct nmport_cfg *cfg)
{
	const uint32_t *w = vp->wished;

	cfg->tx_slots = cfg->tx_slots ? cfg->tx_slots : w[0];
	cfg->rx_slots = cfg->rx_slots ? cfg->rx_slots : w[1];
	cfg->tx_rings = cfg->tx_rings ? cfg->tx_rings : w[2];
	cfg->rx_rings = cfg->rx_rings ? cfg->rx_rings : w[3];
}

static int
attach(struct place *t, const struct pname *n, struct nmport_cfg *cfg,
    struct err *e)
{
	char name[VALE_NAME_SIZE];
	int rc = find_port(t, n, e);

	if (rc < 0)
		return rc;
	memcpy(name, n->text, sizeof(name));
	if (t->port != NO_PEER) {
		if (t->vp->hdr_len != 0 && !cfg->knows_hdr)
			return err_set(e, EIO, "%s: has a virtio-net header "
			    "of %u octets", n->text, t->vp->hdr_len);
		if (t->vp->state != VPORT_IDLE)
			return place_join(t, cfg, e);
		take_wishes(t->vp, cfg);
		t->sw = t->vp->switch_idx;
		memcpy(name, t->vp->name, sizeof(name));
	}
	t->name = name;
	rc = place_complete_cfg(cfg, e);
	if (rc == 0 && t->port == NO_PEER) {
		rc = place_find_free(t, 0, e);
		if (rc == 0)
			rc = find_switch(t->a, n->text, n->sw_len, &t->sw, e);
	}
	if (rc == 0)
		rc = place_populate(t, e);
	if (rc == 0)
		join(t->a, t->port);
	return rc;
}

int
vswitch_attach(struct arena *a, const struct pname *n, struct nmport_cfg *cfg,
    struct place_fds *fds, struct err *e)
{
	struct place t = { .a = a, .name = n->text, .cfg = cfg,
		.kind = VPORT_SWITCH, .sw = NO_SWITCH, .peer = NO_PEER,
		.fds = fds };
	int rc = vswitch_enter(a, e);

	if (rc < 0)
		return rc;
	rc = attach(&t, n, cfg, e);
	cfg->n_extra = t.n_extra;
	vswitch_leave(a, rc < 0);
	return rc < 0 ? rc : (int)t.port;
}

/* It has the least of rings, which costs less than ports without. */
int
vswitch_attach_null(struct arena *a, struct nmport_cfg *cfg,
    struct place_fds *fds, struct err *e)
{
	const struct nmport_cfg least = { .tx_slots = VALE_MIN_SLOTS,
		.rx_slots = VALE_MIN_SLOTS, .tx_rings = 1, .rx_rings = 1,
		.n_extra = cfg->n_extra, .may_share = cfg->may_share };
	struct place t = { .a = a, .name = "null:", .cfg = &least,
		.kind = VPORT_SWITCH, .sw = NO_SWITCH, .peer = NO_PEER,
		.fds = fds };
	int rc = vswitch_enter(a, e);

	if (rc < 0)
		return rc;
	rc = place_find_free(&t, 0, e);
	if (rc == 0)
		rc = place_populate(&t, e);
	*cfg = least;
	cfg->n_extra = t.n_extra;
	vswitch_leave(a, rc < 0);
	return rc < 0 ? rc : (int)t.port;
}

void
vswitch_detach(struct arena *a, int alive_fd)
{
	int rc = arena_lock(a, true, NULL);

	/* Inside the lock, so that the next user of the place can hold it.  If
	 * the lock cannot be had, a later sweep finds the port dead. */
	arena_unhold(alive_fd);
	if (rc < 0)
		return;
	sweep_all(a);
	arena_unlock(a);
}

void
vswitch_abandon(struct arena *a, int alive_fd)
{
	close(alive_fd);
	vswitch_sweep(a, NULL);
}

int
vswitch_sweep(struct arena *a, struct err *e)
{
	int rc = arena_lock(a, true, e);

	if (rc < 0)
		return rc;
	rc = sweep_all(a);
	arena_unlock(a);
	return rc;
}

void
vswitch_try_sweep(struct arena *a)
{
	if (arena_lock(a, false, NULL) < 0)
		return;
	sweep_all(a);
	arena_unlock(a);
}

bool
vswitch_holder_is_alive(struct arena *a, uint64_t lock_word)
{
	return sweep_holder_is_alive(a, lock_word);
}

int
vswitch_set_flow(struct arena *a, const char *name, bool drop_at_once,
    struct err *e)
{
	int rc = arena_lock(a, true, e);

	if (rc < 0)
		return rc;
	sweep_all(a);
	rc = -ENOENT;
	for (unsigned s = 0; arena_hdr(a->base)->reserved &&
	     s < VALE_MAX_SWITCHES; s++) {
		struct vswitch *sw = arena_switch(a->base, s);

		if (name[0] != '\0' &&
		    strncmp(sw->name, name, sizeof(sw->name)) == 0) {
			st_relaxed(&sw->drop_at_once, (uint32_t)drop_at_once);
			rc = 0;
		}
	}
	arena_unlock(a);
	if (rc < 0)
		return err_set(e, ENOENT, "%.40s: no such switch", name);
	return 0;
}
