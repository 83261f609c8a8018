/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/tabnames.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool
tabname_valid(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len >= sizeof(((struct obj_ntlv *)0)->name) ||
	    strcmp(name, "all") == 0)
		return false;
	for (const char *s = name; *s != '\0'; s++)
		if (!isalnum((unsigned char)*s) && strchr("_.-", *s) == NULL)
			return false;
	return true;
}

uint16_t
tabnames_add(struct tabnames *t, const char *name)
{
	struct obj_ntlv *n;

	for (unsigned i = 0; i < t->count; i++)
		if (strcmp(t->n[i].name, name) == 0)
			return t->n[i].idx;
	n = realloc(t->n, (t->count + 1) * sizeof(*n));
	if (n == NULL)
		return 0;
	t->n = n;
	n += t->count++;
	*n = (struct obj_ntlv){
	    .head = {.type = TLV_TBL_NAME, .length = sizeof(*n)},
	    .idx = (uint16_t)t->count,
	    .type = 1,
	};
	snprintf(n->name, sizeof(n->name), "%s", name);
	return n->idx;
}

bool
tabnames_read(struct tabnames *t, const void *names, size_t len)
{
	unsigned count = (unsigned)(len / sizeof(*t->n));
	struct obj_ntlv *n = calloc(count + 1, sizeof(*n));

	if (n == NULL)
		return false;
	memcpy(n, names, count * sizeof(*n));
	for (unsigned i = 0; i < count; i++)
		if (memchr(n[i].name, '\0', sizeof(n[i].name)) == NULL ||
		    !tabname_valid(n[i].name))
			memcpy(n[i].name, "?", 2);
	free(t->n);
	t->n = n;
	t->count = count;
	return true;
}

const char *
tabnames_find(const struct tabnames *t, unsigned idx)
{
	for (unsigned i = 0; t != NULL && i < t->count; i++)
		if (t->n[i].idx == idx && t->n[i].head.type == TLV_TBL_NAME)
			return t->n[i].name;
	return NULL;
}

void
tabnames_fini(struct tabnames *t)
{
	free(t->n);
	*t = (struct tabnames){NULL, 0};
}
