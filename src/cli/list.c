/* SPDX-License-Identifier: BSD-2-Clause */
/* list, print and show: the rules of a daemon, fetched and printed. */
#include "cli/list.h"

#include "cli/states.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum {
	FIRST_ROOM = 4096,
	TRIES = 16,
	RULE_LAST = 65535,
	PART_ROOM = 1 << 20, /* octets of states at a time, if they are many */
};

int
list_fetch(struct cli *c, unsigned flags, unsigned lo, unsigned hi,
    struct cfg_lhdr **cfg, size_t *len, struct err *e)
{
	size_t room = FIRST_ROOM;

	for (int k = 0; k < TRIES; k++) {
		struct cfg_lhdr *h = calloc(1, room);
		struct err why = {.code = 0};
		size_t need;
		int r;

		if (h == NULL)
			return err_set(e, ENOMEM, "no memory for the rules");
		h->op.opcode = FW3_XGET;
		h->flags = flags;
		h->start_rule = lo;
		h->end_rule = hi;
		*len = 0;
		r = ctl_get(c->ctl, CTL_FW3, h, sizeof(*h), room, len, &why);
		if (r == 0 && *len >= sizeof(*h)) {
			*cfg = h;
			return 0;
		}
		need = *len >= sizeof(*h) ? h->size : 0;
		free(h);
		if (r == 0)
			return err_set(e, EPROTO,
			    "the daemon's answer is too short");
		if (r != -ENOMEM) {
			*e = why;
			return r;
		}
		room = need > 2 * room ? need : 2 * room;
		if (room > CTL_MAX_PAYLOAD)
			return err_set(e, EMSGSIZE,
			    "the rules need more than %d octets",
			    CTL_MAX_PAYLOAD);
	}
	return err_set(e, EAGAIN, "the ruleset keeps growing");
}

unsigned
list_print_flags(const struct cli *c)
{
	static const struct {
		unsigned cli, print;
	} map[] = {
	    {CLI_RESOLVE, PRINT_RESOLVE}, {CLI_COMPACT, PRINT_COMPACT},
	    {CLI_COMMENT, PRINT_COMMENT}, {CLI_SETS, PRINT_SET},
	    {CLI_ACCT, PRINT_COUNTERS},	  {CLI_TIME, PRINT_TIME},
	    {CLI_EPOCH, PRINT_EPOCH},
	};
	unsigned flags = 0;

	for (size_t k = 0; k < ARRAY_LEN(map); k++)
		if ((c->flags & map[k].cli) != 0)
			flags |= map[k].print;
	return flags;
}

/* ---- the reply ---- */

void
list_split(struct listing *l)
{
	const char *at = (const char *)(l->cfg + 1);
	size_t left = l->len - sizeof(*l->cfg);

	while (left >= sizeof(struct obj_ctlv)) {
		struct obj_ctlv list;

		memcpy(&list, at, sizeof(list));
		if (list.head.length < sizeof(list) || list.head.length > left)
			return;
		if (list.head.type == TLV_TBLNAME_LIST) {
			tabnames_read(&l->tables, at + sizeof(list),
			    list.head.length - sizeof(list));
			l->names = (const void *)(at + sizeof(list));
			l->n_names = (unsigned)((list.head.length -
			    sizeof(list)) / sizeof(*l->names));
		} else if (list.head.type == TLV_RULE_LIST) {
			l->rules = at + sizeof(list);
			l->rules_len = list.head.length - sizeof(list);
		} else if (list.head.type == TLV_DYNSTATE_LIST) {
			/* The original does not count the states in. */
			l->states = at + sizeof(list);
			l->states_len = left - sizeof(list);
			return;
		}
		at += list.head.length;
		left -= list.head.length;
	}
}

bool
list_next(const struct listing *l, size_t *at, struct list_entry *en)
{
	size_t left = l->rules_len - *at, skip = sizeof(struct obj_tlv);
	struct obj_tlv tlv;

	if (left < sizeof(tlv))
		return false;
	memcpy(&tlv, l->rules + *at, sizeof(tlv));
	if (tlv.length < sizeof(tlv) || tlv.length > left ||
	    tlv.length % 8 != 0)
		return false;
	en->counter = (struct abi_counter){0};
	if (l->counters) {
		if (tlv.length < skip + sizeof(en->counter))
			return false;
		memcpy(&en->counter, l->rules + *at + skip,
		    sizeof(en->counter));
		if (en->counter.size < sizeof(en->counter) ||
		    en->counter.size % 8 != 0 ||
		    en->counter.size > tlv.length - skip)
			return false;
		skip += en->counter.size;
	}
	if (tlv.length - skip < sizeof(struct abi_rule))
		return false;
	en->rule = (const void *)(l->rules + *at + skip);
	en->size = tlv.length - skip;
	*at += tlv.length;
	return true;
}

static bool
in_set(const struct cli *c, const struct abi_rule *r)
{
	return c->set < 0 || r->set == c->set;
}

