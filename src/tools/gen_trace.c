/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/gen_trace.h"

#include <errno.h>
#include <pcap/pcap.h>
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
add_frame(struct store *s, const struct pcap_pkthdr *h, const uint8_t *octets,
	  struct err *e)
{
	int rc;

	if (h->caplen < ETHER_LEN || h->caplen > LEN_MAX)
		return err_set(e, EINVAL, "frame %u has %u octets", s->n + 1,
			       h->caplen);
	rc = reserve(s, h->caplen, e);
	if (rc != 0)
		return rc;
	memcpy(s->bytes + s->used, octets, h->caplen);
	s->offsets[s->n++] = s->used;
	s->used += h->caplen;
	if (h->caplen > s->len_max)
		s->len_max = h->caplen;
	return 0;
}

static int
read_all(pcap_t *p, struct store *s, struct err *e)
{
	struct pcap_pkthdr *h;
	const uint8_t *octets;
	int got, rc;

	if (pcap_datalink(p) != DLT_EN10MB)
		return err_set(e, EINVAL, "the link type is not Ethernet");
	while ((got = pcap_next_ex(p, &h, &octets)) == 1) {
		rc = add_frame(s, h, octets, e);
		if (rc != 0)
			return rc;
	}
	if (got == -1)
		return err_set(e, EINVAL, "%.120s", pcap_geterr(p));
	if (s->n == 0)
		return err_set(e, EINVAL, "there is no frame in it");
	return 0;
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
	char text[PCAP_ERRBUF_SIZE] = "";
	struct store s = {0};
	FILE *f = strcmp(file, "-") == 0 ? stdin : fopen(file, "re");
	pcap_t *p;
	int rc;

	if (f == NULL)
		return err_set(e, errno, "%s", strerror(errno));
	p = pcap_fopen_offline(f, text);
	if (p == NULL) {
		fclose(f);
		return err_set(e, EINVAL, "%.120s", text);
	}
	rc = read_all(p, &s, e);
	if (rc == 0)
		rc = finish(&s, out, e);
	pcap_close(p);
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
