/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/action.h"

#include "cli/option.h"

#include <ctype.h>
#include <netdb.h>
#include <string.h>
#include <sysexits.h>

#include <arpa/inet.h>

enum { ARG_MAX16 = 65534, LOG_WORDS = 3 };

static action_parse_fn act_plain, act_number, act_port, act_code, act_return;
static action_parse_fn act_unreach, act_mark, act_refused, act_log, act_tag;
static action_parse_fn act_untag, act_check_state, act_setmss, act_fwd;
static action_print_fn put_word, put_number, put_reject, put_unreach6;
static action_print_fn put_call, put_setdscp, put_setfib, put_mark, put_log;
static action_print_fn put_tag, put_check_state, put_fwd, put_fwd6;

static const struct action actions[] = {
    {"allow accept pass permit", O_ACCEPT, act_plain, put_word, 0, NULL},
    {"deny drop", O_DENY, act_plain, put_word, 0, NULL},
    {"count", O_COUNT, act_plain, put_word, 0, NULL},
    {"skipto", O_SKIPTO, act_number, put_number, 0, NULL},
    {"call", O_CALLRETURN, act_number, put_call, 0, NULL},
    {"return", O_CALLRETURN, act_return, NULL, 0, NULL},
    {"reject", O_REJECT, act_plain, put_reject, 1, NULL},
    {"reset", O_REJECT, act_plain, NULL, REJECT_RST, NULL},
    {"abort", O_REJECT, act_plain, NULL, REJECT_ABORT, NULL},
    {"unreach", O_REJECT, act_unreach, NULL, 0, names_unreach},
    {"reset6", O_UNREACH6, act_plain, NULL, REJECT_RST, NULL},
    {"abort6", O_UNREACH6, act_plain, NULL, REJECT_ABORT, NULL},
    {"unreach6", O_UNREACH6, act_code, put_unreach6, 0, names_unreach6},
    {"pipe", O_PIPE, act_number, put_number, 0, NULL},
    {"queue", O_QUEUE, act_number, put_number, 0, NULL},
    {"divert", O_DIVERT, act_port, put_number, 0, NULL},
    {"tee", O_TEE, act_port, put_number, 0, NULL},
    {"netgraph", O_NETGRAPH, act_number, put_number, 0, NULL},
    {"ngtee", O_NGTEE, act_number, put_number, 0, NULL},
    {"reass", O_REASS, act_plain, put_word, 0, NULL},
    {"setdscp", O_SETDSCP, act_code, put_setdscp, 0x8000, names_dscp},
    {"setfib", O_SETFIB, act_code, put_setfib, 0x8000, NULL},
    {"setmark", O_SETMARK, act_mark, put_mark, 0x8000, NULL},
    {"check-state", O_CHECK_STATE, act_check_state, put_check_state, 0, NULL},
    {"fwd forward", O_FORWARD_IP, act_fwd, put_fwd, 0, NULL},
    {"fwd", O_FORWARD_IP6, act_fwd, put_fwd6, 0, NULL},
    {"nat", O_NAT, act_refused, NULL, 0, NULL},
    {"nat64lsn", O_EXTERNAL_ACTION, act_refused, NULL, 0, NULL},
    {"nat64stl", O_EXTERNAL_ACTION, act_refused, NULL, 0, NULL},
    {"nat64clat", O_EXTERNAL_ACTION, act_refused, NULL, 0, NULL},
    {"nptv6", O_EXTERNAL_ACTION, act_refused, NULL, 0, NULL},
    {"tcp-setmss", O_EXTERNAL_DATA, act_setmss, put_number, 0, NULL},
    {"eaction", O_EXTERNAL_ACTION, act_refused, NULL, 0, NULL},
};

static const struct action modifiers[] = {
    {"log", O_LOG, act_log, put_log, 0, NULL},
    {"tag", O_TAG, act_tag, put_tag, 0, NULL},
    {"untag", O_TAG, act_untag, NULL, 0, NULL},
    {"altq", O_ALTQ, act_refused, NULL, 0, NULL},
};

static const struct action *
find_word(const struct action *rows, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++)
		if (name_in_list(rows[i].names, word))
			return &rows[i];
	return NULL;
}