static void
measure(struct cli *c, const struct listing *l, struct print_opt *opt)
{
	struct list_entry en;

	opt->pkts_width = opt->bytes_width = 1;
	for (size_t at = 0; list_next(l, &at, &en);) {
		if (!in_set(c, en.rule))
			continue;
		if (digits(en.counter.pcnt) > opt->pkts_width)
			opt->pkts_width = digits(en.counter.pcnt);
		if (digits(en.counter.bcnt) > opt->bytes_width)
			opt->bytes_width = digits(en.counter.bcnt);
	}
}

/* Prints the rules from 'lo' to 'hi'; returns how many there were, those of
 * disabled sets (which only -S shows) included. */
static unsigned
print_range(struct cli *c, const struct listing *l, unsigned lo, unsigned hi,
    const struct print_opt *opt)
{
	struct text t = {0};
	struct list_entry en;
	unsigned seen = 0;

	for (size_t at = 0; list_next(l, &at, &en);) {
		bool off = en.rule->set < 32 &&
			   (l->cfg->set_mask >> en.rule->set & 1) == 0;

		if (en.rule->rulenum < lo || en.rule->rulenum > hi ||
		    !in_set(c, en.rule))
			continue;
		seen++;
		if (off && (c->flags & CLI_SETS) == 0)
			continue;
		text_reset(&t);
		if (off)
			text_f(&t, "# DISABLED ");
		print_rule(&t, en.rule, en.size,
		    l->counters ? &en.counter : NULL, opt);
		fputs(text_str(&t), c->out);
	}
	text_fini(&t);
	return seen;
}

/* ---- the numbers asked for, and what is printed of them ---- */

/* "N" or "N-M" in decimal. */
static bool
read_span(const char *s, unsigned *lo, unsigned *hi)
{
	char *end;

	if (*s < '0' || *s > '9')
		return false;
	*lo = *hi = (unsigned)strtoul(s, &end, 10);
	if (*end == '-' && end[1] >= '0' && end[1] <= '9')
		*hi = (unsigned)strtoul(end + 1, &end, 10);
	return *end == '\0';
}

/* The smallest span that holds every argument, for the request. */
static void
whole_span(const struct args *a, unsigned *lo, unsigned *hi)
{
	*lo = *hi = 0;
	for (unsigned k = 1; k < a->n; k++) {
		unsigned first, last;

		if (!read_span(a->w[k].s, &first, &last))
			continue;
		if (*lo == 0 || first < *lo)
			*lo = first;
		if (last > *hi)
			*hi = last;
	}
}

/* The states of the rules from 'lo' to 'hi'. */
static void
print_states(struct cli *c, const struct listing *l, unsigned lo, unsigned hi,
    const struct print_opt *opt)
{
	struct state_query q = {.lo = lo, .hi = hi, .set = c->set,
	    .expired = (c->flags & CLI_EXPIRED) != 0,
	    .verbose = (c->flags & CLI_VERBOSE) != 0, .opt = *opt};
	struct text t = {0};

	states_print(&t, l->states, l->states_len, &q);
	fputs(text_str(&t), c->out);
	text_fini(&t);
}

/* The states of what the command names. */
static void
print_all_states(struct cli *c, const struct listing *l, const struct args *a,
    const struct print_opt *opt)
{
	unsigned lo, hi;

	if (a->n == 1)
		print_states(c, l, 0, RULE_LAST, opt);
	for (unsigned k = 1; k < a->n; k++)
		if (read_span(a->w[k].s, &lo, &hi))
			print_states(c, l, lo, hi, opt);
}

/* What -d adds stands under a heading; all of them are counted there. */
static void
print_heading(struct cli *c, const struct args *a, size_t n, size_t size)
{
	if (a->n == 1)
		fprintf(c->out, "## Dynamic rules (%zu %zu):\n", n,
		    size + sizeof(struct obj_ctlv));
	else
		fputs("## Dynamic rules:\n", c->out);
}

/* ---- states that are too many for one reply ---- */

/* The states from 'from' on, as many as a part holds. */
static int
fetch_part(struct cli *c, uint32_t from, struct listing *l, struct err *e)
{
	int r;

	if ((l->cfg = calloc(1, PART_ROOM)) == NULL)
		return err_set(e, ENOMEM, "no memory for the states");
	l->cfg->op.opcode = FW3_XGET;
	l->cfg->flags = CFG_STATES | CFG_PART;
	l->cfg->spare = from;
	r = ctl_get(c->ctl, CTL_FW3, l->cfg, sizeof(*l->cfg), PART_ROOM,
	    &l->len, e);
	if (r == 0 && l->len < sizeof(*l->cfg))
		r = err_set(e, EPROTO, "the daemon's answer is too short");
	return r;
}

/* What is done with the states of all parts. */
struct parts {
	const struct args *a;
	struct print_opt opt;
	size_t n, size; /* measured */
	bool print;	/* after that */
};

