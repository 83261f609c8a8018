#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What rules do: each action, modifier and knob against frames of its own.

A case is a few rules, what is sent, what must come out, and which rules must
have counted how many packets; all written from the manual.
"""
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(ROOT, 'test', d) for d in ('rig', 'opcode')]
from frames import (UDP_HDR, all_frames, chain6, ip4, ip6,  # noqa: E402
                    fragment6, raw)
from rig import Rig, supported_opcodes  # noqa: E402
from scapy.layers.inet import ICMP, IP, TCP, UDP  # noqa: E402
from scapy.layers.inet6 import IPv6  # noqa: E402
from scapy.layers.l2 import ARP, Dot1Q, Ether  # noqa: E402
from scapy.packet import Raw  # noqa: E402

TCP4 = bytes(ip4(TCP(sport=1025, dport=80, flags='S', seq=7)))
UDP4 = bytes(ip4(UDP(sport=1234, dport=53) / Raw(b'question')))
UDP6 = bytes(ip6(UDP(sport=1234, dport=53) / Raw(b'question')))
ALL = {f.name: f.octets for f in all_frames()}
PASS, DROP, BACK = 'goes on', 'ends', 'goes back'

rig = Rig()
number = 0
seen_opcodes = set()


def report(name, wrong):
    global number
    number += 1
    print('%s %d - %s' % ('not ok' if wrong else 'ok', number, name),
          flush=True)
    for line in wrong:
        print('#   %s' % line)


def what(fate, frame):
    """What became of one frame that arrived at em0."""
    ports = [port for port, _ in fate.sent]
    if fate.sent == [('em1', frame)]:
        return PASS
    if fate.sent == [('em0', frame)]:
        return BACK
    if not ports:
        return DROP
    return 'answered' if ports == ['em0'] else \
        'changed' if ports == ['em1'] else 'strange: %s' % (fate,)


def begin(rules, default='deny', knobs=()):
    rig.reset(default, '10.0.0.1')
    for knob in knobs:
        rig.ipfw('sysctl ' + knob)
    for line in rules.strip().splitlines():
        line = line.strip()
        rig.ipfw('-q ' + (line if line.startswith(('table', 'set', 'flush'))
                          else 'add ' + line))
    seen_opcodes.update(rig.opcodes())


def case(name, rules, expect, counts=None, **more):
    """'expect': (frame, what becomes of it) in turn; 'counts': packets that
    each rule, by number in order, has counted in the end."""
    begin(rules, **more)
    wrong = []
    for i, (frame, wanted) in enumerate(expect):
        got = what(rig.send('em0', frame), frame)
        if got != wanted:
            wrong.append('frame %d %s, but should: %s' % (i, got, wanted))
    if counts is not None:
        got = [n[1] for n in rig.counts()][:len(counts)]
        if got != counts:
            wrong.append('counted %s, not %s' % (got, counts))
    report(name, wrong)


def answer(name, rules, frame, test, **more):
    """The frame is dropped and answered by one that passes the test."""
    begin(rules, **more)
    fate = rig.send('em0', frame)
    if [p for p, _ in fate.sent] != ['em0']:
        report(name, ['no answer: %s' % (fate,)])
        return
    reply = Ether(fate.sent[0][1])
    request = Ether(frame)
    wrong = [] if test(reply) else [reply.show(dump=True)]
    if (reply.src, reply.dst) != (request.dst, request.src):
        wrong.append('MAC addresses')
    if bytes(rebuilt(reply)) != bytes(reply):
        wrong.append('a checksum or a length')
    report(name, wrong)


def rebuilt(frame):
    """The same with checksums and lengths of scapy's."""
    copy = frame.copy()
    layer = copy
    while layer:
        for field in ('chksum', 'cksum', 'plen'):
            if field in layer.fields and not (
                    layer.underlayer and layer.name.endswith('in ICMP')):
                del layer.fields[field]
        if layer.name in ('ICMP', 'ICMPv6 Destination Unreachable'):
            break
        layer = layer.payload
    return copy