static const struct action *
find_op(const struct action *rows, size_t n, unsigned opcode)
{
	for (size_t i = 0; i < n; i++)
		if (rows[i].op == opcode && rows[i].print != NULL)
			return &rows[i];
	return NULL;
}

const struct action *
action_find(const char *word)
{
	return find_word(actions, ARRAY_LEN(actions), word);
}

const struct action *
modifier_find(const char *word)
{
	return find_word(modifiers, ARRAY_LEN(modifiers), word);
}

const struct action *
action_of(unsigned opcode)
{
	return find_op(actions, ARRAY_LEN(actions), opcode);
}

const struct action *
modifier_of(unsigned opcode)
{
	return find_op(modifiers, ARRAY_LEN(modifiers), opcode);
}

void
action_suggest(struct suggest *g)
{
	for (size_t i = 0; i < ARRAY_LEN(actions); i++)
		suggest_try(g, actions[i].names);
}

/* ---- parsers ---- */

static int
emit_arg(struct build *b, const struct action *a, uint32_t arg, unsigned flags)
{
	struct insn *i = build_emit(b, a->op, 1);

	if (i == NULL)
		return EX_DATAERR;
	i->arg1 = (uint16_t)arg;
	i->len |= (uint8_t)flags;
	return 0;
}

static int
act_plain(struct build *b, const struct action *a)
{
	return emit_arg(b, a, a->num, 0);
}

static int
act_refused(struct build *b, const struct action *a)
{
	(void)a;
	return build_err(b, EX_UNAVAILABLE,
	    "is not implemented in this version");
}

/* Reads 1 to 65534, or tablearg. */
static int
read_arg(struct build *b, const struct action *a, uint32_t *v)
{
	const char *s;
	int r = build_word(b, "the number", &s);

	if (r != 0)
		return r;
	if (strcmp(s, "tablearg") == 0) {
		*v = TABLEARG;
		return 0;
	}
	if (!number(s, ARG_MAX16, v) || *v == 0)
		return build_err(b, EX_DATAERR,
		    "not a number from 1 to %d, which %.*s needs", ARG_MAX16,
		    (int)strcspn(a->names, " "), a->names);
	return 0;
}

static int
act_number(struct build *b, const struct action *a)
{
	uint32_t v;
	int r = read_arg(b, a, &v);

	return r != 0 ? r : emit_arg(b, a, v, 0);
}

/* A number, or a service of the protocol "divert". */
static int
act_port(struct build *b, const struct action *a)
{
	const char *s = build_peek(b);
	const struct servent *se = NULL;

	if (s != NULL && isalpha((unsigned char)*s))
		se = getservbyname(s, "divert");
	if (se == NULL)
		return act_number(b, a);
	b->i++;
	return emit_arg(b, a, ntohs((uint16_t)se->s_port), 0);
}

static int
act_return(struct build *b, const struct action *a)
{
	if (build_accept(b, "next-rule"))
		return build_err(b, EX_UNAVAILABLE,
		    "is not implemented in this version, only next-rulenum");
	build_accept(b, "next-rulenum");
	return emit_arg(b, a, 0, INSN_NOT);
}

/* A name of the table or a number; 'num' is or-ed to it. */
static int
read_code(struct build *b, const struct action *a, uint32_t max, uint32_t *v)
{
	const struct name *n = NULL;
	char hint[64] = "";
	struct suggest g;
	const char *s;
	int r = build_word(b, "the code", &s);

	if (r != 0)
		return r;
	if (number(s, max, v))
		return 0;
	if (a->table != NULL) {
		n = name_find(a->table, s);
		suggest_init(&g, s);
		suggest_names(&g, a->table);
		suggest_text(&g, hint, sizeof(hint));
	}
	if (n == NULL)
		return build_err(b, EX_DATAERR, "not a code of %s (0 to %u%s)%s",
		    a->names, max, a->table != NULL ? ", or a name" : "", hint);
	*v = n->value;
	return 0;
}

