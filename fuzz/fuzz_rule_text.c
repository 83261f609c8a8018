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

/* A rule and the tables it names. */
struct compiled {
	struct rule_buf rb;
	struct tabnames tables;
};

static bool
compile(const char *s, struct compiled *c)
{
	struct words w;
	struct err e;
	int r;

	c->tables = (struct tabnames){NULL, 0};
	if (words_line(&w, s, &e) != 0)
		return false;
	r = compile_named(w.w, w.n, 0, &c->rb, &c->tables, &e);
	words_fini(&w);
	if (r != 0)
		tabnames_fini(&c->tables);
	return r == 0;
}

/* The line without number and newline; owned. */
static char *
print(const struct compiled *c)
{
	struct print_opt opt = {.names = c->rb.names,
	    .n_names = c->rb.n_names, .tables = &c->tables};
	struct text t = {0};

	print_rule(&t, &c->rb.rule, rule_size(&c->rb.rule), NULL, &opt);
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
	struct compiled a, b, c;
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
	    b.rb.rule.cmd_len != c.rb.rule.cmd_len ||
	    memcmp(b.rb.cmd, c.rb.cmd, b.rb.rule.cmd_len * 4) != 0)
		abort();
	free(once);
	free(twice);
	tabnames_fini(&a.tables);
	tabnames_fini(&b.tables);
	tabnames_fini(&c.tables);
	return 0;
}

/* ---- mutations that know words ---- */

/* The language, and values of every form.  What options take stands behind
 * them, so that a pair of words often means something. */
static const char *const vocabulary[] = {
    "allow", "deny", "count", "skipto", "500", "call", "return",
    "check-state", ":any", ":default", ":n", "reject", "reset", "reset6",
    "abort", "unreach", "host", "needfrag", "1400", "unreach6", "admin-prohib",
    "fwd", "1.2.3.4", "1.2.3.4,80", "2001:db8::5,443", "setdscp", "ef", "setfib",
    "setmark", "0x10", "tcp-setmss", "pipe", "queue", "divert", "tee", "reass",
    "netgraph", "nat", "global", "tablearg", "log", "logamount", "5", "altq",
    "tag", "untag", "7", "prob", "0.5", "1", "set", "31", "ip", "all", "ip4",
    "ip6", "tcp", "udp", "icmp", "58", "{", "}", "or", "not", "!", "from", "to",
    "any", "me", "me6", "10.0.0.0/8", "10.0.0.0:255.0.0.255",
    "10.0.0.1,10.0.1.0/24", "10.0.0.0/24{1,5-9}", "table(t)", "table(t,5)",
    "table(u)", "2001:db8::/32", "2001:db8::1,fe80::/10", "::1/::1", "80",
    "1-5,80", "0-65535", "src-ip", "dst-ip", "src-ip6", "dst-ip6", "src-port",
    "dst-port", "proto", "in", "out", "recv", "xmit", "via", "em0", "em*",
    "valeA:f", "frag", "mf,!offset", "df", "ipoptions", "rr,!ts", "iplen",
    "ipid", "ipttl", "64", "1-64,255", "ipver", "4", "iptos", "lowdelay",
    "ipprecedence", "dscp", "af11,cs1", "established", "setup", "tcpflags",
    "syn,!ack", "tcpwin", "tcpseq", "tcpack", "4294967295", "tcpoptions",
    "mss,!sack", "tcpdatalen", "tcpmss", "icmptypes", "0,8", "icmp6types",
    "128,135", "ext6hdr", "frag,hopopt", "flow-id", "0xbaad,1", "MAC", "mac",
    "02:00:00:00:00:01", "02:00:00:00:00:00/24", "0a:00:00:00:00:00&0f:0:0:0:0:0",
    "mac-type", "0x0800-0x0806", "arp", "src-mac", "dst-mac", "layer2",
    "tagged", "1-4,9", "mark", "0x10:0xff", "lookup", "dst-port", "dst-ip",
    "flow", "keep-state", "record-state", "limit", "set-limit", "src-addr",
    "dst-addr,dst-port", "2", "defer-action", "uid", "gid", "jail", "fib",
    "diverted", "ipsec", "verrevpath", "antispoof", "sockarg", "//", "text",
};

enum { MAX_WORDS = 64, N_VOCABULARY = sizeof(vocabulary) / sizeof(char *) };

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
    unsigned seed);

/* One change of the words w[n]; returns how many there are then. */
static unsigned
change_words(const char **w, unsigned n, unsigned *seed)
{
	const char *word = vocabulary[rand_r(seed) % N_VOCABULARY];
	unsigned at = n == 0 ? 0 : (unsigned)rand_r(seed) % n;

	switch (rand_r(seed) % 5) {
	case 0:
		if (n == 0)
			return n;
		w[at] = word;
		return n;
	case 1:
		if (n == 0)
			return n;
		memmove(w + at, w + at + 1, (n - at - 1) * sizeof(*w));
		return n - 1;
	case 2: /* a word that is there already, somewhere else */
		word = n > 0 ? w[(unsigned)rand_r(seed) % n] : word;
		break;
	case 3:
		at = n;
		break;
	}
	if (n == MAX_WORDS)
		return n;
	memmove(w + at + 1, w + at, (n - at) * sizeof(*w));
	w[at] = word;
	return n + 1;
}

/* Now octets change, now words. */
size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
    unsigned seed)
{
	const char *w[MAX_WORDS];
	char old[LINE], *rest = NULL, *word;
	unsigned n = 0, changes = 1 + (unsigned)rand_r(&seed) % 4;
	size_t len = 0;

	if (rand_r(&seed) % 3 == 0 || size >= sizeof(old))
		return LLVMFuzzerMutate(data, size, max_size);
	memcpy(old, data, size);
	old[size] = '\0';
	for (word = strtok_r(old, " ", &rest); word != NULL && n < MAX_WORDS;
	    word = strtok_r(NULL, " ", &rest))
		w[n++] = word;
	while (changes-- > 0)
		n = change_words(w, n, &seed);
	for (unsigned i = 0; i < n; i++) {
		size_t room = strlen(w[i]) + (i > 0);

		if (len + room > max_size)
			break;
		if (i > 0)
			data[len++] = ' ';
		memcpy(data + len, w[i], strlen(w[i]));
		len += strlen(w[i]);
	}
	return len;
}