def changed(name, rules, frame, wanted, counts=None):
    """The frame goes on, changed to 'wanted'."""
    begin(rules, default='accept')
    fate = rig.send('em0', frame)
    wrong = []
    if fate.sent != [('em1', wanted)]:
        wrong = ['got  ' + ' '.join(b.hex() for _, b in fate.sent),
                 'want ' + wanted.hex()]
    if counts is not None and \
            [n[1] for n in rig.counts()][:len(counts)] != counts:
        wrong.append('counts %s' % rig.counts())
    report(name, wrong)


def endings():
    for word in ('allow', 'accept', 'pass', 'permit'):
        case(word, '10 %s ip from any to any' % word, [(TCP4, PASS)], [1, 0])
    for word in ('deny', 'drop'):
        case(word, '10 %s tcp from any to any' % word,
             [(TCP4, DROP), (UDP4, PASS)], [1, 1], default='accept')
    case('count goes on', '10 count ip from any to any\n'
         '20 count tcp from any to any\n30 allow ip from any to any',
         [(TCP4, PASS), (UDP4, PASS)], [2, 1, 2, 0])
    case('a comment alone counts', '10 // nothing', [(TCP4, DROP)], [1, 1])
    case('the first decision stands', '10 allow tcp from any to any\n'
         '20 deny ip from any to any', [(TCP4, PASS), (UDP4, DROP)],
         [1, 1, 0])
    case('default accept', '', [(TCP4, PASS), (ALL['arp'], PASS)], [2],
         default='accept')
    case('default deny', '', [(TCP4, DROP), (ALL['arp'], DROP)], [2])
    case('fwd sends back', '10 fwd 1.2.3.4 tcp from any to any\n'
         '20 allow ip from any to any', [(TCP4, BACK), (UDP4, PASS)],
         [1, 1, 0])
    case('fwd for IPv6', '10 fwd 2001:db8::5 ip6 from any to any\n'
         '20 allow ip from any to any', [(UDP6, BACK), (UDP4, PASS)],
         [1, 1, 0])
    case('rules of one number go in their order',
         '10 count ip from any to any\n10 allow tcp from any to any\n'
         '10 deny ip from any to any', [(TCP4, PASS), (UDP4, DROP)],
         [2, 1, 1, 0])


