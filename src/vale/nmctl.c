/* SPDX-License-Identifier: BSD-2-Clause */
#include "vale/nmctl.h"

#include "vale/sweep.h"
#include "vale/vswitch.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>

/* Everything below runs between these two, with the tables in memory. */
struct session {
	struct arena *a;
	struct pname name;
};

static int
begin(const char *name, struct session *s, struct err *e)
{
	int rc = pname_parse(name, &s->name, e);

	if (rc == 0)
		rc = arena_get(&s->a, e);
	if (rc < 0)
		return rc;
	rc = vswitch_enter(s->a, e);
	if (rc < 0)
		arena_put(s->a);
	return rc;
}

static int
end(struct session *s, int rc)
{
	/* Nothing may be left that needs the tables. */
	vswitch_leave(s->a, true);
	arena_put(s->a);
	return rc;
}

static int
want_kind(const struct session *s, enum pname_kind kind, struct err *e)
{
	if (s->name.kind == kind && s->name.watches == 0)
		return 0;
	return err_set(e, EINVAL, kind == PNAME_PLAIN ?
		"%s: a persistent port's name has no switch in it" :
		"%s: want valeX:port", s->name.text);
}

/* The port of this name, or the persistent one. */
static unsigned
find_port(const struct session *s)
{
	unsigned p = place_find(s->a, s->name.text);

	if (p == NO_PEER && s->name.kind != PNAME_PIPE)
		p = vswitch_find_persistent(s->a, s->name.text);
	return p;
}

/* ---- persistent ports ---- */

static int
create(struct session *s, const struct nmport_cfg *in, struct err *e)
{
	struct nmport_cfg cfg = in != NULL ? *in : (struct nmport_cfg){ 0 };
	struct place t = { .a = s->a, .name = s->name.text };
	struct vport *vp;
	int rc = want_kind(s, PNAME_PLAIN, e);

	if (rc == 0 && strlen(s->name.text) >= NM_IFNAMSIZ)
		rc = err_set(e, EINVAL, "%s: longer than %d octets",
		    s->name.text, NM_IFNAMSIZ - 1);
	if (rc == 0 && find_port(s) != NO_PEER)
		rc = err_set(e, EEXIST, "%s: there is one", s->name.text);
	if (rc == 0)
		rc = place_complete_cfg(&cfg, e);
	if (rc == 0)
		rc = place_find_free(&t, 0, e);
	if (rc < 0)
		return rc;
	vp = t.vp;
	memcpy(vp->name, s->name.text, sizeof(vp->name));
	st_relaxed(&vp->switch_idx, (uint32_t)NO_SWITCH);
	vp->kind = VPORT_SWITCH;
	vp->pid = vp->n_extra = vp->hdr_len = 0;
	vp->wished[0] = cfg.tx_slots;
	vp->wished[1] = cfg.rx_slots;
	vp->wished[2] = cfg.tx_rings;
	vp->wished[3] = cfg.rx_rings;
	vp->is_persistent = 1;
	st_release(&vp->state, (uint32_t)VPORT_IDLE);
	return 0;
}

int
nmctl_create(const char *name, const struct nmport_cfg *cfg, struct err *e)
{
	struct session s;
	int rc = begin(name, &s, e);

	return rc < 0 ? rc : end(&s, create(&s, cfg, e));
}

static int
destroy(struct session *s, struct err *e)
{
	unsigned p = vswitch_find_persistent(s->a, s->name.text);
	struct vport *vp;

	if (want_kind(s, PNAME_PLAIN, e) < 0)
		return -EINVAL;
	if (p == NO_PEER)
		return err_set(e, ENXIO, "%s: no such persistent port",
		    s->name.text);
	vp = arena_port(s->a->base, p);
	if (vp->state != VPORT_IDLE)
		return err_set(e, EBUSY, "%s: in use by process %u",
		    s->name.text, vp->pid);
	if (vp->switch_idx < VALE_MAX_SWITCHES)
		return err_set(e, EBUSY, "%s: on a switch, as %s",
		    s->name.text, vp->name);
	st_release(&vp->state, (uint32_t)VPORT_FREE);
	return 0;
}

