/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/counters.h"

#include "base/hugemem.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

struct counters {
	unsigned n_workers;
	uint32_t n_used;   /* indexes below were given out at least once */
	uint32_t n_free;   /* of them, these came back */
	uint32_t *free;	   /* stack of n_free, room for COUNTERS_MAX */
	struct counter *base; /* what to subtract, by index */
	_Atomic uint32_t *log_left; /* by index */
	struct counter *own[]; /* by worker */
};

/* Address space for one array; pages come when they are touched. */
static void *
reserve(size_t size)
{
	void *m = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return m == MAP_FAILED ? NULL : m;
}

static void
unreserve(void *m, size_t size)
{
	if (m != NULL)
		munmap(m, size);
}

struct counters *
counters_create(unsigned n_workers)
{
	struct counters *c = calloc(1,
	    sizeof(*c) + n_workers * sizeof(c->own[0]));

	if (c == NULL)
		return NULL;
	c->n_workers = n_workers;
	c->free = reserve(COUNTERS_MAX * sizeof(*c->free));
	c->base = reserve(COUNTERS_MAX * sizeof(*c->base));
	c->log_left = reserve(COUNTERS_MAX * sizeof(*c->log_left));
	if (c->free == NULL || c->base == NULL || c->log_left == NULL)
		goto err;
	for (unsigned i = 0; i < n_workers; i++) {
		c->own[i] = hugemem_alloc(COUNTERS_MAX * sizeof(*c->own[i]));
		if (c->own[i] == NULL)
			goto err;
	}
	return c;
err:
	counters_destroy(c);
	return NULL;
}

void
counters_destroy(struct counters *c)
{
	if (c == NULL)
		return;
	for (unsigned i = 0; i < c->n_workers; i++)
		hugemem_free(c->own[i], COUNTERS_MAX * sizeof(*c->own[i]));
	if (c->log_left != NULL)
		munmap(c->log_left, COUNTERS_MAX * sizeof(*c->log_left));
	unreserve(c->base, COUNTERS_MAX * sizeof(*c->base));
	unreserve(c->free, COUNTERS_MAX * sizeof(*c->free));
	free(c);
}

struct counter *
counters_of(struct counters *c, unsigned worker)
{
	return c->own[worker];
}

int
counters_alloc(struct counters *c, uint32_t *idx, struct err *e)
{
	uint32_t i;

	if (c->n_free > 0)
		i = c->free[--c->n_free];
	else if (c->n_used < COUNTERS_MAX)
		i = c->n_used++;
	else
		return err_set(e, ENOSPC, "there are %d rules already",
		    COUNTERS_MAX);
	counters_zero(c, i);
	atomic_store_explicit(&c->log_left[i], 0, memory_order_relaxed);
	*idx = i;
	return 0;
}

void
counters_free(struct counters *c, uint32_t idx)
{
	c->free[c->n_free++] = idx;
}

/* The sum over workers since the start of the program. */
static struct counter
sum(const struct counters *c, uint32_t idx)
{
	struct counter s = {0};

	for (unsigned i = 0; i < c->n_workers; i++) {
		const struct counter *w = &c->own[i][idx];
		uint64_t last_s = stat_get(&w->last_s);

		s.pkts += stat_get(&w->pkts);
		s.bytes += stat_get(&w->bytes);
		if (last_s > s.last_s)
			s.last_s = last_s;
	}
	return s;
}

void
counters_read(const struct counters *c, uint32_t idx, struct count *out)
{
	struct counter s = sum(c, idx);

	out->pkts = s.pkts - c->base[idx].pkts;
	out->bytes = s.bytes - c->base[idx].bytes;
	out->last_s = out->pkts != 0 ? (uint32_t)s.last_s : 0;
}

void
counters_zero(struct counters *c, uint32_t idx)
{
	c->base[idx] = sum(c, idx);
}

_Atomic uint32_t *
counters_log_left(struct counters *c)
{
	return c->log_left;
}
