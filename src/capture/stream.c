/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum {
	CHUNK = 1 << 16,
	MAGIC_LEN = 2,
	GZIP_ONLY = 16 + MAX_WBITS, /* of inflateInit2() */
};

static const uint8_t magic[MAGIC_LEN] = {0x1f, 0x8b};

struct stream {
	int fd;
	bool is_gzip;
	bool at_end;	/* of the file */
	bool is_inside; /* a member of a gzip file is not over */
	z_stream z;
	size_t at, have; /* octets of 'in' that are still to be read */
	char *path;
	uint8_t in[CHUNK];
};

/* Reads from the file into 'in', behind what is there. */
static int
fill(struct stream *s, struct err *e)
{
	ssize_t n;

	if (s->at > 0) {
		memmove(s->in, s->in + s->at, s->have);
		s->at = 0;
	}
	do
		n = read(s->fd, s->in + s->have, CHUNK - s->have);
	while (n == -1 && errno == EINTR);
	if (n == -1)
		return err_set(e, errno, "%s: %s", s->path, strerror(errno));
	s->have += (size_t)n;
	s->at_end = n == 0;
	return 0;
}

/* Has MAGIC_LEN octets in 'in', if there are so many. */
static int
fill_magic(struct stream *s, struct err *e)
{
	int rc = 0;

	while (rc == 0 && s->have < MAGIC_LEN && !s->at_end)
		rc = fill(s, e);
	return rc;
}

static bool
is_magic(const struct stream *s)
{
	return s->have >= MAGIC_LEN &&
	    memcmp(s->in + s->at, magic, MAGIC_LEN) == 0;
}

/* Looks what kind of file it is. */
static int
begin(struct stream *s, struct err *e)
{
	int rc = fill_magic(s, e);

	if (rc != 0)
		return rc;
	s->is_gzip = is_magic(s);
	if (!s->is_gzip)
		return 0;
	s->is_inside = true;
	if (inflateInit2(&s->z, GZIP_ONLY) != Z_OK)
		return err_set(e, ENOMEM, "%s: no memory to unpack it",
		    s->path);
	return 0;
}

int
stream_open(const char *path, struct stream **out, struct err *e)
{
	struct stream *s = calloc(1, sizeof(*s));
	int rc;

	if (s == NULL || (s->path = strdup(path)) == NULL) {
		free(s);
		return err_set(e, ENOMEM, "%s: no memory", path);
	}
	s->fd = open(path, O_RDONLY | O_CLOEXEC);
	rc = s->fd == -1 ?
	    err_set(e, errno, "%s: %s", path, strerror(errno)) : begin(s, e);
	if (rc != 0) {
		stream_close(s);
		return rc;
	}
	*out = s;
	return 0;
}

void
stream_close(struct stream *s)
{
	if (s == NULL)
		return;
	if (s->is_gzip)
		inflateEnd(&s->z);
	if (s->fd != -1)
		close(s->fd);
	free(s->path);
	free(s);
}

/* A member is over: is there another one? */
static int
next_member(struct stream *s, struct err *e)
{
	int rc = fill_magic(s, e);

	s->is_inside = rc == 0 && is_magic(s);
	if (s->is_inside && inflateReset2(&s->z, GZIP_ONLY) != Z_OK)
		return err_set(e, EINVAL, "%s: cannot be unpacked", s->path);
	return rc;
}

/* Unpacks what there is in 'in'. */
static int
unpack(struct stream *s, struct err *e)
{
	int rc;

	s->z.next_in = s->in + s->at;
	s->z.avail_in = (unsigned)s->have;
	rc = inflate(&s->z, Z_NO_FLUSH);
	s->at += s->have - s->z.avail_in;
	s->have = s->z.avail_in;
	if (rc == Z_STREAM_END)
		return next_member(s, e);
	if (rc != Z_OK && rc != Z_BUF_ERROR)
		return err_set(e, EINVAL, "%s: damaged gzip file: %s", s->path,
		    s->z.msg != NULL ? s->z.msg : "no reason known");
	return 0;
}

static long
read_gzip(struct stream *s, void *to, size_t size, struct err *e)
{
	int rc = 0;

	s->z.next_out = to;
	s->z.avail_out = (unsigned)(size < CHUNK ? size : CHUNK);
	size = s->z.avail_out;
	while (rc == 0 && s->is_inside && s->z.avail_out == size) {
		if (s->have == 0 && (rc = fill(s, e)) == 0 && s->at_end)
			rc = err_set(e, EINVAL, "%s: the gzip file ends in "
			    "the middle", s->path);
		if (rc == 0)
			rc = unpack(s, e);
	}
	return rc != 0 ? rc : (long)(size - s->z.avail_out);
}

long
stream_read(struct stream *s, void *to, size_t size, struct err *e)
{
	ssize_t n;

	if (s->is_gzip)
		return read_gzip(s, to, size, e);
	if (s->have > 0) { /* what begin() has read */
		size = size < s->have ? size : s->have;
		memcpy(to, s->in + s->at, size);
		s->at += size;
		s->have -= size;
		return (long)size;
	}
	do
		n = read(s->fd, to, size);
	while (n == -1 && errno == EINTR);
	if (n == -1)
		return err_set(e, errno, "%s: %s", s->path, strerror(errno));
	return n;
}

int
stream_rewind(struct stream *s, struct err *e)
{
	if (lseek(s->fd, 0, SEEK_SET) == -1)
		return err_set(e, errno, "%s: cannot be read again: %s",
		    s->path, strerror(errno));
	if (s->is_gzip)
		inflateEnd(&s->z);
	memset(&s->z, 0, sizeof(s->z));
	s->is_gzip = s->at_end = false;
	s->at = s->have = 0;
	return begin(s, e);
}
