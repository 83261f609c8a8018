/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For tests of src/vale: an arena of the test's own, frames, sending and
 * receiving one by one.
 *
 * Life       rig_setup and rig_teardown as cmocka's fixtures; the directory
 *            goes away with everything in it.
 */
#pragma once

#include "vale/vswitch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char rig_dir[64];

static inline int
rig_setup(void **state)
{
	const char *shm = getenv("TEST_SHM"); /* test/run removes what is in it */

	(void)state;
	snprintf(rig_dir, sizeof(rig_dir), "%.40s/valetest-XXXXXX",
	    shm != NULL ? shm : "/dev/shm");
	assert_non_null(mkdtemp(rig_dir));
	assert_int_equal(setenv("KIPFW_SHM", rig_dir, 1), 0);
	return 0;
}

static inline int
rig_teardown(void **state)
{
	struct dirent *d;
	DIR *dir = opendir(rig_dir);
	int n_fifos = 0;

	(void)state;
	assert_non_null(dir);
	while ((d = readdir(dir)) != NULL) {
		if (strncmp(d->d_name, "wake.", 5) == 0)
			n_fifos++;
		if (d->d_name[0] != '.')
			unlinkat(dirfd(dir), d->d_name, 0);
	}
	closedir(dir);
	assert_int_equal(rmdir(rig_dir), 0);
	assert_int_equal(n_fifos, 0); /* nobody left a descriptor's name */
	return 0;
}

static inline struct nmport *
rig_open_cfg(const char *name, const struct nmport_cfg *cfg)
{
	struct nmport *p = NULL;
	struct err e = { 0 };

	if (nmport_open(name, cfg, &p, &e) < 0)
		fail_msg("%s: %s", name, e.text);
	return p;
}

/* The smallest rings: full after 255. */
static inline struct nmport *
rig_open(const char *name)
{
	struct nmport_cfg cfg = { .tx_slots = 256, .rx_slots = 256 };

	return rig_open_cfg(name, &cfg);
}

/* Whether the name can be opened, and closed again: 0, or why not. */
static inline int
rig_try_open(const char *name)
{
	struct nmport_cfg cfg = { .tx_slots = 256, .rx_slots = 256 };
	struct nmport *p = NULL;
	struct err e = { 0 };
	int rc = nmport_open(name, &cfg, &p, &e);

	if (rc < 0)
		assert_true(strlen(e.text) > 0);
	nmport_close(p);
	return rc;
}

/* Addresses by number; 0xff is broadcast. */
static inline void
rig_frame(uint8_t *f, unsigned dst, unsigned src, uint32_t tag)
{
	memset(f, 0, 64);
	memset(f, dst == 0xff ? 0xff : 0, 6);
	if (dst != 0xff) {
		f[0] = 2;
		f[5] = (uint8_t)dst;
	}
	f[6] = 2;
	f[11] = (uint8_t)src;
	memcpy(f + 14, &tag, sizeof(tag));
}

static inline struct netmap_slot *
rig_put_len(struct nmport *p, unsigned dst, unsigned src, uint32_t tag,
    uint16_t len)
{
	struct netmap_ring *r = nmport_txring(p, 0);
	struct netmap_slot *s = &r->slot[r->cur];
	uint8_t f[64];

	assert_true(nm_ring_space(r) > 0);
	rig_frame(f, dst, src, tag);
	memcpy(nm_buf(r, s->buf_idx), f, sizeof(f));
	s->len = len;
	s->flags = 0;
	r->head = r->cur = nm_ring_next(r, r->cur);
	return s;
}

/* Puts a frame into the tx ring; txsync is the caller's. */
static inline struct netmap_slot *
rig_put(struct nmport *p, unsigned dst, unsigned src, uint32_t tag)
{
	return rig_put_len(p, dst, src, tag, 64);
}

static inline void
rig_send(struct nmport *p, unsigned dst, unsigned src, uint32_t tag)
{
	rig_put(p, dst, src, tag);
	assert_int_equal(nmport_txsync(p, 0), 0);
}

/* Takes the next packet: its tag, or -1. */
static inline int64_t
rig_get(struct nmport *p)
{
	struct netmap_ring *r = nmport_rxring(p, 0);
	uint32_t tag;

	if (nm_ring_space(r) == 0)
		assert_int_equal(nmport_rxsync(p, 0), 0);
	if (nm_ring_space(r) == 0)
		return -1;
	memcpy(&tag, nm_buf(r, r->slot[r->cur].buf_idx) + 14, sizeof(tag));
	r->head = r->cur = nm_ring_next(r, r->cur);
	assert_int_equal(nmport_rxsync(p, 0), 0);
	return tag;
}

/* Lists; the caller frees. */
static inline struct arena_info *
rig_list(void)
{
	struct arena_info *i = calloc(1, sizeof(*i));
	struct arena *a = NULL;
	struct err e;

	assert_non_null(i);
	assert_int_equal(arena_get(&a, &e), 0);
	assert_int_equal(vswitch_list(a, i, &e), 0);
	arena_put(a);
	return i;
}

static inline unsigned
rig_n_ports(void)
{
	struct arena_info *i = rig_list();
	unsigned n = i->n_ports;

	free(i);
	return n;
}

static inline uint8_t *
rig_base(const struct nmport *p)
{
	size_t size;

	return nmport_region(p, &size);
}

/* The port of this name in a list, or NULL. */
static inline const struct vport_info *
rig_find(const struct arena_info *i, const char *name)
{
	for (unsigned p = 0; p < i->n_ports; p++)
		if (strcmp(i->ports[p].port.name, name) == 0)
			return &i->ports[p].port;
	return NULL;
}

/* No buffer is lost or in two places.  Nothing may be moving. */
static inline void
rig_check_buffers(void)
{
	struct arena_info *i = rig_list();

	assert_int_equal(i->n_free + i->n_in_rings + i->n_extra, i->n_bufs);
	assert_int_equal(i->n_wrong, 0);
	assert_false(i->suspect);
	free(i);
}
