/* SPDX-License-Identifier: BSD-2-Clause */
#include "nmapi/option.h"

#include "nmapi/user.h"

#include <errno.h>
#include <stdbool.h>

/* netmap copies a request into one buffer: two addresses, the body, a table of
 * options, and each option behind an address.  What does not fit is refused. */
enum {
	BUF_FIXED = 2 * 8 + NETMAP_REQ_OPT_MAX * 8,
	BUF_SIZE = NETMAP_REQ_MAXSIZE + BUF_FIXED,
	OPT_SIZE = 8 + sizeof(struct nmreq_option),
	MAX_OPTS = BUF_SIZE / OPT_SIZE,
};

struct opts {
	unsigned n;
	uint64_t addr[MAX_OPTS];
	struct nmreq_option opt[MAX_OPTS];
};

/* Octets behind the header of an option. */
static size_t
body_size(const struct nmreq_option *o)
{
	switch (o->nro_reqtype) {
	case NETMAP_REQ_OPT_EXTMEM:
		return sizeof(struct nmreq_opt_extmem) - sizeof(*o);
	case NETMAP_REQ_OPT_CSB:
		return sizeof(struct nmreq_opt_csb) - sizeof(*o);
	case NETMAP_REQ_OPT_SYNC_KLOOP_MODE:
		return sizeof(struct nmreq_opt_sync_kloop_mode) - sizeof(*o);
	case NETMAP_REQ_OPT_OFFSETS:
		return sizeof(struct nmreq_opt_offsets) - sizeof(*o);
	case NETMAP_REQ_OPT_SYNC_KLOOP_EVENTFDS:
		return o->nro_size < sizeof(*o) ? 0 : o->nro_size - sizeof(*o);
	}
	return 0;
}

/* Is the last one of a type that is known, and the only one of it? */
static int
check_type(struct opts *l)
{
	struct nmreq_option *o = &l->opt[l->n - 1];

	o->nro_status = 0;
	if (o->nro_reqtype == 0) {
		o->nro_status = EINVAL;
		return -EINVAL;
	}
	for (unsigned i = 0; i + 1 < l->n; i++)
		if (l->opt[i].nro_reqtype == o->nro_reqtype &&
		    o->nro_reqtype < NETMAP_REQ_OPT_MAX) {
			l->opt[i].nro_status = o->nro_status = EINVAL;
			return -EINVAL;
		}
	return 0;
}

static int
read_list(uint64_t addr, size_t used, struct opts *l)
{
	for (l->n = 0; addr != 0; addr = l->opt[l->n - 1].nro_next) {
		struct nmreq_option *o = &l->opt[l->n];
		int rc;

		used += OPT_SIZE;
		if (used > BUF_SIZE)
			return -EMSGSIZE;
		rc = user_copyin(o, addr, sizeof(*o));
		if (rc < 0)
			return rc;
		l->addr[l->n++] = addr;
		rc = check_type(l);
		if (rc < 0)
			return rc;
		if (o->nro_size > NETMAP_REQ_MAXSIZE)
			return -EMSGSIZE;
		used += body_size(o);
		if (used > BUF_SIZE)
			return -EMSGSIZE;
	}
	return 0;
}

int
option_check(const struct nmreq_header *hdr, size_t size)
{
	struct opts l;
	int rc;

	if (hdr->nr_options == 0)
		return 0;
	rc = read_list(hdr->nr_options, BUF_FIXED + size, &l);
	if (rc == -EMSGSIZE || rc == -EFAULT)
		return rc; /* there is no end to write to */
	for (unsigned i = 0; i < l.n; i++) {
		if (rc == 0)
			l.opt[i].nro_status = EOPNOTSUPP;
		if (user_copyout(l.addr[i], &l.opt[i], sizeof(l.opt[i])) < 0)
			return -EFAULT;
	}
	return rc == 0 ? -EOPNOTSUPP : rc;
}
