/* SPDX-License-Identifier: BSD-2-Clause */
#include "rule/check.h"

#include "rule/lookup.h"
#include "rule/rule.h"

#include <errno.h>
#include <string.h>

/* What can be wrong with an instruction that has a fitting length. */
enum complaint {
	FINE,
	BAD_RANGE,
	BAD_BITS,
	BAD_TEXT,
	ENDLESS_TEXT,
	BAD_LENGTH,
	BAD_PROB,
	BAD_NAME,
	ENDLESS_NAME,
	NEEDS_ADDRESS,
	NEEDS_TABLES,
	NO_ADDRESS,
	NEEDS_SOCKET,
	NEEDS_RTSOCK,
	NO_KEY,
	NO_FIELDS,
};

static const struct {
	int code;
	const char *text;
} complaints[] = {
    [BAD_RANGE] = {EINVAL, "has a range that ends before it begins"},
    [BAD_BITS] = {EINVAL, "has bits without a meaning"},
    [BAD_TEXT] = {EINVAL, "has a character that cannot be printed"},
    [ENDLESS_TEXT] = {EINVAL, "has a text without an end"},
    [BAD_LENGTH] = {EINVAL, "has a wrong length"},
    [BAD_PROB] = {EINVAL, "is above certainty"},
    [BAD_NAME] = {EINVAL, "has a character that cannot be in a name"},
    [ENDLESS_NAME] = {EINVAL, "has a name without an end"},
    [NEEDS_ADDRESS] = {EOPNOTSUPP,
	"names an address, and ports here have none"},
    [NEEDS_TABLES] = {EOPNOTSUPP,
	"with a table value is not implemented in this version"},
    [NO_ADDRESS] = {EINVAL, "has no address"},
    [NEEDS_SOCKET] = {EOPNOTSUPP,
	"has a key of sockets on this machine, which see no packet here"},
    [NEEDS_RTSOCK] = {EOPNOTSUPP,
	"goes to a routing socket, and there is none here"},
    [NO_KEY] = {EINVAL, "has a key that does not exist"},
    [NO_FIELDS] = {EINVAL, "counts by no field"},
};

/* Looks into an instruction that lies whole within the rule and is as long as
 * insn.def allows. */
typedef enum complaint detail_fn(const struct insn *i, unsigned words);

static uint32_t
word_at(const struct insn *i, unsigned n)
{
	uint32_t w;

	memcpy(&w, i + n, sizeof(w));
	return w;
}

/* A comment: nothing, or printable text and its end within the words. */
static enum complaint
comment(const struct insn *i, unsigned words)
{
	const unsigned char *s = (const unsigned char *)(i + 1);
	size_t room = (words - 1) * sizeof(*i);

	if (room == 0)
		return FINE;
	for (size_t n = 0; n < room; n++) {
		if (s[n] == '\0')
			return FINE;
		if (s[n] < 0x20 || s[n] == 0x7f)
			return BAD_TEXT;
	}
	return ENDLESS_TEXT;
}

/* Pairs of 16-bit numbers from the second word on. */
static enum complaint
ranges(const struct insn *i, unsigned words)
{
	for (unsigned n = 1; n < words; n++) {
		uint16_t pair[2];

		memcpy(pair, i + n, sizeof(pair));
		if (pair[0] > pair[1])
			return BAD_RANGE;
	}
	return FINE;
}

/* A single number in arg1, or ranges and nothing in arg1. */
static enum complaint
number_or_ranges(const struct insn *i, unsigned words)
{
	if (words > 1 && i->arg1 != 0)
		return BAD_BITS;
	return ranges(i, words);
}

/* 'arg1' addresses from a base: base, bitmap.  No bit beyond the last.  The
 * limits of the length, 3 and 10, make it 1 to 256 addresses. */
static enum complaint
address_set(const struct insn *i, unsigned words)
{
	unsigned n = i->arg1;

	if (words != 2 + (n + 31) / 32)
		return BAD_LENGTH;
	if (n % 32 != 0 && word_at(i, words - 1) >> n % 32 != 0)
		return BAD_BITS;
	return FINE;
}

