/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/pipe_list.h"

#include "cli/names.h"
#include "cli/pipe_mask.h"
#include "cli/pipe_report.h"
#include "cli/quantity.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { NS_MS = 1000000 };

/* The listing so far: lines that wait for what the next object adds. */
struct listing {
	struct text *t;
	bool verbose;
	bool flows;  /* their header was printed */
	bool in_link; /* its line is not ended yet */
};

/* An object of the answer, whole; what an older daemon leaves out is 0. */
union object {
	struct dn_id id;
	struct abi_dn_link link;
	struct abi_dn_more_link more_link;
	struct abi_dn_fs fs;
	struct abi_dn_more_fs more_fs;
	struct abi_dn_sch sch;
	struct abi_dn_flow flow;
	struct abi_dn_profile profile;
	struct abi_dn_extra extra;
	char room[sizeof(struct abi_dn_profile)];
};

/* ---- links ---- */

static void
put_rate(struct text *t, uint64_t bps)
{
	double v = (double)bps;

	if (bps == 0)
		text_f(t, "unlimited     ");
	else if (bps >= 1000000000)
		text_f(t, "%7.3f Gbit/s", v / 1e9);
	else if (bps >= 1000000)
		text_f(t, "%7.3f Mbit/s", v / 1e6);
	else if (bps >= 1000)
		text_f(t, "%7.3f Kbit/s", v / 1e3);
	else
		text_f(t, "%7.3f bit/s ", v);
}

/* "  20 ms", or with decimals what is no whole number of them. */
static void
put_delay(struct text *t, uint64_t ns)
{
	if (ns % NS_MS == 0)
		text_f(t, "%4llu ms", (unsigned long long)(ns / NS_MS));
	else
		text_f(t, "%.9g ms", (double)ns / NS_MS);
}

static void
put_link(struct listing *l, uint32_t nr, uint64_t rate, uint64_t delay,
    uint64_t burst)
{
	text_f(l->t, "%05u: ", nr % DN_FIRST_PIPE);
	put_rate(l->t, rate);
	text_f(l->t, " ");
	put_delay(l->t, delay);
	/* The blank comes from a field for a unit, which -v does not have. */
	text_f(l->t, " burst %llu%s", (unsigned long long)burst,
	    l->verbose ? "" : " ");
	l->in_link = true;
}

static void
put_plain_link(struct listing *l, const struct abi_dn_link *k)
{
	put_link(l, k->link_nr, (uint32_t)k->bandwidth,
	    (uint64_t)(uint32_t)k->delay * NS_MS, k->burst);
}

static void
end_link(struct listing *l)
{
	if (l->in_link)
		text_f(l->t, "\n");
	l->in_link = false;
}

static void
put_part(struct text *t, const char *what, uint32_t part)
{
	if (part != 0)
		text_f(t, " %s %.6g", what, (double)part / DN_PLR_ONE);
}

/* The line of the parameters that ipfw's own objects have no room for. */
static void
put_more_link(struct listing *l, const struct abi_dn_more_link *m)
{
	static const char *const kinds[] = {"", "uniform", "normal", "pareto"};
	struct text *t = l->t;

	end_link(l);
	if (m->jitter == 0 && m->reorder == 0 && m->duplicate == 0 &&
	    m->corrupt == 0 && m->memory == 0 && m->n_trace == 0)
		return;
	text_f(t, "\t");
	if (m->jitter != 0) {
		text_f(t, " jitter ");
		quantity_put_time(t, m->jitter);
		text_f(t, " %s%s", kinds[m->jitter_kind & 3],
		    (m->flags & 1) != 0 ? " reordering" : "");
	}
	put_part(t, "reorder", m->reorder);
	put_part(t, "duplicate", m->duplicate);
	put_part(t, "corrupt", m->corrupt);
	if (m->memory != 0)
		text_f(t, " memory %llu", (unsigned long long)m->memory);
	if (m->n_trace != 0) {
		text_f(t, " trace ");
		text_safe(t, m->trace, sizeof(m->trace));
		text_f(t, " (%u times)", m->n_trace);
	}
	text_f(t, "\n");
}

