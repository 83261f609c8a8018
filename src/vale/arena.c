/* SPDX-License-Identifier: BSD-2-Clause */
#include "vale/arena.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	LOCK_WAIT_S = 10,   /* a stopped process may sit in the slow lock */
	POOL_CHUNK = 31,    /* buffers backed at once: 16 pages */
};
#define ALIVE_OFS ((off_t)1 << 40) /* far behind the end of the file */
#define CLAIM_OFS ((off_t)1 << 41)

/* All arenas of this process; more than one only when KIPFW_SHM changes. */
static pthread_mutex_t list_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct arena *list;

static int
dir_path(char *path, size_t size)
{
	const char *env = secure_getenv("KIPFW_SHM");
	int n;

	if (env != NULL && env[0] != '\0')
		n = snprintf(path, size, "%s", env);
	else
		n = snprintf(path, size, "/dev/shm/kipfw-%u",
		    (unsigned)geteuid());
	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

/* Ours alone?  Anybody who can write here could replace the files. */
static int
check_owner(const struct stat *st, const char *path, struct err *e)
{
	if (st->st_uid != geteuid())
		return err_set(e, EPERM, "%s: belongs to user %u", path,
		    (unsigned)st->st_uid);
	if ((st->st_mode & 077) != 0)
		return err_set(e, EPERM, "%s: mode %04o lets others in", path,
		    (unsigned)(st->st_mode & 07777));
	return 0;
}

static int
open_dir(const char *path, struct err *e)
{
	struct stat st;
	int fd, rc;

	if (mkdir(path, 0700) == -1 && errno != EEXIST)
		return err_set(e, errno, "%s: %s", path, strerror(errno));
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return err_set(e, errno, "%s: %s", path, strerror(errno));
	if (fstat(fd, &st) == -1)
		rc = err_set(e, errno, "%s: %s", path, strerror(errno));
	else
		rc = check_owner(&st, path, e);
	if (rc < 0) {
		close(fd);
		return rc;
	}
	return fd;
}

static int
open_file(int dir_fd, const char *name, struct stat *st, struct err *e)
{
	int rc, fd = openat(dir_fd, name,
		    O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
		    0600);

	if (fd == -1)
		return err_set(e, errno, "%s: %s", name, strerror(errno));
	if (fstat(fd, st) == -1)
		rc = err_set(e, errno, "%s: %s", name, strerror(errno));
	else if (!S_ISREG(st->st_mode))
		rc = err_set(e, EPERM, "%s: not a regular file", name);
	else
		rc = check_owner(st, name, e);
	if (rc < 0) {
		close(fd);
		return rc;
	}
	return fd;
}

int
arena_reserve(struct arena *a, size_t ofs, size_t size, struct err *e)
{
	int rc;

	do
		rc = fallocate(a->fd, FALLOC_FL_KEEP_SIZE, (off_t)ofs,
		    (off_t)size);
	while (rc == -1 && errno == EINTR);
	if (rc == -1)
		return err_set(e, errno, "arena: %zu KB of shared memory: %s",
		    size / 1024, strerror(errno));
	return 0;
}

int
arena_reserve_tables(struct arena *a, struct err *e)
{
	struct arena_hdr *h = arena_hdr(a->base);
	int rc;

	if (h->reserved)
		return 0;
	rc = arena_reserve(a, OFS_SWITCHES, OFS_TABLES_END - OFS_SWITCHES, e);
	if (rc < 0)
		return rc;
	/* Nobody is attached; a predecessor may have died right here. */
	memset(at(a->base, OFS_SWITCHES), 0, OFS_TABLES_END - OFS_SWITCHES);
	for (unsigned p = 0; p < VALE_MAX_PORTS; p++)
		for (unsigned r = 0; r < NMPORT_MAX_RINGS; r++)
			arena_port(a->base, p)->rx[r].lock = KLOCK_CLOSED;
	memset(arena_bits(a->base), 0xff, VALE_MAX_BUFS / 8);
	arena_bits(a->base)[0] &= ~3ull;
	h->suspect = 0;
	rc = arena_reserve(a, OFS_BUFS, 2 * VALE_BUF_SIZE, e);
	if (rc == 0)
		st_release(&h->reserved, 1u);
	return rc;
}

void
arena_release_all(struct arena *a)
{
	st_release(&arena_hdr(a->base)->reserved, 0u);
	/* Failure only means that the memory is given back later. */
	(void)!fallocate(a->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
	    (off_t)OFS_SWITCHES, (off_t)(ARENA_SIZE - OFS_SWITCHES));
}

/* Under the slow lock: makes the file, or checks that we speak its layout.  Says
 * so with -EPROTO if not. */
static int
check_header(struct arena *a, struct err *e)
{
	struct arena_hdr *h = arena_hdr(a->base), want = {
		.magic = LAYOUT_MAGIC,
		.version = LAYOUT_VERSION,
		.hdr_size = sizeof(struct arena_hdr),
		.vport_size = sizeof(struct vport),
		.vswitch_size = sizeof(struct vswitch),
		.max_bufs = VALE_MAX_BUFS,
		.buf_size = VALE_BUF_SIZE,
		.file_size = ARENA_SIZE,
	};
	int rc;

	if (h->magic != 0) {
		if (memcmp(h, &want, offsetof(struct arena_hdr, reserved)) == 0)
			return 0;
		return err_set(e, EPROTO,
		    "arena: made by another version of kipfw; remove its "
		    "directory when nobody uses it");
	}
	rc = arena_reserve(a, 0, PAGE, e);
	if (rc < 0)
		return rc;
	want.magic = 0;
	want.hash_seed = clock_mono_ns() * 0x9e3779b97f4a7c15ull;
	*h = want;
	st_release(&h->magic, LAYOUT_MAGIC);
	return 0;
}

/* Size first: mapping a short file would end in SIGBUS. */
static int
map(struct arena *a, struct err *e)
{
	struct stat st;
	void *m;

	if (fstat(a->fd, &st) == -1)
		return err_set(e, errno, "arena: %s", strerror(errno));
	if (st.st_size == 0 && ftruncate(a->fd, (off_t)ARENA_SIZE) == -1)
		return err_set(e, errno, "arena: %s", strerror(errno));
	if (st.st_size != 0 && (size_t)st.st_size != ARENA_SIZE)
		return err_set(e, EPROTO,
		    "arena: size %lld, made by another version of kipfw",
		    (long long)st.st_size);
	/* The header page is backed before it is read. */
	if (st.st_blocks == 0) {
		int rc = arena_reserve(a, 0, PAGE, e);

		if (rc < 0)
			return rc;
	}
	m = mmap(NULL, ARENA_SIZE, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_NORESERVE, a->fd, 0);
	if (m == MAP_FAILED)
		return err_set(e, errno, "arena: cannot map %zu MB: %s",
		    (size_t)ARENA_SIZE >> 20, strerror(errno));
	madvise(m, ARENA_SIZE, MADV_DONTDUMP);
	a->base = m;
	return 0;
}

static int
map_ours(struct arena *a, struct err *e)
{
	int rc = map(a, e);

	return rc == 0 ? check_header(a, e) : rc;
}

/* Has no port of the file a live user?  All versions hold them alike. */
static bool
is_deserted(const struct arena *a)
{
	struct flock fl = {
		.l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = ALIVE_OFS,
		.l_len = VALE_MAX_PORTS,
	};

	return fcntl(a->fd, F_OFD_GETLK, &fl) == 0 && fl.l_type == F_UNLCK;
}

/* In place of what another version has left, a new file.  Whoever has the old
 * one mapped keeps it, and has no port in it. */
static int
renew(struct arena *a)
{
	struct stat st;

	if (a->base != NULL)
		munmap(a->base, ARENA_SIZE);
	a->base = NULL;
	close(a->fd);
	a->fd = -1;
	unlinkat(a->dir_fd, "arena", 0);
	a->fd = open_file(a->dir_fd, "arena", &st, NULL);
	return a->fd >= 0 ? 0 : a->fd;
}

static void
destroy(struct arena *a)
{
	for (unsigned i = 0; i < VALE_MAX_PORTS * NMPORT_MAX_RINGS; i++) {
		int fd = a->wake_fds[i / NMPORT_MAX_RINGS]
				    [i % NMPORT_MAX_RINGS].fd;

		if (fd != -1)
			close(fd);
	}
	if (a->base != NULL)
		munmap(a->base, ARENA_SIZE);
	if (a->lock_fd >= 0)
		close(a->lock_fd);
	if (a->fd >= 0)
		close(a->fd);
	close(a->dir_fd);
	pthread_mutex_destroy(&a->slow);
	pthread_mutex_destroy(&a->wake_mutex);
	free(a);
}

static struct arena *
alloc_arena(int dir_fd)
{
	struct arena *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	a->dir_fd = dir_fd;
	a->fd = a->lock_fd = -1;
	a->n_refs = 1;
	for (unsigned i = 0; i < VALE_MAX_PORTS * NMPORT_MAX_RINGS; i++)
		a->wake_fds[i / NMPORT_MAX_RINGS][i % NMPORT_MAX_RINGS].fd = -1;
	pthread_mutex_init(&a->slow, NULL);
	pthread_mutex_init(&a->wake_mutex, NULL);
	return a;
}

/* Takes dir_fd. */
static int
create(int dir_fd, struct arena **out, struct err *e)
{
	struct arena *a = alloc_arena(dir_fd);
	struct stat st;
	int rc;

	if (a == NULL) {
		close(dir_fd);
		return err_set(e, ENOMEM, "arena: no memory");
	}
	rc = a->lock_fd = open_file(dir_fd, "lock", &st, e);
	if (rc >= 0)
		rc = a->fd = open_file(dir_fd, "arena", &st, e);
	if (rc >= 0)
		rc = arena_lock(a, true, e);
	if (rc >= 0) {
		rc = map_ours(a, e);
		if (rc == -EPROTO && is_deserted(a) && renew(a) == 0)
			rc = map_ours(a, e);
		arena_unlock(a);
	}
	if (rc < 0) {
		destroy(a);
		return rc;
	}
	*out = a;
	return 0;
}

int
arena_get(struct arena **out, struct err *e)
{
	char path[512];
	struct stat st;
	struct arena *a;
	int fd, rc = dir_path(path, sizeof(path));

	if (rc < 0)
		return err_set(e, -rc, "KIPFW_SHM: path too long");
	fd = open_dir(path, e);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) == -1) {
		rc = err_set(e, errno, "%s: %s", path, strerror(errno));
		close(fd);
		return rc;
	}
	pthread_mutex_lock(&list_mutex);
	for (a = list; a != NULL; a = a->next)
		if (a->dev == st.st_dev && a->ino == st.st_ino)
			break;
	if (a != NULL) {
		close(fd);
		a->n_refs++;
	} else {
		rc = create(fd, &a, e);
		if (rc == 0) {
			a->dev = st.st_dev;
			a->ino = st.st_ino;
			a->next = list;
			list = a;
		}
	}
	pthread_mutex_unlock(&list_mutex);
	if (rc == 0)
		*out = a;
	return rc;
}

