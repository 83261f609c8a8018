/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A capture file as a port: what it holds comes in, what is sent is written.
 *
 * Pace       packets come as far apart as their stamps are, 'speed' times as
 *            fast, or as fast as they are taken (speed=asap).
 * Cut        packets (a snap length) are completed with zeros to the length they
 *            had, so that rules, counters and rates see that length.  Packets of
 *            more than 65,535 octets are left out and counted.
 * Loop       each further pass begins one mean gap after the last packet.
 * Memory     the reader's window; and one piece for packets that are completed.
 *            In virtual time a thread reads ahead (capture/ahead).
 * Names      in rules: ifname=, or the file's name up to its first dot.
 */
#include "port/capture.h"
#include "port/kinds.h"

#include "base/clock.h"
#include "base/log.h"
#include "capture/ahead.h"
#include "capture/reader.h"
#include "capture/writer.h"
#include "port/args.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum {
	PATH_LEN = PORT_NAME_LEN,
	MAX_FRAME = 65535,
	SPARE = 1 << 20,      /* for packets that are completed, a burst */
	SPEED_ONE = 1000000,  /* speed is in millionths */
	MAX_SPEED = 1000000,
	SPEED_LEN = 32,
	ANY_IFACE = READER_IFACES,
	OWN = 64,	      /* packets that are taken from the reader at once */
};
#define SOON (60 * NS_PER_US) /* nearer than that is no time to sleep */
#define LAST_NS ((ns_t)INT64_MAX)

struct file_id {
	dev_t dev;
	ino_t ino;
};

struct cap {
	/* input */
	struct capture_reader *reader; /* NULL: none */
	struct ahead *thread;	       /* that reads; NULL: none */
	const struct capture_packet *ahead; /* ahead[at] to ahead[n_ahead - 1] */
	unsigned at, n_ahead;		    /* are still to come */
	struct capture_packet own[OWN];
	ns_t next_ns;	  /* stamp of ahead[at] as it is shown, if has_next */
	bool has_next;	  /* ahead[at] comes next */
	bool lending;	  /* packets of this burst lie in the reader's window */
	bool asap;
	uint64_t speed;	  /* in millionths */
	uint64_t passes;  /* still to come, this one included; 0 = endless */
	uint64_t n_read;  /* packets of this pass */
	ns_t first;	  /* stamp of the first packet of all */
	ns_t pass_first, pass_last; /* as in the file */
	ns_t shift;	  /* between the file and this pass */
	ns_t shown;	  /* the last stamp, before speed */
	ns_t began;	  /* mono clock minus stamps; 0 = not yet */
	uint8_t *spare;   /* SPARE octets, from the first cut packet on */
	size_t spare_used;
	uint64_t n_cut, n_long;
	_Atomic bool over;
	/* output */
	struct writer *writer; /* NULL: none */
	unsigned iface;
	uint64_t snap;
	bool dirty;	  /* something is to be written since the last flush */
	_Atomic bool failed;
	const ns_t *clock; /* NULL: the machine's */
	/* control */
	struct cap *others; /* all there are */
	struct file_id in_id, out_id;
	char in[PATH_LEN], out[PATH_LEN];
};

static struct cap *all; /* control thread only */

/* ---- input ---- */

/* A stamp of the file as this pass and 'speed' show it; beyond LAST_NS if it is
 * out of reach. */
static ns_t
show(struct cap *c, ns_t stamp)
{
	ns_t t = stamp + c->shift; /* both are at most LAST_NS */
	unsigned __int128 far;

	if (t < c->shown)
		t = c->shown;
	if (t > LAST_NS)
		return UINT64_MAX;
	c->shown = t;
	if (likely(c->speed == SPEED_ONE))
		return t;
	far = c->first +
	    (unsigned __int128)(t - c->first) * SPEED_ONE / c->speed;
	return far > LAST_NS ? UINT64_MAX : (ns_t)far;
}

