/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/names.h"

#include "rule/insn.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <arpa/inet.h>

const struct name names_tcpflags[] = {
    {"syn", 0x02}, {"fin", 0x01}, {"ack", 0x10}, {"psh", 0x08},
    {"rst", 0x04}, {"urg", 0x20}, {NULL, 0},
};

const struct name names_tcpopts[] = {
    {"mss", TCPOPT_MSS},   {"maxseg", TCPOPT_MSS},   {"window", TCPOPT_WINDOW},
    {"sack", TCPOPT_SACK}, {"ts", TCPOPT_TS},	     {"timestamp", TCPOPT_TS},
    {"cc", TCPOPT_CC},	   {NULL, 0},
};

const struct name names_ipopts[] = {
    {"ssrr", IPOPT_SSRR}, {"lsrr", IPOPT_LSRR}, {"rr", IPOPT_RR},
    {"ts", IPOPT_TS},	  {NULL, 0},
};

/* Bits of the TOS octet; the last three overlap, and ipfw has it so. */
const struct name names_iptos[] = {
    {"lowdelay", 0x10}, {"throughput", 0x08}, {"reliability", 0x04},
    {"mincost", 0x02},	{"congestion", 0x03}, {"ecntransport", 0x02},
    {NULL, 0},
};

const struct name names_frag[] = {
    {"rf", FRAG_RF},	     {"df", FRAG_DF}, {"mf", FRAG_MF},
    {"offset", FRAG_OFFSET}, {NULL, 0},
};

const struct name names_dscp[] = {
    {"be", 0},	  {"cs0", 0},	{"cs1", 8},   {"af11", 10}, {"af12", 12},
    {"af13", 14}, {"cs2", 16},	{"af21", 18}, {"af22", 20}, {"af23", 22},
    {"cs3", 24},  {"af31", 26}, {"af32", 28}, {"af33", 30}, {"cs4", 32},
    {"af41", 34}, {"af42", 36}, {"af43", 38}, {"cs5", 40},  {"va", 44},
    {"ef", 46},	  {"cs6", 48},	{"cs7", 56},  {NULL, 0},
};

const struct name names_ext6hdr[] = {
    {"frag", EXT_FRAGMENT},  {"hopopt", EXT_HOPOPTS}, {"route", EXT_ROUTING},
    {"dstopt", EXT_DSTOPTS}, {"ah", EXT_AH},	      {"esp", EXT_ESP},
    {"rthdr0", EXT_RTHDR0},  {"rthdr2", EXT_RTHDR2},  {NULL, 0},
};

const struct name names_ethertype[] = {
    {"ip", 0x0800},	    {"ipv4", 0x0800},	    {"ipv6", 0x86dd},
    {"arp", 0x0806},	    {"rarp", 0x8035},	    {"vlan", 0x8100},
    {"loop", 0x9000},	    {"trail", 0x1000},	    {"at", 0x809b},
    {"atalk", 0x809b},	    {"aarp", 0x80f3},	    {"pppoe_disc", 0x8863},
    {"pppoe_sess", 0x8864}, {"ipx", 0x8137},	    {"ipx_8022", 0x00e0},
    {"ipx_8023", 0x0000},   {"ipx_ii", 0x8137},	    {"ipx_snap", 0x8137},
    {"ns", 0x0600},	    {NULL, 0},
};

const struct name names_unreach[] = {
    {"net", 0},		      {"host", 1},
    {"protocol", 2},	      {"port", 3},
    {"needfrag", 4},	      {"srcfail", 5},
    {"net-unknown", 6},	      {"host-unknown", 7},
    {"isolated", 8},	      {"net-prohib", 9},
    {"host-prohib", 10},      {"tosnet", 11},
    {"toshost", 12},	      {"filter-prohib", 13},
    {"host-precedence", 14},  {"precedence-cutoff", 15},
    {NULL, 0},
};

const struct name names_unreach6[] = {
    {"no-route", 0}, {"admin-prohib", 1}, {"address", 3},
    {"port", 4},     {NULL, 0},
};

const struct name names_limit[] = {
    {"all", 15},	      {"src-addr", LIMIT_SRC_ADDR},
    {"src-port", LIMIT_SRC_PORT}, {"dst-addr", LIMIT_DST_ADDR},
    {"dst-port", LIMIT_DST_PORT}, {NULL, 0},
};