static void
put_profile(struct listing *l, const struct abi_dn_profile *p)
{
	if (p->samples_no <= 0)
		return;
	end_link(l);
	text_f(l->t, "\t profile: name \"");
	text_safe(l->t, p->name, sizeof(p->name));
	text_f(l->t, "\" loss %f samples %d\n",
	    (double)p->loss_level / p->samples_no, p->samples_no);
}

/* ---- flowsets ---- */

static void
put_size(struct text *t, uint64_t n, bool in_bytes)
{
	if (!in_bytes)
		text_f(t, "%3llu sl.", (unsigned long long)n);
	else if (n >= 8192)
		text_f(t, "%llu KB", (unsigned long long)(n / 1024));
	else
		text_f(t, "%llu B", (unsigned long long)n);
}

static void
put_loss(struct text *t, const struct abi_dn_fs *fs,
    const struct abi_dn_more_fs *more)
{
	const uint32_t *p = more->loss;
	double one = DN_PLR_ONE;

	if ((more->flags & 1) != 0)
		text_f(t, "plr %f,%f,%f,%f", p[0] / one, p[1] / one, p[2] / one,
		    p[3] / one);
	else if (fs->plr != 0)
		text_f(t, "plr %f", fs->plr / one);
}

static void
put_red(struct text *t, const struct abi_dn_fs *fs)
{
	double one = DN_RED_SCALE;

	if ((fs->flags & DN_IS_RED) == 0) {
		/* CoDel's or PIE's parameters come as the next object. */
		text_f(t, (fs->flags & DN_IS_AQM) != 0 ? "\n" : "droptail\n");
		return;
	}
	text_f(t, "\n\t %cRED w_q %f min_th %d max_th %d max_p %f%s\n",
	    (fs->flags & DN_IS_GRED) != 0 ? 'G' : ' ', fs->w_q / one,
	    fs->min_th, fs->max_th, fs->max_p / one,
	    (fs->flags & DN_IS_ECN) != 0 ? " (ecn)" : "");
}

static void
put_fs(struct listing *l, const struct abi_dn_fs *fs,
    const struct abi_dn_more_fs *more)
{
	struct text *t = l->t;

	end_link(l);
	text_f(t, "q%05u ", fs->fs_nr);
	put_size(t, more->qsize != 0 ? more->qsize : (uint32_t)fs->qsize,
	    (fs->flags & DN_QSIZE_BYTES) != 0);
	put_loss(t, fs, more);
	text_f(t, " %u flows (%u buckets) sched %u weight %d lmax %d pri %d ",
	    fs->oid.id, fs->buckets, fs->sched_nr, fs->par[0], fs->par[1],
	    fs->par[2]);
	put_red(t, fs);
	if ((fs->flags & DN_HAVE_MASK) != 0)
		pipe_mask_put(t, &fs->mask);
}

/* ---- schedulers, their laws, flows ---- */

static void
put_sch(struct listing *l, const struct abi_dn_sch *s)
{
	end_link(l);
	text_f(l->t, " sched %u type ", s->sched_nr);
	text_safe(l->t, s->name, sizeof(s->name));
	text_f(l->t, " flags 0x%x %u buckets %u active\n", s->flags,
	    s->buckets, s->oid.id);
	if ((s->flags & DN_HAVE_MASK) != 0)
		pipe_mask_put(l->t, &s->mask);
}

static void
put_us(struct text *t, const char *what, int64_t us)
{
	text_f(t, " %s ", what);
	quantity_put_time(t, (uint64_t)us * 1000);
}

static const char *
ecn_word(int64_t flags)
{
	return (flags & DN_EXTRA_ECN) != 0 ? " ECN" : " NoECN";
}

static void
put_fq(struct text *t, const int64_t *p)
{
	text_f(t, " quantum %lld limit %lld flows %lld", (long long)p[0],
	    (long long)p[1], (long long)p[2]);
}

static void
put_pie(struct text *t, const int64_t *p, bool fq)
{
	double one = DN_EXTRA_SCALE;
	int64_t f = p[6];

	put_us(t, "target", p[0]);
	put_us(t, "tupdate", p[1]);
	text_f(t, " alpha %g beta %g", (double)p[4] / one, (double)p[5] / one);
	put_us(t, "max_burst", p[2]);
	text_f(t, " max_ecnth %.3g", (double)p[3] / one);
	if (fq)
		put_fq(t, p + 7);
	text_f(t, "%s%s%s%s%s\n", ecn_word(f),
	    (f & DN_EXTRA_CAPDROP) != 0 ? " CapDrop" : " NoCapDrop",
	    (f & DN_EXTRA_ONOFF) != 0 ? " OnOff" : "",
	    (f & DN_EXTRA_DEPRATE) != 0 ? " DRE" : " TS",
	    (f & DN_EXTRA_DERAND) != 0 ? " Derand" : " NoDerand");
}