void
arena_put(struct arena *a)
{
	if (a == NULL)
		return;
	pthread_mutex_lock(&list_mutex);
	if (--a->n_refs == 0) {
		struct arena **p = &list;

		while (*p != a)
			p = &(*p)->next;
		*p = a->next;
		destroy(a);
	}
	pthread_mutex_unlock(&list_mutex);
}

static int
file_lock(int fd, int cmd, short type, struct flock *fl)
{
	*fl = (struct flock){
		.l_type = type,
		.l_whence = SEEK_SET,
		.l_len = 1,
	};
	return fcntl(fd, cmd, fl);
}

int
arena_lock(struct arena *a, bool wait, struct err *e)
{
	ns_t end = wait ? clock_mono_ns() + LOCK_WAIT_S * NS_PER_S : 0;
	struct flock fl;

	if (wait)
		pthread_mutex_lock(&a->slow);
	else if (pthread_mutex_trylock(&a->slow) != 0)
		return -EAGAIN;
	while (file_lock(a->lock_fd, F_SETLK, F_WRLCK, &fl) == -1) {
		int code = errno;

		if (code == EINTR)
			continue;
		if (code == EACCES || code == EAGAIN) {
			if (wait && clock_mono_ns() < end) {
				usleep(200);
				continue;
			}
			code = wait ? EBUSY : EAGAIN;
		}
		if (wait)
			file_lock(a->lock_fd, F_GETLK, F_WRLCK, &fl);
		pthread_mutex_unlock(&a->slow);
		return err_set(e, code, "arena: locked by process %d: %s",
		    (int)fl.l_pid, strerror(code));
	}
	return 0;
}

