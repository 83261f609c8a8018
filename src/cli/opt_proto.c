/* SPDX-License-Identifier: BSD-2-Clause */
/* Protocols: names, numbers, and the two families of IP. */
#include "cli/option.h"

#include <sysexits.h>

/* Opcode and number of a protocol word; opcode 0 is 'ip': no test. */
static bool
read_proto(const char *s, unsigned *op, uint32_t *num)
{
	static const struct name families[] = {{"ip", O_NOP}, {"all", O_NOP},
	    {"ip4", O_IP4}, {"ipv4", O_IP4}, {"ip6", O_IP6}, {"ipv6", O_IP6},
	    {NULL, 0}};
	const struct name *n = name_find(families, s);
	int proto;

	*num = 0;
	if (n != NULL) {
		*op = n->value;
		return true;
	}
	*op = O_PROTO;
	if (number(s, 255, num))
		return *num != 0;
	proto = proto_number(s);
	*num = (uint32_t)proto;
	return proto > 0;
}

bool
is_proto(const char *word)
{
	unsigned op;
	uint32_t num;

	return read_proto(word, &op, &num);
}

int
parse_proto(struct build *b, const struct option *o)
{
	const char *s;
	char hint[64];
	struct suggest g;
	unsigned op;
	uint32_t num;
	struct insn *i;
	int r = build_word(b, "a protocol", &s);

	(void)o;
	if (r != 0)
		return r;
	if (!read_proto(s, &op, &num)) {
		suggest_init(&g, s);
		suggest_try(&g, "ip ip4 ip6 tcp udp icmp ipv6-icmp sctp esp");
		return build_err(b, EX_DATAERR, "unknown protocol%s",
		    suggest_text(&g, hint, sizeof(hint)));
	}
	b->family = op == O_IP4 ? 4 : op == O_IP6 ? 6 : b->family;
	b->proto = (uint8_t)num;
	if (op == O_NOP)
		return 0;
	i = build_emit(b, op, 1);
	if (i == NULL)
		return EX_DATAERR;
	i->arg1 = (uint16_t)num;
	return 0;
}

void
print_proto(struct text *t, const struct insn *i, const struct option *o,
    const struct show *show)
{
	char buf[64];
	const char *s = i->opcode == O_IP4   ? "ip4"
			: i->opcode == O_IP6 ? "ip6"
					     : proto_name(i->arg1, buf,
						   sizeof(buf));

	(void)o, (void)show;
	if (s != NULL)
		text_f(t, " %s", s);
	else
		text_f(t, " %u", i->arg1);
}
