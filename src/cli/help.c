/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/cli.h"

static const char text[] =
    "usage: ipfw [-abcdDefhinNqStTv] COMMAND\n"
    "       ipfw [-cfnNqS] [-p PREPROCESSOR [ARG ...]] /PATH/FILE\n"
    "\n"
    "commands:\n"
    "  add [NUM] [set N] [prob P] ACTION [log [logamount N]] BODY\n"
    "  delete NUM[-NUM] ... | delete set N ...\n"
    "  list | show [NUM[-NUM] ...]     show: with counters\n"
    "  zero | resetlog [NUM ...]\n"
    "  flush\n"
    "  set show | enable N ... | disable N ... | swap N N |\n"
    "      move N to N | move rule NUM to N\n"
    "  set N delete | list | show | zero | resetlog | flush ...\n"
    "  enable | disable firewall | one_pass | debug | verbose\n"
    "  sysctl -a | NAME | NAME=VALUE\n"
    "  pipe | queue | sched show\n"
    "  internal iflist | plan | talist | vlist\n"
    "\n"
    "ACTION: allow | deny | count | skipto NUM\n"
    "BODY:   [PROTO from ADDR [PORTS] to ADDR [PORTS]] [OPTION ...] [// TEXT]\n"
    "PROTO:  ip | ip4 | ip6 | tcp | udp | icmp | NAME | NUMBER | { A or B }\n"
    "ADDR:   [not] any | me | me6 | ADDR[/LEN | :MASK][,...] |\n"
    "        ADDR/LEN{N,N-N,...} | { A or B }\n"
    "PORTS:  [not] N[-N][,...]\n"
    "OPTION: in | out | recv IF | xmit IF | via IF | layer2 | MAC DST SRC |\n"
    "        mac-type N | proto P | src-ip A | dst-ip A | src-port N |\n"
    "        dst-port N | established | setup | tcpflags F | tcpseq N |\n"
    "        tcpack N | tcpwin N | tcpoptions F | tcpdatalen N | tcpmss N |\n"
    "        icmptypes N | icmp6types N | frag [F] | iplen N | ipid N |\n"
    "        ipttl N | ipver N | iptos F | ipprecedence N | dscp N |\n"
    "        ipoptions F | ext6hdr F | flow-id N; each with \"not\" or in\n"
    "        { A or B }\n"
    "\n"
    "flags:\n"
    "  -a counters          -b action and comment  -c compact\n"
    "  -d also states       -D only states         -e also expired states\n"
    "  -f do not ask        -h this help           -i values as addresses\n"
    "  -n check, do nothing -N names for numbers   -q say nothing, do not ask\n"
    "  -S sets              -t time of last match  -T the same as a number\n"
    "  -v more words\n"
    "\n"
    "IPFW_HOST (a name, an address or the path of a socket; 127.0.0.1) and\n"
    "IPFW_PORT (5555) tell where the daemon is.  See ipfw(8).\n";

void
help_print(struct cli *c)
{
	fputs(text, c->out);
}
