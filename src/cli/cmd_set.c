/* SPDX-License-Identifier: BSD-2-Clause */
/* set show, enable, disable, swap and move. */
#include "cli/cmd.h"

#include "cli/names.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum { LAST_SET = 31 };

static int
set_number(const struct word *w, unsigned *set, struct err *e)
{
	if (args_number(w->s, LAST_SET, set))
		return 0;
	return word_err(e, EX_DATAERR, w, "not a set (0 to %d)", LAST_SET);
}

/* Set 31 is always enabled and never shown. */
static int
set_show(struct cli *c, const struct args *a, struct err *e)
{
	struct cfg_lhdr *cfg;
	uint32_t on;
	size_t len;
	const char *word = "disable";
	int r;

	if ((r = args_end(a, 2, e)) != 0)
		return r;
	r = list_fetch(c, 0, 0, 0, &cfg, &len, e);
	if (r != 0)
		return cli_code(r);
	on = cfg->set_mask;
	free(cfg);
	for (unsigned k = 0; k < LAST_SET; k++)
		if ((on >> k & 1) == 0) {
			fprintf(c->out, "%s %u", word, k);
			word = "";
		}
	word = *word == '\0' ? " enable" : "enable";
	for (unsigned k = 0; k < LAST_SET; k++)
		if ((on >> k & 1) != 0) {
			fprintf(c->out, "%s %u", word, k);
			word = "";
		}
	fputc('\n', c->out);
	return 0;
}

static int
set_request(struct cli *c, unsigned op, const struct range_tlv *t,
    struct err *e)
{
	unsigned touched;
	int r;

	if ((c->flags & CLI_TEST) != 0)
		return 0;
	r = range_command(c, op, t, &touched, e);
	return r != 0 ? cli_code(r) : 0;
}

static int
set_swap(struct cli *c, const struct args *a, struct err *e)
{
	struct range_tlv t = {0};
	int r;

	if (a->n < 4)
		return args_missing(a, "two sets (set swap A B)", e);
	r = args_end(a, 4, e);
	if (r == 0)
		r = set_number(&a->w[2], &t.set, e);
	if (r == 0)
		r = set_number(&a->w[3], &t.new_set, e);
	return r != 0 ? r : set_request(c, FW3_SET_SWAP, &t, e);
}

/* set move A to B; set move rule N to B. */
static int
set_move(struct cli *c, const struct args *a, struct err *e)
{
	struct range_tlv t = {0};
	bool rule = a->n > 2 && cli_match(c, a->w[2].s, "rule");
	unsigned k = rule ? 3 : 2, num;
	int r;

	if (a->n < k + 3)
		return args_missing(a,
		    rule ? "\"NUMBER to SET\"" : "\"SET to SET\"", e);
	if ((r = args_end(a, k + 3, e)) != 0)
		return r;
	if (strcmp(a->w[k + 1].s, "to") != 0)
		return word_err(e, EX_USAGE, &a->w[k + 1], "expected \"to\"");
	r = set_number(&a->w[k + 2], &t.new_set, e);
	if (r != 0)
		return r;
	if (!rule) {
		r = set_number(&a->w[k], &t.set, e);
		return r != 0 ? r : set_request(c, FW3_SET_MOVE, &t, e);
	}
	if (!args_number(a->w[k].s, 65534, &num) || num == 0)
		return word_err(e, EX_DATAERR, &a->w[k],
		    "not a rule number (1 to 65534)");
	t.flags = RANGE_RULES;
	t.start_rule = t.end_rule = (uint16_t)num;
	return set_request(c, FW3_XMOVE, &t, e);
}

/* "enable 1 2 disable 3": words and numbers in any order. */
static int
set_switch(struct cli *c, const struct args *a, struct err *e)
{
	struct range_tlv t = {0};
	uint32_t *mask = NULL;

	for (unsigned k = 1; k < a->n; k++) {
		const struct word *w = &a->w[k];
		unsigned set;
		int r;

		if (w->s[0] >= '0' && w->s[0] <= '9') {
			r = set_number(w, &set, e);
			if (r != 0)
				return r;
			*mask |= UINT32_C(1) << set;
		} else if (cli_match(c, w->s, "disable")) {
			mask = &t.set;
		} else if (cli_match(c, w->s, "enable")) {
			mask = &t.new_set;
		} else {
			return word_err(e, EX_DATAERR, w,
			    "expected a set, \"enable\" or \"disable\"");
		}
	}
	if ((t.set | t.new_set) == 0)
		return args_missing(a, "a set (0 to 31)", e);
	if ((t.set & t.new_set) != 0)
		return word_err(e, EX_DATAERR, &a->w[a->n - 1],
		    "cannot enable and disable the same set");
	return set_request(c, FW3_SET_ENABLE, &t, e);
}

int
cmd_set(struct cli *c, const struct args *a, struct err *e)
{
	static const struct {
		const char *name;
		command_fn *run;
	} rows[] = {
	    {"show", set_show},	     {"swap", set_swap},
	    {"move", set_move},	     {"enable", set_switch},
	    {"disable", set_switch},
	};
	struct suggest g;
	char hint[64];

	if (a->n < 2)
		return args_missing(a, "show, enable, disable, swap or move",
		    e);
	suggest_init(&g, a->w[1].s);
	for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
		if (cli_match(c, a->w[1].s, rows[k].name))
			return rows[k].run(c, a, e);
		suggest_try(&g, rows[k].name);
	}
	return word_err(e, EX_USAGE, &a->w[1], "unknown set command%s",
	    suggest_text(&g, hint, sizeof(hint)));
}
