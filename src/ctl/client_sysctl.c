/* SPDX-License-Identifier: BSD-2-Clause */
#include "ctl/client.h"

#include "ipfw_abi.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { TABLE_MAX = 1 << 20, TRIES = 4 };

/* Fetches the whole table: dn_id, then entries, then one of length 0. */
static int
fetch(struct ctl_client *c, char **table, size_t *len, struct err *e)
{
	struct dn_id id = {.len = sizeof(id), .type = DN_SYSCTL_GET,
	    .id = DN_API_VERSION};
	size_t room = 0;

	for (int k = 0; k < TRIES; k++) {
		struct dn_id probe = id;
		char *buf;
		int r = ctl_get(c, CTL_DUMMYNET3, &probe, sizeof(probe),
		    sizeof(probe), len, e);

		if (r != 0)
			return r;
		room = probe.id;
		if (*len < sizeof(probe) || room < sizeof(id) ||
		    room > TABLE_MAX)
			return err_set(e, EPROTO,
			    "the daemon's sysctl table makes no sense");
		buf = calloc(1, room);
		if (buf == NULL)
			return err_set(e, ENOMEM, "no memory for sysctls");
		memcpy(buf, &id, sizeof(id));
		r = ctl_get(c, CTL_DUMMYNET3, buf, sizeof(id), room, len, e);
		if (r == 0 && *len > sizeof(id)) {
			*table = buf;
			return 0;
		}
		free(buf); /* the table grew meanwhile, or an error */
		if (r != 0)
			return r;
	}
	return err_set(e, EAGAIN, "the daemon's sysctl table keeps changing");
}

int
ctl_sysctl_walk(struct ctl_client *c, ctl_sysctl_fn *fn, void *arg,
    struct err *e)
{
	char *table = NULL;
	size_t len, at = sizeof(struct dn_id);
	int r = fetch(c, &table, &len, e);

	while (r == 0 && len - at >= sizeof(struct dn_sysctl)) {
		struct dn_sysctl h;
		const char *data = table + at + sizeof(h);
		size_t body;

		memcpy(&h, table + at, sizeof(h));
		if (h.blocklen == 0)
			break;
		if (h.blocklen < sizeof(h) || h.blocklen > len - at)
			break;
		body = h.blocklen - sizeof(h);
		if (h.datalen > body || h.namelen == 0 ||
		    h.namelen > body - h.datalen ||
		    data[h.datalen + h.namelen - 1] != '\0')
			break;
		r = fn(arg, &(struct ctl_sysctl){.name = data + h.datalen,
			       .data = data, .len = h.datalen,
			       .flags = h.flags});
		at += h.blocklen;
	}
	free(table);
	return r;
}

int
ctl_sysctl_set(struct ctl_client *c, const char *name, const void *data,
    size_t len, struct err *e)
{
	size_t namelen = strlen(name) + 1;
	struct dn_sysctl h = {.namelen = (uint32_t)namelen,
	    .datalen = (uint32_t)len};
	size_t size = sizeof(struct dn_id) + sizeof(h) + len + namelen;
	struct dn_id id = {.len = (uint16_t)size, .type = DN_SYSCTL_SET,
	    .id = DN_API_VERSION};
	char *buf, *to;
	int r;

	if (size > UINT16_MAX)
		return err_set(e, EINVAL, "the value or the name is too long");
	h.blocklen = (uint32_t)((sizeof(h) + len + namelen + 3) & ~(size_t)3);
	buf = malloc(size);
	if (buf == NULL)
		return err_set(e, ENOMEM, "no memory for a request");
	to = memcpy(buf, &id, sizeof(id));
	memcpy(to += sizeof(id), &h, sizeof(h));
	memcpy(to += sizeof(h), data, len);
	memcpy(to + len, name, namelen);
	r = ctl_set(c, CTL_DUMMYNET3, buf, size, e);
	free(buf);
	return r;
}
