/* SPDX-License-Identifier: BSD-2-Clause */
/* The parameters of CoDel, PIE, FQ-CoDel and FQ-PIE. */
#include "cli/pipe_reader.h"

#include "cli/quantity.h"

#include <string.h>
#include <strings.h>
#include <sysexits.h>

enum extra_kind { EXTRA_TIME, EXTRA_NUMBER, EXTRA_FACTOR, EXTRA_SET,
	EXTRA_CLEAR };

/* Where a parameter lies in par[], -1 if the law does not have it. */
struct extra_param {
	const char *name;
	uint8_t kind;
	int8_t codel, pie, fq_codel, fq_pie;
	uint32_t arg; /* most; of flags: the bit */
};

static const struct extra_param extra_params[] = {
    {"target", EXTRA_TIME, 0, 0, 0, 0, 0},
    {"interval", EXTRA_TIME, 1, -1, 1, -1, 0},
    {"tupdate", EXTRA_TIME, -1, 1, -1, 1, 0},
    {"max_burst", EXTRA_TIME, -1, 2, -1, 2, 0},
    {"max_ecnth", EXTRA_FACTOR, -1, 3, -1, 3, 1},
    {"alpha", EXTRA_FACTOR, -1, 4, -1, 4, 7},
    {"beta", EXTRA_FACTOR, -1, 5, -1, 5, 7},
    {"quantum", EXTRA_NUMBER, -1, -1, 3, 7, 9000},
    {"limit", EXTRA_NUMBER, -1, -1, 4, 8, 20480},
    {"flows", EXTRA_NUMBER, -1, -1, 5, 9, 65536},
    {"ecn", EXTRA_SET, 2, 6, 2, 6, DN_EXTRA_ECN},
    {"noecn", EXTRA_CLEAR, 2, 6, 2, 6, DN_EXTRA_ECN},
    {"capdrop", EXTRA_SET, -1, 6, -1, 6, DN_EXTRA_CAPDROP},
    {"nocapdrop", EXTRA_CLEAR, -1, 6, -1, 6, DN_EXTRA_CAPDROP},
    {"onoff", EXTRA_SET, -1, 6, -1, 6, DN_EXTRA_ONOFF},
    {"dre", EXTRA_SET, -1, 6, -1, 6, DN_EXTRA_DEPRATE},
    {"ts", EXTRA_CLEAR, -1, 6, -1, 6, DN_EXTRA_DEPRATE},
    {"derand", EXTRA_SET, -1, 6, -1, 6, DN_EXTRA_DERAND},
    {"drand", EXTRA_SET, -1, 6, -1, 6, DN_EXTRA_DERAND},
    {"noderand", EXTRA_CLEAR, -1, 6, -1, 6, DN_EXTRA_DERAND},
    {"nodrand", EXTRA_CLEAR, -1, 6, -1, 6, DN_EXTRA_DERAND},
};

static const struct {
	const char *name;
	int8_t flags_at;
	int64_t flags; /* the defaults, as FreeBSD's */
} laws[N_LAWS] = {
    [LAW_CODEL] = {"codel", 2, 0},
    [LAW_PIE] = {"pie", 6,
	DN_EXTRA_CAPDROP | DN_EXTRA_DEPRATE | DN_EXTRA_DERAND},
    [LAW_FQ_CODEL] = {"fq_codel", 2, DN_EXTRA_ECN},
    [LAW_FQ_PIE] = {"fq_pie", 6, DN_EXTRA_CAPDROP | DN_EXTRA_DERAND},
};

static int
extra_slot(const struct extra_param *p, unsigned law)
{
	const int8_t at[N_LAWS] = {p->codel, p->pie, p->fq_codel, p->fq_pie};

	return at[law];
}

static const struct extra_param *
extra_find(const char *name, unsigned law)
{
	for (size_t i = 0; i < ARRAY_LEN(extra_params); i++)
		if (strcmp(extra_params[i].name, name) == 0 &&
		    extra_slot(&extra_params[i], law) >= 0)
			return &extra_params[i];
	return NULL;
}

/* A time, which the ABI has in whole microseconds. */
static const char *
extra_time(const char *s, int64_t *us)
{
	uint64_t ns;
	const char *why = quantity_time(s, &ns);

	if (why == NULL && ns % 1000 != 0)
		why = "is finer than 1us";
	if (why == NULL && ns > 3600ull * 1000 * 1000 * 1000)
		why = "is longer than an hour";
	*us = why == NULL ? (int64_t)(ns / 1000) : 0;
	return why;
}

static int
read_extra_param(struct pipe_reader *r, const struct extra_param *p, int64_t *slot)
{
	const struct word *w;
	uint32_t v = 0;
	int rc = 0;

	r->key = r->w++;
	switch (p->kind) {
	case EXTRA_SET:
		*slot |= p->arg;
		return 0;
	case EXTRA_CLEAR:
		*slot &= ~(int64_t)p->arg;
		return 0;
	case EXTRA_TIME:
		w = pipe_argument(r, "a time");
		return w == NULL ? EX_USAGE : pipe_judged(r, w, extra_time(w->s, slot));
	case EXTRA_FACTOR:
		if ((w = pipe_argument(r, "a number")) == NULL)
			return EX_USAGE;
		rc = pipe_judged(r, w,
		    quantity_scaled(w->s, p->arg, DN_EXTRA_SCALE, &v));
		break;
	default:
		rc = pipe_read_u32(r, "a number", p->arg, &v);
		break;
	}
	*slot = v;
	return rc;
}

bool
pipe_law_of(const char *name, enum law *law)
{
	for (unsigned i = 0; i < N_LAWS; i++) {
		if (strcasecmp(name, laws[i].name) == 0) {
			*law = (enum law)i;
			return true;
		}
	}
	return false;
}

int
pipe_read_extra(struct pipe_reader *r, enum law law, struct abi_dn_extra *x,
    uint32_t nr)
{
	const struct extra_param *p;
	int rc;

	*x = (struct abi_dn_extra){.nr = nr};
	strcpy(x->name, laws[law].name);
	for (unsigned i = 0; i < DN_EXTRA_PARS; i++)
		x->par[i] = -1;
	x->par[laws[law].flags_at] = laws[law].flags;
	while (r->w < r->end && (p = extra_find(r->w->s, law)) != NULL) {
		rc = read_extra_param(r, p, &x->par[extra_slot(p, law)]);
		if (rc != 0)
			return rc;
	}
	return 0;
}
