# SPDX-License-Identifier: BSD-2-Clause
"""Frames for the opcode matrix, and what is true of each.

The facts are those of scapy, which made the frame, or are given by hand where a
frame is unusual; nothing here comes from kipfw's parser.
"""
import ipaddress
import struct

from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet import IPOption_LSRR, IPOption_RR, IPOption_SSRR
from scapy.layers.inet import IPOption_Router_Alert, IPOption_Timestamp
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import ARP, Dot1AD, Dot1Q, Ether
from scapy.packet import Raw

SRC_MAC, DST_MAC = '02:00:00:00:00:01', '02:00:00:00:00:02'
PORT_PROTOS = {6, 17, 132, 136}  # TCP, UDP, SCTP, UDPLite
EXT = {0: 'hopopt', 60: 'dstopt', 43: 'route', 44: 'frag', 51: 'ah'}
IP_OPTS = {7: 'rr', 131: 'lsrr', 137: 'ssrr', 68: 'ts'}


class Facts:
    """What rules can ask about a frame."""

    def __init__(self, name, frame, **given):
        self.name = name
        self.octets = bytes(frame)
        self.frame = frame
        self.bad = given.get('bad')  # the reason that it is dropped for
        self.etype = frame.type if hasattr(frame, 'type') else None
        self.src_mac, self.dst_mac = (
            (frame.src, frame.dst) if hasattr(frame, 'src') else ('', ''))
        self.family = self.proto = self.src = self.dst = None
        self.sport = self.dport = self.icmp = self.icmp6 = None
        self.offset = 0
        self.frag = set()        # rf, df, mf, offset
        self.tos = self.ttl = self.id = self.label = self.ip_len = None
        self.ip_opts, self.exts = set(), set()
        self.tcp = None          # the layer; only if it is there
        self.tcp_opts, self.mss, self.data_len = set(), None, None
        at = 14
        layer = frame
        while isinstance(layer.payload, (Dot1Q, Dot1AD)):
            layer = layer.payload
            at += 4
        layer = layer.payload
        if self.bad:
            self.octets = given.get('octets', self.octets)
            self.counted = 0
            return
        if isinstance(layer, IP):
            self.of_ip4(layer)
        elif isinstance(layer, IPv6):
            self.of_ip6(layer)
        for key, value in given.items():
            if not hasattr(self, key):
                raise AttributeError(key)
            setattr(self, key, value)
        self.counted = min(self.ip_len, len(self.octets) - at) \
            if self.family else 0

    def of_ip4(self, ip):
        done = IP(bytes(ip))     # with lengths filled in
        self.family, self.proto = 4, done.proto
        self.src = ipaddress.ip_address(done.src)
        self.dst = ipaddress.ip_address(done.dst)
        self.tos, self.ttl, self.id = done.tos, done.ttl, done.id
        self.ip_len, self.offset = done.len, done.frag
        flags = int(done.flags)
        self.frag = {n for n, bit in (('rf', 4), ('df', 2), ('mf', 1))
                     if flags & bit}
        if done.frag:
            self.frag.add('offset')
        options = bytes(done)[20:4 * done.ihl]
        while options and options[0] != 0:
            if options[0] in IP_OPTS:
                self.ip_opts.add(IP_OPTS[options[0]])
            options = options[1 if options[0] == 1 else options[1]:]
        self.of_upper(bytes(done)[4 * done.ihl:done.len], 4 * done.ihl)

    def of_ip6(self, ip):
        done = bytes(ip)
        self.family = 6
        self.src = ipaddress.ip_address(ip.src)
        self.dst = ipaddress.ip_address(ip.dst)
        first, = struct.unpack('>I', done[:4])
        self.tos, self.label = first >> 20 & 0xff, first & 0xfffff
        self.ip_len = 40 + struct.unpack('>H', done[4:6])[0]
        next_header, at = done[6], 40
        while next_header in EXT and not self.offset:
            kind = EXT[next_header]
            self.exts.add(kind)
            size = (done[at + 1] + 2) * 4 if kind == 'ah' else \
                8 if kind == 'frag' else (done[at + 1] + 1) * 8
            if kind == 'route' and done[at + 2] in (0, 2):
                self.exts.add('rthdr%d' % done[at + 2])
            if kind == 'frag':
                offset_more, = struct.unpack('>H', done[at + 2:at + 4])
                self.offset = offset_more >> 3
                if self.offset:
                    self.frag.add('offset')
            next_header, at = done[at], at + size
        if next_header == 50:
            self.exts.add('esp')
        self.proto = next_header
        self.of_upper(done[at:self.ip_len], at)

    def of_upper(self, data, headers):
        """What follows the IP headers, unless this is a later fragment."""
        if self.offset or self.bad:
            return
        if self.proto in PORT_PROTOS:
            self.sport, self.dport = struct.unpack('>HH', data[:4])
        if self.proto == 1 and self.family == 4:
            self.icmp = data[0]
        if self.proto == 58 and self.family == 6:
            self.icmp6 = data[0]
        if self.proto == 6:
            self.tcp = TCP(data)
            self.data_len = self.ip_len - headers - 4 * self.tcp.dataofs
            for kind, value in self.tcp.options:
                name = {'MSS': 'mss', 'WScale': 'window', 'SAckOK': 'sack',
                        'SAck': 'sack', 'Timestamp': 'ts', 11: 'cc'}.get(kind)
                if name:
                    self.tcp_opts.add(name)
                if name == 'mss':
                    self.mss = value

    def has_flags(self, on, off=''):
        """TCP flags, one letter each, that must be set and clear."""
        return self.tcp is not None and \
            all(c in str(self.tcp.flags) for c in on) and \
            not any(c in str(self.tcp.flags) for c in off)