/* Enough to print and read rules alike on machines without /etc/protocols. */
static const struct name names_proto[] = {
    {"icmp", 1},      {"igmp", 2},	 {"ipencap", 4},  {"tcp", 6},
    {"egp", 8},	      {"igp", 9},	 {"udp", 17},	  {"dccp", 33},
    {"rsvp", 46},     {"gre", 47},	 {"esp", 50},	  {"ah", 51},
    {"ipv6-icmp", 58},{"icmp6", 58},	 {"ospf", 89},	  {"pim", 103},
    {"ipcomp", 108},  {"carp", 112},	 {"vrrp", 112},	  {"l2tp", 115},
    {"sctp", 132},    {"udplite", 136},	 {NULL, 0},
};

const struct name *
name_find(const struct name *table, const char *s)
{
	for (; table->s != NULL; table++)
		if (strcmp(table->s, s) == 0)
			return table;
	return NULL;
}

const char *
name_of(const struct name *table, uint32_t value)
{
	for (; table->s != NULL; table++)
		if (table->value == value)
			return table->s;
	return NULL;
}

int
proto_number(const char *s)
{
	const struct name *n = name_find(names_proto, s);
	const struct protoent *pe;

	if (n != NULL)
		return (int)n->value;
	pe = getprotobyname(s);
	return pe != NULL && pe->p_proto > 0 && pe->p_proto < 256
		   ? pe->p_proto
		   : -1;
}

const char *
proto_name(unsigned proto, char *buf, size_t size)
{
	const char *s = name_of(names_proto, proto);
	const struct protoent *pe;

	if (s != NULL || proto == 0 || proto > 255)
		return s;
	pe = getprotobynumber((int)proto);
	if (pe == NULL)
		return NULL;
	/* What the file calls "ip" or "ipv6" has another meaning in rules. */
	snprintf(buf, size, "%s", pe->p_name);
	return strncmp(buf, "ip", 2) == 0 && strlen(buf) <= 4 ? NULL : buf;
}

const char names_no_host[] = "to from me me6 any";

bool
host_addr(const char *host, int family, void *addr)
{
	struct addrinfo hints = {.ai_family = family,
	    .ai_socktype = SOCK_STREAM}, *found;

	if (*host == '\0' || name_in_list(names_no_host, host) ||
	    strspn(host, "0123456789.-") == strlen(host) ||
	    getaddrinfo(host, NULL, &hints, &found) != 0)
		return false;
	if (family == AF_INET)
		memcpy(addr, (const char *)found->ai_addr +
		    offsetof(struct sockaddr_in, sin_addr), 4);
	else
		memcpy(addr, (const char *)found->ai_addr +
		    offsetof(struct sockaddr_in6, sin6_addr), 16);
	freeaddrinfo(found);
	return true;
}

static const char *
service_proto(unsigned proto)
{
	return proto != 0 ? name_of(names_proto, proto) : NULL;
}

/* What rules name most, for machines without /etc/services. */
static const struct name names_service[] = {
    {"ftp-data", 20}, {"ftp", 21}, {"ssh", 22}, {"telnet", 23}, {"smtp", 25},
    {"domain", 53}, {"bootps", 67}, {"bootpc", 68}, {"tftp", 69},
    {"http", 80}, {"www", 80}, {"kerberos", 88}, {"pop3", 110},
    {"sunrpc", 111}, {"auth", 113}, {"nntp", 119}, {"ntp", 123},
    {"netbios-ns", 137}, {"netbios-dgm", 138}, {"netbios-ssn", 139},
    {"imap2", 143}, {"imap", 143}, {"snmp", 161}, {"snmp-trap", 162},
    {"bgp", 179}, {"ldap", 389}, {"https", 443}, {"microsoft-ds", 445},
    {"isakmp", 500}, {"syslog", 514}, {"printer", 515},
    {"dhcpv6-client", 546}, {"dhcpv6-server", 547}, {"submission", 587},
    {"ldaps", 636}, {"rsync", 873}, {"imaps", 993}, {"pop3s", 995},
    {"openvpn", 1194}, {"nfs", 2049}, {"mysql", 3306}, {"postgresql", 5432},
    {NULL, 0}};

int
service_port(const char *s, unsigned proto)
{
	const struct servent *se = getservbyname(s, service_proto(proto));
	const struct name *n = name_find(names_service, s);

	if (se != NULL)
		return ntohs((uint16_t)se->s_port);
	return n != NULL ? (int)n->value : -1;
}