static enum complaint
probability(const struct insn *i, unsigned words)
{
	(void)words;
	return word_at(i, 1) > 0x7fffffff ? BAD_PROB : FINE;
}

/* 'call N'; its negation is 'return' and takes no number. */
static enum complaint
call_or_return(const struct insn *i, unsigned words)
{
	(void)words;
	if ((i->len & INSN_NOT) != 0)
		return i->arg1 == 0 ? FINE : BAD_BITS;
	return FINE;
}

/* Fields to count by, and how many. */
static enum complaint
limit(const struct insn *i, unsigned words)
{
	struct insn_limit l;

	(void)words;
	memcpy(&l, i, sizeof(l));
	if (l.mask == 0)
		return NO_FIELDS;
	if (l.mask > 0xf || l.pad != 0)
		return BAD_BITS;
	return FINE;
}

static enum complaint
tags(const struct insn *i, unsigned words)
{
	return words == 1 ? FINE : ranges(i, words);
}

static enum complaint
flow_labels(const struct insn *i, unsigned words)
{
	if (i->arg1 == 0 || words != 2u + i->arg1) /* one stays unused */
		return BAD_LENGTH;
	for (unsigned n = 1; n <= i->arg1; n++)
		if (word_at(i, n) > 0xfffff)
			return BAD_BITS;
	return FINE;
}

static bool
is_name_char(char c)
{
	return c > ' ' && c <= '~';
}

/* An interface: a name or a pattern, ended, printable, zeros behind it. */
static enum complaint
interface(const struct insn *i, unsigned words)
{
	struct insn_if f;
	size_t len;

	(void)words;
	memcpy(&f, i, sizeof(f));
	if (f.name[0] == 0)
		return NEEDS_ADDRESS;
	if (f.name[0] == 1) /* a table of interfaces */
		return FINE;
	if (f.p.glob > 1)
		return BAD_BITS;
	len = strnlen(f.name, sizeof(f.name));
	if (len == sizeof(f.name))
		return ENDLESS_NAME;
	for (size_t n = 0; n < sizeof(f.name); n++)
		if (n < len ? !is_name_char(f.name[n]) : f.name[n] != 0)
			return BAD_NAME;
	return FINE;
}

/* An ICMP code, RST or ABORT; only "needfrag" has a second word, its MTU. */
static enum complaint
reject(const struct insn *i, unsigned words)
{
	enum { NEEDFRAG = 4 };

	if (i->arg1 > REJECT_ABORT)
		return BAD_BITS;
	if (words == 1)
		return FINE;
	if (i->arg1 != NEEDFRAG)
		return BAD_LENGTH;
	return word_at(i, 1) > 0xffff ? BAD_BITS : FINE;
}

/* The address of fwd to IPv6.  That of IPv4 may be missing: then a table's
 * value is meant. */
static enum complaint
next_hop6(const struct insn *i, unsigned words)
{
	(void)words;
	for (unsigned n = 3; n < 7; n++)
		if (word_at(i, n) != 0)
			return FINE;
	return NO_ADDRESS;
}

static enum complaint
not_zero(const struct insn *i, unsigned words)
{
	(void)words;
	return i->arg1 == TABLEARG ? NEEDS_TABLES : FINE;
}

static enum complaint
log_to(const struct insn *i, unsigned words)
{
	(void)words;
	return (i->arg1 & LOGDST_RTSOCK) != 0 ? NEEDS_RTSOCK : FINE;
}

/* lookup KEY TABLE has three words, table(T,V) two, table(T) one. */
static enum complaint
lookup(const struct insn *i, unsigned words)
{
	uint32_t key;

	if (words != 3)
		return FINE;
	key = word_at(i, 2);
	if (key == LOOKUP_UID || key == LOOKUP_JAIL)
		return NEEDS_SOCKET;
	return key < LOOKUP_RULENUM ? FINE : NO_KEY;
}

/* lookup KEY:MASK TABLE */
static enum complaint
masked_lookup(const struct insn *i, unsigned words)
{
	uint32_t key = word_at(i, 1);

	if (key == LOOKUP_UID || key == LOOKUP_JAIL)
		return NEEDS_SOCKET;
	if (key >= N_LOOKUP_KEYS)
		return NO_KEY;
	return lookup_masked_fits(key, words) ? FINE : BAD_LENGTH;
}