static int
act_code(struct build *b, const struct action *a)
{
	uint32_t v, max = a->op == O_SETDSCP ? 63 : a->op == O_SETFIB ? 32767
								     : 255;
	int r;

	if (a->num != 0 && build_accept(b, "tablearg"))
		return emit_arg(b, a, TABLEARG, 0);
	r = read_code(b, a, max, &v);
	return r != 0 ? r : emit_arg(b, a, v | a->num, 0);
}

/* unreach CODE, or unreach needfrag MTU with the MTU in a second word. */
static int
act_unreach(struct build *b, const struct action *a)
{
	uint32_t code, mtu;
	const char *s;
	struct insn_u16 *u;
	int r = read_code(b, a, 255, &code);

	if (r != 0)
		return r;
	s = build_peek(b);
	if (code != 4 || s == NULL || !isdigit((unsigned char)*s) ||
	    (b->i + 1 < b->n && strcmp(b->w[b->i + 1].s, "from") == 0))
		return emit_arg(b, a, code, 0);
	b->i++;
	if (!number(s, 65535, &mtu) || mtu < 68)
		return build_err(b, EX_DATAERR, "not an MTU (68 to 65535)");
	u = build_emit(b, a->op, 2);
	if (u == NULL)
		return EX_DATAERR;
	u->o.arg1 = (uint16_t)code;
	u->ports[0] = (uint16_t)mtu;
	return 0;
}

enum { BSD_AF_INET = 2, BSD_AF_INET6 = 28 };

static int
emit_fwd4(struct build *b, const struct in_addr *addr, uint32_t port)
{
	struct insn_sa *sa = build_emit(b, O_FORWARD_IP, 5);

	if (sa == NULL)
		return EX_DATAERR;
	sa->sa_len = 16;
	sa->sa_family = BSD_AF_INET;
	sa->port = (uint16_t)port;
	sa->addr = addr->s_addr;
	return 0;
}

static int
emit_fwd6(struct build *b, const struct in6_addr *addr, uint32_t port)
{
	struct insn_sa6 *sa = build_emit(b, O_FORWARD_IP6, 8);

	if (sa == NULL)
		return EX_DATAERR;
	sa->sa_len = 28;
	sa->sa_family = BSD_AF_INET6;
	sa->port = (uint16_t)port;
	memcpy(sa->addr6, addr, sizeof(sa->addr6));
	return 0;
}

static bool
read_hop_port(const char *s, uint32_t *port)
{
	int service = service_port(s, 0);

	if (service > 0) {
		*port = (uint32_t)service;
		return true;
	}
	return number(s, UINT16_MAX, port) && *port != 0;
}

/* An address of either family or tablearg, and perhaps ",port". */
static int
act_fwd(struct build *b, const struct action *a)
{
	char addr[INET6_ADDRSTRLEN];
	struct in_addr a4;
	struct in6_addr a6;
	uint32_t port = 0;
	const char *s;
	size_t n;
	int r = build_word(b, "the address", &s);

	(void)a;
	if (r != 0)
		return r;
	n = strcspn(s, ",");
	if (s[n] == ',' && !read_hop_port(s + n + 1, &port))
		return build_err(b, EX_DATAERR,
		    "not a port (1 to 65535) or service after the address");
	if (n == 8 && strncmp(s, "tablearg", n) == 0)
		return emit_fwd4(b, &(struct in_addr){0}, port);
	memcpy(addr, s, n < sizeof(addr) ? n : 0);
	addr[n < sizeof(addr) ? n : 0] = '\0';
	if (inet_pton(AF_INET, addr, &a4) == 1 && a4.s_addr != 0)
		return emit_fwd4(b, &a4, port);
	if (inet_pton(AF_INET6, addr, &a6) == 1 &&
	    !IN6_IS_ADDR_UNSPECIFIED(&a6))
		return emit_fwd6(b, &a6, port);
	return build_err(b, EX_DATAERR, "not the address of a host");
}

/* The action by its name, and its number in a second instruction. */
static int
act_setmss(struct build *b, const struct action *a)
{
	uint16_t idx = build_name(b, TLV_EACTION, EACTION_SETMSS);
	struct insn *i = idx != 0 ? build_emit(b, O_EXTERNAL_ACTION, 1) : NULL;
	const char *s;
	uint32_t mss;
	int r;

	if (i == NULL)
		return EX_DATAERR;
	i->arg1 = idx;
	r = build_word(b, "the MSS", &s);
	if (r != 0)
		return r;
	if (!number(s, UINT16_MAX, &mss) || mss == 0)
		return build_err(b, EX_DATAERR, "not an MSS (1 to 65535)");
	return emit_arg(b, a, mss, 0);
}

