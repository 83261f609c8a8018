/* SPDX-License-Identifier: BSD-2-Clause */
#include "vale/pname.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

static bool
is_word(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)s[i]) &&
		    (s[i] == '\0' || strchr("_-.", s[i]) == NULL))
			return false;
	return len > 0;
}

/* "/rt" and the like: cuts it off. */
static int
take_monitor(struct pname *n, const char *name, struct err *e)
{
	char *slash = strchr(n->text, '/');

	if (slash == NULL)
		return 0;
	for (const char *c = slash + 1; *c != '\0'; c++) {
		if (*c == 'r')
			n->watches |= NMPORT_RX;
		else if (*c == 't')
			n->watches |= NMPORT_TX;
		else if (*c == 'z')
			n->is_zcopy = true;
		else
			return err_set(e, EINVAL, "%.70s: a monitor is "
			    "/r, /t or /rt, with z for zero copy", name);
	}
	if (n->is_zcopy && n->watches == 0)
		n->watches = NMPORT_RX | NMPORT_TX;
	if (n->watches == 0)
		return err_set(e, EINVAL, "%.70s: a monitor of nothing", name);
	*slash = '\0';
	return 0;
}

static int
take_pipe(struct pname *n, const char *name, struct err *e)
{
	size_t len = strlen(n->text);

	n->base_len = strcspn(n->text, "{}");
	if (n->base_len == len)
		return 0;
	if (!is_word(n->text + n->base_len + 1, len - n->base_len - 1))
		return err_set(e, EINVAL, "%.70s: a pipe is NAME{id or NAME}id",
		    name);
	n->kind = PNAME_PIPE;
	n->is_slave = n->text[n->base_len] == '}';
	return 0;
}

/* valeX:p, or a name that is none of a switch. */
static int
take_base(struct pname *n, const char *name, struct err *e)
{
	const char *colon = memchr(n->text, ':', n->base_len);
	const char *p = colon == NULL ? n->text : colon + 1;
	size_t p_len = n->base_len - (size_t)(p - n->text);

	n->sw_len = colon == NULL ? 0 : (size_t)(colon - n->text);
	if ((strncmp(n->text, "vale", 4) == 0) != (colon != NULL) ||
	    p_len == 0)
		return err_set(e, EINVAL, "%.70s: want valeX:port", name);
	if (n->sw_len >= VALE_SW_NAME_SIZE)
		return err_set(e, EINVAL,
		    "%.70s: the switch's name is longer than %d octets", name,
		    VALE_SW_NAME_SIZE - 1);
	if (!is_word(p, p_len) ||
	    (n->sw_len > 0 && !is_word(n->text, n->sw_len)))
		return err_set(e, EINVAL,
		    "%.70s: bad character in a port name", name);
	if (n->kind != PNAME_PIPE)
		n->kind = n->sw_len > 0 ? PNAME_SWITCH : PNAME_PLAIN;
	return 0;
}

int
pname_parse(const char *name, struct pname *n, struct err *e)
{
	const char *from = name;
	int rc;

	*n = (struct pname){ 0 };
	if (strncmp(from, "netmap:", 7) == 0)
		from += 7;
	if (strlen(from) >= sizeof(n->text))
		return err_set(e, EINVAL, "%.70s: longer than %d octets", name,
		    VALE_NAME_SIZE - 1);
	strcpy(n->text, from);
	rc = take_monitor(n, name, e);
	if (rc == 0)
		rc = take_pipe(n, name, e);
	return rc == 0 ? take_base(n, name, e) : rc;
}

void
pname_other_end(const struct pname *n, char other[VALE_NAME_SIZE])
{
	memcpy(other, n->text, VALE_NAME_SIZE);
	other[n->base_len] = n->is_slave ? '{' : '}';
}