/* The last packet has come. */
static void
end_input(struct cap *c, const char *why)
{
	c->at = c->n_ahead = 0;
	c->has_next = false;
	if (why != NULL) {
		log_msg(LOG_ERROR, "pcap: %s", why);
		atomic_store(&c->failed, true);
	}
	if (c->n_cut > 0)
		log_msg(LOG_INFO, "pcap: %s: %llu packets were captured in "
		    "part: completed with zeros", c->in,
		    (unsigned long long)c->n_cut);
	if (c->n_long > 0)
		log_msg(LOG_WARN, "pcap: %s: %llu packets of more than %d "
		    "octets left out", c->in, (unsigned long long)c->n_long,
		    MAX_FRAME);
	atomic_store(&c->over, true);
}

/* At the end of a pass: goes back to the first packet, if there is another
 * pass.  False: there is none. */
static bool
next_pass(struct cap *c)
{
	ns_t took = c->pass_last - c->pass_first;
	struct err e = {0};

	if (c->passes == 1 || c->n_read == 0) {
		end_input(c, NULL);
		return false;
	}
	if ((c->thread != NULL ? ahead_rewind(c->thread, &e) :
				 capture_rewind(c->reader, &e)) != 0) {
		end_input(c, e.text);
		return false;
	}
	c->passes -= c->passes > 0;
	c->shift += took + (c->n_read > 1 ? took / (c->n_read - 1) : NS_PER_MS);
	c->n_read = 0;
	if (c->shift <= LAST_NS)
		return true;
	end_input(c, "a stamp after 2262");
	return false;
}

/* A pass begins. */
static __attribute__((noinline, cold)) void
first_stamp(struct cap *c, ns_t t)
{
	c->pass_first = c->pass_last = t;
	if (c->shown == 0 && c->shift == 0)
		c->first = t;
}

/* Notes the stamp of a packet that was read. */
static inline bool
take_stamp(struct cap *c, ns_t t)
{
	if (unlikely(c->n_read++ == 0))
		first_stamp(c, t);
	if (t > c->pass_last)
		c->pass_last = t;
	c->next_ns = show(c, t);
	if (likely(c->next_ns <= LAST_NS))
		return true;
	end_input(c, "a stamp after 2262");
	return false;
}

/* Gives back what was read and is not in 'ahead' any more. */
static inline void
let_go(struct cap *c)
{
	bool is_empty = c->at == c->n_ahead;

	if (c->thread != NULL)
		ahead_release(c->thread, is_empty);
	else if (is_empty)
		capture_release(c->reader);
}

/* Passes over a packet that is too long.  Nobody will release it, so the window
 * moves on at once, if it can. */
static __attribute__((noinline, cold)) void
leave_out(struct cap *c)
{
	c->n_long++;
	c->at++;
	if (!c->lending)
		let_go(c);
}

/* Has further packets in 'ahead', which is empty, if they can be had before the
 * next release. */
static __attribute__((noinline)) bool
read_ahead(struct cap *c)
{
	struct err e; /* large: filled if there is trouble, not before */
	int got;

	if (atomic_load_explicit(&c->over, memory_order_relaxed))
		return false;
	c->at = 0;
	do
		got = c->thread != NULL ?
		    ahead_next(c->thread, &c->ahead, &c->n_ahead, &e) :
		    capture_next_run(c->reader, c->own, OWN, &c->n_ahead, &e);
	while (got == CAPTURE_END && next_pass(c));
	if (unlikely(got < 0))
		end_input(c, e.text);
	return got == CAPTURE_PACKET;
}

/* Has the next packet, ahead[at], if it can be had before the next release. */
static inline bool
look_ahead(struct cap *c)
{
	while (!c->has_next) {
		if (c->at == c->n_ahead && !read_ahead(c))
			return false;
		if (!take_stamp(c, c->ahead[c->at].ns))
			return false;
		c->has_next = likely(c->ahead[c->at].len <= MAX_FRAME);
		if (unlikely(!c->has_next))
			leave_out(c);
	}
	return true;
}

/* Completes a packet that was cut; false if there is no room in this burst. */
static bool
complete(struct cap *c, const struct capture_packet *from, struct pkt *p)
{
	uint32_t len = from->len;

	if (c->spare == NULL && (c->spare = malloc(SPARE)) == NULL) {
		end_input(c, "no memory to complete packets");
		return false;
	}
	if (SPARE - c->spare_used < len)
		return false;
	p->data = c->spare + c->spare_used;
	c->spare_used += len;
	memcpy(p->data, from->data, from->kept);
	memset(p->data + from->kept, 0, len - from->kept);
	c->n_cut++;
	return true;
}

