/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CTL_DUMMYNET3: pipes, queues and schedulers, and sysctl.
 *
 * A list of sysctls is a dn_id and, each 4-aligned, dn_sysctl, value, name; one
 * that is all zero ends it.  Who brings too little room gets the dn_id with the
 * size needed in 'id', and no error.
 */
#include "ctl/op.h"

#include "ctl/dn_config.h"
#include "ctl/dn_report.h"
#include "ctl/dn_sysctl.h"
#include "ctl/states.h"

#include <errno.h>
#include <string.h>

/* Flags of a dn_sysctl: access, and type from the third bit on. */
enum {
	SYSCTL_READ_ONLY = 1,
	SYSCTL_READ_WRITE = 2,
	SYSCTL_UINT = 1 << 2,
	SYSCTL_STRING = 6 << 2,
};

static const char last_name[] = "kipfw.lasterr";

/* One sysctl as it is sent. */
struct item {
	const char *name;
	const void *value;
	size_t len; /* of the value */
	uint32_t flags;
};

static size_t
item_size(const struct item *it)
{
	size_t size = sizeof(struct dn_sysctl) + it->len + strlen(it->name) + 1;

	return (size + 3) & ~(size_t)3;
}

/* Puts an item at 'at' if that is not NULL; returns its size. */
static size_t
put_item(const struct item *it, unsigned char *at)
{
	size_t size = item_size(it), namelen = strlen(it->name) + 1;

	if (at == NULL)
		return size;
	*(struct dn_sysctl *)(void *)at = (struct dn_sysctl){
	    .blocklen = (uint32_t)size,
	    .namelen = (uint32_t)namelen,
	    .flags = it->flags,
	    .datalen = (uint32_t)it->len,
	};
	at += sizeof(struct dn_sysctl);
	memcpy(at, it->value, it->len);
	memcpy(at + it->len, it->name, namelen);
	return size;
}

/* All sysctls, to 'at' or, if that is NULL, only their size. */
static size_t
put_items(struct knobs *knobs, const struct err *last, unsigned char *at)
{
	size_t done = 0;

	for (const struct knob_info *k = knob_table; k->name != NULL; k++) {
		uint32_t value = knob_get(knob_word(knobs, k));
		struct item it = {
		    .name = k->name,
		    .value = &value,
		    .len = sizeof(value),
		    .flags = SYSCTL_UINT |
			(k->min >= k->max ? SYSCTL_READ_ONLY :
					    SYSCTL_READ_WRITE),
		};

		done += put_item(&it, at != NULL ? at + done : NULL);
	}
	if (last->text[0] != '\0') {
		struct item it = {
		    .name = last_name,
		    .value = last->text,
		    .len = strlen(last->text) + 1,
		    .flags = SYSCTL_STRING | SYSCTL_READ_ONLY,
		};

		done += put_item(&it, at != NULL ? at + done : NULL);
	}
	return done;
}

static int
get_sysctls(struct control *c, struct ctl_call *call, const struct err *last)
{
	struct knobs *knobs = engine_knobs(c->en);
	struct dn_id *id = call->data;
	unsigned char *at = (unsigned char *)(id + 1);
	size_t need = sizeof(*id) + put_items(knobs, last, NULL) +
	    sizeof(struct dn_sysctl);

	ctl_states_tell(c->en);
	dn_sysctl_tell(c->en);
	if (call->room < need) {
		id->id = (uint32_t)need;
		call->reply_len = sizeof(*id);
		return 0;
	}
	memset(at, 0, need - sizeof(*id));
	put_items(knobs, last, at);
	call->reply_len = need;
	return 0;
}

bool
op_dn_reads_sysctl(const struct ctl_call *call)
{
	const struct dn_id *id = call->data;

	return call->optname == CTL_DUMMYNET3 && call->dir == CTL_DIR_GET &&
	    call->len >= sizeof(*id) && id->type == DN_SYSCTL_GET;
}

int
op_dn_get(struct control *c, struct ctl_call *call, const struct err *last,
    struct err *e)
{
	struct dn_id *id = call->data;

	if (call->len < sizeof(*id))
		return err_set(e, EINVAL, "request of %zu octets", call->len);
	if (id->type == DN_SYSCTL_GET)
		return get_sysctls(c, call, last);
	if ((id->type != DN_CMD_GET && id->type != DN_CMD_GET_MORE) ||
	    (id->subtype != DN_LINK && id->subtype != DN_SCH &&
		id->subtype != DN_FS))
		return err_set(e, EINVAL, "unknown dummynet request %u.%u",
		    id->type, id->subtype);
	return dn_report_get(c->en, call, e);
}

/* Settings that the start of the daemon decides, and how.  What they are may be
 * set again, so that saved settings can be restored. */
static const struct {
	const char *name;
	const char *why;
} fixed[] = {
    {"net.inet.ip.fw.dyn_buckets",
	"the buckets follow from the room for states: kipfw --states"},
};

