/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/ahead.h"

#include "capture/reader_file.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* So many free batches wake the thread: not each, which would be a system call
 * each. */
enum { WORTH_IT = 2 };

struct batch {
	int got; /* what comes behind the packets; CAPTURE_WAIT: more of them */
	unsigned n;
	struct err e;
	struct capture_packet packets[AHEAD_PACKETS];
	uint8_t lead[READER_LEAD];
	uint8_t window[READER_BUF];
};

struct ahead {
	struct capture_reader *r; /* the thread's, unless it is parked */
	pthread_t thread;
	/* who asks */
	int got; /* what comes behind the packets that were told last */
	struct err e;
	/* both, under the lock */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	uint32_t filled;	  /* batches, ever; they wrap */
	uint32_t taken, released; /* written by who asks */
	bool parked; /* at the end: waits for a rewind */
	bool stop;
	struct batch batches[AHEAD_BATCHES];
};

/* ---- the thread ---- */

/* Fills a batch with all that its window can hold. */
static void
fill(struct capture_reader *r, struct batch *b)
{
	unsigned n;

	reader_move(r, b->window);
	b->n = 0;
	do {
		b->got = capture_next_run(r, b->packets + b->n,
		    AHEAD_PACKETS - b->n, &n, &b->e);
		b->n += n;
	} while (b->got == CAPTURE_PACKET && b->n < AHEAD_PACKETS);
	if (b->got == CAPTURE_PACKET)
		b->got = CAPTURE_WAIT;
}

static void *
ahead_main(void *arg)
{
	struct ahead *a = arg;

	pthread_mutex_lock(&a->lock);
	while (!a->stop) {
		struct batch *b = &a->batches[a->filled % AHEAD_BATCHES];

		if (a->parked || a->filled - a->released == AHEAD_BATCHES) {
			pthread_cond_wait(&a->changed, &a->lock);
			continue;
		}
		pthread_mutex_unlock(&a->lock);
		fill(a->r, b);
		pthread_mutex_lock(&a->lock);
		a->filled++;
		a->parked = b->got != CAPTURE_WAIT;
		pthread_cond_signal(&a->changed);
	}
	pthread_mutex_unlock(&a->lock);
	return NULL;
}

/* No signal is for it. */
static int
start_thread(struct ahead *a)
{
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&a->thread, NULL, ahead_main, a);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

/* ---- who asks ---- */

static void
ahead_free(struct ahead *a)
{
	pthread_mutex_destroy(&a->lock);
	pthread_cond_destroy(&a->changed);
	free(a);
}

int
ahead_start(struct capture_reader *r, struct ahead **out, struct err *e)
{
	struct ahead *a = malloc(sizeof(*a));
	int rc;

	if (a == NULL)
		return err_set(e, ENOMEM, "%s: no memory", r->path);
	memset(a, 0, offsetof(struct ahead, batches));
	a->r = r;
	a->got = CAPTURE_WAIT;
	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->changed, NULL);
	if ((rc = start_thread(a)) != 0) {
		ahead_free(a);
		return err_set(e, rc, "%s: no thread to read it: %s", r->path,
		    strerror(rc));
	}
	*out = a;
	return 0;
}

void
ahead_stop(struct ahead *a)
{
	if (a == NULL)
		return;
	pthread_mutex_lock(&a->lock);
	a->stop = true;
	pthread_cond_signal(&a->changed);
	pthread_mutex_unlock(&a->lock);
	pthread_join(a->thread, NULL);
	ahead_free(a);
}

/* The batch to be told next; NULL if others have to be released first. */
static struct batch *
next_batch(struct ahead *a)
{
	struct batch *b = NULL;

	pthread_mutex_lock(&a->lock);
	/* One less than there are, so that those free are WORTH_IT. */
	if (a->taken - a->released < AHEAD_BATCHES - 1) {
		while (a->filled == a->taken)
			pthread_cond_wait(&a->changed, &a->lock);
		b = &a->batches[a->taken++ % AHEAD_BATCHES];
	}
	pthread_mutex_unlock(&a->lock);
	return b;
}

int
ahead_next(struct ahead *a, const struct capture_packet **out, unsigned *n,
    struct err *e)
{
	*n = 0;
	while (a->got == CAPTURE_WAIT) {
		const struct batch *b = next_batch(a);

		if (b == NULL)
			return CAPTURE_WAIT;
		a->got = b->got;
		if (b->got < 0)
			a->e = b->e;
		*out = b->packets;
		*n = b->n;
		if (b->n > 0)
			return CAPTURE_PACKET;
	}
	if (a->got < 0)
		*e = a->e;
	return a->got;
}

void
ahead_release(struct ahead *a, bool all)
{
	uint32_t up_to = a->taken - !all;

	if (a->taken == 0 || up_to == a->released)
		return;
	pthread_mutex_lock(&a->lock);
	a->released = up_to;
	if (AHEAD_BATCHES - (a->filled - a->released) >= WORTH_IT)
		pthread_cond_signal(&a->changed);
	pthread_mutex_unlock(&a->lock);
}

int
ahead_rewind(struct ahead *a, struct err *e)
{
	int rc;

	pthread_mutex_lock(&a->lock);
	rc = capture_rewind(a->r, e); /* the thread is parked */
	if (rc == 0) {
		a->released = a->taken;
		a->got = CAPTURE_WAIT;
		a->parked = false;
		pthread_cond_signal(&a->changed);
	}
	pthread_mutex_unlock(&a->lock);
	return rc;
}