/* As capture_rx(), those of 'ahead' behind the one that is looked at which are as
 * plain as nearly all are. */
static inline unsigned
take_plain(struct cap *c, struct pkt *pkts, ns_t *stamps, unsigned max,
    ns_t before, uint64_t *bytes)
{
	const struct capture_packet *from = c->ahead + c->at;
	unsigned room = c->n_ahead - c->at, n;
	ns_t shown = c->shown, last = c->pass_last;

	if (max > room)
		max = room;
	if (before > LAST_NS)
		before = LAST_NS;
	for (n = 0; n < max; n++, from++) {
		ns_t t = from->ns + c->shift; /* both are at most LAST_NS */

		if (t < shown)
			t = shown;
		if (t >= before || from->kept != from->len ||
		    from->len > MAX_FRAME)
			break;
		shown = t;
		last = from->ns > last ? from->ns : last;
		pkts[n].data = from->data;
		pkts[n].len = (uint16_t)from->len;
		stamps[n] = t;
		*bytes += from->len;
	}
	c->at += n;
	c->n_read += n;
	c->shown = shown;
	c->pass_last = last;
	return n;
}

unsigned
capture_rx(struct port *p, struct pkt *pkts, ns_t *stamps, unsigned max,
    ns_t before)
{
	struct cap *c = p->priv;
	uint64_t bytes = 0;
	unsigned n = 0;

	if (c->reader == NULL)
		return 0;
	while (n < max && look_ahead(c) && c->next_ns < before) {
		const struct capture_packet *from = &c->ahead[c->at];

		pkts[n].data = from->data;
		if (unlikely(from->kept < from->len) &&
		    !complete(c, from, &pkts[n]))
			break;
		pkts[n].len = (uint16_t)from->len;
		bytes += from->len;
		stamps[n++] = c->next_ns;
		c->has_next = false;
		c->lending = true;
		c->at++;
		if (likely(c->speed == SPEED_ONE))
			n += take_plain(c, pkts + n, stamps + n, max - n,
			    before, &bytes);
	}
	stat_add(&p->stats.rx_pkts, n);
	stat_add(&p->stats.rx_bytes, bytes);
	return n;
}

/* Real time, as stamps count it; the first packet comes at once. */
static ns_t
stamp_now(struct cap *c)
{
	ns_t now = clock_mono_ns();

	if (c->began == 0 && look_ahead(c))
		c->began = now - c->next_ns;
	return now - c->began;
}

static unsigned
pcap_rx(struct port *p, struct pkt *pkts, unsigned max)
{
	struct cap *c = p->priv;
	ns_t stamps[PORT_BURST];

	if (c->reader == NULL || atomic_load_explicit(&c->over,
	    memory_order_relaxed))
		return 0;
	return capture_rx(p, pkts, stamps, max,
	    c->asap ? UINT64_MAX : stamp_now(c) + 1);
}

static void
pcap_release(struct port *p)
{
	struct cap *c = p->priv;

	if (c->reader != NULL)
		let_go(c);
	c->lending = false;
	c->spare_used = 0;
}

ns_t
capture_next_ns(struct port *p)
{
	struct cap *c = p->priv;

	return c->reader != NULL && look_ahead(c) ? c->next_ns : UINT64_MAX;
}

bool
capture_is_over(const struct port *p)
{
	const struct cap *c = p->priv;

	return atomic_load(&c->over);
}

/* ---- output ---- */

static void
tell_failure(struct cap *c)
{
	struct err e = {0};

	writer_close(c->writer, &e);
	c->writer = NULL;
	log_msg(LOG_ERROR, "pcap: %s: no more packets are written", e.text);
	atomic_store(&c->failed, true);
}

static unsigned
pcap_room(struct port *p)
{
	(void)p;
	return PORT_BURST;
}

/* Writes packets; returns how many.  Where there is no output they are lost, as
 * in a sink. */
