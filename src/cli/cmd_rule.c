/* SPDX-License-Identifier: BSD-2-Clause */
/* Commands that change rules, add aside: delete, zero, resetlog, flush. */
#include "cli/cmd.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

int
range_command(struct cli *c, unsigned op, const struct range_tlv *range,
    unsigned *touched, struct err *e)
{
	struct range_hdr h = {.op = {.opcode = (uint16_t)op}, .range = *range};
	size_t len;
	int r;

	h.range.head = (struct obj_tlv){.type = TLV_RANGE,
	    .length = sizeof(h.range)};
	r = ctl_get(c->ctl, CTL_FW3, &h, sizeof(h), sizeof(h), &len, e);
	if (r == 0 && len < sizeof(h))
		r = err_set(e, EPROTO, "the daemon's answer is too short");
	if (r == 0)
		*touched = h.range.new_set;
	return r;
}

/* ---- delete ---- */

/* "N" or "N-M". */
static bool
read_range(const char *s, unsigned *lo, unsigned *hi)
{
	const char *dash = strchr(s, '-');
	char first[16];

	if (dash == NULL) {
		*hi = 0;
		if (!args_number(s, 65535, lo))
			return false;
		*hi = *lo;
		return true;
	}
	if ((size_t)(dash - s) >= sizeof(first))
		return false;
	memcpy(first, s, (size_t)(dash - s));
	first[dash - s] = '\0';
	return args_number(first, 65535, lo) &&
	       args_number(dash + 1, 65535, hi) && *lo <= *hi;
}

/* What a word of delete names: a set, or rules by number. */
static int
read_target(const struct cli *c, const struct word *w, bool sets,
    struct range_tlv *t, struct err *e)
{
	unsigned lo, hi;

	*t = (struct range_tlv){.flags = RANGE_RULES};
	if (!read_range(w->s, &lo, &hi) || (sets && (lo != hi || hi > 31)))
		return word_err(e, EX_DATAERR, w, "%s",
		    sets ? "not a set (0 to 31)"
			 : "not a rule number or a range (1 to 65535)");
	if (sets) {
		t->flags = RANGE_SET;
		t->set = lo;
	} else {
		t->start_rule = (uint16_t)lo;
		t->end_rule = (uint16_t)hi;
		if (lo == 0 && hi == 0)
			t->flags = RANGE_ALL;
	}
	if (!sets && c->set >= 0) {
		t->set = (uint32_t)c->set;
		t->flags |= RANGE_SET;
	}
	if ((c->flags & CLI_ONLY_DYNAMIC) != 0)
		t->flags |= RANGE_DYNAMIC;
	return 0;
}

static int
delete_one(struct cli *c, const struct range_tlv *t, bool sets, struct err *e)
{
	unsigned touched;
	int r = range_command(c, FW3_XDEL, t, &touched, e);

	if (r != 0)
		return cli_code(r);
	if (touched != 0 || (c->flags & CLI_ONLY_DYNAMIC) != 0)
		return 0;
	if (sets)
		cli_warn(c, "no rules in set %u", t->set);
	else if (t->start_rule != t->end_rule)
		cli_warn(c, "no rules in range %u-%u", t->start_rule,
		    t->end_rule);
	else
		cli_warn(c, "rule %u not found", t->start_rule);
	return EX_UNAVAILABLE;
}

int
cmd_delete(struct cli *c, const struct args *a, struct err *e)
{
	struct range_tlv t;
	unsigned k = 1;
	bool sets = false;
	int exitcode = 0, r = 0;

	if (a->n > 1 && cli_match(c, a->w[1].s, "set")) {
		if (c->set >= 0)
			return word_err(e, EX_DATAERR, &a->w[1],
			    "\"set\" was given before the command already");
		sets = true;
		k++;
	}
	if (k == a->n)
		return args_missing(a, sets ? "the number of the set"
					    : "the number of a rule", e);
	for (unsigned i = k; r == 0 && i < a->n; i++)
		r = read_target(c, &a->w[i], sets, &t, e);
	if (r != 0 || (c->flags & CLI_TEST) != 0)
		return r;
	for (; k < a->n; k++) {
		struct err why = {.code = 0};

		read_target(c, &a->w[k], sets, &t, NULL);
		r = delete_one(c, &t, sets, &why);
		if (why.code != 0)
			cli_warn(c, "rule %s: %s", a->w[k].s, why.text);
		exitcode = r != 0 ? r : exitcode;
	}
	return exitcode;
}