/* How the length grows, beside min and max of insn.def. */
enum {
	ANY = 1,
	PAIRS = 2,  /* header word and pairs of words */
	EIGHTS = 8, /* header word and blocks of eight words */
};

/* Finer rules than insn.def's, for opcodes that are supported.  An opcode
 * without a row has neither arg1 nor details. */
static const struct detail {
	uint8_t step;	    /* words beyond the first come in steps of it */
	uint16_t arg1_bits; /* that may be set */
	detail_fn *check;   /* may be NULL */
} details[O_LAST] = {
    [O_NOP] = {ANY, 0, comment},
    [O_IP_SRC_MASK] = {PAIRS, 0, NULL},
    [O_IP_DST_MASK] = {PAIRS, 0, NULL},
    [O_IP_SRC_SET] = {ANY, 0xffff, address_set},
    [O_IP_DST_SET] = {ANY, 0xffff, address_set},
    [O_IP_SRCPORT] = {ANY, 0, ranges},
    [O_IP_DSTPORT] = {ANY, 0, ranges},
    [O_PROTO] = {ANY, 0xff, NULL},
    [O_MAC_TYPE] = {ANY, 0, ranges},
    [O_FRAG] = {ANY, 0xe1e1, NULL},
    [O_RECV] = {ANY, 0, interface},
    [O_XMIT] = {ANY, 0, interface},
    [O_VIA] = {ANY, 0, interface},
    [O_IPOPT] = {ANY, 0x0f0f, NULL},
    [O_IPLEN] = {ANY, 0xffff, number_or_ranges},
    [O_IPID] = {ANY, 0xffff, number_or_ranges},
    [O_IPTOS] = {ANY, 0xffff, NULL},
    [O_IPPRECEDENCE] = {ANY, 0xe0, NULL},
    [O_IPTTL] = {ANY, 0xffff, number_or_ranges},
    [O_IPVER] = {ANY, 0xf, NULL},
    [O_TCPFLAGS] = {ANY, 0xffff, NULL},
    [O_TCPWIN] = {ANY, 0xffff, number_or_ranges},
    [O_TCPOPTS] = {ANY, 0x1f1f, NULL},
    [O_PROBE_STATE] = {ANY, 0xffff, NULL}, /* arg1: a name, 0 = any */
    [O_KEEP_STATE] = {ANY, 0xffff, NULL},
    [O_LIMIT] = {ANY, 0xffff, limit},
    [O_CHECK_STATE] = {ANY, 0xffff, NULL},
    [O_LOG] = {ANY, LOGDST_SYSLOG | LOGDST_BPF | LOGDST_RTSOCK, log_to},
    [O_PROB] = {ANY, 0, probability},
    [O_REJECT] = {ANY, 0xffff, reject},
    [O_UNREACH6] = {ANY, 0xffff, reject},
    [O_PIPE] = {ANY, 0xffff, NULL}, /* arg1: its number, TABLEARG */
    [O_QUEUE] = {ANY, 0xffff, NULL},
    [O_DIVERT] = {ANY, 0xffff, NULL}, /* arg1: a port, TABLEARG */
    [O_TEE] = {ANY, 0xffff, NULL},
    [O_DIVERTED] = {ANY, DIVERTED_LOOPBACK | DIVERTED_OUTPUT, NULL},
    [O_FORWARD_IP] = {ANY, 0, NULL},
    [O_FORWARD_IP6] = {ANY, 0, next_hop6},
    [O_SKIPTO] = {ANY, 0xffff, NULL},
    [O_IP_SRC_LOOKUP] = {ANY, 0xffff, NULL},
    [O_IP_DST_LOOKUP] = {ANY, 0xffff, lookup},
    [O_IP_FLOW_LOOKUP] = {ANY, 0xffff, NULL},
    [O_MAC_SRC_LOOKUP] = {ANY, 0xffff, NULL},
    [O_MAC_DST_LOOKUP] = {ANY, 0xffff, NULL},
    [O_TCPDATALEN] = {ANY, 0xffff, number_or_ranges},
    [O_IP6_SRC_MASK] = {EIGHTS, 0, NULL},
    [O_IP6_DST_MASK] = {EIGHTS, 0, NULL},
    [O_FLOW6ID] = {ANY, 0xffff, flow_labels},
    [O_EXT_HDR] = {ANY, 0xff, NULL},
    [O_TCPMSS] = {ANY, 0xffff, number_or_ranges},
    [O_TAG] = {ANY, 0xffff, NULL},
    [O_TAGGED] = {ANY, 0xffff, tags},
    [O_CALLRETURN] = {ANY, 0xffff, call_or_return},
    [O_EXTERNAL_ACTION] = {ANY, 0xffff, not_zero},
    [O_EXTERNAL_DATA] = {ANY, 0xffff, not_zero},
    [O_SETDSCP] = {ANY, 0x803f, NULL},
    [O_SETMARK] = {ANY, 0x8000, NULL},
    [O_MARK] = {ANY, 0x8000, NULL},
    [O_TABLE_LOOKUP] = {ANY, 0xffff, masked_lookup},
};

