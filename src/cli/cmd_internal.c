/* SPDX-License-Identifier: BSD-2-Clause */
/* internal: what the daemon knows of itself. */
#include "cli/cmd.h"

#include "cli/names.h"
#include "cli/tabentry.h"
#include "cli/table_msg.h"
#include "cli/text.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

/* ---- iflist ---- */

static int
by_name(const void *a, const void *b)
{
	const struct iface_info *x = a, *y = b;

	return strncmp(x->ifname, y->ifname, sizeof(x->ifname));
}

static void
print_iface_info(struct cli *c, const struct iface_info *i)
{
	struct text t = {0};

	text_safe(&t, i->ifname, sizeof(i->ifname));
	if ((i->flags & 1) != 0)
		text_f(&t, " ifindex: %u", i->ifindex);
	else
		text_f(&t, " ifindex: unresolved");
	fprintf(c->out, "%s refcount: %u changes: %u\n", text_str(&t),
	    i->refcnt, i->gencnt);
	text_fini(&t);
}

static int
list_ifaces(struct cli *c, const struct args *a, struct err *e)
{
	struct obj_lhdr *list;
	struct iface_info *i;
	size_t n;
	int r = table_msg_list(c, FW3_XIFLIST, sizeof(*i), &list, &n, e);

	(void)a;
	if (r != 0)
		return cli_code(r);
	i = (void *)(list + 1);
	qsort(i, n, sizeof(*i), by_name);
	for (size_t k = 0; k < n; k++)
		print_iface_info(c, &i[k]);
	free(list);
	return 0;
}

/* ---- olist ---- */

static int
list_objects(struct cli *c, const struct args *a, struct err *e)
{
	static const struct name types[] = {{"EACTION", TLV_EACTION},
	    {"DYNSTATE", TLV_STATE_NAME}, {NULL, 0}};
	struct obj_lhdr *list;
	const struct obj_ntlv *o;
	struct text t = {0};
	size_t n;
	int r = table_msg_list(c, FW3_DUMP_SRVOBJECTS, sizeof(*o), &list, &n,
	    e);

	(void)a;
	if (r != 0)
		return cli_code(r);
	o = (const void *)(list + 1);
	text_f(&t, n > 0 ? "Objects list:\n" : "There are no objects\n");
	for (size_t k = 0; k < n; k++) {
		const char *type = name_of(types, o[k].head.type);

		text_f(&t, " kidx: %4u\ttype: %10s\tname: ", o[k].idx,
		    type != NULL ? type : "?");
		text_safe(&t, o[k].name, sizeof(o[k].name));
		text_f(&t, "\n");
	}
	fputs(text_str(&t), c->out);
	text_fini(&t);
	free(list);
	return 0;
}

/* ---- talist, vlist: algorithms and values of tables ---- */

static int
list_algos(struct cli *c, const struct args *a, struct err *e)
{
	struct obj_lhdr *list;
	struct algo_info *i;
	size_t n;
	int r = table_msg_list(c, FW3_TABLES_ALIST, sizeof(*i), &list, &n, e);

	(void)a;
	if (r != 0)
		return cli_code(r);
	i = (void *)(list + 1);
	for (size_t k = 0; k < n; k++) {
		const char *type = name_of(names_table_type, i[k].type);

		i[k].algoname[sizeof(i->algoname) - 1] = '\0';
		fprintf(c->out, "--- %s ---\n type: %s\n refcount: %u\n",
		    i[k].algoname, type != NULL ? type : "unknown",
		    i[k].refcnt);
	}
	free(list);
	return 0;
}

static int
by_index(const void *a, const void *b)
{
	const struct table_value *x = a, *y = b;

	return (x->spare > y->spare) - (x->spare < y->spare);
}

static int
list_values(struct cli *c, const struct args *a, struct err *e)
{
	struct text t = {0};
	struct obj_lhdr *list;
	struct table_value *v;
	size_t n;
	int r = table_msg_list(c, FW3_TABLE_VLIST, sizeof(*v), &list, &n, e);

	(void)a;
	if (r != 0)
		return cli_code(r);
	v = (void *)(list + 1);
	qsort(v, n, sizeof(*v), by_index);
	text_f(&t, "HEADER: ");
	tabentry_put_vtype(&t, VTYPE_ALL & ~(unsigned)VTYPE_MARK);
	text_f(&t, "\n");
	for (size_t k = 0; k < n; k++) {
		text_f(&t, "[%u] refs=%u ", v[k].spare, v[k].mark);
		tabentry_put_value(&t, VTYPE_ALL & ~(unsigned)VTYPE_MARK, &v[k],
		    false);
		text_f(&t, "\n");
	}
	fputs(text_str(&t), c->out);
	text_fini(&t);
	free(list);
	return 0;
}

/* ---- the command ---- */

int
cmd_internal(struct cli *c, const struct args *a, struct err *e)
{
	static const struct {
		const char *name;
		command_fn *run;
	} rows[] = {
	    {"iflist", list_ifaces}, {"olist", list_objects},
	    {"plan", cmd_plan},	     {"talist", list_algos},
	    {"vlist", list_values},
	};
	char all[80];
	int r;

	words_of_rows(rows, ARRAY_LEN(rows), sizeof(rows[0]), all, sizeof(all));
	if (a->n < 2)
		return args_missing(a, all, e);
	for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
		if (strcmp(a->w[1].s, rows[k].name) != 0)
			continue;
		r = args_end(a, 2, e);
		return r != 0 ? r : rows[k].run(c, a, e);
	}
	return word_err(e, EX_USAGE, &a->w[1],
	    "unknown internal command; there are %s", all);
}
