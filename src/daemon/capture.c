/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/capture.h"

#include "base/bytes.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <sysexits.h>

enum { ETHER = 14 };

struct capture {
	pcap_t *pc;
	bool is_bare; /* no Ethernet header */
	unsigned n;   /* packets so far */
	char path[200];
};

int
capture_open(const char *path, void **out, struct err *e)
{
	char why[PCAP_ERRBUF_SIZE];
	struct capture *c = calloc(1, sizeof(*c));
	int type;

	if (c == NULL) {
		err_set(e, ENOMEM, "no memory for a capture");
		return EX_OSERR;
	}
	strncpy(c->path, path, sizeof(c->path) - 1);
	c->pc = pcap_open_offline(path, why);
	if (c->pc == NULL) {
		err_set(e, EINVAL, "%.200s", why);
		free(c);
		return EX_NOINPUT;
	}
	type = pcap_datalink(c->pc);
	c->is_bare = type == DLT_RAW || type == DLT_IPV4 || type == DLT_IPV6;
	if (type != DLT_EN10MB && !c->is_bare) {
		err_set(e, EINVAL, "%s: neither Ethernet nor IP (link type %d)",
		    c->path, type);
		capture_close(c);
		return EX_DATAERR;
	}
	*out = c;
	return 0;
}

void
capture_close(void *capture)
{
	struct capture *c = capture;

	if (c == NULL)
		return;
	pcap_close(c->pc);
	free(c);
}

int
capture_next(void *capture, struct frame *f, struct err *e)
{
	struct capture *c = capture;
	unsigned head = c->is_bare ? ETHER : 0;
	struct pcap_pkthdr *h;
	const uint8_t *data;
	int got = pcap_next_ex(c->pc, &h, &data);

	if (got == -2)
		return 0;
	c->n++;
	if (got != 1)
		return err_set(e, EINVAL, "%s: packet %u: %.100s", c->path,
		    c->n, pcap_geterr(c->pc)), -1;
	if (h->caplen > FRAME_MAX - ETHER)
		return err_set(e, EINVAL, "%s: packet %u has %u octets",
		    c->path, c->n, h->caplen), -1;
	memset(f->octets, 0, head);
	if (c->is_bare)
		put16(f->octets + ETHER - 2,
		    h->caplen > 0 && data[0] >> 4 == 6 ? 0x86dd : 0x0800);
	memcpy(f->octets + head, data, h->caplen);
	f->len = head + h->caplen;
	return 1;
}