static int
act_check_state(struct build *b, const struct action *a)
{
	uint16_t idx = 0;
	int r = parse_state_name(b, true, &idx);

	return r != 0 ? r : emit_arg(b, a, idx, 0);
}

static int
act_mark(struct build *b, const struct action *a)
{
	const char *s;
	uint32_t v;
	struct insn_u32 *u;
	int r = build_word(b, "the mark", &s);

	if (r != 0)
		return r;
	v = 0;
	if (strcmp(s, "tablearg") != 0 && !number(s, UINT32_MAX, &v))
		return build_err(b, EX_DATAERR, "not a mark");
	u = build_emit(b, a->op, 2);
	if (u == NULL)
		return EX_DATAERR;
	u->o.arg1 = strcmp(s, "tablearg") == 0 ? TABLEARG : (uint16_t)a->num;
	u->d[0] = v;
	return 0;
}

/* Where 'log' can write to; the daemon refuses what it has not. */
static const struct {
	const char *name;
	uint16_t bit;
} log_destinations[] = {
    {"syslog", LOGDST_SYSLOG},
    {"bpf", LOGDST_BPF},
    {"ipfw0", LOGDST_BPF}, /* the older name */
    {"rtsock", LOGDST_RTSOCK},
};

/* The bit of the name s[0, n), 0 if there is none. */
static uint16_t
log_destination(const char *s, size_t n)
{
	for (size_t i = 0; i < sizeof(log_destinations) /
	    sizeof(*log_destinations); i++)
		if (strlen(log_destinations[i].name) == n &&
		    memcmp(log_destinations[i].name, s, n) == 0)
			return log_destinations[i].bit;
	return 0;
}

/* A list of destinations, as bits. */
static int
read_destinations(struct build *b, uint16_t *bits)
{
	const char *s;
	int r = build_word(b, "the destinations of logdst", &s);

	if (r != 0)
		return r;
	for (*bits = 0;; s++) {
		size_t n = strcspn(s, ",");
		uint16_t bit = log_destination(s, n);

		if (bit == 0)
			return build_err(b, EX_DATAERR,
			    "not a list of syslog, bpf and rtsock");
		*bits |= bit;
		s += n;
		if (*s == '\0')
			return 0;
	}
}

static int
act_log(struct build *b, const struct action *a)
{
	uint32_t max = b->log_default;
	const char *s;
	struct insn_log *l;
	uint16_t bits = 0;
	int r;

	if (build_accept(b, "logdst") && (r = read_destinations(b, &bits)) != 0)
		return r;
	if (build_accept(b, "logamount")) {
		r = build_word(b, "the number of logamount", &s);
		if (r != 0)
			return r;
		if (!number(s, INT32_MAX, &max))
			return build_err(b, EX_DATAERR,
			    "not a number of messages");
	}
	l = build_emit(b, a->op, LOG_WORDS);
	if (l == NULL)
		return EX_DATAERR;
	l->o.arg1 = bits;
	l->max_log = max;
	return 0;
}

static int
emit_tag(struct build *b, const struct action *a, unsigned flags)
{
	uint32_t v;
	int r = read_arg(b, a, &v);

	return r != 0 ? r : emit_arg(b, a, v, flags);
}

static int
act_tag(struct build *b, const struct action *a)
{
	return emit_tag(b, a, 0);
}

static int
act_untag(struct build *b, const struct action *a)
{
	return emit_tag(b, a, INSN_NOT);
}

/* ---- printers ---- */

static void
put_word(struct text *t, const struct insn *i)
{
	const struct action *a = action_of(i->opcode);

	text_f(t, "%.*s", (int)strcspn(a->names, " "), a->names);
}

static void
put_arg(struct text *t, const char *word, unsigned arg)
{
	if (arg == TABLEARG)
		text_f(t, "%s tablearg", word);
	else
		text_f(t, "%s %u", word, arg);
}