def jumps():
    case('skipto', '10 skipto 30 tcp from any to any\n'
         '20 deny ip from any to any\n30 allow ip from any to any',
         [(TCP4, PASS), (UDP4, DROP)], [1, 1, 1, 0])
    case('skipto between two numbers', '10 skipto 25 ip from any to any\n'
         '20 deny ip from any to any\n30 allow ip from any to any',
         [(TCP4, PASS)], [1, 0, 1, 0])
    case('skipto goes to the first of a number',
         '10 skipto 30 ip from any to any\n20 deny ip from any to any\n'
         '30 count ip from any to any\n30 allow ip from any to any',
         [(TCP4, PASS)], [1, 0, 1, 1, 0])
    case('skipto never goes back', '10 count ip from any to any\n'
         '20 skipto 10 ip from any to any\n30 allow ip from any to any',
         [(TCP4, PASS)], [1, 1, 1, 0])
    case('skipto to itself skips its number',
         '20 skipto 20 ip from any to any\n20 deny ip from any to any\n'
         '21 allow ip from any to any', [(TCP4, PASS)], [1, 0, 1, 0])
    case('skipto to nowhere', '10 skipto 60000 ip from any to any\n'
         '20 deny ip from any to any', [(TCP4, PASS)], [1, 0, 1],
         default='accept')
    case('skipto passes a disabled set', '10 skipto 20 ip from any to any\n'
         '20 set 3 deny ip from any to any\n30 allow ip from any to any\n'
         'set disable 3', [(TCP4, PASS)], [1, 0, 1, 0])
    case('call and return', '10 call 100 tcp from any to any\n'
         '20 allow ip from any to any\n100 count ip from any to any\n'
         '110 return ip from any to any\n120 deny ip from any to any',
         [(TCP4, PASS), (UDP4, PASS)], [1, 2, 1, 1, 0, 0])
    case('return passes over the number of the caller',
         '10 call 100 ip from any to any\n10 deny ip from any to any\n'
         '11 allow ip from any to any\n100 return ip from any to any',
         [(TCP4, PASS)], [1, 0, 1, 1, 0])
    case('call may go back', '10 skipto 50 ip from any to any\n'
         '20 count ip from any to any\n30 return ip from any to any\n'
         '50 call 20 ip from any to any\n60 allow ip from any to any',
         [(TCP4, PASS)], [1, 1, 1, 1, 1, 0])
    case('calls nest', '10 call 100 ip from any to any\n'
         '20 allow ip from any to any\n100 call 200 ip from any to any\n'
         '110 return ip from any to any\n200 return ip from any to any',
         [(TCP4, PASS)], [1, 1, 1, 1, 1, 0])
    case('return without call goes on', '10 return ip from any to any\n'
         '20 allow ip from any to any', [(TCP4, PASS)], [0, 1, 0])
    case('the 17th call goes on', '10 call 10 ip from any to any\n'
         '20 allow ip from any to any', [(TCP4, PASS)], [16, 1, 0])
    case('each packet has a stack of its own',
         '10 call 100 ip from any to any\n20 deny ip from any to any\n'
         '100 allow ip from any to any', [(TCP4, PASS)] * 40, [40, 0, 40, 0])


def metadata():
    case('tag and tagged', '10 count tag 5 tcp from any to any\n'
         '20 allow ip from any to any tagged 5',
         [(TCP4, PASS), (UDP4, DROP)], [1, 1, 1])
    case('untag', '10 count tag 5 ip from any to any\n'
         '20 count tag 6 ip from any to any\n'
         '30 count untag 5 tcp from any to any\n'
         '40 count ip from any to any tagged 6\n'
         '50 allow ip from any to any tagged 5',
         [(TCP4, DROP), (UDP4, PASS)], [2, 2, 1, 2, 1, 1])
    case('tags come before the action', '10 skipto 30 tag 9 tcp from any to any'
         '\n30 allow ip from any to any tagged 9',
         [(TCP4, PASS), (UDP4, DROP)], [1, 1, 1])
    case('tags do not outlive the packet', '10 allow tag 1 tcp from any to any'
         '\n20 deny ip from any to any tagged 1\n30 allow ip from any to any',
         [(TCP4, PASS), (UDP4, PASS)], [1, 0, 1, 0])
    case('marks', '10 setmark 0x10 tcp from any to any\n'
         '20 allow ip from any to any mark 0x10',
         [(TCP4, PASS), (UDP4, DROP)], [1, 1, 1])
    case('the last mark stands', '10 setmark 1 ip from any to any\n'
         '20 setmark 2 ip from any to any\n'
         '30 deny ip from any to any mark 1\n'
         '40 allow ip from any to any mark 2', [(TCP4, PASS)],
         [1, 1, 0, 1, 0])
    case('log changes nothing', '10 count log ip from any to any\n'
         '20 allow log logamount 2 ip from any to any', [(TCP4, PASS)] * 5,
         [5, 5, 0])


