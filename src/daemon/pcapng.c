/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/pcapng.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	BLOCK_SECTION = 0x0a0d0d0a,
	BLOCK_IFACE = 1,
	BLOCK_PACKET = 6,
	MAGIC = 0x1a2b3c4d,
	LINK_ETHERNET = 1,
	OPT_COMMENT = 1,
	OPT_IF_NAME = 2,
	OPT_IF_TSRESOL = 9,
	NANOSECONDS = 9, /* 10^-9 */
	MAX_IFACES = 256, /* more names share the last one */
	NAME_LEN = 16,
	MAX_COMMENT = 4096,
};

struct pcapng {
	FILE *to;
	uint32_t snap;
	unsigned n_ifaces;
	char ifaces[MAX_IFACES][NAME_LEN];
};

static uint32_t
padded(uint32_t n)
{
	return (n + 3) & ~3u;
}

static void
put(struct pcapng *f, const void *data, size_t n)
{
	fwrite(data, 1, n, f->to);
}

static void
put32(struct pcapng *f, uint32_t v)
{
	put(f, &v, sizeof(v));
}

static void
put_padded(struct pcapng *f, const void *data, uint32_t n)
{
	static const char zero[4];

	put(f, data, n);
	put(f, zero, padded(n) - n);
}

static void
put_option(struct pcapng *f, uint16_t code, const void *data, uint16_t n)
{
	uint16_t head[2] = {code, n};

	put(f, head, sizeof(head));
	put_padded(f, data, n);
}

static uint32_t
option_size(uint32_t n)
{
	return 4 + padded(n);
}

static void
put_section(struct pcapng *f)
{
	const uint32_t size = 28;
	const uint16_t version[2] = {1, 0};
	const int64_t length = -1; /* not told */

	put32(f, BLOCK_SECTION);
	put32(f, size);
	put32(f, MAGIC);
	put(f, version, sizeof(version));
	put(f, &length, sizeof(length));
	put32(f, size);
}

static void
put_iface(struct pcapng *f, const char *name)
{
	const uint16_t link[2] = {LINK_ETHERNET, 0};
	const uint8_t res = NANOSECONDS;
	uint16_t n = (uint16_t)strlen(name);
	uint32_t size = 20 + option_size(n) + option_size(1) + 4;

	put32(f, BLOCK_IFACE);
	put32(f, size);
	put(f, link, sizeof(link));
	put32(f, f->snap);
	put_option(f, OPT_IF_NAME, name, n);
	put_option(f, OPT_IF_TSRESOL, &res, 1);
	put32(f, 0); /* end of options */
	put32(f, size);
}

/* The number of the interface; a new one is described first. */
static unsigned
iface(struct pcapng *f, const char *name)
{
	char key[NAME_LEN] = "";
	unsigned i;

	memcpy(key, name, strnlen(name, sizeof(key) - 1));
	for (i = 0; i < f->n_ifaces; i++)
		if (strcmp(f->ifaces[i], key) == 0)
			return i;
	if (i == MAX_IFACES)
		return i - 1;
	memcpy(f->ifaces[f->n_ifaces++], key, sizeof(key));
	put_iface(f, key);
	return i;
}

int
pcapng_create(const char *path, uint32_t snap, struct pcapng **out,
    struct err *e)
{
	struct pcapng *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return err_set(e, ENOMEM, "no memory for a capture file");
	f->snap = snap;
	if ((f->to = fopen(path, "we")) == NULL) {
		free(f);
		return err_set(e, errno, "%s: %s", path, strerror(errno));
	}
	put_section(f);
	*out = f;
	return 0;
}

bool
pcapng_put(struct pcapng *f, const struct pcapng_packet *p)
{
	size_t len = p->comment != NULL ? strlen(p->comment) : 0;
	uint16_t n = (uint16_t)(len < MAX_COMMENT ? len : MAX_COMMENT);
	uint32_t size = 32 + padded(p->kept);
	unsigned i = iface(f, p->ifname);

	if (n > 0)
		size += option_size(n) + 4;
	put32(f, BLOCK_PACKET);
	put32(f, size);
	put32(f, i);
	put32(f, (uint32_t)(p->ns >> 32));
	put32(f, (uint32_t)p->ns);
	put32(f, p->kept);
	put32(f, p->len);
	put_padded(f, p->data, p->kept);
	if (n > 0) {
		put_option(f, OPT_COMMENT, p->comment, n);
		put32(f, 0); /* end of options */
	}
	put32(f, size);
	return ferror(f->to) == 0;
}

bool
pcapng_flush(struct pcapng *f)
{
	return fflush(f->to) == 0;
}

void
pcapng_close(struct pcapng *f)
{
	if (f == NULL)
		return;
	fclose(f->to);
	free(f);
}
