/* SPDX-License-Identifier: BSD-2-Clause */
/* Commands that change rules: add, delete, zero, resetlog, flush. */
#include "cli/cmd.h"

#include "cli/compile.h"
#include "cli/print.h"

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

/* ---- add ---- */

/* What is sent and comes back: one rule behind the names of its tables. */
struct add_msg {
	unsigned char *data; /* owned */
	size_t len;
	struct abi_rule *rule; /* in data */
};

static bool
make_add(struct add_msg *m, const struct rule_buf *rule,
    const struct tabnames *names)
{
	size_t size = (rule_size(&rule->rule) + 7) & ~(size_t)7;
	unsigned count = names->count + rule->n_names;
	size_t names_size = count * sizeof(names->n[0]);
	struct obj_ntlv *n;
	struct obj_ctlv *l;

	m->len = sizeof(struct fw3_hdr) + sizeof(*l) + size;
	if (count > 0)
		m->len += sizeof(*l) + names_size;
	m->data = calloc(1, m->len);
	if (m->data == NULL)
		return false;
	*(struct fw3_hdr *)(void *)m->data =
	    (struct fw3_hdr){.opcode = FW3_XADD};
	l = (void *)(m->data + sizeof(struct fw3_hdr));
	if (count > 0) {
		*l = (struct obj_ctlv){.head = {.type = TLV_TBLNAME_LIST,
		    .length = (uint32_t)(sizeof(*l) + names_size)},
		    .count = count, .objsize = sizeof(names->n[0])};
		n = (void *)(l + 1);
		for (unsigned i = 0; i < names->count; i++)
			*n++ = names->n[i];
		for (unsigned i = 0; i < rule->n_names; i++)
			*n++ = rule->names[i];
		l = (void *)((unsigned char *)(l + 1) + names_size);
	}
	*l = (struct obj_ctlv){.head = {.type = TLV_RULE_LIST,
	    .length = (uint32_t)(sizeof(*l) + size)}, .count = 1};
	m->rule = (void *)(l + 1);
	memcpy(m->rule, rule, rule_size(&rule->rule));
	return true;
}

static bool
needs_out(const struct abi_rule *r)
{
	const struct insn *i = (const struct insn *)(r + 1);
	const struct insn *end = i + r->act_ofs;
	bool chained = false;

	for (; i < end; i = insn_next(i)) {
		bool alone = !chained && (i->len & INSN_OR) == 0;
		bool negated = (i->len & INSN_NOT) != 0;

		if (alone && ((i->opcode == O_IN && negated) ||
				 (i->opcode == O_XMIT && !negated)))
			return true;
		chained = (i->len & INSN_OR) != 0;
	}
	return false;
}

/* A rule that only the out pass can match, while there is none. */
static void
warn_out(struct cli *c, const struct rule_buf *sent, unsigned num)
{
	static const char name[] = "net.inet.ip.fw.out_pass";
	int64_t on;

	if (!needs_out(&sent->rule) ||
	    ctl_sysctl_get(c->ctl, name, &on, NULL) != 0 || on != 0)
		return;
	cli_warn(c, "warning: rule %u matches on the out pass only, which is "
		    "off (sysctl %s=1)", num, name);
}

static bool
wants_log_default(const struct args *a)
{
	bool log = false;

	for (unsigned k = 1; k < a->n && strcmp(a->w[k].s, "//") != 0; k++) {
		if (strcmp(a->w[k].s, "logamount") == 0)
			return false;
		log = log || strcmp(a->w[k].s, "log") == 0;
	}
	return log;
}

static void
print_added(struct cli *c, const struct abi_rule *r, size_t size,
    const struct tabnames *tables, const struct obj_ntlv *names,
    unsigned n_names)
{
	struct print_opt opt = {.flags = list_print_flags(c), .tables = tables,
	    .names = names, .n_names = n_names};
	struct text t = {0};

	print_rule(&t, r, size, NULL, &opt);
	fputs(text_str(&t), c->out);
	text_fini(&t);
}

