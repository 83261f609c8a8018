/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/writer.h"

#include "base/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum {
	BLOCK_SECTION = 0x0a0d0d0a,
	BLOCK_IFACE = 1,
	BLOCK_PACKET = 6,
	BLOCK_PACKET_HEAD = 28,
	MAGIC_NG = 0x1a2b3c4d,
	LINK_ETHERNET = 1,
	OPT_COMMENT = 1,
	OPT_IF_NAME = 2,
	OPT_IF_TSRESOL = 9,
	NANOSECONDS = 9, /* 10^-9 */
	NAME_LEN = 16,
	MAX_COMMENT = 4096,
	BUF = 1 << 17,
	BUFS = 8,
	PACKED = 1 << 16,
	LEVEL = 1, /* of gzip: captures come fast */
};

#define MAGIC_PCAP_NS 0xa1b23c4du

struct full { /* a buffer that is to be written */
	uint8_t *buf;
	size_t n;
	bool is_last;
};

struct writer {
	/* who puts packets */
	bool is_pcap;
	bool failed;
	uint32_t snap;
	size_t used; /* of buf */
	uint8_t *buf; /* the one of bufs that fills */
	unsigned n_ifaces;
	char ifaces[WRITER_IFACES][NAME_LEN];
	/* the thread */
	int fd;
	z_stream *z; /* NULL: not packed */
	char *path;
	/* both, under the lock */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_t thread;
	struct full full[BUFS]; /* full[first], and so on round */
	unsigned first, n_full; /* the one being written included */
	uint8_t *free[BUFS];	/* the one on top was written last: it is in
				 * the cache */
	unsigned n_free;
	int error; /* -errno of the first trouble */
	uint8_t bufs[BUFS][BUF]; /* pages when touched */
	uint8_t packed[PACKED];
};

/* ---- the thread: to the file ---- */

static int
write_all(const struct writer *w, const uint8_t *data, size_t n)
{
	while (n > 0) {
		ssize_t done = write(w->fd, data, n);

		if (done == -1 && errno == EINTR)
			continue;
		if (done == -1)
			return -errno;
		data += done;
		n -= (size_t)done;
	}
	return 0;
}

/* Packs what there is, and writes what comes of it. */
static int
pack(struct writer *w, const uint8_t *data, size_t n, int how)
{
	int rc, error = 0;

	w->z->next_in = (uint8_t *)(uintptr_t)data; /* zlib does not write */
	w->z->avail_in = (unsigned)n;
	do {
		w->z->next_out = w->packed;
		w->z->avail_out = PACKED;
		rc = deflate(w->z, how);
		error = write_all(w, w->packed, PACKED - w->z->avail_out);
	} while (error == 0 && w->z->avail_out == 0 && rc == Z_OK);
	return error;
}

static int
write_full(struct writer *w, const uint8_t *data, size_t n, bool last)
{
	return w->z == NULL ? write_all(w, data, n) :
	    pack(w, data, n, last ? Z_FINISH : Z_NO_FLUSH);
}

