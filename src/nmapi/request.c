/* SPDX-License-Identifier: BSD-2-Clause */
#include "nmapi/request.h"

#include "nmapi/kloop.h"
#include "nmapi/legacy.h"
#include "nmapi/option.h"
#include "nmapi/reg.h"
#include "nmapi/user.h"
#include "nmapi/wait.h"
#include "vale/nmctl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A request whose body has been read into 'body'; what is left there goes
 * back to the program if all is well. */
typedef int handler(struct dev *d, struct nmreq_header *hdr,
    union legacy_body *body, struct err *e);

static int
reg(struct dev *d, struct nmreq_header *hdr, union legacy_body *b,
    struct err *e)
{
	return reg_port(d, hdr->nr_name, &b->reg, e);
}

static int
info(struct dev *d, struct nmreq_header *hdr, union legacy_body *b,
    struct err *e)
{
	(void)d;
	return reg_info(hdr->nr_name, &b->info, e);
}

static int
pools(struct dev *d, struct nmreq_header *hdr, union legacy_body *b,
    struct err *e)
{
	(void)d;
	return reg_pools(hdr->nr_name, &b->pools, e);
}

/* With a name: its numbers; else the first port from the numbers on. */
static int
list(struct dev *d, struct nmreq_header *hdr, union legacy_body *b,
    struct err *e)
{
	struct nmctl_port p = { b->list.nr_bridge_idx, b->list.nr_port_idx,
		"" };
	int rc;

	(void)d;
	memcpy(p.name, hdr->nr_name, sizeof(p.name));
	rc = p.name[0] != '\0' ? nmctl_find(&p, e) : nmctl_next(&p, e);
	if (rc < 0)
		return rc;
	b->list.nr_bridge_idx = (uint16_t)p.switch_idx;
	b->list.nr_port_idx = p.port_idx;
	memcpy(hdr->nr_name, p.name, sizeof(hdr->nr_name));
	return 0;
}

static int
attach(struct dev *d, struct nmreq_header *hdr, union legacy_body *b,
    struct err *e)
{
	(void)d;
	if (b->attach.reg.nr_mem_id > 1)
		return err_set(e, EINVAL, "no memory with id %u",
		    b->attach.reg.nr_mem_id);
	return nmctl_attach(hdr->nr_name, &b->attach.port_index, e);
}

static int
detach(struct dev *d, struct nmreq_header *hdr, union legacy_body *b,
    struct err *e)
{
	(void)d;
	return nmctl_detach(hdr->nr_name, &b->detach.port_index, e);
}

static int
newif(struct dev *d, struct nmreq_header *hdr, union legacy_body *b,
    struct err *e)
{
	struct nmreq_vale_newif *n = &b->newif;
	const struct nmport_cfg cfg = { .tx_slots = n->nr_tx_slots,
		.rx_slots = n->nr_rx_slots, .tx_rings = n->nr_tx_rings,
		.rx_rings = n->nr_rx_rings, .are_wishes = true };
	struct nmport_info i;
	int rc = nmctl_create(hdr->nr_name, &cfg, e);

	(void)d;
	if (rc == 0)
		rc = nmctl_info(hdr->nr_name, &i, e);
	if (rc == 0)
		*n = (struct nmreq_vale_newif){ i.tx_slots, i.rx_slots,
			(uint16_t)i.tx_rings, (uint16_t)i.rx_rings, 1, 0 };
	return rc;
}

static int
delif(struct dev *d, struct nmreq_header *hdr, union legacy_body *b,
    struct err *e)
{
	(void)d;
	(void)b;
	return nmctl_destroy(hdr->nr_name, e);
}

static int
set_header(struct dev *d, struct nmreq_header *hdr, union legacy_body *b,
    struct err *e)
{
	(void)d;
	return nmctl_set_hdr_len(hdr->nr_name, b->hdr.nr_hdr_len, e);
}

