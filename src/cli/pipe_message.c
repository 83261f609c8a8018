/* SPDX-License-Identifier: BSD-2-Clause */
/* A configuration as the objects that are sent, one right after the other. */
#include "cli/pipe_config.h"

#include "cli/pipe_file.h"

#include <stdlib.h>
#include <string.h>

struct message {
	char *at; /* NULL: only measured */
	size_t len;
};

/* Adds an object of 'size' octets; what it starts with is its dn_id. */
static void
put(struct message *m, uint8_t type, uint8_t subtype, const void *obj,
    size_t size)
{
	struct dn_id id = {.len = (uint16_t)size, .type = type,
	    .subtype = subtype};

	if (m->at != NULL) {
		memcpy(m->at + m->len, obj, size);
		memcpy(m->at + m->len, &id, sizeof(id));
	}
	m->len += size;
}

static void
put_trace(struct message *m, const struct pipe_config *pc)
{
	enum { CHUNK = 8000 };
	union {
		struct abi_dn_more_trace head;
		char room[sizeof(struct abi_dn_more_trace) +
		    CHUNK * sizeof(struct moment)];
	} o;
	const struct trace *t = pc->trace;

	for (uint32_t at = 0; t != NULL && at < t->n; at += CHUNK) {
		uint32_t n = t->n - at < CHUNK ? t->n - at : CHUNK;

		o.head.link_nr = pc->link.link_nr;
		o.head.first = at;
		memcpy(o.room + sizeof(o.head), t->moments + at,
		    n * sizeof(struct moment));
		put(m, DN_MORE_TRACE, 0, &o,
		    sizeof(o.head) + n * sizeof(struct moment));
	}
}

static void
put_all(struct message *m, const struct pipe_config *pc)
{
	struct dn_id id = {.len = sizeof(id), .type = DN_CMD_CONFIG,
	    .id = DN_API_VERSION};

	if (m->at != NULL)
		memcpy(m->at, &id, sizeof(id));
	m->len = sizeof(id);
	if (pc->has_sch_extra)
		put(m, DN_TEXT, DN_SCH_PARAMS, &pc->sch_extra,
		    sizeof(pc->sch_extra));
	if (pc->kind != DN_FS)
		put(m, DN_SCH, 0, &pc->sch, sizeof(pc->sch));
	if (pc->kind == DN_LINK) {
		put(m, DN_LINK, 0, &pc->link, sizeof(pc->link));
		if (pc->has_more_link)
			put(m, DN_MORE_LINK, 0, &pc->more_link,
			    sizeof(pc->more_link));
		put_trace(m, pc);
	}
	if (pc->has_fs_extra)
		put(m, DN_TEXT, DN_AQM_PARAMS, &pc->fs_extra,
		    sizeof(pc->fs_extra));
	put(m, DN_FS, 0, &pc->fs, sizeof(pc->fs));
	if (pc->has_more_fs)
		put(m, DN_MORE_FS, 0, &pc->more_fs, sizeof(pc->more_fs));
	if (pc->profile != NULL)
		put(m, DN_PROFILE, pc->profile->oid.subtype, pc->profile, sizeof(*pc->profile));
}

void *
pipe_config_message(const struct pipe_config *pc, size_t *len)
{
	struct message m = {NULL, 0};

	put_all(&m, pc);
	if ((m.at = malloc(m.len)) == NULL)
		return NULL;
	put_all(&m, pc);
	*len = m.len;
	return m.at;
}