static void *
writer_main(void *arg)
{
	struct writer *w = arg;
	bool last = false;

	pthread_mutex_lock(&w->lock);
	while (!last) {
		int error = w->error;
		struct full f;

		while (w->n_full == 0)
			pthread_cond_wait(&w->changed, &w->lock);
		f = w->full[w->first];
		pthread_mutex_unlock(&w->lock);
		if (error == 0)
			error = write_full(w, f.buf, f.n, f.is_last);
		pthread_mutex_lock(&w->lock);
		last = f.is_last;
		w->error = error;
		w->first = (w->first + 1) % BUFS;
		w->n_full--;
		w->free[w->n_free++] = f.buf;
		pthread_cond_signal(&w->changed);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

/* ---- to the thread ---- */

/* With the lock: waits until at most 'n' full buffers are left. */
static void
wait_for(struct writer *w, unsigned n)
{
	while (w->n_full > n)
		pthread_cond_wait(&w->changed, &w->lock);
	w->failed = w->error != 0;
}

/* Gives the full buffer away, and goes on with another one. */
static void
hand_over(struct writer *w, bool last)
{
	pthread_mutex_lock(&w->lock);
	wait_for(w, BUFS - 2);
	w->full[(w->first + w->n_full++) % BUFS] = (struct full){w->buf,
	    w->used, last};
	w->buf = w->free[--w->n_free];
	w->used = 0;
	pthread_cond_signal(&w->changed);
	pthread_mutex_unlock(&w->lock);
}

static void
put_slowly(struct writer *w, const uint8_t *data, size_t n)
{
	while (n > 0) {
		size_t k = BUF - w->used < n ? BUF - w->used : n;

		memcpy(w->buf + w->used, data, k);
		w->used += k;
		data += k;
		n -= k;
		if (w->used == BUF)
			hand_over(w, false);
	}
}

static inline void
put(struct writer *w, const void *data, size_t n)
{
	if (unlikely(n >= BUF - w->used)) {
		put_slowly(w, data, n);
		return;
	}
	memcpy(w->buf + w->used, data, n);
	w->used += n;
}

/* ---- pcapng ---- */

static inline uint32_t
padded(uint32_t n)
{
	return (n + 3) & ~3u;
}

static void
put32(struct writer *w, uint32_t v)
{
	put(w, &v, sizeof(v));
}

static inline void
put_padded(struct writer *w, const void *data, uint32_t n)
{
	static const char zero[4];

	put(w, data, n);
	put(w, zero, padded(n) - n);
}

static void
put_option(struct writer *w, uint16_t code, const void *data, uint16_t n)
{
	uint16_t head[2] = {code, n};

	put(w, head, sizeof(head));
	put_padded(w, data, n);
}

static uint32_t
option_size(uint32_t n)
{
	return 4 + padded(n);
}

static void
put_section(struct writer *w)
{
	const uint32_t size = 28;
	const uint16_t version[2] = {1, 0};
	const int64_t length = -1; /* not told */

	put32(w, BLOCK_SECTION);
	put32(w, size);
	put32(w, MAGIC_NG);
	put(w, version, sizeof(version));
	put(w, &length, sizeof(length));
	put32(w, size);
}

static void
put_iface(struct writer *w, const char *name)
{
	const uint16_t link[2] = {LINK_ETHERNET, 0};
	const uint8_t res = NANOSECONDS;
	uint16_t n = (uint16_t)strlen(name);
	uint32_t size = 20 + option_size(n) + option_size(1) + 4;

	put32(w, BLOCK_IFACE);
	put32(w, size);
	put(w, link, sizeof(link));
	put32(w, w->snap);
	put_option(w, OPT_IF_NAME, name, n);
	put_option(w, OPT_IF_TSRESOL, &res, 1);
	put32(w, 0); /* end of options */
	put32(w, size);
}

/* Two numbers that follow one another. */
static inline uint8_t *
set_pair(uint8_t *to, uint32_t a, uint32_t b)
{
	uint64_t v = a | (uint64_t)b << 32;

	memcpy(to, &v, sizeof(v));
	return to + sizeof(v);
}

/* A packet without a comment, for whose block of 'size' octets there is room:
 * nearly all. */
static inline void
put_ng_fast(struct writer *w, uint32_t size, unsigned iface, ns_t ns,
    const void *data, uint32_t kept, uint32_t len)
{
	uint8_t *to = w->buf + w->used;

	w->used += size;
	set_pair(to + size - 8, 0, size); /* octets go over what pads them */
	to = set_pair(to, BLOCK_PACKET, size);
	to = set_pair(to, iface, (uint32_t)(ns >> 32));
	to = set_pair(to, (uint32_t)ns, kept);
	memcpy(to, &len, sizeof(len));
	copy_frame(to + sizeof(len), data, kept);
}

static void
put_ng(struct writer *w, const struct writer_packet *p)
{
	size_t len = p->comment != NULL ? strlen(p->comment) : 0;
	uint16_t n = (uint16_t)(len < MAX_COMMENT ? len : MAX_COMMENT);
	uint32_t head[BLOCK_PACKET_HEAD / 4] = {
	    BLOCK_PACKET, 32 + padded(p->kept), p->iface,
	    (uint32_t)(p->ns >> 32), (uint32_t)p->ns, p->kept, p->len};

	if (likely(n == 0) && head[1] < BUF - w->used) {
		put_ng_fast(w, head[1], p->iface, p->ns, p->data, p->kept,
		    p->len);
		return;
	}
	if (n > 0)
		head[1] += option_size(n) + 4;
	put(w, head, sizeof(head));
	put_padded(w, p->data, p->kept);
	if (n > 0) {
		put_option(w, OPT_COMMENT, p->comment, n);
		put32(w, 0); /* end of options */
	}
	put(w, &head[1], sizeof(head[1]));
}

/* ---- pcap ---- */

static void
put_file_head(struct writer *w)
{
	const struct {
		uint32_t magic;
		uint16_t version[2];
		uint32_t unused[2];
		uint32_t snap;
		uint32_t link;
	} head = {MAGIC_PCAP_NS, {2, 4}, {0, 0}, w->snap, LINK_ETHERNET};

	put(w, &head, sizeof(head));
}

static void
put_pcap(struct writer *w, const struct writer_packet *p)
{
	const uint32_t head[4] = {(uint32_t)(p->ns / NS_PER_S),
	    (uint32_t)(p->ns % NS_PER_S), p->kept, p->len};

	put(w, head, sizeof(head));
	put(w, p->data, p->kept);
}

/* ---- what callers see ---- */

static bool
ends_with(const char *path, const char *end)
{
	size_t n = strlen(path), k = strlen(end);

	return n >= k && strcmp(path + n - k, end) == 0;
}

static int
begin_packing(struct writer *w)
{
	if ((w->z = calloc(1, sizeof(*w->z))) == NULL)
		return -ENOMEM;
	if (deflateInit2(w->z, LEVEL, Z_DEFLATED, 16 + MAX_WBITS, 8,
		Z_DEFAULT_STRATEGY) == Z_OK)
		return 0;
	free(w->z);
	w->z = NULL;
	return -ENOMEM;
}

static void
writer_free(struct writer *w)
{
	if (w->z != NULL)
		deflateEnd(w->z);
	free(w->z);
	if (w->fd != -1)
		close(w->fd);
	pthread_mutex_destroy(&w->lock);
	pthread_cond_destroy(&w->changed);
	free(w->path);
	free(w);
}

/* The thread, which no signal is for. */
static int
start(struct writer *w)
{
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&w->thread, NULL, writer_main, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -rc;
}

static struct writer *
writer_alloc(const char *path, uint32_t snap)
{
	struct writer *w = malloc(sizeof(*w));

	if (w == NULL)
		return NULL;
	memset(w, 0, offsetof(struct writer, bufs));
	w->fd = -1;
	w->snap = snap;
	w->buf = w->bufs[0];
	for (w->n_free = 0; w->n_free < BUFS - 1; w->n_free++)
		w->free[w->n_free] = w->bufs[w->n_free + 1];
	w->is_pcap = ends_with(path, ".pcap") || ends_with(path, ".pcap.gz");
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->changed, NULL);
	w->path = strdup(path);
	if (w->path == NULL ||
	    (ends_with(path, ".gz") && begin_packing(w) != 0)) {
		writer_free(w);
		return NULL;
	}
	return w;
}

int
writer_create(const char *path, uint32_t snap, struct writer **out,
    struct err *e)
{
	struct writer *w = writer_alloc(path, snap);
	int rc;

	if (w == NULL)
		return err_set(e, ENOMEM, "no memory for a capture file");
	w->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (w->fd == -1) {
		rc = err_set(e, errno, "%s: %s", path, strerror(errno));
		writer_free(w);
		return rc;
	}
	if ((rc = start(w)) != 0) {
		writer_free(w);
		return err_set(e, -rc, "%s: no thread to write it: %s", path,
		    strerror(-rc));
	}
	if (w->is_pcap)
		put_file_head(w);
	else
		put_section(w);
	*out = w;
	return 0;
}

unsigned
writer_iface(struct writer *w, const char *name)
{
	char key[NAME_LEN] = "";
	unsigned i;

	if (w->is_pcap)
		return 0;
	memcpy(key, name, strnlen(name, sizeof(key) - 1));
	for (i = 0; i < w->n_ifaces; i++)
		if (strcmp(w->ifaces[i], key) == 0)
			return i;
	if (i == WRITER_IFACES)
		return i - 1;
	memcpy(w->ifaces[w->n_ifaces++], key, sizeof(key));
	put_iface(w, key);
	return i;
}

unsigned
writer_put_frames(struct writer *w, unsigned iface, uint32_t snap,
    const struct writer_frame *f, unsigned n)
{
	bool plain = !w->is_pcap && !w->failed;

	for (unsigned i = 0; i < n; i++, f++) {
		uint32_t kept = f->len < snap ? f->len : snap;
		uint32_t size = BLOCK_PACKET_HEAD + 4 + padded(kept);

		if (likely(plain && size < BUF - w->used))
			put_ng_fast(w, size, iface, f->ns, f->data, kept,
			    f->len);
		else if (!writer_put(w, &(struct writer_packet){.ns = f->ns,
			     .iface = iface, .data = f->data, .kept = kept,
			     .len = f->len}))
			return i;
	}
	return n;
}

bool
writer_put(struct writer *w, const struct writer_packet *p)
{
	if (unlikely(w->failed))
		return false;
	if (w->is_pcap)
		put_pcap(w, p);
	else
		put_ng(w, p);
	return !w->failed;
}

bool
writer_flush(struct writer *w)
{
	hand_over(w, false);
	pthread_mutex_lock(&w->lock);
	wait_for(w, 0);
	pthread_mutex_unlock(&w->lock);
	return !w->failed;
}

int
writer_close(struct writer *w, struct err *e)
{
	int rc;

	if (w == NULL)
		return 0;
	hand_over(w, true);
	pthread_join(w->thread, NULL);
	rc = w->error;
	if (close(w->fd) == -1 && rc == 0)
		rc = -errno;
	w->fd = -1;
	if (rc != 0)
		err_set(e, -rc, "%s: %s", w->path, strerror(-rc));
	writer_free(w);
	return rc;
}
