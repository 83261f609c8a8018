/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/diverter.h"

#include "ctl/unixsock.h"
#include "engine/diverts.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	WAKE,	/* places in fds: the workers, */
	LISTEN, /* new programs, */
	FIRST,	/* and from here on one a program */
	N_FDS = FIRST + DIVERTER_CLIENTS,
	TURN = 256,	      /* messages taken from a program at once */
	SEND_BUFFER = 4 << 20, /* asked for; the kernel may give less */
};

struct diverter {
	struct engine *en;
	struct diverts *diverts;
	struct unixsock sock;
	pthread_t thread;
	_Atomic bool stop;
	struct pollfd fds[N_FDS]; /* -1: free */
	uint16_t ports[N_FDS];	  /* 0: has not said hello */
	uint8_t listener[65536];  /* place of who listens there, 0 = nobody */
	/* what a program sent; one octet more tells what is too long */
	uint8_t buf[sizeof(struct kipfw_divert) + KIPFW_DIVERT_MAX + 1];
};

static void
hang_up(struct diverter *d, unsigned k)
{
	if (d->ports[k] != 0) {
		d->listener[d->ports[k]] = 0;
		diverts_listen(d->diverts, d->ports[k], false);
	}
	close(d->fds[k].fd);
	d->fds[k] = (struct pollfd){.fd = -1};
	d->ports[k] = 0;
}

/* ---- from the workers ---- */

static void
book(struct diverter *d, const struct kipfw_divert *m, enum drop_reason why)
{
	if ((m->flags & KIPFW_DIVERT_TEE) != 0)
		stat_add(&d->diverts->tees_lost, 1);
	else
		stat_add(&d->diverts->drops[why], 1);
}

static void
hand_out(struct diverter *d, const struct kipfw_divert *m, uint32_t len)
{
	unsigned k = d->listener[m->port];

	if (k == 0) {
		book(d, m, DROP_DIVERT_NOBODY);
		return;
	}
	if (send(d->fds[k].fd, m, len, MSG_DONTWAIT | MSG_NOSIGNAL) != -1)
		return;
	book(d, m, DROP_DIVERT_FULL);
	if (errno != EAGAIN && errno != ENOBUFS && errno != ENOMEM)
		hang_up(d, k);
}

static void
hand_out_all(struct diverter *d)
{
	for (unsigned i = 0; i < d->diverts->n_ways; i++) {
		struct msgring *g = d->diverts->ways[i].out.ring;
		const struct kipfw_divert *m;
		uint32_t len;

		while ((m = msgring_next(g, &len)) != NULL) {
			hand_out(d, m, len);
			msgring_release(g);
		}
	}
}

/* ---- from the programs ---- */

/* What a hello deserves: 0 or an errno. */
static int
judge(const struct diverter *d, const struct kipfw_divert_hello *h, size_t len)
{
	if (len != sizeof(*h) || h->magic != KIPFW_DIVERT_MAGIC ||
	    h->port == 0 || h->zero != 0 || h->error != 0)
		return EINVAL;
	return d->listener[h->port] != 0 ? EADDRINUSE : 0;
}

/* The first message of a program.  False: it may not stay. */
static bool
greet(struct diverter *d, unsigned k, size_t len)
{
	struct kipfw_divert_hello h;

	memcpy(&h, d->buf, sizeof(h));
	h.error = judge(d, &h, len);
	h.magic = KIPFW_DIVERT_MAGIC;
	if (h.error == 0) { /* who has read the answer gets the next packet */
		d->ports[k] = h.port;
		d->listener[h.port] = (uint8_t)k;
		diverts_listen(d->diverts, h.port, true);
	}
	return send(d->fds[k].fd, &h, sizeof(h), MSG_DONTWAIT | MSG_NOSIGNAL) !=
	    -1 && h.error == 0;
}

/* A message after the first one: a packet that goes on, if it can. */
static void
take_back(struct diverter *d, unsigned k, size_t len)
{
	int rc = len == sizeof(d->buf) ? -EINVAL :
	    engine_divert_back(d->en, d->ports[k], d->buf, len);

	if (rc != 0)
		stat_add(&d->diverts->drops[rc == -EINVAL ?
		    DROP_REINJECT_BAD : DROP_REINJECT_FULL], 1);
}

/* Reads what a program says, a bounded piece of it. */
static void
serve(struct diverter *d, unsigned k)
{
	for (unsigned i = 0; i < TURN; i++) {
		ssize_t n = recv(d->fds[k].fd, d->buf, sizeof(d->buf),
		    MSG_DONTWAIT);

		if (n == -1 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n > 0 && d->ports[k] != 0) {
			take_back(d, k, (size_t)n);
		} else if (n <= 0 || !greet(d, k, (size_t)n)) {
			hang_up(d, k);
			return;
		}
	}
}

static void
admit(struct diverter *d)
{
	int fd = accept4(d->sock.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	int size = SEND_BUFFER;
	unsigned k = FIRST;

	if (fd == -1)
		return;
	while (k < N_FDS && d->fds[k].fd != -1)
		k++;
	if (k == N_FDS) {
		close(fd);
		return;
	}
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) ==
	    -1)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	d->fds[k] = (struct pollfd){.fd = fd, .events = POLLIN};
}

static void *
diverter_main(void *arg)
{
	struct diverter *d = arg;

	while (!atomic_load(&d->stop)) {
		hand_out_all(d);
		poll(d->fds, N_FDS, diverts_sleep(d->diverts) ? -1 : 0);
		diverts_awake(d->diverts);
		if (d->fds[LISTEN].revents != 0)
			admit(d);
		for (unsigned k = FIRST; k < N_FDS; k++)
			if (d->fds[k].fd != -1 && d->fds[k].revents != 0)
				serve(d, k);
		engine_divert_ring(d->en);
	}
	return NULL;
}

int
diverter_create(struct engine *en, const char *path, struct diverter **out,
    struct err *e)
{
	struct diverter *d = calloc(1, sizeof(*d));
	int rc;

	if (d == NULL)
		return err_set(e, ENOMEM, "no memory for divert");
	d->en = en;
	d->sock.fd = -1;
	if ((rc = engine_divert(en, &d->diverts, e)) != 0 ||
	    (rc = unixsock_open_type(&d->sock, path, SOCK_SEQPACKET, e)) != 0)
		goto err;
	for (unsigned k = 0; k < N_FDS; k++)
		d->fds[k].fd = -1;
	d->fds[WAKE] = (struct pollfd){d->diverts->wake, POLLIN, 0};
	d->fds[LISTEN] = (struct pollfd){d->sock.fd, POLLIN, 0};
	rc = pthread_create(&d->thread, NULL, diverter_main, d);
	if (rc != 0) {
		rc = err_set(e, rc, "divert: %s", strerror(rc));
		goto err;
	}
	*out = d;
	return 0;
err:
	unixsock_close(&d->sock);
	free(d);
	return rc;
}

void
diverter_destroy(struct diverter *d)
{
	uint64_t one = 1;

	if (d == NULL)
		return;
	atomic_store(&d->stop, true);
	if (write(d->diverts->wake, &one, sizeof(one)) == -1)
		one = 0; /* EAGAIN: it is awake */
	pthread_join(d->thread, NULL);
	for (unsigned k = FIRST; k < N_FDS; k++)
		if (d->fds[k].fd != -1)
			hang_up(d, k);
	unixsock_close(&d->sock);
	free(d);
}