static unsigned
write_out(struct cap *c, struct pkt *const *pkts, unsigned n)
{
	ns_t now = c->clock != NULL ? *c->clock : clock_wall_ns();
	struct writer_packet w = {.ns = now, .iface = c->iface};

	if (c->writer == NULL)
		return c->out[0] == '\0' ? n : 0;
	c->dirty = true;
	for (unsigned i = 0; i < n; i++) {
		w.data = pkts[i]->data;
		w.len = pkts[i]->len;
		w.kept = w.len < c->snap ? w.len : (uint32_t)c->snap;
		if (unlikely(!writer_put(c->writer, &w))) {
			tell_failure(c);
			return i;
		}
	}
	return n;
}

static unsigned
pcap_tx(struct port *p, struct port *from, struct pkt *const *pkts, unsigned n)
{
	uint64_t bytes = 0;

	(void)from;
	n = write_out(p->priv, pkts, n);
	for (unsigned i = 0; i < n; i++)
		bytes += pkts[i]->len;
	stat_add(&p->stats.tx_pkts, n);
	stat_add(&p->stats.tx_bytes, bytes);
	return n;
}

unsigned
capture_tx(struct port *p, const struct writer_frame *f, unsigned n)
{
	struct cap *c = p->priv;
	uint64_t bytes = 0;
	unsigned sent = n;

	if (likely(c->writer != NULL)) {
		c->dirty = true;
		sent = writer_put_frames(c->writer, c->iface,
		    (uint32_t)c->snap, f, n);
		if (unlikely(sent < n))
			tell_failure(c);
	} else if (c->out[0] != '\0') {
		return 0;
	}
	for (unsigned i = 0; i < sent; i++)
		bytes += f[i].len;
	stat_add(&p->stats.tx_pkts, sent);
	stat_add(&p->stats.tx_bytes, bytes);
	return sent;
}

static void
pcap_nothing(struct port *p)
{
	(void)p;
}

bool
capture_failed(const struct port *p)
{
	const struct cap *c = p->priv;

	return atomic_load(&c->failed);
}

bool
capture_finish(struct port *p)
{
	struct cap *c = p->priv;

	if (c->writer != NULL && c->dirty && !writer_flush(c->writer))
		tell_failure(c);
	c->dirty = false;
	return !capture_failed(p);
}

/* ---- sleeping ---- */

static bool
pcap_sleep_begin(struct port *p, unsigned flags)
{
	struct cap *c = p->priv;
	struct itimerspec at = {0};
	ns_t now, due;

	if ((flags & PORT_RX) == 0 || c->reader == NULL || !look_ahead(c)) {
		if (!atomic_load(&c->over))
			return false;
		capture_finish(p);
		return true;
	}
	now = stamp_now(c);
	if (c->asap || c->next_ns <= now + SOON)
		return false;
	capture_finish(p); /* for who looks at it meanwhile */
	due = c->next_ns + c->began - SOON;
	at.it_value.tv_sec = (time_t)(due / NS_PER_S);
	at.it_value.tv_nsec = (long)(due % NS_PER_S);
	return timerfd_settime(p->fd, TFD_TIMER_ABSTIME, &at, NULL) == 0;
}

static void
pcap_sleep_end(struct port *p)
{
	uint64_t n;

	if (read(p->fd, &n, sizeof(n)) == -1)
		return; /* EAGAIN: it did not ring */
}

/* ---- opening ---- */

/* "2", "0.25", "asap" */
static int
parse_speed(struct cap *c, const char *port, const char *text, struct err *e)
{
	uint64_t whole = 0, part = 0, unit = SPEED_ONE;
	const char *at = text;

	if (strcmp(text, "asap") == 0) {
		c->asap = true;
		return 0;
	}
	for (; *at >= '0' && *at <= '9' && whole <= MAX_SPEED; at++)
		whole = whole * 10 + (uint64_t)(*at - '0');
	if (*at == '.') {
		for (at++; *at >= '0' && *at <= '9' && unit > 1; at++) {
			unit /= 10;
			part += (uint64_t)(*at - '0') * unit;
		}
	}
	c->speed = whole * SPEED_ONE + part;
	if (at == text || *at != '\0' || c->speed < SPEED_ONE / 1000 ||
	    whole > MAX_SPEED)
		return err_set(e, EINVAL, "port '%s': speed=%s: neither asap "
		    "nor a number from 0.001 to %d", port, text, MAX_SPEED);
	return 0;
}

static bool
same_file(const struct file_id *a, const struct file_id *b)
{
	return a->ino != 0 && a->ino == b->ino && a->dev == b->dev;
}