def ether(**fields):
    return Ether(**{'src': SRC_MAC, 'dst': DST_MAC, **fields})


def ip4(payload, src='10.1.2.3', dst='192.0.2.9', **fields):
    return ether() / IP(src=src, dst=dst, **fields) / payload


def ip6(payload, src='2001:db8::3', dst='2001:db8:1::9', **fields):
    return ether() / IPv6(src=src, dst=dst, **fields) / payload


def chain6(*headers, src='2001:db8::3', dst='2001:db8:1::9', plen=None):
    """An IPv6 packet from (number, octets) of each header; the octets lack the
    first one, which tells what follows."""
    data = b''
    for i, (number, octets) in enumerate(headers):
        last = i + 1 == len(headers)
        data += octets if last else bytes([headers[i + 1][0]]) + octets
    return ether(type=0x86dd) / IPv6(
        src=src, dst=dst, nh=headers[0][0],
        plen=len(data) if plen is None else plen) / Raw(data)


def raw(proto, data, **fields):
    return ip4(Raw(data), proto=proto, **fields)


TCP_HDR = bytes(TCP(sport=1025, dport=80, flags='S'))
UDP_HDR = bytes(UDP(sport=1234, dport=53, len=8, chksum=0))
HOP = b'\0' + b'\1\4\0\0\0\0'
AH_REST = b'\4' + bytes(22)


def fragment6(offset, more):
    return b'\0' + struct.pack('>HI', offset << 3 | more, 77)


def routing(kind):
    return b'\2' + bytes([kind, 0]) + bytes(20)