/* Where the walk through a rule is. */
struct walk {
	const struct abi_rule *r;
	struct err *e;
	unsigned at; /* words before the instruction at hand */
	bool in_or;  /* the one before it had INSN_OR */
	bool has_action;
	bool has_eaction; /* O_EXTERNAL_ACTION, which its data follow */
};

/* Refuses the instruction at hand. */
static int
refuse(const struct walk *w, int code, const struct insn *i, const char *why)
{
	if (i->opcode >= O_LAST)
		return err_at(w->e, code, (int)w->at, "opcode %u at word %u %s",
		    i->opcode, w->at, why);
	return err_at(w->e, code, (int)w->at, "%s at word %u %s",
	    insn_table[i->opcode].name, w->at, why);
}

static int
complain(const struct walk *w, const struct insn *i, enum complaint c)
{
	return refuse(w, complaints[c].code, i, complaints[c].text);
}

/* The length, arg1 and content of one instruction. */
static int
check_shape(const struct walk *w, const struct insn *i)
{
	const struct insn_info *info = &insn_table[i->opcode];
	const struct detail *d = &details[i->opcode];
	unsigned words = insn_words(i);
	enum complaint c;

	if (words < info->min_words || words > info->max_words)
		return complain(w, i, BAD_LENGTH);
	if (d->step > ANY && (words - 1) % d->step != 0)
		return complain(w, i, BAD_LENGTH);
	if ((i->arg1 & ~(unsigned)d->arg1_bits) != 0)
		return complain(w, i, BAD_BITS);
	c = d->check != NULL ? d->check(i, words) : FINE;
	return c == FINE ? 0 : complain(w, i, c);
}

/* Two opcodes mean something else with INSN_NOT: untag and return. */
static bool
is_negated_by_design(const struct insn *i)
{
	return (i->opcode == O_TAG || i->opcode == O_CALLRETURN) &&
	    (i->len & INSN_OR) == 0;
}

/* An action ends the rule; an external one is two instructions. */
static int
check_action(struct walk *w, const struct insn *i)
{
	unsigned left = w->r->cmd_len - w->at - insn_words(i);

	if (i->opcode == O_EXTERNAL_ACTION) {
		if (left != 1 || insn_next(i)->opcode != O_EXTERNAL_DATA)
			return refuse(w, EINVAL, i,
			    "is not followed by its data alone");
		w->has_eaction = true;
		return 0;
	}
	if (i->opcode == O_EXTERNAL_DATA && !w->has_eaction)
		return refuse(w, EINVAL, i, "stands without its action");
	if (left != 0)
		return refuse(w, EINVAL, i,
		    "is an action and not the last instruction");
	w->has_action = true;
	return 0;
}