static int
get_header(struct dev *d, struct nmreq_header *hdr, union legacy_body *b,
    struct err *e)
{
	(void)d;
	return nmctl_hdr_len(hdr->nr_name, &b->hdr.nr_hdr_len, e);
}

/* Threads of netmap's own that poll a NIC of a switch: there are no NICs. */
static int
polling(struct dev *d, struct nmreq_header *hdr, union legacy_body *b,
    struct err *e)
{
	unsigned len;
	int rc = nmctl_hdr_len(hdr->nr_name, &len, e);

	(void)d;
	(void)b;
	return rc < 0 ? rc : err_set(e, EOPNOTSUPP, "%.64s: not a NIC",
	    hdr->nr_name);
}

static int
stop_loop(struct dev *d, struct nmreq_header *hdr, union legacy_body *b,
    struct err *e)
{
	(void)hdr;
	(void)b;
	return kloop_stop(d, e);
}

/* These two are run with their options: with_options(). */
static int
no_options(struct dev *d, struct nmreq_header *hdr, union legacy_body *b,
    struct err *e)
{
	(void)d;
	(void)b;
	return err_set(e, EINVAL, "request %u", hdr->nr_reqtype);
}

_Static_assert(sizeof(((struct nmctl_port *)0)->name) == NETMAP_REQ_IFNAMSIZ,
    "names of both sides");

static const struct request {
	uint16_t body_size;
	handler *run;
} requests[] = {
	[NETMAP_REQ_REGISTER] = { sizeof(struct nmreq_register), reg },
	[NETMAP_REQ_PORT_INFO_GET] = { sizeof(struct nmreq_port_info_get),
	    info },
	[NETMAP_REQ_VALE_ATTACH] = { sizeof(struct nmreq_vale_attach),
	    attach },
	[NETMAP_REQ_VALE_DETACH] = { sizeof(struct nmreq_vale_detach),
	    detach },
	[NETMAP_REQ_VALE_LIST] = { sizeof(struct nmreq_vale_list), list },
	[NETMAP_REQ_PORT_HDR_SET] = { sizeof(struct nmreq_port_hdr),
	    set_header },
	[NETMAP_REQ_PORT_HDR_GET] = { sizeof(struct nmreq_port_hdr),
	    get_header },
	[NETMAP_REQ_VALE_NEWIF] = { sizeof(struct nmreq_vale_newif), newif },
	[NETMAP_REQ_VALE_DELIF] = { 0, delif },
	[NETMAP_REQ_VALE_POLLING_ENABLE] = { sizeof(struct nmreq_vale_polling),
	    polling },
	[NETMAP_REQ_VALE_POLLING_DISABLE] = {
	    sizeof(struct nmreq_vale_polling), polling },
	[NETMAP_REQ_POOLS_INFO_GET] = { sizeof(struct nmreq_pools_info),
	    pools },
	[NETMAP_REQ_SYNC_KLOOP_START] = {
	    sizeof(struct nmreq_sync_kloop_start), no_options },
	[NETMAP_REQ_SYNC_KLOOP_STOP] = { 0, stop_loop },
	[NETMAP_REQ_CSB_ENABLE] = { 0, no_options },
};

static const struct request *
find(unsigned type)
{
	return type < ARRAY_LEN(requests) && requests[type].run != NULL ?
	    &requests[type] : NULL;
}

/* The sentence behind an error, for who wants to know. */
static void
tell(const struct nmreq_header *hdr, int rc, const struct err *e)
{
	const char *v = getenv("NETMAP_VERBOSE");

	if (rc < 0 && v != NULL && v[0] != '\0' && v[0] != '0')
		fprintf(stderr, "netmap-user: request %u: %s\n",
		    hdr->nr_reqtype, e->text[0] ? e->text : strerror(-rc));
}

static int
check_header(const struct nmreq_header *hdr, const struct request *r)
{
	if (hdr->nr_version < NETMAP_MIN_API ||
	    hdr->nr_version > NETMAP_MAX_API || hdr->nr_reserved != 0)
		return -EINVAL;
	if (r == NULL || (r->body_size != 0) != (hdr->nr_body != 0))
		return -EINVAL;
	return 0;
}

