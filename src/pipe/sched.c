/* SPDX-License-Identifier: BSD-2-Clause */
#include "pipe/sched.h"

/* Each in its own file. */
extern const struct sched_ops sched_fifo, sched_wf2q, sched_rr, sched_qfq,
    sched_prio, sched_fq_codel, sched_fq_pie;

const struct sched_ops *const sched_table[] = {
	&sched_fifo,
	&sched_wf2q,
	&sched_rr,
	&sched_qfq,
	&sched_prio,
	&sched_fq_codel,
	&sched_fq_pie,
	NULL,
};

const struct sched_ops *
sched_find(uint8_t type)
{
	for (unsigned i = 0; sched_table[i] != NULL; i++) {
		if (sched_table[i]->type == type)
			return sched_table[i];
	}
	return NULL;
}

static char
upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

/* Equal but for the case of their letters; 'b' is all upper case. */
static bool
same_name(const char *a, const char *b)
{
	while (*a != '\0' && upper(*a) == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

const struct sched_ops *
sched_by_name(const char *name)
{
	for (unsigned i = 0; sched_table[i] != NULL; i++) {
		if (same_name(name, sched_table[i]->name))
			return sched_table[i];
	}
	return NULL;
}
