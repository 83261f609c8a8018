/* SPDX-License-Identifier: BSD-2-Clause */
/* Users and groups, by number or by the name that this machine has for them. */
#include "cli/option.h"

#include <grp.h>
#include <pwd.h>
#include <sysexits.h>

static bool
find_id(unsigned opcode, const char *name, uint32_t *id)
{
	const struct passwd *pw;
	const struct group *gr;

	if (opcode == O_UID) {
		pw = getpwnam(name);
		*id = pw != NULL ? pw->pw_uid : 0;
		return pw != NULL;
	}
	gr = getgrnam(name);
	*id = gr != NULL ? gr->gr_gid : 0;
	return gr != NULL;
}

int
parse_owner(struct build *b, const struct option *o)
{
	struct insn_u32 *u;
	uint32_t id;
	const char *s;
	int r = build_word(b, "a number or a name", &s);

	if (r != 0)
		return r;
	if (!number(s, o->num, &id) && !find_id(o->op, s, &id))
		return build_err(b, EX_DATAERR, "not a %s",
		    o->op == O_UID ? "user" : "group");
	u = build_emit(b, o->op, 2);
	if (u == NULL)
		return EX_DATAERR;
	u->d[0] = id;
	return 0;
}

void
print_owner(struct text *t, const struct insn *i, const struct option *o,
    const struct show *show)
{
	const struct insn_u32 *u = (const void *)i;
	const struct passwd *pw = NULL;
	const struct group *gr = NULL;

	if (show->resolve && o->op == O_UID)
		pw = getpwuid(u->d[0]);
	else if (show->resolve)
		gr = getgrgid(u->d[0]);
	if (pw != NULL)
		text_f(t, " %s", pw->pw_name);
	else if (gr != NULL)
		text_f(t, " %s", gr->gr_name);
	else
		text_f(t, " %u", u->d[0]);
}