def all_frames():
    tcp, udp = TCP(sport=1025, dport=80, seq=7, ack=9), UDP(sport=1234, dport=53)
    frames = []

    def add(name, frame, **given):
        frames.append(Facts(name, frame, **given))

    # TCP and its flags
    for flags in ('S', 'SA', 'A', 'FA', 'R', 'RA', '', 'SR', 'SF', 'PA', 'U',
                  'FSRPAU', 'SEC', 'AE'):
        add('tcp ' + (flags or 'none'),
            ip4(TCP(sport=1025, dport=80, flags=flags, seq=7, ack=9)))
    add('tcp seq', ip4(TCP(sport=443, dport=22, seq=0x89abcdef, ack=0xfedcba98,
                           window=0, flags='A')))
    add('tcp window', ip4(TCP(sport=1025, dport=8080, window=65535, flags='A')))
    add('tcp data', ip4(tcp / Raw(b'x' * 100)))
    add('tcp 1 octet', ip4(tcp / Raw(b'x')))
    for name, options in (
            ('mss', [('MSS', 1460)]), ('window', [('WScale', 3)]),
            ('sack ok', [('SAckOK', b'')]), ('sack', [('SAck', (1, 2))]),
            ('ts', [('Timestamp', (1, 2))]), ('cc', [(11, b'\0\0\0\1')]),
            ('nops mss', [('NOP', None), ('NOP', None), ('MSS', 536)]),
            ('all', [('MSS', 9000), ('WScale', 3), ('SAckOK', b''),
                     ('Timestamp', (1, 2))])):
        add('tcp option ' + name, ip4(TCP(sport=1, dport=2, flags='S',
                                          options=options)))
        add('tcp option %s, no SYN' % name,
            ip4(TCP(sport=1, dport=2, flags='A', options=options)))
    # other protocols
    add('udp 53', ip4(udp))
    add('udp 0', ip4(UDP(sport=0, dport=0)))
    add('udp 65535', ip4(UDP(sport=65535, dport=65535)))
    add('udp to us', ip4(udp, dst='10.0.0.1'))
    add('udp from us', ip4(udp, src='10.0.0.1'))
    for n in (0, 3, 8, 11, 13, 18, 31, 40):
        add('icmp %d' % n, ip4(ICMP(type=n)))
    add('icmp error', ip4(ICMP(type=3, code=1) / IP() / udp))
    add('sctp', raw(132, b'\4\1\0\x50' + bytes(8)))
    add('udplite', raw(136, b'\4\1\0\x35' + bytes(4)))
    for n in (2, 4, 47, 50, 51, 89, 253):
        add('proto %d' % n, raw(n, bytes(24)))
    add('proto 58 in IPv4', raw(58, b'\x80' + bytes(7)))
    # fields of IPv4
    for tos in (0x01, 0x02, 0x04, 0x08, 0x10, 0x1e, 0x20, 0xb8, 0xe0, 0xff):
        add('tos %#x' % tos, ip4(udp, tos=tos))
    for ttl in (0, 1, 255):
        add('ttl %d' % ttl, ip4(udp, ttl=ttl))
    for number in (0, 500, 65535):
        add('id %d' % number, ip4(udp, id=number))
    for name, option in (
            ('rr', IPOption_RR()), ('lsrr', IPOption_LSRR()),
            ('ssrr', IPOption_SSRR()), ('ts', IPOption_Timestamp()),
            ('alert', IPOption_Router_Alert())):
        add('ip option ' + name, ip4(udp, options=[option]))
    add('ip options two', ip4(udp, options=[IPOption_RR(),
                                            IPOption_Timestamp()]))
    # addresses
    for a in ('0.0.0.0', '10.0.0.0', '10.0.0.255', '10.0.1.0', '10.1.2.2',
              '10.1.2.4', '127.0.0.1', '224.0.0.1', '255.255.255.255'):
        add('from ' + a, ip4(udp, src=a, dst='10.9.9.9'))
        add('to ' + a, ip4(udp, dst=a))
    # fragments
    add('DF', ip4(udp, flags='DF'))
    add('RF', ip4(udp, flags='evil'))
    add('first fragment', ip4(udp / Raw(bytes(16)), flags='MF'))
    add('first with DF', ip4(udp / Raw(bytes(16)), flags='MF+DF'))
    add('middle fragment', ip4(Raw(bytes(24)), proto=17, flags='MF', frag=3))
    add('last fragment', ip4(Raw(bytes(24)), proto=17, frag=3))
    add('far fragment', ip4(Raw(bytes(8)), proto=1, frag=8191))
    add('tcp first fragment', ip4(tcp, flags='MF'))
    add('tcp later fragment', ip4(Raw(bytes(24)), proto=6, frag=2))
    add('tcp fragment at 8', ip4(Raw(bytes(24)), proto=6, frag=1),
        bad='TINY_FRAG')
    add('udp fragment at 8', ip4(Raw(bytes(24)), proto=17, frag=1))
    # lengths
    add('padded', ip4(udp) / Raw(b''), octets=bytes(ip4(udp)) + bytes(18))
    add('length beyond', ip4(udp, len=1000), ip_len=1000)
    # cut short
    add('tcp cut', raw(6, TCP_HDR[:19]), bad='SHORT_L4')
    add('udp cut', raw(17, UDP_HDR[:7]), bad='SHORT_L4')
    add('icmp cut', raw(1, b'\x08\0\0'), bad='SHORT_L4')
    add('sctp cut', raw(132, bytes(11)), bad='SHORT_L4')
    add('IHL 4', ip4(udp), bad='SHORT_L3',
        octets=bytes(ip4(udp)).replace(b'\x08\x00\x45', b'\x08\x00\x44', 1))
    add('IHL beyond', ip4(udp), bad='SHORT_L3',
        octets=bytes(ip4(udp)).replace(b'\x08\x00\x45', b'\x08\x00\x4f', 1))
    add('Ethernet cut', ether(), octets=bytes(13), bad='SHORT_ETHER')
    # IPv6
    for flags in ('S', 'A', 'SR', ''):
        add('tcp6 ' + flags, ip6(TCP(sport=1025, dport=80, flags=flags)))
    add('tcp6 mss', ip6(TCP(sport=1, dport=2, flags='S',
                            options=[('MSS', 1440)]) / Raw(b'x' * 10)))
    add('udp6', ip6(udp))
    add('udp6 label', ip6(udp, fl=0xbaad))
    add('udp6 class', ip6(udp, tc=0xb8, fl=0x12345))
    add('udp6 class 0xff', ip6(udp, tc=0xff))
    add('udp6 to us', ip6(udp, dst='2001:db8::1'))
    add('udp6 from us', ip6(udp, src='2001:db8::1'))
    add('udp6 neighbour', ip6(udp, src='2001:db8::2', dst='2001:db8:1:8000::'))
    add('udp6 link', ip6(udp, src='fe80::1', dst='ff02::1'))
    for n in (1, 2, 31, 32, 128, 135, 201, 223, 224, 255):
        add('icmp6 %d' % n, chain6((58, bytes([n]) + bytes(7))))
    add('proto 1 in IPv6', chain6((1, b'\x08' + bytes(7))), bad='EXT_HDR')
    for n in (47, 89, 41, 59):
        add('proto6 %d' % n, chain6((n, bytes(24))))
    add('sctp6', chain6((132, b'\4\1\0\x50' + bytes(8))))
    add('udplite6', chain6((136, b'\4\1\0\x35' + bytes(4))))
    add('unknown6', chain6((253, bytes(24))), bad='EXT_HDR')
    add('hop6', chain6((0, HOP), (17, UDP_HDR)))
    add('dst6', chain6((60, HOP), (6, TCP_HDR)))
    add('rthdr0', chain6((43, routing(0)), (17, UDP_HDR)))
    add('rthdr2', chain6((43, routing(2)), (6, TCP_HDR)))
    add('rthdr4', chain6((43, routing(4)), (6, TCP_HDR)), bad='EXT_HDR')
    add('ah6', chain6((51, AH_REST), (17, UDP_HDR)))
    add('esp6', chain6((50, bytes(24))))
    add('esp6 behind', chain6((0, HOP), (60, HOP), (50, bytes(24))))
    add('chain6', chain6((0, HOP), (60, HOP), (43, routing(0)),
                         (51, AH_REST), (60, HOP), (6, TCP_HDR)))
    add('fragment6 first', chain6((44, fragment6(0, 1)), (17, UDP_HDR)))
    add('fragment6 middle', chain6((44, fragment6(9, 1)), (17, bytes(24))))
    add('fragment6 last', chain6((44, fragment6(9, 0)), (6, bytes(24))))
    add('fragment6 atomic', chain6((44, fragment6(0, 0)), (6, TCP_HDR)))
    add('fragment6 in chain', chain6((0, HOP), (44, fragment6(0, 1)),
                                     (60, HOP), (17, UDP_HDR)))
    add('tcp6 cut', chain6((6, TCP_HDR[:13])), bad='SHORT_L4')
    add('hop6 cut', chain6((0, HOP[:5]), (17, b'')), bad='SHORT_L4')
    add('hop6 beyond', chain6((0, b'\x09' + bytes(6)), (17, UDP_HDR)),
        bad='SHORT_L4')
    add('udp6 length beyond', chain6((17, UDP_HDR), plen=500))
    # Ethernet
    add('arp', ether() / ARP(psrc='10.0.0.1', pdst='10.0.0.2'))
    add('lldp', ether(type=0x88cc) / Raw(bytes(46)))
    add('mpls', ether(type=0x8847) / Raw(bytes(46)))
    add('llc', ether(type=0x0040) / Raw(bytes(64)))
    add('nothing', ether(type=0x0800) / Raw(b''))
    add('broadcast', ether(dst='ff:ff:ff:ff:ff:ff') / IP(
        src='10.1.2.3', dst='10.255.255.255') / udp)
    add('other card', ether(src='0a:bb:cc:00:00:07') / IP(
        src='10.1.2.3', dst='192.0.2.9') / tcp)
    add('vlan tcp', ether() / Dot1Q(vlan=7) / IP(
        src='10.1.2.3', dst='192.0.2.9') / tcp)
    add('vlan udp6', ether() / Dot1Q(vlan=7) / IPv6(
        src='2001:db8::3', dst='2001:db8:1::9') / udp)
    add('vlan arp', ether() / Dot1Q(vlan=7) / ARP())
    add('qinq udp', ether() / Dot1AD(vlan=8) / Dot1Q(vlan=7) / IP(
        src='10.1.2.3', dst='192.0.2.9') / udp)
    return frames