/* A register whose option fails has not been one. */
static int
with_options(struct dev *d, struct nmreq_header *hdr, const struct request *r,
    union legacy_body *body, const struct options *o, struct err *e)
{
	int rc;

	if (hdr->nr_reqtype == NETMAP_REQ_SYNC_KLOOP_START)
		return kloop_run(d, body->kloop.sleep_us, o, e);
	if (hdr->nr_reqtype == NETMAP_REQ_CSB_ENABLE)
		return kloop_enable(d, o, e);
	rc = r->run(d, hdr, body, e);
	if (rc < 0 || !o->has_csb)
		return rc;
	rc = kloop_enable(d, o, e);
	if (rc < 0)
		dev_unregister(d);
	return rc;
}

static int
ctrl(struct dev *d, void *arg)
{
	const uint64_t at = (uintptr_t)arg;
	struct err e = { 0 };
	union legacy_body body = { 0 };
	struct nmreq_header hdr;
	const struct request *r;
	struct options o;
	int rc = user_copyin(&hdr, at, sizeof(hdr));

	if (rc < 0)
		return rc;
	r = find(hdr.nr_reqtype);
	rc = check_header(&hdr, r);
	if (rc == 0)
		rc = user_copyin(&body, hdr.nr_body, r->body_size);
	if (rc == 0)
		rc = option_read(&hdr, r->body_size, &o);
	if (rc < 0) {
		tell(&hdr, rc, &e);
		return rc;
	}
	hdr.nr_name[sizeof(hdr.nr_name) - 1] = '\0';
	rc = with_options(d, &hdr, r, &body, &o, &e);
	tell(&hdr, rc, &e);
	if (option_write(&o, rc) < 0 && rc == 0)
		rc = -EFAULT;
	if (rc == 0)
		rc = user_copyout(hdr.nr_body, &body, r->body_size);
	return rc == 0 ? user_copyout(at, &hdr, sizeof(hdr)) : rc;
}

static int
legacy(struct dev *d, unsigned long cmd, void *arg)
{
	const uint64_t at = (uintptr_t)arg;
	struct err e = { 0 };
	union legacy_body body;
	struct nmreq_header hdr;
	struct nmreq old;
	int rc = user_copyin(&old, at, sizeof(old));

	if (rc == 0)
		rc = legacy_read(&old, cmd, &hdr, &body);
	if (rc < 0)
		return rc;
	rc = find(hdr.nr_reqtype)->run(d, &hdr, &body, &e);
	tell(&hdr, rc, &e);
	if (rc < 0)
		return rc;
	legacy_write(&hdr, &body, &old);
	return user_copyout(at, &old, sizeof(old));
}

/* As netmap, a sync fails for one reason only: there is no port.  A ring that
 * could not be synced shows in its positions, and as POLLERR.
 *
 * The kernel's switch drops what does not fit, so a txsync leaves room; ours
 * lets the sender wait.  Programs that try a few times and then drop are given
 * a moment in which the receiver can move. */
static int
txsync(struct dev *d)
{
	int rc = dev_sync(d, SHARE_TX);

	if (unlikely(rc == DEV_FULL))
		wait_room(d, NS_PER_MS);
	return rc == -ENXIO ? rc : 0;
}

int
request_run(struct dev *d, unsigned long cmd, void *arg)
{
	if (unlikely(d->atok != NULL) &&
	    (cmd == NIOCTXSYNC || cmd == NIOCRXSYNC))
		return -EBUSY; /* it is done by the loop */
	switch (cmd) {
	case NIOCTXSYNC:
		return txsync(d);
	case NIOCRXSYNC:
		return dev_sync(d, SHARE_RX) == -ENXIO ? -ENXIO : 0;
	case NIOCCTRL:
		return ctrl(d, arg);
	case NIOCREGIF:
	case NIOCGINFO:
		return legacy(d, cmd, arg);
	}
	return -EOPNOTSUPP;
}
