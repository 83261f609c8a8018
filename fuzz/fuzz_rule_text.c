/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rule text: whatever compiles must print, and what it prints must compile to
 * bytecode that prints the same and does not change any more.
 *
 * Input      one line of text, what follows "add".
 */
#include "cli/compile.h"
#include "cli/print.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>

enum { LINE = 512 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
compile(const char *s, struct rule_buf *rb)
{
	struct words w;
	struct err e;
	int r;

	if (words_line(&w, s, &e) != 0)
		return false;
	r = compile_rule(w.w, w.n, 0, rb, &e);
	words_fini(&w);
	return r == 0;
}

/* The line without number and newline; owned. */
static char *
print(const struct rule_buf *rb)
{
	struct print_opt opt = {.names = rb->names, .n_names = rb->n_names};
	struct text t = {0};

	print_rule(&t, &rb->rule, rule_size(&rb->rule), NULL, &opt);
	t.s[t.len - 1] = '\0';
	memmove(t.s, t.s + 6, t.len - 6);
	return t.s;
}

/* In place of libc's: no host has a name here, and no resolver is asked. */
int
getaddrinfo(const char *node, const char *service,
    const struct addrinfo *hints, struct addrinfo **res)
{
	(void)node, (void)service, (void)hints, (void)res;
	return EAI_NONAME;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rule_buf a, b, c;
	char line[LINE], *once, *twice;

	if (size >= sizeof(line))
		return 0;
	memcpy(line, data, size);
	line[size] = '\0';
	if (!compile(line, &a))
		return 0;
	once = print(&a);
	if (!compile(once, &b))
		abort();
	twice = print(&b);
	if (strcmp(once, twice) != 0 || !compile(twice, &c) ||
	    b.rule.cmd_len != c.rule.cmd_len ||
	    memcmp(b.cmd, c.cmd, b.rule.cmd_len * 4) != 0)
		abort();
	free(once);
	free(twice);
	return 0;
}