static void
identify(const char *path, struct file_id *id)
{
	struct stat st;

	if (*path != '\0' && stat(path, &st) == 0 && S_ISREG(st.st_mode))
		*id = (struct file_id){st.st_dev, st.st_ino};
}

/* A file is not emptied that is read, nor by two. */
static int
check_files(struct cap *c, const char *port, struct err *e)
{
	identify(c->in, &c->in_id);
	identify(c->out, &c->out_id);
	for (const struct cap *o = c; o != NULL; o = o == c ? all : o->others)
		if (same_file(&c->out_id, &o->in_id) ||
		    same_file(&c->in_id, &o->out_id) ||
		    (o != c && same_file(&c->out_id, &o->out_id)))
			return err_set(e, EBUSY, "port '%s': a file that is "
			    "written has to be another one than those that "
			    "are read or written beside it", port);
	return 0;
}

bool
capture_uses(const char *path)
{
	struct file_id id = {0};

	identify(path, &id);
	for (const struct cap *c = all; c != NULL; c = c->others)
		if (same_file(&id, &c->in_id) || same_file(&id, &c->out_id))
			return true;
	return false;
}

/* The name in rules: of 'path' without folders and endings, with the number of
 * its interface if one was asked for. */
static void
name_after(struct port *p, const char *path, const char *iface)
{
	const char *slash = strrchr(path, '/');
	const char *from = slash != NULL ? slash + 1 : path;
	size_t n = strcspn(from + (*from == '.'), ".") + (*from == '.');
	size_t more = strlen(iface);

	if (n > sizeof(p->ifname) - 1 - more)
		n = sizeof(p->ifname) - 1 - more;
	memset(p->ifname, 0, sizeof(p->ifname));
	memcpy(p->ifname, from, n);
	memcpy(p->ifname + n, iface, more);
}

/* What the port's name says. */
struct words {
	char speed[SPEED_LEN];
	char iface[8];
	char ifname[PORT_IFNAME_LEN];
	uint64_t loop;
};

static int
read_words(struct cap *c, const char *name, struct words *w, struct err *e)
{
	const struct port_arg args[] = {
	    {.key = "in", .type = PORT_ARG_TEXT, .out = c->in,
		.size = sizeof(c->in)},
	    {.key = "out", .type = PORT_ARG_TEXT, .out = c->out,
		.size = sizeof(c->out)},
	    {.key = "iface", .type = PORT_ARG_TEXT, .out = w->iface,
		.size = sizeof(w->iface)},
	    {.key = "loop", .type = PORT_ARG_NUMBER, .out = &w->loop,
		.lo = 0, .hi = 1000000000},
	    {.key = "speed", .type = PORT_ARG_TEXT, .out = w->speed,
		.size = sizeof(w->speed)},
	    {.key = "snap", .type = PORT_ARG_NUMBER, .out = &c->snap,
		.lo = 14, .hi = MAX_FRAME},
	    {.key = "ifname", .type = PORT_ARG_TEXT, .out = w->ifname,
		.size = sizeof(w->ifname)},
	    {.key = NULL},
	};
	bool for_in;
	int rc = port_args(name, name + strlen(port_pcap.kind), NULL, 0, args,
	    e);

	if (rc != 0)
		return rc;
	for_in = w->iface[0] != '\0' || w->speed[0] != '\0' || w->loop != 1;
	if (c->in[0] == '\0' && c->out[0] == '\0')
		return err_set(e, EINVAL, "port '%s': neither in=FILE nor "
		    "out=FILE", name);
	if (c->in[0] == '\0' && for_in)
		return err_set(e, EINVAL, "port '%s': iface, loop and speed "
		    "are for in=FILE", name);
	c->passes = w->loop;
	return w->speed[0] != '\0' ? parse_speed(c, name, w->speed, e) : 0;
}

static int
open_input(struct cap *c, const char *port, const struct words *w,
    struct err *e)
{
	int iface = READER_ANY, rc;
	char *end;