def tablearg():
    table = 'table t create type addr valtype %s\ntable t add 10.1.2.3 %s\n'
    case('skipto tablearg', table % ('skipto', '50') +
         '10 skipto tablearg ip from table(t) to any\n'
         '20 deny ip from any to any\n50 allow ip from any to any',
         [(TCP4, PASS), (ALL['udp from us'], DROP)], [1, 1, 1, 0])
    case('call tablearg', table % ('skipto', '50') +
         '10 call tablearg ip from table(t) to any\n'
         '20 allow ip from any to any\n50 return ip from any to any',
         [(TCP4, PASS)], [1, 1, 1, 0])
    case('tag tablearg', table % ('tag', '77') +
         '10 count tag tablearg ip from table(t) to any\n'
         '20 allow ip from any to any tagged 77',
         [(TCP4, PASS), (ALL['udp from us'], DROP)], [1, 1, 1])
    case('tagged tablearg', table % ('tag', '77') +
         '10 count tag 77 tcp from any to any\n'
         '20 allow ip from table(t) to any tagged tablearg',
         [(TCP4, PASS), (UDP4, DROP)], [1, 1, 1])
    case('setmark tablearg', table % ('mark', '0x99') +
         '10 setmark tablearg ip from table(t) to any\n'
         '20 allow ip from any to any mark 0x99', [(TCP4, PASS)], [1, 1, 0])
    case('the last lookup that matched tells',
         'table t create type addr valtype skipto\ntable t add 10.0.0.0/8 30\n'
         'table u create type addr valtype skipto\ntable u add 192.0.2.9 40\n'
         'table v create type addr valtype skipto\n'
         '10 skipto tablearg ip from table(t) to table(u)\n'
         '30 deny ip from any to any\n40 allow ip from any to any',
         [(TCP4, PASS)], [1, 0, 1, 0])
    case('a lookup that failed does not reset it',
         table % ('skipto', '40') + 'table v create type addr valtype skipto\n'
         '10 skipto tablearg ip from table(t) to not table(v)\n'
         '30 deny ip from any to any\n40 allow ip from any to any',
         [(TCP4, PASS)], [1, 0, 1, 0])
    case('skipto carries it to its target, not beyond',
         table % ('skipto,tag', '30,5') +
         '10 skipto tablearg ip from table(t) to any\n'
         '30 count tag tablearg ip from any to any\n'
         '40 count untag 5 ip from any to any not tagged 5\n'
         '50 allow ip from any to any tagged 5', [(TCP4, PASS)],
         [1, 1, 0, 1, 0])
    changed('setdscp tablearg', table % ('dscp', '46') +
            '10 setdscp tablearg ip from table(t) to any',
            UDP4, bytes(ip4(UDP(sport=1234, dport=53) / Raw(b'question'),
                            tos=0xb8)), [1, 1])


def rewrites():
    tos3 = bytes(ip4(UDP(sport=1, dport=2), tos=0x23))
    changed('setdscp keeps the ECN bits', '10 setdscp ef ip from any to any',
            tos3, bytes(ip4(UDP(sport=1, dport=2), tos=0xbb)), [1, 1])
    changed('setdscp and the next rule', '10 setdscp cs1 ip from any to any\n'
            '20 count ip from any to any dscp cs1', tos3,
            bytes(ip4(UDP(sport=1, dport=2), tos=0x23)), [1, 1, 1])
    changed('setdscp to nothing', '10 setdscp be ip from any to any', tos3,
            bytes(ip4(UDP(sport=1, dport=2), tos=0x03)), [1])
    changed('setdscp for IPv6', '10 setdscp af43 ip from any to any',
            bytes(ip6(UDP(sport=1, dport=2), tc=0xff, fl=0xabcde)),
            bytes(ip6(UDP(sport=1, dport=2), tc=38 << 2 | 3, fl=0xabcde)))
    changed('setdscp leaves ARP alone', '10 setdscp ef ip from any to any',
            ALL['arp'], ALL['arp'], [1, 1])

    def syn(mss, **kw):
        return TCP(sport=1, dport=2, flags=kw.get('flags', 'S'),
                   options=[('NOP', None), ('MSS', mss), ('WScale', 3)])
    rule = '10 tcp-setmss 1200 tcp from any to any\n20 allow ip from any to any'
    changed('tcp-setmss', rule, bytes(ip4(syn(1460))), bytes(ip4(syn(1200))),
            [1, 1])
    changed('tcp-setmss of SYN ACK', rule, bytes(ip4(syn(9000, flags='SA'))),
            bytes(ip4(syn(1200, flags='SA'))), [1, 1])
    changed('tcp-setmss for IPv6', rule, bytes(ip6(syn(1440))),
            bytes(ip6(syn(1200))), [1, 1])
    for name, frame in (('that is small', bytes(ip4(syn(1200)))),
                        ('without SYN', bytes(ip4(syn(1460, flags='A')))),
                        ('without the option', TCP4), ('of UDP', UDP4)):
        changed('tcp-setmss does not match one ' + name,
                rule.replace('tcp from', 'ip from'), frame, frame, [0, 1])


