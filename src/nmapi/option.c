/* SPDX-License-Identifier: BSD-2-Clause */
#include "nmapi/option.h"

#include "nmapi/user.h"

#include <errno.h>
#include <string.h>

/* netmap copies a request into one buffer: two addresses, the body, a table of
 * options, and each option behind an address.  What does not fit is refused. */
enum {
	BUF_FIXED = 2 * 8 + NETMAP_REQ_OPT_MAX * 8,
	BUF_SIZE = NETMAP_REQ_MAXSIZE + BUF_FIXED,
	OPT_SIZE = 8 + sizeof(struct nmreq_option),
};
_Static_assert((int)(BUF_SIZE / OPT_SIZE) <= (int)OPTION_MAX, "all that fit");

/* Which request knows which option. */
static const struct {
	unsigned req, opt;
} known[] = {
	{ NETMAP_REQ_REGISTER, NETMAP_REQ_OPT_CSB },
	{ NETMAP_REQ_CSB_ENABLE, NETMAP_REQ_OPT_CSB },
	{ NETMAP_REQ_SYNC_KLOOP_START, NETMAP_REQ_OPT_SYNC_KLOOP_MODE },
	{ NETMAP_REQ_SYNC_KLOOP_START, NETMAP_REQ_OPT_SYNC_KLOOP_EVENTFDS },
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
check_type(struct options *l)
{
	struct nmreq_option *o = &l->heads[l->n - 1];

	o->nro_status = 0;
	if (o->nro_reqtype == 0) {
		o->nro_status = EINVAL;
		return -EINVAL;
	}
	for (unsigned i = 0; i + 1 < l->n; i++)
		if (l->heads[i].nro_reqtype == o->nro_reqtype &&
		    o->nro_reqtype < NETMAP_REQ_OPT_MAX) {
			l->heads[i].nro_status = o->nro_status = EINVAL;
			return -EINVAL;
		}
	return 0;
}

static int
read_list(uint64_t addr, size_t used, struct options *l)
{
	for (l->n = 0; addr != 0; addr = l->heads[l->n - 1].nro_next) {
		struct nmreq_option *o = &l->heads[l->n];
		int rc;

		used += OPT_SIZE;
		if (used > BUF_SIZE)
			return -EMSGSIZE;
		rc = user_copyin(o, addr, sizeof(*o));
		if (rc < 0)
			return rc;
		l->addrs[l->n++] = addr;
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

static bool
is_known(unsigned req, unsigned opt)
{
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (known[i].req == req && known[i].opt == opt)
			return true;
	return false;
}

/* How many pairs there are, and as many as could be rings. */
static int
read_eventfds(uint64_t addr, size_t size, struct options *o)
{
	size_t head = sizeof(struct nmreq_option), n;

	if (size < head || (size - head) % sizeof(o->eventfds[0]) != 0)
		return -EINVAL;
	n = (size - head) / sizeof(o->eventfds[0]);
	o->has_eventfds = true;
	o->n_eventfds = (unsigned)n;
	return user_copyin(o->eventfds, addr + head,
	    (n < OPTION_MAX_EVENTFDS ? n : OPTION_MAX_EVENTFDS) *
		sizeof(o->eventfds[0]));
}

static int
read_body(unsigned i, struct options *o)
{
	struct nmreq_opt_sync_kloop_mode mode = { 0 };
	int rc = 0;

	switch (o->heads[i].nro_reqtype) {
	case NETMAP_REQ_OPT_CSB:
		rc = user_copyin(&o->csb, o->addrs[i], sizeof(o->csb));
		o->has_csb = rc == 0;
		break;
	case NETMAP_REQ_OPT_SYNC_KLOOP_MODE:
		rc = user_copyin(&mode, o->addrs[i], sizeof(mode));
		o->has_mode = rc == 0;
		o->mode = mode.mode;
		break;
	case NETMAP_REQ_OPT_SYNC_KLOOP_EVENTFDS:
		rc = read_eventfds(o->addrs[i], o->heads[i].nro_size, o);
		break;
	}
	return rc;
}

/* What a request does not know stays EOPNOTSUPP. */
static int
read_bodies(const struct nmreq_header *hdr, struct options *o)
{
	int rc = 0;

	for (unsigned i = 0; i < o->n; i++) {
		int one = is_known(hdr->nr_reqtype, o->heads[i].nro_reqtype) ?
			  read_body(i, o) : -EOPNOTSUPP;

		o->heads[i].nro_status = (uint32_t)-one;
		if (rc == 0)
			rc = one;
	}
	return rc;
}

static int
write_heads(const struct options *o)
{
	for (unsigned i = 0; i < o->n; i++)
		if (user_copyout(o->addrs[i], &o->heads[i],
			sizeof(o->heads[i])) < 0)
			return -EFAULT;
	return 0;
}

int
option_read(const struct nmreq_header *hdr, size_t size, struct options *o)
{
	int rc;

	o->has_csb = o->has_mode = o->has_eventfds = false;
	o->n = 0;
	if (hdr->nr_options == 0)
		return 0;
	rc = read_list(hdr->nr_options, BUF_FIXED + size, o);
	if (rc == -EMSGSIZE || rc == -EFAULT)
		return rc; /* there is no end to write to */
	if (rc == 0)
		rc = read_bodies(hdr, o);
	if (rc < 0 && write_heads(o) < 0)
		return -EFAULT;
	return rc;
}

int
option_write(struct options *o, int rc)
{
	for (unsigned i = 0; i < o->n; i++)
		o->heads[i].nro_status = (uint32_t)-rc;
	return write_heads(o);
}
