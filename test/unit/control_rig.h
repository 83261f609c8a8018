/* SPDX-License-Identifier: BSD-2-Clause */
/* A control over the fake engine, anew for each test, and calls into it. */
#pragma once

#include "ctl/control.h"
#include "ctl_message.h"
#include "fake_engine.h"

#include <stdio.h>
#include <string.h>

static struct engine *en;
static struct control *control;
static struct err last;

static int
begin(void **state)
{
	(void)state;
	en = fake_create();
	control = control_create(en);
	memset(&last, 0, sizeof(last));
	return 0;
}

static int
end(void **state)
{
	(void)state;
	control_destroy(control);
	fake_destroy(en);
	return 0;
}

/* Sends a request in memory of its exact length; the reply replaces it. */
static int
call(struct message *m)
{
	unsigned char *exact = malloc(m->len + 1);
	struct ctl_call c = {
	    .optname = m->optname,
	    .dir = m->dir,
	    .data = exact,
	    .len = m->len,
	    .room = m->len,
	    .reply_len = 99,
	};
	int error;

	memcpy(exact, m->data, m->len);
	exact[m->len] = 0xa5;
	error = control_call(control, &c, &last);
	assert_true(c.reply_len <= c.room);
	assert_int_equal(exact[m->len], 0xa5);
	if (m->dir != CTL_DIR_GET)
		assert_int_equal(c.reply_len, 0);
	memcpy(m->data, exact, c.reply_len);
	m->len = c.reply_len;
	free(exact);
	return error;
}

static inline void
assert_call(struct message m, int error, const char *words)
{
	assert_int_equal(call(&m), -error);
	if (strstr(last.text, words) == NULL)
		fail_msg("'%s' lacks '%s'", last.text, words);
}

static inline void
assert_ok(struct message m)
{
	if (call(&m) != 0)
		fail_msg("refused: %s", last.text);
}

/* The numbers of all rules but the default one, as text. */
static inline const char *
numbers(void)
{
	static char text[4096];
	size_t n = 0;

	text[0] = '\0';
	for (unsigned i = 0; i + 1 < en->rules->n_rules; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%u",
		    i > 0 ? " " : "", en->rules->rules[i]->num);
	return text;
}