static void
take_part(struct cli *c, struct parts *p, struct listing *l)
{
	list_split(l);
	if (p->print) {
		p->opt.names = l->names;
		p->opt.n_names = l->n_names;
		print_all_states(c, l, p->a, &p->opt);
	} else {
		p->n += states_measure(l->states, l->states_len, &p->opt);
		p->size += l->states_len;
	}
	tabnames_fini(&l->tables);
}

/* One pass over all states. */
static int
walk_parts(struct cli *c, struct parts *p, struct err *e)
{
	uint32_t from = 0, before;
	int r;

	do {
		struct listing l = {.cfg = NULL};

		before = from;
		r = fetch_part(c, from, &l, e);
		if (r == 0) {
			take_part(c, p, &l);
			from = l.cfg->spare;
		}
		free(l.cfg);
	} while (r == 0 && from > before);
	return r;
}

/* Two passes, so that the columns are wide enough, and no memory for all. */
static int
print_parts(struct cli *c, const struct args *a, const struct print_opt *opt,
    struct err *e)
{
	struct parts p = {.a = a, .opt = *opt};
	int r = walk_parts(c, &p, e);

	if (r != 0 || p.n == 0)
		return r;
	print_heading(c, a, p.n, p.size);
	p.print = true;
	return walk_parts(c, &p, e);
}

/* ---- the command ---- */

static int
print_spans(struct cli *c, const struct listing *l, const struct args *a,
    const struct print_opt *opt)
{
	int exitcode = 0;

	for (unsigned k = 1; k < a->n; k++) {
		unsigned lo, hi;

		if (!read_span(a->w[k].s, &lo, &hi)) {
			cli_warn(c, "word %d: invalid rule number: %s",
			    a->w[k].pos, a->w[k].s);
			exitcode = EX_USAGE;
			continue;
		}
		if ((c->flags & CLI_ONLY_DYNAMIC) != 0 ||
		    print_range(c, l, lo, hi, opt) != 0)
			continue;
		if (exitcode == 0)
			exitcode = EX_UNAVAILABLE;
		if (lo == hi)
			cli_warn(c, "rule %u does not exist", lo);
		else
			cli_warn(c, "no rules in range %u-%u", lo, hi);
	}
	return exitcode;
}

/* What of the daemon's configuration is to be fetched: CFG_*. */
static unsigned
wanted(const struct cli *c, bool counters)
{
	unsigned flags = 0;

	if ((c->flags & CLI_ONLY_DYNAMIC) == 0)
		flags |= CFG_STATIC;
	if ((c->flags & CLI_DYNAMIC) != 0)
		flags |= CFG_STATES;
	if (counters)
		flags |= CFG_COUNTERS;
	return flags;
}

/* Fetches rules and states; rules alone, *parts being set, if there are too many
 * states for one reply. */
static int
fetch(struct cli *c, const struct args *a, struct listing *l, bool *parts,
    struct err *e)
{
	unsigned flags = wanted(c, l->counters), lo, hi;
	int r;

	whole_span(a, &lo, &hi);
	r = list_fetch(c, flags, lo, hi, &l->cfg, &l->len, e);
	*parts = r == -EMSGSIZE && (flags & CFG_STATES) != 0;
	if (!*parts)
		return r;
	*e = (struct err){.code = 0};
	return list_fetch(c, flags & ~(unsigned)CFG_STATES, lo, hi, &l->cfg,
	    &l->len, e);
}

static int
list(struct cli *c, const struct args *a, struct err *e)
{
	struct print_opt opt = {.flags = list_print_flags(c)};
	struct listing l = {.cfg = NULL};
	unsigned n_states;
	bool parts;
	int r, error;

	if ((c->flags & CLI_TEST) != 0) {
		cli_warn(c, "testing only, nothing is listed");
		return 0;
	}
	l.counters = (c->flags & (CLI_ACCT | CLI_TIME | CLI_EPOCH)) != 0;
	r = fetch(c, a, &l, &parts, e);
	if (r != 0)
		return cli_code(r);
	list_split(&l);
	opt.tables = &l.tables;
	opt.names = l.names;
	opt.n_names = l.n_names;
	measure(c, &l, &opt);
	n_states = states_measure(l.states, l.states_len, &opt);
	if (a->n > 1)
		r = print_spans(c, &l, a, &opt);
	else
		print_range(c, &l, 0, RULE_LAST, &opt);
	if (n_states > 0) {
		print_heading(c, a, n_states, l.states_len);
		print_all_states(c, &l, a, &opt);
	}
	if (parts && (error = print_parts(c, a, &opt, e)) != 0)
		r = cli_code(error);
	tabnames_fini(&l.tables);
	free(l.cfg);
	return r;
}

int
cmd_list(struct cli *c, const struct args *a, struct err *e)
{
	return list(c, a, e);
}

int
cmd_show(struct cli *c, const struct args *a, struct err *e)
{
	c->flags |= CLI_ACCT;
	return list(c, a, e);
}