	if (w->iface[0] != '\0') {
		iface = (int)strtoul(w->iface, &end, 10);
		if (*end != '\0' || w->iface[0] < '0' || w->iface[0] > '9' ||
		    iface >= READER_IFACES)
			return err_set(e, EINVAL, "port '%s': iface=%s: not a "
			    "number from 0 to %d", port, w->iface,
			    READER_IFACES - 1);
	}
	if ((rc = capture_open(c->in, iface, &c->reader, e)) != 0)
		return rc;
	/* The first packet: a file that cannot be used says so now. */
	c->ahead = c->own;
	rc = capture_next(c->reader, c->own, e);
	if (rc < 0)
		return rc;
	c->n_ahead = rc == CAPTURE_PACKET;
	c->has_next = rc == CAPTURE_PACKET && c->ahead[0].len <= MAX_FRAME;
	if (rc == CAPTURE_PACKET)
		take_stamp(c, c->ahead[0].ns);
	if (rc == CAPTURE_PACKET && !c->has_next)
		leave_out(c);
	return 0;
}

static int
open_output(struct cap *c, const char *ifname, struct err *e)
{
	int rc = writer_create(c->out, (uint32_t)c->snap, &c->writer, e);

	if (rc == 0)
		c->iface = writer_iface(c->writer, ifname);
	c->dirty = rc == 0; /* a header is to be written, if nothing else */
	return rc;
}

static void
leave_list(const struct cap *c)
{
	for (struct cap **w = &all; *w != NULL; w = &(*w)->others) {
		if (*w == c) {
			*w = c->others;
			return;
		}
	}
}

static void
pcap_close(struct port *p)
{
	struct cap *c = p->priv;

	if (c->writer != NULL && capture_finish(p)) {
		struct err e = {0};

		if (writer_close(c->writer, &e) != 0)
			log_msg(LOG_ERROR, "pcap: %s", e.text);
		c->writer = NULL;
	}
	leave_list(c);
	ahead_stop(c->thread);
	capture_close(c->reader);
	writer_close(c->writer, NULL);
	if (p->fd != -1)
		close(p->fd);
	free(c->spare);
	free(c);
}

static int
pcap_open(struct port *p, const char *name, struct err *e)
{
	struct words w = {.loop = 1};
	struct cap *c = calloc(1, sizeof(*c));
	int rc;

	if (c == NULL)
		return err_set(e, ENOMEM, "port '%s': no memory", name);
	p->priv = c;
	c->speed = SPEED_ONE;
	c->snap = MAX_FRAME;
	p->fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (p->fd == -1)
		rc = err_set(e, errno, "port '%s': no timer: %s", name,
		    strerror(errno));
	else if ((rc = read_words(c, name, &w, e)) == 0 &&
	    (rc = check_files(c, name, e)) == 0 && c->in[0] != '\0')
		rc = open_input(c, name, &w, e);
	atomic_store(&c->over, c->reader == NULL);
	name_after(p, c->in[0] != '\0' ? c->in : c->out, w.iface);
	if (w.ifname[0] != '\0')
		strcpy(p->ifname, w.ifname);
	if (rc == 0 && c->out[0] != '\0')
		rc = open_output(c, p->ifname, e);
	if (rc != 0) {
		pcap_close(p);
		return rc;
	}
	identify(c->out, &c->out_id); /* which may be new */
	c->others = all;
	all = c;
	return 0;
}

/* ---- virtual time ---- */

int
capture_set_clock(struct port *p, const ns_t *now, struct err *e)
{
	struct cap *c = p->priv;

	if (c->asap)
		return err_set(e, EINVAL, "port '%s': speed=asap: virtual time "
		    "always runs as fast as it can, and needs the stamps",
		    p->name);
	if (c->passes == 0)
		return err_set(e, EINVAL, "port '%s': loop=0: virtual time "
		    "would never end", p->name);
	c->clock = now;
	return c->reader != NULL ? ahead_start(c->reader, &c->thread, e) : 0;
}

const struct port_ops port_pcap = {
	.kind = "pcap:",
	.help = "pcap:in=FILE,out=FILE  packets of a capture, pcap or pcapng, "
		"and into one",
	.open = pcap_open,
	.close = pcap_close,
	.rx = pcap_rx,
	.release = pcap_release,
	.room = pcap_room,
	.tx = pcap_tx,
	.kick = pcap_nothing,
	.pending = port_none_pending,
	.sleep_begin = pcap_sleep_begin,
	.sleep_end = pcap_sleep_end,
};