static void
put_extra(struct listing *l, const struct abi_dn_extra *x)
{
	char name[sizeof(x->name) + 1] = "";
	struct text *t = l->t;
	const int64_t *p = x->par;

	end_link(l);
	memcpy(name, x->name, sizeof(x->name));
	if (strcasecmp(name, "codel") == 0 ||
	    strcasecmp(name, "fq_codel") == 0) {
		bool fq = name[0] == 'f' || name[0] == 'F';

		text_f(t, fq ? " FQ_CODEL" : " AQM CoDel");
		put_us(t, "target", p[0]);
		put_us(t, "interval", p[1]);
		if (fq)
			put_fq(t, p + 3);
		text_f(t, "%s\n", ecn_word(p[2]));
	} else if (strcasecmp(name, "pie") == 0) {
		text_f(t, " AQM type PIE");
		put_pie(t, p, false);
	} else if (strcasecmp(name, "fq_pie") == 0) {
		text_f(t, "  FQ_PIE");
		put_pie(t, p, true);
	}
}

/* The numbers of a scheduler's flowsets. */
static void
put_children(struct listing *l, const char *at, size_t len)
{
	end_link(l);
	if (len < sizeof(uint32_t))
		return;
	text_f(l->t, "   Children flowsets: ");
	for (; len >= sizeof(uint32_t); at += 4, len -= 4) {
		uint32_t nr;

		memcpy(&nr, at, sizeof(nr));
		text_f(l->t, "%u ", nr);
	}
	text_f(l->t, "\n");
}

static void
put_flow6(struct text *t, const struct abi_flow_id *id, const char *proto)
{
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];

	inet_ntop(AF_INET6, id->src6, src, sizeof(src));
	inet_ntop(AF_INET6, id->dst6, dst, sizeof(dst));
	text_f(t, "%9s %7d  %39s/%-5d  %39s/%-5d ", proto, (int)id->flow_label,
	    src, id->src_port, dst, id->dst_port);
}

static void
put_flow4(struct text *t, const struct abi_flow_id *id, const char *proto,
    bool named)
{
	char src[INET_ADDRSTRLEN], dst[INET_ADDRSTRLEN];
	struct in_addr s = {htonl(id->src)}, d = {htonl(id->dst)};

	inet_ntop(AF_INET, &s, src, sizeof(src));
	inet_ntop(AF_INET, &d, dst, sizeof(dst));
	text_f(t, named ? "%-4s " : "%4s ", proto);
	text_f(t, "%15s/%-5d %15s/%-5d ", src, id->src_port, dst,
	    id->dst_port);
}

static void
put_flow(struct listing *l, const struct abi_dn_flow *f)
{
	static const char head4[] = "BKT Prot ___Source IP/port____ "
	    "____Dest. IP/port____ Tot_pkt/bytes Pkt/Byte Drp\n";
	static const char head6[] = "BKT ___Prot___ _flow-id_ "
	    "______________Source IPv6/port_______________ "
	    "_______________Dest. IPv6/port_______________ "
	    "Tot_pkt/bytes Pkt/Byte Drp\n";
	bool ip6 = f->fid.family == 6;
	char buf[32], num[8];
	const char *proto = f->fid.proto == 0 ? "ip" :
	    proto_name(f->fid.proto, buf, sizeof(buf));
	bool named = proto != NULL;

	end_link(l);
	if (!l->flows)
		text_f(l->t, "%s", ip6 ? head6 : head4);
	l->flows = true;
	snprintf(num, sizeof(num), "%u", f->fid.proto);
	text_f(l->t, "%3u%c", f->oid.id & 0xff, f->fid.extra != 0 ? '*' : ' ');
	if (ip6)
		put_flow6(l->t, &f->fid, named ? proto : num);
	else
		put_flow4(l->t, &f->fid, named ? proto : num, named);
	text_f(l->t, "%4llu %8llu %2u %4u %3u\n",
	    (unsigned long long)f->tot_pkts, (unsigned long long)f->tot_bytes,
	    f->length, f->len_bytes, f->drops);
}