int
nmctl_destroy(const char *name, struct err *e)
{
	struct session s;
	int rc = begin(name, &s, e);

	return rc < 0 ? rc : end(&s, destroy(&s, e));
}

/* Why there is nothing to attach, and what to do instead. */
static int
refuse_attach(const struct session *s, struct err *e)
{
	const char *port = s->name.text + s->name.sw_len + 1;

	if (if_nametoindex(port) != 0)
		return err_set(e, EINVAL, "%s: a real interface is connected "
		    "by kipfw: kipfw xdp:%s %.*s:NAME", s->name.text, port,
		    (int)s->name.sw_len, s->name.text);
	return err_set(e, EINVAL, "%s: no persistent port %s (vale-ctl -n); "
	    "others attach when a program opens them", s->name.text, port);
}

static int
join(struct session *s, unsigned *port_idx, struct err *e)
{
	unsigned p = find_port(s);
	struct vport *vp = arena_port(s->a->base, p % VALE_MAX_PORTS);
	int rc = want_kind(s, PNAME_SWITCH, e);

	if (rc < 0)
		return rc;
	if (p == NO_PEER)
		return refuse_attach(s, e);
	if (!vp->is_persistent)
		return err_set(e, EBUSY, "%s: attached by process %u",
		    s->name.text, vp->pid);
	if (vp->switch_idx < VALE_MAX_SWITCHES)
		return err_set(e, EBUSY, "%s: attached as %s", s->name.text,
		    vp->name);
	rc = vswitch_join(s->a, p, s->name.text, s->name.sw_len, e);
	if (rc == 0)
		*port_idx = p;
	return rc;
}

int
nmctl_attach(const char *name, unsigned *port_idx, struct err *e)
{
	struct session s;
	int rc = begin(name, &s, e);

	return rc < 0 ? rc : end(&s, join(&s, port_idx, e));
}

static int
part(struct session *s, unsigned *port_idx, struct err *e)
{
	unsigned p = place_find(s->a, s->name.text);
	struct vport *vp = arena_port(s->a->base, p % VALE_MAX_PORTS);
	int rc = want_kind(s, PNAME_SWITCH, e);

	if (rc < 0)
		return rc;
	if (p == NO_PEER)
		return err_set(e, ENXIO, "%s: no such port", s->name.text);
	if (!vp->is_persistent)
		return err_set(e, EBUSY, "%s: detaches when process %u "
		    "closes it", s->name.text, vp->pid);
	sweep_leave(s->a, p);
	strcpy(vp->name, s->name.text + s->name.sw_len + 1);
	*port_idx = p;
	return 0;
}

int
nmctl_detach(const char *name, unsigned *port_idx, struct err *e)
{
	struct session s;
	int rc = begin(name, &s, e);

	return rc < 0 ? rc : end(&s, part(&s, port_idx, e));
}

/* ---- lists ---- */

static bool
is_at(const struct vport *vp, unsigned sw)
{
	return (vp->state == VPORT_LIVE || vp->state == VPORT_IDLE) &&
	    vp->kind == VPORT_SWITCH && vp->switch_idx == sw;
}

static int
next(struct arena *a, struct nmctl_port *at, struct err *e)
{
	unsigned port = at->port_idx;

	for (unsigned s = at->switch_idx; s < VALE_MAX_SWITCHES; s++) {
		for (unsigned p = port; p < VALE_N_PLACES; p++) {
			const struct vport *vp = arena_port(a->base, p);

			if (!is_at(vp, s))
				continue;
			at->switch_idx = s;
			at->port_idx = p;
			memcpy(at->name, vp->name, sizeof(at->name));
			return 0;
		}
		port = 0;
	}
	return err_set(e, ENOENT, "no more ports");
}

int
nmctl_next(struct nmctl_port *p, struct err *e)
{
	struct session s;
	int rc = begin("vale:any", &s, e);

	return rc < 0 ? rc : end(&s, next(s.a, p, e));
}