/* Whether an instruction of this kind may stand here, with these flags. */
static int
check_place(struct walk *w, const struct insn *i)
{
	enum insn_kind kind = insn_table[i->opcode].kind;
	bool in_pattern = w->at < w->r->act_ofs;

	if ((i->len & (INSN_NOT | INSN_OR)) != 0 && kind != INSN_MATCH &&
	    !is_negated_by_design(i))
		return refuse(w, EINVAL, i, "takes neither 'not' nor 'or'");
	if (w->in_or && (kind != INSN_MATCH || !in_pattern))
		return refuse(
		    w, EINVAL, i, "stands where an or-block must go on");
	w->in_or = (i->len & INSN_OR) != 0;
	switch (kind) {
	case INSN_NONE:
		return refuse(w, EINVAL, i, "is no instruction of its own");
	case INSN_MATCH:
	case INSN_STATE:
	case INSN_NOTE:
		return in_pattern ?
		    0 :
		    refuse(w, EINVAL, i, "stands in the action part");
	case INSN_MODIFIER:
		if (in_pattern)
			return refuse(
			    w, EINVAL, i, "stands before the action part");
		if (i->opcode == O_LOG && w->at != w->r->act_ofs)
			return refuse(w, EINVAL, i,
			    "is not the first of the action part");
		return 0;
	case INSN_ACTION:
		if (in_pattern)
			return refuse(
			    w, EINVAL, i, "stands before the action part");
		return check_action(w, i);
	}
	return 0;
}

static int
check_insn(struct walk *w, const struct insn *i)
{
	unsigned words = insn_words(i);
	int error;

	if (i->opcode >= O_LAST)
		return refuse(w, EINVAL, i, "is unknown");
	if (words == 0 || words > w->r->cmd_len - w->at)
		return refuse(w, EINVAL, i, "does not end within the rule");
	if (insn_table[i->opcode].refusal != NULL)
		return refuse(w, EOPNOTSUPP, i, insn_table[i->opcode].refusal);
	error = check_place(w, i);
	if (error == 0)
		error = check_shape(w, i);
	return error;
}

static int
check_head(const struct abi_rule *r, size_t size, struct err *e)
{
	if (size < sizeof(*r))
		return err_set(e, EINVAL, "rule is cut short");
	if (r->cmd_len > RULE_MAX_WORDS)
		return err_set(e, EINVAL, "rule of %u words: 1 to %u can be",
		    r->cmd_len, RULE_MAX_WORDS);
	if (size - sizeof(*r) < r->cmd_len * sizeof(struct insn))
		return err_set(e, EINVAL, "rule is cut short");
	if (r->act_ofs >= r->cmd_len)
		return err_set(e, EINVAL,
		    "action at word %u of a rule of %u words", r->act_ofs,
		    r->cmd_len);
	if (r->rulenum >= RULE_DEFAULT)
		return err_set(e, EINVAL,
		    "rule number %u: 1 to %u can be added", r->rulenum,
		    RULE_DEFAULT - 1);
	if (r->set >= N_SETS)
		return err_set(
		    e, EINVAL, "set %u: 0 to %u exist", r->set, N_SETS - 1);
	return 0;
}

int
check_rule(const struct abi_rule *r, size_t size, struct err *e)
{
	struct walk w = {.r = r, .e = e};
	const struct insn *cmd = (const struct insn *)(r + 1);
	bool at_action = false;
	int error;

	error = check_head(r, size, e);
	while (error == 0 && w.at < r->cmd_len) {
		at_action = at_action || w.at == r->act_ofs;
		error = check_insn(&w, cmd + w.at);
		w.at += error == 0 ? insn_words(cmd + w.at) : 0;
	}
	if (error == 0 && !at_action)
		error = err_set(
		    e, EINVAL, "action part begins within an instruction");
	if (error == 0 && !w.has_action)
		error = err_set(e, EINVAL, "rule without an action");
	return error;
}

/* True if this test fails for every packet on the in pass. */
static bool
only_out(const struct insn *i)
{
	bool negated = (i->len & INSN_NOT) != 0;

	return i->opcode == O_IN ? negated : i->opcode == O_XMIT && !negated;
}

bool
check_needs_out(const struct abi_rule *r)
{
	const struct insn *cmd = (const struct insn *)(r + 1);
	bool all = true; /* of the or-block so far */

	for (unsigned at = 0; at < r->act_ofs; at += insn_words(cmd + at)) {
		all = all && only_out(cmd + at);
		if ((cmd[at].len & INSN_OR) != 0)
			continue;
		if (all)
			return true;
		all = true;
	}
	return false;
}