def rejections():
    answer('reject', '10 reject ip from any to any', UDP4, lambda r:
           r[ICMP].type == 3 and r[ICMP].code == 1 and
           (r[IP].src, r[IP].dst) == ('192.0.2.9', '10.1.2.3') and
           bytes(r[ICMP].payload).startswith(UDP4[14:14 + 28]))
    for code, name in enumerate((
            'net', 'host', 'protocol', 'port', 'needfrag', 'srcfail',
            'net-unknown', 'host-unknown', 'isolated', 'net-prohib',
            'host-prohib', 'tosnet', 'toshost', 'filter-prohib',
            'host-precedence', 'precedence-cutoff')):
        answer('unreach ' + name, '10 unreach %s ip from any to any' % name,
               UDP4, lambda r, c=code: (r[ICMP].type, r[ICMP].code) == (3, c))
    answer('unreach needfrag tells the MTU',
           '10 unreach needfrag 1400 ip from any to any', UDP4,
           lambda r: r[ICMP].code == 4 and r[ICMP].nexthopmtu == 1400)
    for name, code in (('no-route', 0), ('admin-prohib', 1), ('address', 3),
                       ('port', 4)):
        answer('unreach6 ' + name, '10 unreach6 %s ip from any to any' % name,
               UDP6, lambda r, c=code: (r[IPv6].payload.type,
                                        r[IPv6].payload.code) == (1, c))
    for name, code in (('net', 0), ('host', 0), ('port', 4),
                       ('filter-prohib', 1)):
        answer('unreach %s for IPv6' % name,
               '10 unreach %s ip from any to any' % name, UDP6,
               lambda r, c=code: (r[IPv6].payload.type,
                                  r[IPv6].payload.code) == (1, c))
    answer('reset of a SYN', '10 reset tcp from any to any', TCP4, lambda r:
           r[TCP].flags == 'RA' and r[TCP].ack == 8 and r[TCP].seq == 0 and
           (r[TCP].sport, r[TCP].dport) == (80, 1025))
    answer('reset of an ACK', '10 reset tcp from any to any',
           bytes(ip4(TCP(sport=5, dport=6, flags='A', seq=100, ack=200))),
           lambda r: 'R' in str(r[TCP].flags) and r[TCP].seq == 200)
    answer('reset6', '10 reset6 ip6 from any to any',
           bytes(ip6(TCP(sport=5, dport=6, flags='S', seq=1))),
           lambda r: r[TCP].flags == 'RA' and r[TCP].ack == 2)
    answer('abort', '10 abort ip from any to any',
           raw_sctp(), lambda r: r[IP].proto == 132 and
           bytes(r[IP].payload)[12] == 6)
    answer('in a VLAN', '10 reject ip from any to any',
           bytes(Ether(src='02:00:00:00:00:01', dst='02:00:00:00:00:02') /
                 Dot1Q(vlan=9) / Ether(UDP4).payload),
           lambda r: r[Dot1Q].vlan == 9 and r[ICMP].code == 1)
    reset = '10 reset ip from any to any'
    reject = '10 reject ip from any to any'
    for name, rules, frame in (
            ('reset of UDP', reset, UDP4),
            ('reset of a reset', reset, ALL['tcp R']),
            ('reset6 of IPv4', '10 reset6 ip from any to any', TCP4),
            ('unreach6 of IPv4', '10 unreach6 port ip from any to any', UDP4),
            ('reject of ARP', reject, ALL['arp']),
            ('reject of an ICMP error', reject, ALL['icmp error']),
            ('reject of a later fragment', reject, ALL['last fragment']),
            ('reject of a later IPv6 fragment', reject,
             ALL['fragment6 middle']),
            ('reject of multicast', reject, ALL['to 224.0.0.1']),
            ('reject of IPv6 multicast', reject, ALL['udp6 link']),
            ('reject of broadcast', reject, ALL['broadcast']),
            ('reject of an ICMPv6 error', reject, ALL['icmp6 1'])):
        case(name + ' is not answered', rules, [(frame, DROP)], [1, 0])