void
arena_unlock(struct arena *a)
{
	struct flock fl;

	file_lock(a->lock_fd, F_SETLK, F_UNLCK, &fl);
	pthread_mutex_unlock(&a->slow);
}

/* In the order in which the mutexes are taken elsewhere. */
void
arena_before_fork(void)
{
	pthread_mutex_lock(&list_mutex);
	for (struct arena *a = list; a != NULL; a = a->next) {
		pthread_mutex_lock(&a->slow);
		pthread_mutex_lock(&a->wake_mutex);
	}
}

void
arena_after_fork(void)
{
	for (struct arena *a = list; a != NULL; a = a->next) {
		pthread_mutex_unlock(&a->wake_mutex);
		pthread_mutex_unlock(&a->slow);
	}
	pthread_mutex_unlock(&list_mutex);
}

/* A lock on one octet of a descriptor's own. */
static int
lock_octet(int fd, short type, off_t at)
{
	struct flock fl = {
		.l_type = type,
		.l_whence = SEEK_SET,
		.l_start = at,
		.l_len = 1,
	};

	if (fcntl(fd, F_OFD_SETLK, &fl) == 0)
		return 0;
	return errno == EAGAIN || errno == EACCES ? -EBUSY : -errno;
}

/* When in doubt it is locked. */
static bool
is_locked(const struct arena *a, off_t at)
{
	struct flock fl = {
		.l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = at,
		.l_len = 1,
	};

	return fcntl(a->fd, F_OFD_GETLK, &fl) == -1 || fl.l_type != F_UNLCK;
}