/* Sends the rule and shows what the daemon made of it. */
static int
send_add(struct cli *c, const struct rule_buf *rule,
    const struct tabnames *names, struct err *e)
{
	struct add_msg m = {NULL, 0, NULL};
	size_t len, before;
	int r;

	if (!make_add(&m, rule, names)) {
		err_set(e, ENOMEM, "no memory for a rule");
		return EX_OSERR;
	}
	before = (size_t)((unsigned char *)m.rule - m.data);
	r = ctl_get(c->ctl, CTL_FW3, m.data, m.len, m.len, &len, e);
	if (r != 0) {
		r = cli_code(r);
	} else if (len < before + sizeof(*m.rule)) {
		err_set(e, EPROTO, "the daemon's answer is too short");
		r = EX_OSERR;
	} else {
		if ((c->flags & CLI_QUIET) == 0)
			print_added(c, m.rule, len - before, names,
			    (const void *)(m.data + sizeof(struct fw3_hdr) +
				sizeof(struct obj_ctlv)),
			    names->count + rule->n_names);
		warn_out(c, rule, m.rule->rulenum);
	}
	free(m.data);
	return r;
}

int
cmd_add(struct cli *c, const struct args *a, struct err *e)
{
	struct tabnames names = {NULL, 0};
	struct rule_buf rule;
	int64_t limit = 0;
	int r;

	if ((c->flags & CLI_TEST) == 0 && wants_log_default(a))
		ctl_sysctl_get(c->ctl, "net.inet.ip.fw.verbose_limit", &limit,
		    NULL);
	r = compile_named(a->w + 1, a->n - 1,
	    limit > 0 ? (uint32_t)limit : 0, &rule, &names, e);
	if (r == 0 && (c->flags & (CLI_TEST | CLI_QUIET)) == CLI_TEST)
		print_added(c, &rule.rule, rule_size(&rule.rule), &names,
		    rule.names, rule.n_names);
	if (r == 0 && (c->flags & CLI_TEST) == 0)
		r = send_add(c, &rule, &names, e);
	tabnames_fini(&names);
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

static int
delete_one(struct cli *c, const struct word *w, bool sets, struct err *e)
{
	struct range_tlv t = {.flags = RANGE_RULES};
	unsigned lo, hi, touched;
	int r;

	if (!read_range(w->s, &lo, &hi) || (sets && (lo != hi || hi > 31)))
		return word_err(e, EX_DATAERR, w, "%s",
		    sets ? "not a set (0 to 31)"
			 : "not a rule number or a range (1 to 65535)");
	if (sets) {
		t.flags = RANGE_SET;
		t.set = lo;
	} else {
		t.start_rule = (uint16_t)lo;
		t.end_rule = (uint16_t)hi;
		if (lo == 0 && hi == 0)
			t.flags = RANGE_ALL;
	}
	if (!sets && c->set >= 0) {
		t.set = (uint32_t)c->set;
		t.flags |= RANGE_SET;
	}
	if ((c->flags & CLI_ONLY_DYNAMIC) != 0)
		t.flags |= RANGE_DYNAMIC;
	if ((c->flags & CLI_TEST) != 0)
		return 0;
	r = range_command(c, FW3_XDEL, &t, &touched, e);
	if (r != 0)
		return cli_code(r);
	if (touched != 0 || (c->flags & CLI_ONLY_DYNAMIC) != 0)
		return 0;
	if (sets)
		cli_warn(c, "no rules in set %u", lo);
	else if (lo != hi)
		cli_warn(c, "no rules in range %u-%u", lo, hi);
	else
		cli_warn(c, "rule %u not found", lo);
	return EX_UNAVAILABLE;
}

int
cmd_delete(struct cli *c, const struct args *a, struct err *e)
{
	unsigned k = 1;
	bool sets = false;
	int exitcode = 0;

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
	for (; k < a->n; k++) {
		struct err why = {.code = 0};
		int r = delete_one(c, &a->w[k], sets, &why);

		if (r == EX_DATAERR) { /* nothing after it makes sense */
			*e = why;
			return r;
		}
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
reset_one(struct cli *c, const struct reset *z, const struct word *w,
    struct err *e)
{
	struct range_tlv t = {.flags = RANGE_RULES};
	unsigned num, touched;
	int r;

	if (!args_number(w->s, 65535, &num))
		return word_err(e, EX_USAGE, w,
		    "not a rule number (1 to 65535)");
	t.start_rule = t.end_rule = (uint16_t)num;
	if (c->set >= 0) {
		t.set = (uint32_t)c->set;
		t.flags |= RANGE_SET;
	}
	if ((c->flags & CLI_TEST) != 0)
		return 0;
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
	unsigned touched;
	int exitcode = 0, r;

	for (unsigned k = 1; k < a->n; k++) {
		r = reset_one(c, z, &a->w[k], e);
		if (e->code != 0)
			return r;
		exitcode = r != 0 ? r : exitcode;
	}
	if (a->n > 1 || (c->flags & CLI_TEST) != 0)
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