def raw_sctp():
    """Without an association: a common header and an INIT chunk."""
    return bytes(raw(132, b'\4\1\0\x50' + bytes(8) + b'\1\0\0\x14' +
                     b'\1\2\3\4' + bytes(12)))


def chance():
    case('prob 1', '10 prob 1 allow ip from any to any', [(UDP4, PASS)] * 50,
         [50, 0])
    begin('10 prob 0.3 count ip from any to any\n'
          '20 prob 0.0000001 count ip from any to any\n'
          '30 prob 0.9999999 count ip from any to any', default='accept')
    for _ in range(10):
        rig.send('em0', *[UDP4] * 200)
    hits = [n[1] for n in rig.counts()]
    report('prob', [] if 480 < hits[0] < 720 and hits[1:] == [0, 2000, 2000]
           else ['%s of 2000' % hits])


def knobs():
    case('enable=0 lets everything pass', '10 deny ip from any to any',
         [(TCP4, PASS), (ALL['tcp cut'], PASS)], [0, 0],
         knobs=['net.inet.ip.fw.enable=0'])
    unknown = ('unknown6', 'rthdr4', 'proto 1 in IPv6')
    case('unknown extension headers, denied', '10 allow ip from any to any',
         [(ALL[n], DROP) for n in unknown], [0, 0])
    case('unknown extension headers, permitted', '10 allow ip from any to any',
         [(ALL[n], PASS) for n in unknown], [3, 0],
         knobs=['net.inet6.ip6.fw.deny_unknown_exthdrs=0'])
    atomic = bytes(chain6((44, fragment6(0, 0)), (17, UDP_HDR)))
    case('single fragment, permitted', '10 allow udp from any to any 53',
         [(atomic, PASS)], [1, 0])
    case('single fragment, denied', '10 allow udp from any to any 53',
         [(atomic, DROP)], [0, 0],
         knobs=['net.inet6.ip6.fw.permit_single_frag6=0'])
    case('out alone denies nothing', '10 deny ip from any to any out',
         [(TCP4, PASS)], [0, 1], default='accept')
    out = ['net.inet.ip.fw.out_pass=1']
    case('denied on the way out', '10 allow ip from any to any in\n'
         '20 deny tcp from any to any out xmit em1\n'
         '30 allow ip from any to any', [(TCP4, DROP), (UDP4, PASS)],
         [2, 1, 1, 0], knobs=out)
    case('denied on the way in', '10 deny tcp from any to any in recv em0',
         [(TCP4, DROP), (UDP4, PASS)], [1, 2], default='accept', knobs=out)


def main():
    for part in (endings, jumps, metadata, tablearg, rewrites, rejections,
                 chance, knobs):
        part()
    missing = supported_opcodes('ACTION') - seen_opcodes - ELSEWHERE
    report('every action is tried', sorted(missing))
    status = rig.close()
    report('the rig ends well', ['status %d' % status] if status else [])
    print('1..%d' % number)


# States have tests of their own; so has what the engine sees to.
ELSEWHERE = {'CHECK_STATE', 'PIPE', 'QUEUE', 'DIVERT', 'TEE', 'REASS', 'NAT'}

main()
