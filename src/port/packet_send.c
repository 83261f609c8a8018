/* SPDX-License-Identifier: BSD-2-Clause */
/* One sendmmsg a burst, straight from where the frames lie. */
#include "port/packet_sock.h"

#include "packet/proto.h"

#include <errno.h>
#include <poll.h>

unsigned
packet_room(struct port *p)
{
	struct packet *k = p->priv;
	struct pollfd fd = {.fd = k->fd, .events = POLLOUT};

	if (unlikely(k->full)) {
		if (poll(&fd, 1, 0) == 0)
			return 0;
		k->full = false;
	}
	return PORT_BURST;
}

/* True if no segment of a whole frame is longer than the link takes; the kernel
 * asks that only of other frames. */
static bool
fits(const struct packet *k, const struct pkt *pkt, const struct offload *o)
{
	return offload_segment(pkt->data, o) <= k->watch.now.mtu + ETHER_LEN;
}

/* Makes messages of the first of pkts[n], as many as fit the link.  Returns how
 * many packets those are. */
static unsigned
make_messages(struct packet *k, struct port *from, struct pkt *const *pkts,
    unsigned n)
{
	unsigned most = k->watch.now.mtu + ETHER_LEN, i = 0;
	struct iovec *iov = k->iov;

	for (k->n_msgs = 0; i < n; k->n_msgs++) {
		struct vnet_out *out = &k->outs[k->n_msgs];
		struct msghdr *m = &k->msgs[k->n_msgs].msg_hdr;
		const struct offload *o = port_offload(from, pkts[i]);

		if (o != NULL && !fits(k, pkts[i], o))
			break;
		vnet_put(out, iov, from, pkts + i, n - i,
		    k->join && pkts[i]->len <= most);
		m->msg_iov = iov;
		m->msg_iovlen = out->n_iov;
		iov += out->n_iov;
		i += out->n_pkts;
	}
	return i;
}

/* Looks at why the kernel did not take a message; false if it is to be tried
 * again. */
static bool
is_refused(struct port *p)
{
	struct packet *k = p->priv;

	switch (errno) {
	case EAGAIN:
		k->full = true;
		return false;
	case ENETDOWN:
	case ENXIO:
	case ENODEV:
		packet_look(p);
		break;
	}
	return true;
}

/* Sends the messages; returns of how many packets the kernel took or refused
 * them. */
static unsigned
send_messages(struct port *p)
{
	struct packet *k = p->priv;
	unsigned at = 0, done = 0;

	while (at < k->n_msgs) {
		int rc = sendmmsg(k->fd, k->msgs + at, k->n_msgs - at,
		    MSG_DONTWAIT);

		for (; rc > 0; rc--, at++) {
			done += k->outs[at].n_pkts;
			stat_add(&p->stats.tx_pkts, k->outs[at].n_pkts);
		}
		if (rc == 0 || errno == EINTR)
			continue;
		if (!is_refused(p))
			break;
		done += k->outs[at].n_pkts;
		stat_add(&p->stats.tx_lost, k->outs[at++].n_pkts);
	}
	return done;
}

unsigned
packet_tx(struct port *p, struct port *from, struct pkt *const *pkts,
    unsigned n)
{
	struct packet *k = p->priv;
	uint64_t bytes = 0;
	unsigned done = 0;

	while (done < n && !k->full) {
		if (make_messages(k, from, pkts + done, n - done) > 0) {
			done += send_messages(p);
		} else {
			stat_add(&p->stats.tx_lost, 1); /* too long */
			done++;
		}
	}
	for (unsigned i = 0; i < done; i++)
		bytes += pkts[i]->len;
	stat_add(&p->stats.tx_bytes, bytes);
	return done;
}