/* ---- the answer ---- */

/* Least octets that an object must have, by type. */
static size_t
least(uint8_t type)
{
	switch (type) {
	case DN_LINK:
		return sizeof(struct abi_dn_link);
	case DN_FS:
		return sizeof(struct abi_dn_fs);
	case DN_SCH:
		return sizeof(struct abi_dn_sch);
	case DN_FLOW: /* without the padding at its end */
		return offsetof(struct abi_dn_flow, pad);
	case DN_PROFILE:
		return offsetof(struct abi_dn_profile, samples);
	case DN_MORE_LINK:
		return sizeof(struct abi_dn_more_link);
	case DN_MORE_FS:
		return sizeof(struct abi_dn_more_fs);
	case DN_MORE_REPORT:
		return sizeof(struct abi_dn_more_report);
	default:
		return sizeof(struct dn_id);
	}
}

/* One object of 'len' octets at 'at'; 'next' is the one behind it, of 'left'
 * octets with all that follows. */
static void
put_object(struct listing *l, const char *at, size_t len, const char *next,
    size_t left)
{
	static const struct abi_dn_more_fs no_more;
	struct abi_dn_more_fs more = no_more;
	union object o = {.room = ""};
	struct dn_id id;

	memcpy(&o, at, len < sizeof(o) ? len : sizeof(o));
	memset(&id, 0, sizeof(id));
	if (left >= sizeof(id))
		memcpy(&id, next, sizeof(id));
	switch (o.id.type) {
	case DN_LINK: /* one that follows tells more, and exactly */
		end_link(l);
		if (id.type == DN_MORE_LINK && id.len >= least(id.type) &&
		    id.len <= left) {
			memcpy(&o, next, sizeof(o.more_link));
			put_link(l, o.more_link.link_nr, o.more_link.rate,
			    o.more_link.delay, o.more_link.burst);
		} else {
			put_plain_link(l, &o.link);
		}
		break;
	case DN_MORE_LINK:
		put_more_link(l, &o.more_link);
		break;
	case DN_PROFILE:
		put_profile(l, &o.profile);
		break;
	case DN_FS:
		if (id.type == DN_MORE_FS && id.len >= sizeof(more) &&
		    id.len <= left)
			memcpy(&more, next, sizeof(more));
		put_fs(l, &o.fs, &more);
		break;
	case DN_SCH:
		put_sch(l, &o.sch);
		break;
	case DN_FLOW:
		put_flow(l, &o.flow);
		break;
	case DN_TEXT:
		if ((o.id.subtype == DN_AQM_PARAMS ||
			o.id.subtype == DN_SCH_PARAMS) &&
		    len >= sizeof(o.extra))
			put_extra(l, &o.extra);
		else if (o.id.subtype == 0)
			put_children(l, at + sizeof(id), len - sizeof(id));
		break;
	case DN_MORE_REPORT:
		end_link(l);
		pipe_report_put(l->t, at, len, l->verbose);
		break;
	case DN_MORE_FS:
		break; /* shown with its flowset */
	case DN_CMD_GET:
	case DN_CMD_GET_MORE:
		if (l->verbose)
			text_f(l->t, "answer for cmd %d, len %u\n", DN_CMD_GET,
			    o.id.id);
		break;
	default:
		end_link(l);
		text_f(l->t, "unrecognized object %d size %zu\n", o.id.type,
		    len);
		break;
	}
}

int
pipe_list_put(struct text *t, const void *data, size_t len, bool verbose,
    struct err *e)
{
	struct listing l = {.t = t, .verbose = verbose};
	const char *at = data, *end = at + len;

	while (end - at >= (ptrdiff_t)sizeof(struct dn_id)) {
		size_t left = (size_t)(end - at);
		struct dn_id id;

		memcpy(&id, at, sizeof(id));
		if (id.len < least(id.type) || id.len > left)
			return err_set(e, EBADMSG, "the daemon's answer holds an "
			    "object of type %u with %u octets, %zu before its "
			    "end", id.type, id.len, left);
		put_object(&l, at, id.len, at + id.len, left - id.len);
		at += id.len;
	}
	end_link(&l);
	return 0;
}