static int
find(struct session *s, struct nmctl_port *at, struct err *e)
{
	int rc = want_kind(s, PNAME_SWITCH, e);

	if (rc < 0)
		return rc;
	for (unsigned i = 0; i < VALE_MAX_SWITCHES; i++) {
		const struct vswitch *sw = arena_switch(s->a->base, i);
		unsigned p;

		if (strlen(sw->name) != s->name.sw_len ||
		    memcmp(sw->name, s->name.text, s->name.sw_len) != 0)
			continue;
		p = place_find(s->a, s->name.text);
		at->switch_idx = i;
		at->port_idx = p == NO_PEER ? (unsigned)NMCTL_NO_PORT : p;
		return 0;
	}
	return err_set(e, ENOENT, "%s: no such switch", s->name.text);
}

int
nmctl_find(struct nmctl_port *p, struct err *e)
{
	struct session s;
	int rc = begin(p->name, &s, e);

	return rc < 0 ? rc : end(&s, find(&s, p, e));
}

/* ---- what a port is like ---- */

static void
describe(const struct vport *vp, struct nmport_info *i)
{
	bool is_idle = vp->state == VPORT_IDLE;

	i->tx_slots = is_idle ? vp->wished[0] : vp->tx_slots;
	i->rx_slots = is_idle ? vp->wished[1] : vp->rx_slots;
	i->tx_rings = is_idle ? vp->wished[2] : vp->n_tx;
	i->rx_rings = is_idle ? vp->wished[3] : vp->n_rx;
	i->n_extra = is_idle ? 0 : vp->n_extra;
	i->hdr_len = vp->hdr_len;
	i->switch_idx = vp->switch_idx;
}

static int
info(struct session *s, struct nmport_info *i, struct err *e)
{
	struct nmport_cfg cfg = { 0 };
	unsigned p = find_port(s);

	if (s->name.watches != 0)
		return err_set(e, EINVAL, "%s: of its monitor there is "
		    "nothing to be known before it is open", s->name.text);
	if (p == NO_PEER && s->name.kind == PNAME_PLAIN)
		return err_set(e, ENXIO, "%s: no such port", s->name.text);
	*i = (struct nmport_info){
		.mem_size = ARENA_SIZE,
		.mem_id = 1,
		.port_idx = p == NO_PEER ? (unsigned)NMCTL_NO_PORT : p,
		.switch_idx = NO_SWITCH,
		.is_pipe = s->name.kind == PNAME_PIPE,
	};
	if (p != NO_PEER) {
		describe(arena_port(s->a->base, p), i);
		return 0;
	}
	place_complete_cfg(&cfg, e);
	i->tx_slots = cfg.tx_slots;
	i->rx_slots = cfg.rx_slots;
	i->tx_rings = cfg.tx_rings;
	i->rx_rings = cfg.rx_rings;
	return 0;
}

int
nmctl_info(const char *name, struct nmport_info *i, struct err *e)
{
	struct session s;
	int rc = begin(name, &s, e);

	return rc < 0 ? rc : end(&s, info(&s, i, e));
}

/* Of a switch's port, or a persistent one; NULL and -ENXIO. */
static struct vport *
with_header(struct session *s, struct err *e)
{
	unsigned p = s->name.watches == 0 && s->name.kind != PNAME_PIPE ?
		  find_port(s) :
		  NO_PEER;

	if (p != NO_PEER)
		return arena_port(s->a->base, p);
	err_set(e, ENXIO, "%s: no such port of a switch", s->name.text);
	return NULL;
}

int
nmctl_set_hdr_len(const char *name, unsigned len, struct err *e)
{
	struct session s;
	struct vport *vp;
	int rc;

	if (len != 0 && len != 10 && len != 12)
		return err_set(e, EINVAL,
		    "a virtio-net header has 0, 10 or 12 octets, not %u", len);
	rc = begin(name, &s, e);
	if (rc < 0)
		return rc;
	vp = with_header(&s, e);
	if (vp != NULL)
		st_release(&vp->hdr_len, (uint32_t)len);
	return end(&s, vp != NULL ? 0 : -ENXIO);
}

int
nmctl_hdr_len(const char *name, unsigned *len, struct err *e)
{
	struct session s;
	struct vport *vp;
	int rc = begin(name, &s, e);

	if (rc < 0)
		return rc;
	vp = with_header(&s, e);
	if (vp != NULL)
		*len = vp->hdr_len;
	return end(&s, vp != NULL ? 0 : -ENXIO);
}
