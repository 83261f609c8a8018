/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/option.h"

#include <stdio.h>
#include <string.h>

/* names, opcode, role, own keyword, parse, print, table, num */
static const struct option options[] = {
    /* The packet's way, and what it is. */
    {"in", O_IN, 0, true, parse_plain, print_in, NULL, 0},
    {"out", O_IN, 0, true, parse_out, NULL, NULL, 0},
    {"recv", O_RECV, 0, 0, parse_iface, print_iface, NULL, 0},
    {"xmit", O_XMIT, 0, 0, parse_iface, print_iface, NULL, 0},
    {"via", O_VIA, 0, 0, parse_iface, print_iface, NULL, 0},
    {"layer2 bridged", O_LAYER2, 0, 0, parse_plain, print_nothing, NULL, 0},
    {"MAC mac", O_MACADDR2, 0, 0, parse_mac, print_mac, NULL, 0},
    {"mac-type", O_MAC_TYPE, 0, 0, parse_ports, print_ranges, names_ethertype,
	65535},
    {"proto", O_PROTO, ROLE_PROTO, 0, parse_proto, print_proto, NULL, 0},
    {"ip4 ipv4", O_IP4, 0, 0, parse_plain, NULL, NULL, 0},
    {"ip6 ipv6", O_IP6, 0, 0, parse_plain, NULL, NULL, 0},

    /* Addresses and ports. */
    {"src-ip src-ipv4 src-ip4", O_IP_SRC, ROLE_SRC, 0, parse_src, print_ip4,
	NULL, 4},
    {"dst-ip dst-ipv4 dst-ip4", O_IP_DST, ROLE_DST, 0, parse_dst, print_ip4,
	NULL, 4},
    {"src-ip6 src-ipv6", O_IP6_SRC, ROLE_SRC, 0, parse_src, print_ip6, NULL, 6},
    {"dst-ip6 dst-ipv6", O_IP6_DST, ROLE_DST, 0, parse_dst, print_ip6, NULL, 6},
    {"src-port", O_IP_SRCPORT, ROLE_SRC_PORT, 0, parse_ports, print_ranges,
	NULL, 65535},
    {"dst-port", O_IP_DSTPORT, ROLE_DST_PORT, 0, parse_ports, print_ranges,
	NULL, 65535},

    /* The IP header. */
    {"frag fragment", O_FRAG, 0, 0, parse_frag, print_frag, names_frag, 0},
    {"iplen", O_IPLEN, 0, 0, parse_ranges, print_ranges, NULL, 65535},
    {"ipid", O_IPID, 0, 0, parse_ranges, print_ranges, NULL, 65535},
    {"ipttl", O_IPTTL, 0, 0, parse_ranges, print_ranges, NULL, 255},
    {"ipver ipversion", O_IPVER, 0, 0, parse_number, print_number, NULL, 15},
    {"ipprecedence", O_IPPRECEDENCE, 0, 0, parse_precedence, print_precedence,
	NULL, 7},
    {"iptos", O_IPTOS, 0, 0, parse_flags, print_flags, names_iptos, 0},
    {"dscp", O_DSCP, 0, 0, parse_bits, print_bits, names_dscp, 64},
    {"ipoptions ipopts", O_IPOPT, 0, 0, parse_flags, print_flags, names_ipopts,
	0},
    {"ext6hdr", O_EXT_HDR, 0, 0, parse_names, print_names, names_ext6hdr, 0},
    {"flow-id", O_FLOW6ID, 0, 0, parse_flow_id, print_flow_id, NULL, 0xfffff},

    /* TCP and ICMP. */
    {"established estab", O_ESTAB, 0, 0, parse_plain, print_nothing, NULL, 0},
    {"tcpflags tcpflgs", O_TCPFLAGS, 0, true, parse_flags, print_tcpflags,
	names_tcpflags, 0},
    {"setup", O_TCPFLAGS, 0, true, parse_plain, NULL, NULL, 0x1002},
    {"tcpwin", O_TCPWIN, 0, 0, parse_ranges, print_ranges, NULL, 65535},
    {"tcpseq", O_TCPSEQ, 0, 0, parse_be32, print_be32, NULL, UINT32_MAX},
    {"tcpack", O_TCPACK, 0, 0, parse_be32, print_be32, NULL, UINT32_MAX},
    {"tcpoptions tcpopts", O_TCPOPTS, 0, 0, parse_flags, print_flags,
	names_tcpopts, 0},
    {"tcpdatalen", O_TCPDATALEN, 0, 0, parse_ranges, print_ranges, NULL, 65535},
    {"tcpmss", O_TCPMSS, 0, 0, parse_ranges, print_ranges, NULL, 65535},
    {"icmptypes icmptype", O_ICMPTYPE, 0, 0, parse_bits, print_bits, NULL, 32},
    {"icmp6types icmp6type", O_ICMP6TYPE, 0, 0, parse_bits, print_bits, NULL,
	224},

    /* Marks of other modules; the daemon refuses what it does not know. */
    {"tagged", O_TAGGED, 0, 0, parse_ranges, print_ranges, NULL, 65534},
    {"mark", O_MARK, 0, 0, parse_mark, print_mark, NULL, 0x8000},
    {"diverted", O_DIVERTED, 0, true, parse_plain, print_diverted, NULL, 3},
    {"diverted-output", O_DIVERTED, 0, true, parse_plain, NULL, NULL, 2},
    {"diverted-loopback", O_DIVERTED, 0, true, parse_plain, NULL, NULL, 1},
    {"fib", O_FIB, 0, 0, parse_number, print_number, NULL, 65535},
    {"uid", O_UID, 0, 0, parse_owner, print_owner, NULL, UINT32_MAX},
    {"gid", O_GID, 0, 0, parse_owner, print_owner, NULL, UINT32_MAX},
    {"jail", O_JAIL, 0, 0, parse_u32, print_u32, NULL, INT32_MAX},
    {"sockarg", O_SOCKARG, 0, 0, parse_plain, print_nothing, NULL, 0},
    {"ipsec", O_IPSEC, 0, 0, parse_plain, print_nothing, NULL, 0},
    {"verrevpath", O_VERREVPATH, 0, 0, parse_plain, print_nothing, NULL, 0},
    {"versrcreach", O_VERSRCREACH, 0, 0, parse_plain, print_nothing, NULL, 0},
    {"antispoof", O_ANTISPOOF, 0, 0, parse_plain, print_nothing, NULL, 0},

    /* States; tables are printed where a daemon has them. */
    {"keep-state", O_KEEP_STATE, 0, true, parse_keep, print_keep, NULL, 1},
    {"record-state", O_KEEP_STATE, 0, 0, parse_keep, NULL, NULL, 0},
    {"limit", O_LIMIT, 0, true, parse_limit, print_limit, names_limit, 1},
    {"set-limit", O_LIMIT, 0, 0, parse_limit, NULL, names_limit, 0},
    {"defer-immediate-action defer-action", O_SKIP_ACTION, 0, 0, parse_defer,
	print_nothing, NULL, 0},
    {"flow", O_IP_FLOW_LOOKUP, 0, 0, parse_table, print_table, NULL, 0},
    {"src-mac", O_MAC_SRC_LOOKUP, 0, 0, parse_table, print_table, NULL, 0},
    {"dst-mac", O_MAC_DST_LOOKUP, 0, 0, parse_table, print_table, NULL, 0},

    {"//", O_NOP, 0, 0, parse_comment, print_comment, NULL, 0},

    /* Other opcodes of the keywords above. */
    {"src-ip", O_IP_SRC_LOOKUP, ROLE_SRC, 0, NULL, print_table, NULL, 0},
    {"dst-ip", O_IP_DST_LOOKUP, ROLE_DST, 0, NULL, print_table, NULL, 0},
    {"lookup", O_IP_DST_LOOKUP, 0, 0, parse_lookup, print_lookup, NULL, 0},
    {"lookup", O_TABLE_LOOKUP, 0, 0, NULL, print_masked, NULL, 0},
    {"src-ip", O_IP_SRC_MASK, ROLE_SRC, 0, NULL, print_ip4, NULL, 0},
    {"src-ip", O_IP_SRC_SET, ROLE_SRC, 0, NULL, print_ip4_set, NULL, 0},
    {"src-ip", O_IP_SRC_ME, ROLE_SRC, 0, NULL, print_me, NULL, 0},
    {"dst-ip", O_IP_DST_MASK, ROLE_DST, 0, NULL, print_ip4, NULL, 0},
    {"dst-ip", O_IP_DST_SET, ROLE_DST, 0, NULL, print_ip4_set, NULL, 0},
    {"dst-ip", O_IP_DST_ME, ROLE_DST, 0, NULL, print_me, NULL, 0},
    {"src-ip6", O_IP6_SRC_MASK, ROLE_SRC, 0, NULL, print_ip6, NULL, 0},
    {"src-ip6", O_IP6_SRC_ME, ROLE_SRC, 0, NULL, print_me6, NULL, 0},
    {"dst-ip6", O_IP6_DST_MASK, ROLE_DST, 0, NULL, print_ip6, NULL, 0},
    {"dst-ip6", O_IP6_DST_ME, ROLE_DST, 0, NULL, print_me6, NULL, 0},
    {"proto", O_IP4, ROLE_PROTO, 0, NULL, print_proto, NULL, 0},
    {"proto", O_IP6, ROLE_PROTO, 0, NULL, print_proto, NULL, 0},
};

const struct option *
option_find(const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (options[i].parse != NULL &&
		    name_in_list(options[i].names, word))
			return &options[i];
	return NULL;
}

const struct option *
option_of(unsigned opcode)
{
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (options[i].op == opcode && options[i].print != NULL)
			return &options[i];
	return NULL;
}

const char *
option_keyword(const struct option *o, char *buf, size_t size)
{
	snprintf(buf, size, "%.*s", (int)strcspn(o->names, " "), o->names);
	return buf;
}

void
option_suggest(struct suggest *g)
{
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (options[i].parse != NULL)
			suggest_try(g, options[i].names);
}

void
print_raw(struct text *t, const struct insn *i)
{
	text_f(t, " [opcode %u len %u arg %u]", i->opcode, insn_words(i),
	    i->arg1);
}
