/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/gen_trace.h"

#include "capture/reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { ETHER_LEN = 14, LEN_MAX = 65535 };

/* Memory that grows while the file is read.  Frames hold offsets until the
 * bytes stop moving. */
struct store {
	size_t *offsets;
	unsigned n, room;
	uint8_t *bytes;
	size_t used, size;
	unsigned len_max;
};

/* Makes room for one more frame of 'len' octets. */
static int
reserve(struct store *s, unsigned len, struct err *e)
{
	if (s->n == GEN_TRACE_MAX_FRAMES || s->used + len > GEN_TRACE_MAX_BYTES)
		return err_set(e, E2BIG, "more than %d frames or %d octets",
			       GEN_TRACE_MAX_FRAMES, GEN_TRACE_MAX_BYTES);
	if (s->n == s->room) {
		unsigned room = s->room != 0 ? 2 * s->room : 1024;
		size_t *grown = reallocarray(s->offsets, room, sizeof(*grown));

		if (grown == NULL)
			return err_set(e, ENOMEM, "no memory");
		s->offsets = grown;
		s->room = room;
	}
	if (s->used + len > s->size) {
		size_t size = 2 * s->size + LEN_MAX;
		uint8_t *grown = realloc(s->bytes, size);

		if (grown == NULL)
			return err_set(e, ENOMEM, "no memory");
		s->bytes = grown;
		s->size = size;
	}
	return 0;
}

static int
add_frame(struct store *s, const struct capture_packet *p, struct err *e)
{
	int rc;

	if (p->kept < ETHER_LEN || p->kept > LEN_MAX)
		return err_set(e, EINVAL, "frame %u has %u octets", s->n + 1,
			       p->kept);
	rc = reserve(s, p->kept, e);
	if (rc != 0)
		return rc;
	memcpy(s->bytes + s->used, p->data, p->kept);
	s->offsets[s->n++] = s->used;
	s->used += p->kept;
	if (p->kept > s->len_max)
		s->len_max = p->kept;
	return 0;
}

static int
read_all(struct capture_reader *r, struct store *s, struct err *e)
{
	struct capture_packet p;
	int got, rc = 0;

	while (rc == 0 && (got = capture_next_alone(r, &p, e)) != CAPTURE_END)
		rc = got == CAPTURE_PACKET ? add_frame(s, &p, e) : got;
	if (rc == 0 && s->n == 0)
		return err_set(e, EINVAL, "there is no frame in it");
	return rc;
}

/* The bytes stay where they are now: turns offsets into frames. */
static int
finish(struct store *s, struct gen_trace *out, struct err *e)
{
	struct gen_trace_frame *frames = calloc(s->n, sizeof(*frames));

	if (frames == NULL)
		return err_set(e, ENOMEM, "no memory");
	for (unsigned i = 0; i < s->n; i++) {
		size_t end = i + 1 < s->n ? s->offsets[i + 1] : s->used;

		frames[i].octets = s->bytes + s->offsets[i];
		frames[i].len = (unsigned)(end - s->offsets[i]);
	}
	*out = (struct gen_trace){
	    .frames = frames,
	    .n_frames = s->n,
	    .len_max = s->len_max,
	    .bytes = s->bytes,
	};
	s->bytes = NULL;
	return 0;
}

int
gen_trace_load(const char *file, struct gen_trace *out, struct err *e)
{
	const char *path = strcmp(file, "-") == 0 ? "/dev/stdin" : file;
	struct capture_reader *r;
	struct store s = {0};
	int rc = capture_open(path, READER_ANY, &r, e);

	if (rc != 0)
		return rc;
	rc = read_all(r, &s, e);
	if (rc == 0)
		rc = finish(&s, out, e);
	capture_close(r);
	free(s.offsets);
	free(s.bytes);
	return rc;
}

void
gen_trace_free(struct gen_trace *t)
{
	free(t->frames);
	free(t->bytes);
	*t = (struct gen_trace){0};
}
