/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers of the protocols that packets carry: IEEE 802, RFC 791, 8200, 9293.
 *
 * Own names, so that the pure core needs no system header.
 */
#pragma once

enum ether {
	ETHER_LEN = 14,
	VLAN_LEN = 4,
	ETYPE_IP4 = 0x0800,
	ETYPE_ARP = 0x0806,
	ETYPE_VLAN = 0x8100, /* 802.1Q */
	ETYPE_QINQ = 0x88a8, /* 802.1ad */
	ETYPE_IP6 = 0x86dd,
};

enum ip_proto {
	PROTO_HOPOPTS = 0,
	PROTO_ICMP = 1,
	PROTO_IPIP = 4,
	PROTO_TCP = 6,
	PROTO_UDP = 17,
	PROTO_IPV6 = 41,
	PROTO_ROUTING = 43,
	PROTO_FRAGMENT = 44,
	PROTO_GRE = 47,
	PROTO_ESP = 50,
	PROTO_AH = 51,
	PROTO_ICMP6 = 58,
	PROTO_NONE = 59,
	PROTO_DSTOPTS = 60,
	PROTO_OSPF = 89,
	PROTO_PIM = 103,
	PROTO_CARP = 112,
	PROTO_SCTP = 132,
	PROTO_UDPLITE = 136,
};

enum header_len {
	IP4_LEN = 20, /* without options */
	IP6_LEN = 40,
	TCP_LEN = 20, /* without options */
	UDP_LEN = 8,
	SCTP_LEN = 12,
	ICMP_LEN = 4,  /* what ipfw asks for: type, code, checksum */
	ICMP6_LEN = 8,
	PIM_LEN = 4,
	CARP_LEN = 36,
	ESP_SPI_LEN = 4,
};

enum tcp_flag {
	TH_FIN = 0x01,
	TH_SYN = 0x02,
	TH_RST = 0x04,
	TH_PUSH = 0x08,
	TH_ACK = 0x10,
	TH_URG = 0x20,
};