static int
check_fixed(const struct knob_info *k, uint32_t now, uint32_t value,
    struct err *e)
{
	for (unsigned i = 0; i < ARRAY_LEN(fixed); i++)
		if (value != now && strcmp(fixed[i].name, k->name) == 0)
			return err_set(e, EOPNOTSUPP, "sysctl %s is %u: %s",
			    k->name, now, fixed[i].why);
	return 0;
}

static int
set_knob(struct control *c, const char *name, uint32_t value, struct err *e)
{
	const struct knob_info *k = knob_table;
	_Atomic uint32_t *word;
	int error;

	while (k->name != NULL && strcmp(k->name, name) != 0)
		k++;
	if (k->name == NULL)
		return err_set(e, ENOENT, "no sysctl '%.100s'", name);
	if (k->min >= k->max)
		return err_set(e, EPERM, "sysctl %s can only be read", k->name);
	if (value < k->min || value > k->max)
		return err_set(e, EINVAL, "sysctl %s=%u: %u to %u are allowed",
		    k->name, value, k->min, k->max);
	word = knob_word(engine_knobs(c->en), k);
	error = check_fixed(k, knob_get(word), value, e);
	if (error != 0)
		return error;
	knob_set(word, value);
	dn_sysctl_apply(c->en);
	return 0;
}

/* Sets one sysctl: dn_id, dn_sysctl, a value of four octets, name. */
static int
set_sysctl(struct control *c, const struct ctl_call *call, struct err *e)
{
	const unsigned char *p = call->data;
	struct dn_sysctl h;
	uint32_t value;
	size_t at = sizeof(struct dn_id) + sizeof(h) + sizeof(value);
	const char *name;

	if (call->len <= at)
		return err_set(
		    e, EINVAL, "sysctl request of %zu octets", call->len);
	memcpy(&h, p + sizeof(struct dn_id), sizeof(h));
	memcpy(&value, p + at - sizeof(value), sizeof(value));
	if (h.datalen != sizeof(value))
		return err_set(e, EINVAL,
		    "sysctl value of %u octets: 4 are "
		    "wanted",
		    h.datalen);
	name = (const char *)p + at;
	if (h.namelen > call->len - at ||
	    strnlen(name, h.namelen) != h.namelen - 1)
		return err_set(e, EINVAL, "malformed name of a sysctl");
	return set_knob(c, name, value, e);
}

/* What a delete names, and where its sentence goes. */
struct deletion {
	uint8_t what;
	uint32_t nr;
	struct err *e;
};

/* An engine_dn_fn. */
static int
delete_one(struct dn *dn, ns_t now, void *arg)
{
	const struct deletion *d = arg;

	switch (d->what) {
	case DN_LINK:
		return dn_link_delete(dn, d->nr, now, d->e);
	case DN_FS:
		return dn_fs_delete(dn, d->nr, now, d->e);
	default:
		return err_set(d->e, EINVAL, "a scheduler goes with its pipe: "
		    "delete pipe %u", d->nr);
	}
}

/* A dn_id whose subtype says what, then numbers of eight octets. */
static int
delete_objects(struct control *c, const struct ctl_call *call, struct err *e)
{
	const char *at = (const char *)call->data + sizeof(struct dn_id);
	const struct dn_id *id = call->data;
	size_t n = (call->len - sizeof(*id)) / sizeof(uint64_t);

	if (n == 0)
		return err_set(e, EINVAL, "nothing is named to be deleted");
	for (; n > 0; n--, at += sizeof(uint64_t)) {
		struct deletion d = {.what = id->subtype, .e = e};
		uint64_t nr;
		int rc;

		memcpy(&nr, at, sizeof(nr));
		if (nr >= DN_FIRST_PIPE)
			return err_set(e, EINVAL, "no such number");
		d.nr = (uint32_t)nr;
		if ((rc = engine_dn_call(c->en, delete_one, &d)) != 0)
			return rc;
	}
	return 0;
}

/* An engine_dn_fn. */
static int
flush_all(struct dn *dn, ns_t now, void *arg)
{
	(void)arg;
	dn_flush(dn, now);
	return 0;
}

int
op_dn_set(struct control *c, struct ctl_call *call, struct err *e)
{
	const struct dn_id *id = call->data;

	if (call->len < sizeof(*id))
		return err_set(e, EINVAL, "request of %zu octets", call->len);
	if (id->id != DN_API_VERSION)
		return err_set(e, EINVAL, "dummynet interface %u: %u is known",
		    id->id, DN_API_VERSION);
	switch (id->type) {
	case DN_SYSCTL_SET:
		return set_sysctl(c, call, e);
	case DN_CMD_FLUSH:
		return engine_dn_call(c->en, flush_all, NULL);
	case DN_CMD_CONFIG:
		return dn_config_apply(c->en, id + 1,
		    call->len - sizeof(*id), e);
	case DN_CMD_DELETE:
		return delete_objects(c, call, e);
	default:
		return err_set(
		    e, EINVAL, "unknown dummynet request %u", id->type);
	}
}
