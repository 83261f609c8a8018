/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CoDel: controlled delay (RFC 8289).
 *
 * A queue is bad if every packet of the last interval waited longer than target.
 * Then one is dropped (or marked) at once, and another each time a shrinking
 * interval has passed, interval / sqrt(count), until a packet waited less.
 */
#include "pipe/aqm.h"

#include <errno.h>

struct codel {
	ns_t first_above; /* when it will have been bad for long; 0 = is not */
	ns_t drop_next;
	uint32_t count;	     /* drops since it went bad */
	uint32_t last_count; /* of the time it went bad before */
	uint32_t longest;    /* packet seen; that little is no queue */
	bool dropping;
};

/* The square root, cut down. */
static uint32_t
root(uint64_t v)
{
	uint64_t r = 0;

	for (uint64_t bit = UINT64_C(1) << 62; bit != 0; bit >>= 2) {
		if (v >= r + bit) {
			v -= r + bit;
			r = (r >> 1) + bit;
		} else {
			r >>= 1;
		}
	}
	return (uint32_t)r;
}

/* The time of the next drop: interval / sqrt(count) after 't', cut down to a ns
 * (of intervals above 4 s, to a us): the root of interval^2 / count. */
static ns_t
control_law(const struct codel *c, ns_t interval, ns_t t)
{
	unsigned cut = interval > UINT32_MAX ? 10 : 0;
	uint64_t i = interval >> cut; /* below 2^32: an hour at most */

	return t + ((ns_t)root(i * i / c->count) << cut);
}

/* Takes the next packet; *bad tells if the queue has been for an interval. */
static struct held *
look(struct queue *q, struct codel *c, ns_t now, bool *bad)
{
	const struct aqm_cfg *cfg = &q->aqm->cfg;
	struct held *h = queue_take(q);

	*bad = false;
	if (h == NULL) {
		c->first_above = 0;
		return NULL;
	}
	if (h->bytes > c->longest)
		c->longest = h->bytes;
	if (now - h->time < cfg->target || q->bytes <= c->longest)
		c->first_above = 0;
	else if (c->first_above == 0)
		c->first_above = now + cfg->interval;
	else
		*bad = now >= c->first_above;
	return h;
}

/* Marks the packet, if marks are wanted and it can be. */
static bool
marked(struct queue *q, struct held *h)
{
	return (q->aqm->cfg.flags & AQM_ECN) != 0 && queue_mark(q, h);
}

/* In the dropping state: drops what is due. */
static struct held *
go_on(struct queue *q, struct codel *c, struct held *h, bool bad, ns_t now)
{
	ns_t interval = q->aqm->cfg.interval;

	c->dropping = bad;
	while (c->dropping && now >= c->drop_next) {
		c->count++;
		if (marked(q, h)) {
			c->drop_next = control_law(c, interval, c->drop_next);
			return h;
		}
		queue_drop(q, h, DN_DROP_AQM);
		h = look(q, c, now, &bad);
		c->dropping = bad;
		if (bad)
			c->drop_next = control_law(c, interval, c->drop_next);
	}
	return h;
}

/* The queue has just become bad: drops one.  Soon after the last time the rate
 * that helped then is the one to begin with. */
static struct held *
begin(struct queue *q, struct codel *c, struct held *h, ns_t now)
{
	ns_t interval = q->aqm->cfg.interval;
	uint32_t delta = c->count - c->last_count;
	bool bad;

	if (!marked(q, h)) {
		queue_drop(q, h, DN_DROP_AQM);
		h = look(q, c, now, &bad);
	}
	c->dropping = true;
	c->count = delta > 1 && (int64_t)(now - c->drop_next) <
		(int64_t)(16 * interval) ? delta : 1;
	c->drop_next = control_law(c, interval, now);
	c->last_count = c->count;
	return h;
}

static struct held *
codel_dequeue(struct queue *q, ns_t now)
{
	struct codel *c = q->aqm_state;
	bool bad;
	struct held *h = look(q, c, now, &bad);

	if (c->dropping)
		return go_on(q, c, h, bad, now);
	return bad ? begin(q, c, h, now) : h;
}

static int
codel_check(const struct aqm_cfg *cfg, struct err *e)
{
	if (cfg->target == 0 || cfg->interval == 0)
		return err_set(e, EINVAL, "codel: target and interval must be "
		    "above 0");
	if (cfg->interval > 3600 * NS_PER_S || cfg->target > 3600 * NS_PER_S)
		return err_set(e, EINVAL, "codel: target and interval of an "
		    "hour at most");
	return 0;
}

extern const struct aqm_ops aqm_codel;
const struct aqm_ops aqm_codel = {
	.type = AQM_CODEL,
	.name = "CoDel",
	.state_size = sizeof(struct codel),
	.check = codel_check,
	.dequeue = codel_dequeue,
};
