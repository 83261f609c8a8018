/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/frame.h"

#include "cli/frame_draft.h"
#include "cli/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

static bool
has_ports(int proto)
{
	return proto == P_TCP || proto == P_UDP || proto == P_UDPLITE ||
	    proto == P_SCTP;
}

/* The protocol, from what was said of it. */
static int
settle_proto(struct draft *d)
{
	if (d->proto < 0)
		d->proto = d->tcp_word != NULL ? P_TCP :
		    d->icmp_word == NULL ? -1 :
		    d->family == 6 ? P_ICMP6 : P_ICMP;
	if (d->proto < 0 && d->ports_word != NULL)
		return draft_wrong(d, d->ports_word,
		    "a port of which protocol? say tcp, udp or sctp");
	if (d->proto < 0)
		d->proto = d->family == 6 ? P_NONE6 : P_TRIAL;
	if (d->ports_word != NULL && !has_ports(d->proto))
		return draft_wrong(d, d->ports_word, "the protocol has no ports");
	if (d->tcp_word != NULL && d->proto != P_TCP)
		return draft_wrong(d, d->tcp_word, "only TCP has this");
	if (d->icmp_word != NULL && d->proto != P_ICMP && d->proto != P_ICMP6)
		return draft_wrong(d, d->icmp_word, "only ICMP has this");
	if (d->proto == P_ICMP || d->proto == P_ICMP6)
		return draft_proto(d, d->icmp_word != NULL ? d->icmp_word : d->w,
		    d->proto);
	return 0;
}

/* What contradicts itself. */
static int
check(struct draft *d)
{
	const struct word *l4 = d->ports_word != NULL ? d->ports_word :
	    d->tcp_word != NULL ? d->tcp_word : d->icmp_word;

	if ((d->frag & FRAG_OFFSET) != 0 && l4 != NULL)
		return draft_wrong(d, l4, "a later fragment does not have this");
	if (d->family == 6 && (d->frag & (FRAG_DF | FRAG_RF)) != 0)
		return draft_wrong(d, d->frag_word, "IPv6 has no such flags");
	if (d->label_word != NULL && d->family != 6)
		return draft_wrong(d, d->label_word, "only IPv6 has this");
	if (d->label_word != NULL && d->flow_label > 0xfffff)
		return draft_wrong(d, d->label_word, "more than 20 bits");
	return 0;
}

/* Addresses for documentation, where none were given. */
static void
settle_addrs(struct draft *d)
{
	static const uint8_t doc4[4] = {192, 0, 2, 0};
	static const uint8_t doc6[16] = {0x20, 0x01, 0x0d, 0xb8};

	if (d->family == 0)
		d->family = 4;
	for (unsigned k = 0; k < 2; k++) {
		uint8_t *to = k == 0 ? d->src : d->dst;

		if (k == 0 ? d->has_src : d->has_dst)
			continue;
		memcpy(to, d->family == 4 ? doc4 : doc6,
		    d->family == 4 ? 4 : 16);
		to[d->family == 4 ? 3 : 15] = (uint8_t)(k + 1);
	}
}

/* A frame that is not IP. */
static int
make_other(struct draft *d)
{
	if (d->family != 0 || d->proto >= 0)
		return word_err(d->e, EX_DATAERR,
		    d->family_word != NULL ? d->family_word : d->w,
		    "the mac-type says that it is not IP");
	frame_put_other(d);
	return 0;
}

static int
finish(struct draft *d)
{
	int r;

	if (d->ethertype == 0x0800 || d->ethertype == 0x86dd) {
		r = draft_family(d, d->w, d->ethertype == 0x0800 ? 4 : 6);
		if (r != 0)
			return r;
	} else if (d->ethertype >= 0) {
		return make_other(d);
	}
	if ((r = settle_proto(d)) != 0 || (r = check(d)) != 0)
		return r;
	settle_addrs(d);
	return frame_put_ip(d);
}

int
frame_read(struct frame *f, const struct word *w, unsigned n, struct err *e)
{
	static const uint8_t macs[12] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1};
	struct draft *d = calloc(1, sizeof(*d));
	int r;

	if (d == NULL) {
		err_set(e, ENOMEM, "no memory for a packet");
		return EX_OSERR;
	}
	*d = (struct draft){.w = w, .n = n, .e = e, .f = f, .vlan = -1,
	    .ethertype = -1, .proto = -1, .sport = -1, .dport = -1,
	    .window = -1, .mss = -1, .icmp_type = -1, .icmp_code = -1,
	    .iplen = -1, .ipid = -1, .ttl = -1};
	memcpy(d->macs, macs, sizeof(macs));
	f->way = (struct frame_way){.out = false};
	f->len = 0;
	r = draft_read(d);
	if (r == 0)
		r = finish(d);
	free(d);
	return r;
}

int
frame_read_way(struct frame_way *way, const struct word *w, unsigned n,
    struct err *e)
{
	static const char words[] = "in out recv xmit";
	struct frame *f = calloc(1, sizeof(*f));
	unsigned k;
	int r = 0;

	if (f == NULL) {
		err_set(e, ENOMEM, "no memory for a packet");
		return EX_OSERR;
	}
	for (k = 0; k < n && r == 0; k++) {
		if (!name_in_list(words, w[k].s))
			r = word_err(e, EX_DATAERR, &w[k], "beside a capture "
			    "there are only in, out, recv IF and xmit IF");
		k += w[k].s[0] == 'r' || w[k].s[0] == 'x';
	}
	if (r == 0 && n > 0)
		r = frame_read(f, w, n, e);
	*way = f->way;
	free(f);
	return r;
}