int
arena_hold(struct arena *a, unsigned port)
{
	int rc, fd = openat(a->dir_fd, "arena",
		    O_RDWR | O_NOFOLLOW | O_CLOEXEC);

	if (fd == -1)
		return -errno;
	rc = lock_octet(fd, F_RDLCK, ALIVE_OFS + (off_t)port);
	if (rc < 0) {
		close(fd);
		return rc;
	}
	return fd;
}

void
arena_unhold(int fd)
{
	struct flock fl = { .l_type = F_UNLCK, .l_whence = SEEK_SET };

	fcntl(fd, F_OFD_SETLK, &fl); /* of length 0: to the end */
	close(fd);
}

bool
arena_is_alive(const struct arena *a, unsigned port)
{
	return is_locked(a, ALIVE_OFS + (off_t)port);
}

int
arena_claim(int fd, unsigned port, unsigned claim, bool is_exclusive)
{
	return lock_octet(fd, is_exclusive ? F_WRLCK : F_RDLCK,
	    CLAIM_OFS + (off_t)(port * CLAIMS + claim));
}

bool
arena_is_claimed(const struct arena *a, unsigned port, unsigned claim)
{
	return is_locked(a, CLAIM_OFS + (off_t)(port * CLAIMS + claim));
}

int
pool_find(struct arena *a, struct pool_cursor *c, uint32_t *buf_idx,
    struct err *e)
{
	const uint64_t *bits = arena_bits(a->base);
	uint32_t i = c->next;

	while (i < VALE_MAX_BUFS) {
		uint64_t w = bits[i / 64] >> i % 64;

		if (w == 0) {
			i = (i / 64 + 1) * 64;
			continue;
		}
		i += (uint32_t)__builtin_ctzll(w);
		/* Entering a chunk, or jumping into one, backs all of it. */
		if (i / POOL_CHUNK != (c->next - 1) / POOL_CHUNK ||
		    c->next == 2) {
			uint32_t first = i / POOL_CHUNK * POOL_CHUNK;
			int rc = arena_reserve(a,
			    OFS_BUFS + (size_t)first * VALE_BUF_SIZE,
			    (size_t)POOL_CHUNK * VALE_BUF_SIZE, e);

			if (rc < 0)
				return rc;
		}
		*buf_idx = i;
		c->next = i + 1;
		return 0;
	}
	return err_set(e, ENOSPC, "arena: all %u buffers are in use",
	    VALE_MAX_BUFS - 2);
}

bool
pool_take(struct arena *a, uint32_t buf_idx)
{
	uint64_t *w, bit = 1ull << buf_idx % 64;

	if (!buf_idx_ok(buf_idx))
		return false;
	w = arena_bits(a->base) + buf_idx / 64;
	if ((*w & bit) == 0)
		return false;
	*w &= ~bit;
	return true;
}

bool
pool_give(struct arena *a, uint32_t buf_idx)
{
	uint64_t *w, bit = 1ull << buf_idx % 64;

	if (!buf_idx_ok(buf_idx))
		return false;
	w = arena_bits(a->base) + buf_idx / 64;
	if ((*w & bit) != 0)
		return false;
	*w |= bit;
	return true;
}

bool
pool_is_free(struct arena *a, uint32_t buf_idx)
{
	return (arena_bits(a->base)[buf_idx / 64] >> buf_idx % 64 & 1) != 0;
}

uint32_t
pool_n_free(struct arena *a)
{
	const uint64_t *bits = arena_bits(a->base);
	uint32_t n = 0;

	for (unsigned i = 0; i < VALE_MAX_BUFS / 64; i++)
		n += (uint32_t)__builtin_popcountll(bits[i]);
	return n;
}
