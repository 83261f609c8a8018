/* SPDX-License-Identifier: BSD-2-Clause */
#include "port/args.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { WORD_MAX = 1024, ARGS_MAX = 32 };

/* Copies up to the next comma that no backslash quotes.  Returns what follows
 * it, or the end; NULL if the word is too long. */
static const char *
next_word(const char *at, char word[WORD_MAX])
{
	size_t n = 0;

	for (; *at != '\0' && *at != ','; at++) {
		if (at[0] == '\\' && at[1] == ',')
			at++;
		if (n == WORD_MAX - 1)
			return NULL;
		word[n++] = *at;
	}
	word[n] = '\0';
	return *at == ',' ? at + 1 : at;
}

/* "a, b and c", for the message about a key that there is not. */
static void
list_keys(const struct port_arg *args, char text[PORT_ARG_KEYS_TEXT])
{
	size_t n = 0;

	text[0] = '\0';
	for (const struct port_arg *a = args; a->key != NULL; a++) {
		const char *glue = a == args ? "" :
		    a[1].key == NULL ? " and " : ", ";
		size_t need = strlen(glue) + strlen(a->key);

		if (n + need >= PORT_ARG_KEYS_TEXT)
			return;
		strcpy(text + n, glue);
		strcat(text + n, a->key);
		n += need;
	}
}

static int
store_number(const char *port, const struct port_arg *a, const char *value,
    struct err *e)
{
	char *end;
	unsigned long long v;

	errno = 0;
	v = strtoull(value, &end, 10);
	if (*value < '0' || *value > '9' || *end != '\0' || errno != 0 ||
	    v < a->lo || v > a->hi)
		return err_set(e, EINVAL,
		    "port '%s': %s=%s: not a number from %llu to %llu", port,
		    a->key, value, (unsigned long long)a->lo,
		    (unsigned long long)a->hi);
	*(uint64_t *)a->out = v;
	return 0;
}

/* 'value' is NULL if there was no '='. */
static int
store(const char *port, const struct port_arg *a, const char *value,
    struct err *e)
{
	if (a->type == PORT_ARG_FLAG) {
		if (value != NULL)
			return err_set(e, EINVAL,
			    "port '%s': %s takes no value", port, a->key);
		*(bool *)a->out = true;
		return 0;
	}
	if (value == NULL || *value == '\0')
		return err_set(e, EINVAL, "port '%s': %s needs a value: %s=...",
		    port, a->key, a->key);
	if (a->type == PORT_ARG_NUMBER)
		return store_number(port, a, value, e);
	if (strlen(value) >= a->size)
		return err_set(e, EINVAL,
		    "port '%s': %s: longer than %zu octets", port, a->key,
		    a->size - 1);
	strcpy(a->out, value);
	return 0;
}

/* One "key" or "key=value"; 'seen' has a bit for each key that came. */
static int
take_word(const char *port, char *word, const struct port_arg *args,
    uint32_t *seen, struct err *e)
{
	char keys[PORT_ARG_KEYS_TEXT], *value = strchr(word, '=');

	if (value != NULL)
		*value++ = '\0';
	for (unsigned i = 0; i < ARGS_MAX && args[i].key != NULL; i++) {
		if (strcmp(args[i].key, word) != 0)
			continue;
		if ((*seen & 1u << i) != 0)
			return err_set(e, EINVAL, "port '%s': %s twice", port,
			    word);
		*seen |= 1u << i;
		return store(port, &args[i], value, e);
	}
	list_keys(args, keys);
	return err_set(e, EINVAL, "port '%s': '%s' is not known here, but %s",
	    port, word, keys);
}

static int
take_head(const char *port, const char *word, char *head, size_t size,
    struct err *e)
{
	if (*word == '\0')
		return err_set(e, EINVAL, "port '%s': no name after the colon",
		    port);
	if (strlen(word) >= size)
		return err_set(e, EINVAL,
		    "port '%s': '%s' is longer than %zu octets", port, word,
		    size - 1);
	strcpy(head, word);
	return 0;
}

int
port_args(const char *port, const char *text, char *head, size_t head_size,
    const struct port_arg *args, struct err *e)
{
	char word[WORD_MAX];
	uint32_t seen = 0;
	bool first = head != NULL;
	int rc = 0;

	do {
		if ((text = next_word(text, word)) == NULL)
			return err_set(e, EINVAL,
			    "port '%s': a word of more than %d octets", port,
			    WORD_MAX - 1);
		rc = first ? take_head(port, word, head, head_size, e) :
			     take_word(port, word, args, &seen, e);
		first = false;
	} while (rc == 0 && *text != '\0');
	return rc;
}