const char *
service_name(unsigned port, unsigned proto, char *buf, size_t size)
{
	const struct servent *se =
	    getservbyport(htons((uint16_t)port), service_proto(proto));
	const char *s = se != NULL ? se->s_name : name_of(names_service, port);

	if (s == NULL)
		return NULL;
	snprintf(buf, size, "%s", s);
	return buf;
}

/* Length of the first word of 'list'. */
static size_t
word_len(const char *list)
{
	return strcspn(list, " ");
}

bool
name_in_list(const char *list, const char *s)
{
	size_t len = strlen(s);

	if (len == 0 || strchr(s, ' ') != NULL)
		return false;
	while (list != NULL) {
		while (*list == ' ')
			list++;
		if (*list == *s && strncmp(list, s, len) == 0 &&
		    (list[len] == ' ' || list[len] == '\0'))
			return true;
		list = strchr(list, ' ');
	}
	return false;
}

/* ---- suggestions ---- */

enum { SUGGEST_MAX = 24 };

/* Insertions, deletions, changes and swaps of neighbours between 'a' and
 * 'b'; both shorter than SUGGEST_MAX. */
static unsigned
edit_distance(const char *a, size_t na, const char *b, size_t nb)
{
	unsigned d[3][SUGGEST_MAX + 1];

	for (size_t j = 0; j <= nb; j++)
		d[0][j] = (unsigned)j;
	for (size_t i = 1; i <= na; i++) {
		unsigned *row = d[i % 3], *up = d[(i - 1) % 3];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= nb; j++) {
			unsigned best = up[j - 1] + (a[i - 1] != b[j - 1]);

			if (up[j] + 1 < best)
				best = up[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] &&
			    d[(i - 2) % 3][j - 2] + 1 < best)
				best = d[(i - 2) % 3][j - 2] + 1;
			row[j] = best;
		}
	}
	return d[na % 3][nb];
}

/* Words of other firewalls, and of people, for what we call differently. */
static const struct {
	const char *word, *meant;
} meanings[] = {
    {"block", "deny"}, {"redirect", "fwd"}, {"jump", "skipto"},
    {"goto", "skipto"}, {"port", "dst-port"}, {"dport", "dst-port"},
    {"sport", "src-port"}, {"src", "src-ip"}, {"dst", "dst-ip"},
    {"source", "from"}, {"destination", "to"}, {"icmpv6", "ipv6-icmp"},
    {"input", "in"}, {"inbound", "in"}, {"output", "out"},
    {"outbound", "out"}, {"receive", "recv"}, {"recieve", "recv"},
    {"transmit", "xmit"}, {"iface", "via"}, {"interface", "via"},
    {"on", "via"}, {"state", "keep-state"}, {"syn", "setup"},
    {"ttl", "ipttl"}, {"tos", "iptos"}, {"icmp-type", "icmptypes"},
    {"/", "//"}, {";", "//"},
};

void
suggest_init(struct suggest *g, const char *word)
{
	size_t len = strlen(word);

	/* Short words allow one slip, longer ones two. */
	*g = (struct suggest){.word = word, .dist = len <= 4 ? 2 : 3};
	for (size_t i = 0; i < ARRAY_LEN(meanings); i++)
		if (strcmp(meanings[i].word, word) == 0)
			g->meant = meanings[i].meant;
}

void
suggest_try(struct suggest *g, const char *list)
{
	size_t len = strlen(g->word), n;

	for (; *list != '\0'; list += n + strspn(list + n, " ")) {
		unsigned d;

		n = word_len(list);
		if (g->meant != NULL) { /* that or nothing */
			if (strlen(g->meant) == n &&
			    memcmp(g->meant, list, n) == 0) {
				g->dist = 1;
				g->best = list;
				g->best_len = n;
			}
			continue;
		}
		if (len == 0 || len >= SUGGEST_MAX || n >= SUGGEST_MAX)
			continue;
		d = edit_distance(g->word, len, list, n);
		if (d > 1 && len > 3 && n > len &&
		    memcmp(g->word, list, len) == 0)
			d = 1; /* cut short */
		if (d < g->dist && d < len) {
			g->dist = d;
			g->best = list;
			g->best_len = n;
		}
	}
}

void
suggest_names(struct suggest *g, const struct name *table)
{
	for (; table->s != NULL; table++)
		suggest_try(g, table->s);
}

const char *
suggest_text(const struct suggest *g, char *buf, size_t size)
{
	if (g->best == NULL || g->dist == 0)
		return "";
	snprintf(buf, size, ", did you mean \"%.*s\"?", (int)g->best_len,
	    g->best);
	return buf;
}