static void
put_number(struct text *t, const struct insn *i)
{
	put_word(t, i);
	put_arg(t, "", i->arg1);
}

/* "fwd" and the address, the unspecified one being tablearg's form. */
static void
put_hop(struct text *t, int af, const void *addr, unsigned port)
{
	static const uint8_t none[16];
	char buf[INET6_ADDRSTRLEN];

	if (memcmp(addr, none, af == AF_INET ? 4 : 16) == 0)
		text_f(t, "fwd tablearg");
	else
		text_f(t, "fwd %s", inet_ntop(af, addr, buf, sizeof(buf)));
	if (port != 0)
		text_f(t, ",%u", port);
}

static void
put_fwd(struct text *t, const struct insn *i)
{
	const struct insn_sa *sa = (const void *)i;

	put_hop(t, AF_INET, &sa->addr, sa->port);
}

static void
put_fwd6(struct text *t, const struct insn *i)
{
	const struct insn_sa6 *sa = (const void *)i;

	put_hop(t, AF_INET6, sa->addr6, sa->port);
}

static void
put_call(struct text *t, const struct insn *i)
{
	if ((i->len & INSN_NOT) != 0)
		text_f(t, "return");
	else
		put_arg(t, "call", i->arg1);
}

static void
put_code(struct text *t, const char *word, const struct name *table,
    unsigned code)
{
	const char *s = table != NULL ? name_of(table, code) : NULL;

	if (s != NULL)
		text_f(t, "%s %s", word, s);
	else
		text_f(t, "%s %u", word, code);
}

static void
put_reject(struct text *t, const struct insn *i)
{
	const struct insn_u16 *u = (const void *)i;

	if (i->arg1 == REJECT_RST)
		text_f(t, "reset");
	else if (i->arg1 == REJECT_ABORT)
		text_f(t, "abort");
	else if (i->arg1 == 1)
		text_f(t, "reject");
	else
		put_code(t, "unreach", names_unreach, i->arg1);
	if (insn_words(i) == 2 && i->arg1 == 4)
		text_f(t, " %u", u->ports[0]);
}

static void
put_unreach6(struct text *t, const struct insn *i)
{
	if (i->arg1 == REJECT_RST)
		text_f(t, "reset6");
	else if (i->arg1 == REJECT_ABORT)
		text_f(t, "abort6");
	else
		put_code(t, "unreach6", names_unreach6, i->arg1);
}

static void
put_setdscp(struct text *t, const struct insn *i)
{
	if (i->arg1 == TABLEARG)
		text_f(t, "setdscp tablearg");
	else
		put_code(t, "setdscp", names_dscp, i->arg1 & 0x3f);
}

static void
put_setfib(struct text *t, const struct insn *i)
{
	if (i->arg1 == TABLEARG)
		text_f(t, "setfib tablearg");
	else
		text_f(t, "setfib %u", i->arg1 & 0x7fff);
}

static void
put_mark(struct text *t, const struct insn *i)
{
	const struct insn_u32 *u = (const void *)i;

	if (i->arg1 == TABLEARG)
		text_f(t, "setmark tablearg");
	else
		text_f(t, "setmark 0x%x", u->d[0]);
}

static void
put_check_state(struct text *t, const struct insn *i)
{
	(void)i;
	text_f(t, "check-state");
}

static void
put_log(struct text *t, const struct insn *i)
{
	const struct insn_log *l = (const void *)i;

	unsigned left = i->arg1;

	text_f(t, left != 0 ? " log logdst " : " log");
	for (size_t n = 0; left != 0 && n < sizeof(log_destinations) /
	    sizeof(*log_destinations); n++) {
		if ((left & log_destinations[n].bit) == 0)
			continue;
		left &= ~(unsigned)log_destinations[n].bit;
		text_f(t, "%s%s", log_destinations[n].name,
		    left != 0 ? "," : "");
	}
	if (l->max_log != 0)
		text_f(t, " logamount %u", l->max_log);
}

static void
put_tag(struct text *t, const struct insn *i)
{
	put_arg(t, (i->len & INSN_NOT) != 0 ? " untag" : " tag", i->arg1);
}