/* ---- zero, resetlog ---- */

struct reset {
	unsigned op;
	const char *all; /* what is printed */
	const char *one;
};

static int
reset_one(struct cli *c, const struct reset *z, unsigned num, struct err *e)
{
	struct range_tlv t = {.flags = RANGE_RULES};
	unsigned touched;
	int r;

	t.start_rule = t.end_rule = (uint16_t)num;
	if (c->set >= 0) {
		t.set = (uint32_t)c->set;
		t.flags |= RANGE_SET;
	}
	r = range_command(c, z->op, &t, &touched, e);
	if (r != 0)
		return cli_code(r);
	if (touched == 0) {
		fprintf(c->out, "Entry %u not found\n", num);
		return EX_UNAVAILABLE;
	}
	if ((c->flags & CLI_QUIET) == 0)
		fprintf(c->out, "Entry %u %s.\n", num, z->one);
	return 0;
}

static int
reset(struct cli *c, const struct reset *z, const struct args *a,
    struct err *e)
{
	struct range_tlv all = {.flags = RANGE_ALL};
	unsigned num, touched;
	int exitcode = 0, r;

	for (unsigned k = 1; k < a->n; k++)
		if (!args_number(a->w[k].s, 65535, &num))
			return word_err(e, EX_USAGE, &a->w[k],
			    "not a rule number (1 to 65535)");
	if ((c->flags & CLI_TEST) != 0)
		return 0;
	for (unsigned k = 1; k < a->n; k++) {
		args_number(a->w[k].s, 65535, &num);
		r = reset_one(c, z, num, e);
		if (e->code != 0)
			return r;
		exitcode = r != 0 ? r : exitcode;
	}
	if (a->n > 1)
		return exitcode;
	if (c->set >= 0) {
		all.flags = RANGE_SET;
		all.set = (uint32_t)c->set;
	}
	r = range_command(c, z->op, &all, &touched, e);
	if (r != 0)
		return cli_code(r);
	if ((c->flags & CLI_QUIET) == 0)
		fprintf(c->out, "%s.\n", z->all);
	return 0;
}

int
cmd_zero(struct cli *c, const struct args *a, struct err *e)
{
	static const struct reset z = {FW3_XZERO, "Accounting cleared",
	    "cleared"};

	return reset(c, &z, a, e);
}

int
cmd_resetlog(struct cli *c, const struct args *a, struct err *e)
{
	static const struct reset z = {FW3_XRESETLOG, "Logging counts reset",
	    "logging count reset"};

	return reset(c, &z, a, e);
}

/* ---- flush ---- */

bool
confirm(struct cli *c)
{
	char line[64];

	if ((c->flags & (CLI_FORCE | CLI_QUIET)) != 0)
		return true;
	for (;;) {
		fputs("Are you sure? [yn] ", c->out);
		fflush(c->out);
		if (fgets(line, sizeof(line), c->in) == NULL)
			return false;
		if (toupper((unsigned char)line[0]) == 'Y')
			break;
		if (toupper((unsigned char)line[0]) == 'N')
			return false;
	}
	fputc('\n', c->out);
	return true;
}

int
cmd_flush(struct cli *c, const struct args *a, struct err *e)
{
	struct range_tlv t = {.flags = RANGE_ALL};
	unsigned touched;
	int r;

	if (a->n > 1)
		return word_err(e, EX_USAGE, &a->w[1],
		    "flush takes no argument; for one set: set N flush");
	if ((c->flags & CLI_TEST) != 0 || !confirm(c))
		return 0;
	if (c->set >= 0) {
		t.flags = RANGE_SET;
		t.set = (uint32_t)c->set;
	}
	r = range_command(c, FW3_XDEL, &t, &touched, e);
	if (r != 0)
		return cli_code(r);
	if ((c->flags & CLI_QUIET) == 0)
		fputs("Flushed all rules.\n", c->out);
	return 0;
}
