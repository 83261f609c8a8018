/* SPDX-License-Identifier: BSD-2-Clause */
#include "ctl/state_names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void
state_names_fini(struct state_names *s)
{
	free(s->names);
	*s = (struct state_names){0};
}

static int
check_name(const char *name, struct err *e)
{
	size_t len = strnlen(name, sizeof(((struct obj_ntlv *)0)->name));

	if (len == 0 || len == sizeof(((struct obj_ntlv *)0)->name))
		return err_set(e, EINVAL,
		    "name of a state: 1 to 63 characters can be");
	for (size_t i = 0; i < len; i++)
		if (name[i] <= ' ' || name[i] > '~')
			return err_set(e, EINVAL,
			    "name of a state with a character that cannot be "
			    "in a name");
	return 0;
}

/* Where the name stands, or else where there is room for it: s->n at the
 * latest. */
static unsigned
place_of(const struct state_names *s, const char *name)
{
	unsigned room = s->n;

	for (unsigned i = 0; i < s->n; i++) {
		if (strcmp(s->names[i], name) == 0)
			return i;
		if (s->names[i][0] == '\0' && room == s->n)
			room = i;
	}
	return room;
}

/* Makes room for one more name. */
static int
grow(struct state_names *s, struct err *e)
{
	void *more;

	if (s->n == STATE_NAMES_MAX)
		return err_set(e, ENOSPC, "there are %d names of states",
		    STATE_NAMES_MAX);
	more = realloc(s->names, (s->n + 1) * sizeof(*s->names));
	if (more == NULL)
		return err_set(e, ENOMEM, "no memory for a name");
	s->names = more;
	s->n++;
	return 0;
}

int
state_names_index(struct state_names *s, const char *name, uint16_t *idx,
    struct err *e)
{
	int error = check_name(name, e);
	unsigned i;

	if (error != 0)
		return error;
	i = place_of(s, name);
	if (i == s->n && (error = grow(s, e)) != 0)
		return error;
	memset(s->names[i], 0, sizeof(*s->names));
	strcpy(s->names[i], name);
	*idx = (uint16_t)(STATE_NAMES_FIRST + i);
	return 0;
}

void
state_names_collect(struct state_names *s, const struct ruleset *rs)
{
	bool used[STATE_NAMES_MAX];

	state_names_used(rs, used);
	for (unsigned i = 0; i < s->n; i++)
		if (!used[i])
			s->names[i][0] = '\0';
	while (s->n > 0 && s->names[s->n - 1][0] == '\0')
		s->n--;
}

bool
state_names_in(const struct insn *i)
{
	switch (i->opcode) {
	case O_PROBE_STATE:
	case O_KEEP_STATE:
	case O_LIMIT:
	case O_CHECK_STATE:
		return i->arg1 != 0;
	default:
		return false;
	}
}

unsigned
state_names_used(const struct ruleset *rs, bool *used)
{
	unsigned n = 0;

	memset(used, 0, STATE_NAMES_MAX * sizeof(*used));
	for (unsigned k = 0; k < ruleset_end(rs); k++) {
		const struct rule *r = rs->rules[k];
		const struct insn *i = r->cmd, *end = i + r->n_words;

		for (; r->stateful && i < end; i = insn_next(i)) {
			unsigned at = i->arg1 - (unsigned)STATE_NAMES_FIRST;

			if (state_names_in(i) && at < STATE_NAMES_MAX &&
			    !used[at]) {
				used[at] = true;
				n++;
			}
		}
	}
	return n;
}
