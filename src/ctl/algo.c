/* SPDX-License-Identifier: BSD-2-Clause */
#include "ctl/algo.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const struct algo algo_list[] = {
    {"addr:radix", TABLE_ADDR, true},
    {"addr:hash", TABLE_ADDR, false},
    {"iface:array", TABLE_IFACE, true},
    {"number:array", TABLE_NUMBER, true},
    {"flow:hash", TABLE_FLOW, true},
    {"mac:radix", TABLE_MAC, true},
    {NULL, 0, false},
};

const struct algo *
algo_default(uint8_t type)
{
	const struct algo *a = algo_list;

	while (a->name != NULL && (a->type != type || !a->is_default))
		a++;
	return a->name != NULL ? a : NULL;
}

bool
algo_is(const struct algo *a, const char *text)
{
	return strncmp(text, a->name, strlen(a->name)) == 0 &&
	       (text[strlen(a->name)] == '\0' || text[strlen(a->name)] == ' ');
}

/* Reads "/N" at *s, at most 'max', and leaves *s behind it. */
static bool
read_mask(const char **s, unsigned max, uint8_t *out)
{
	const char *p = *s;
	unsigned n = 0;

	if (*p++ != '/' || *p < '0' || *p > '9')
		return false;
	for (; *p >= '0' && *p <= '9'; p++) {
		n = 10 * n + (unsigned)(*p - '0');
		if (n > max)
			return false;
	}
	*out = (uint8_t)n;
	*s = p;
	return true;
}

/* "masks=/N" or "masks=/N,/M", and a space may follow with anything. */
static bool
read_masks(const char *s, struct table *t)
{
	uint8_t mask4 = 32, mask6 = 128;

	if (strncmp(s, "masks=", 6) != 0)
		return false;
	s += 6;
	if (!read_mask(&s, 32, &mask4))
		return false;
	if (*s == ',') {
		s++;
		if (!read_mask(&s, 128, &mask6))
			return false;
	}
	t->mask4 = mask4;
	t->mask6 = mask6;
	return *s == '\0' || *s == ' ';
}

int
algo_set(struct table *t, const char *text, struct err *e)
{
	const struct algo *a = algo_list;
	const char *options;

	if (strncmp(text, "addr:kfib", 9) == 0)
		return err_set(e, EOPNOTSUPP,
		    "addr:kfib needs routes, and there are none here");
	while (a->name != NULL && !algo_is(a, text))
		a++;
	if (a->name == NULL || (t->type != 0 && t->type != a->type))
		return err_set(e, EOPNOTSUPP,
		    "%.40s is %s", text, a->name == NULL ?
			"no algorithm" : "an algorithm for another type");
	t->type = a->type;
	snprintf(t->algo, sizeof(t->algo), "%s", a->name);
	if (strcmp(a->name, "addr:hash") != 0)
		return 0;
	t->exact = true;
	t->mask4 = 32;
	t->mask6 = 128;
	options = text + strlen(a->name);
	options += strspn(options, " ");
	if (*options != '\0' && !read_masks(options, t))
		return err_set(e, EINVAL,
		    "not options of addr:hash: \"%.40s\"; like "
		    "masks=/32,/128", options);
	if (t->mask4 != 32 || t->mask6 != 128)
		snprintf(t->algo, sizeof(t->algo), "addr:hash masks=/%u,/%u",
		    t->mask4, t->mask6);
	return 0;
}
