# SPDX-License-Identifier: BSD-2-Clause
"""Every match option of ipfw(8), and when it is true.

A row is (option, test): what follows 'ip from any to any', and a function of the
facts about a frame (frames.Facts) and of the pass it is in (Pass).  The tests are
written from what the manual says, for any frame; the matrix asks all of them
about all frames.
"""
import collections
import fnmatch
import ipaddress

# One evaluation: on the way in, or on the way out; 'tags' and 'mark' are what
# the rules in front (SETUP) have given the packet.
Pass = collections.namedtuple('Pass', 'out recv xmit tags mark')

ME = ('10.0.0.1', '2001:db8::1')

# What is there before the rules of the matrix.
SETUP = (
    'table hosts create type addr',
    'table hosts add 10.0.0.0/8 1',
    'table hosts add 10.1.2.0/24 2',
    'table hosts add 10.1.2.3 3',
    'table hosts add 2001:db8::/32 4',
    'table hosts add 2001:db8::2/127 5',
    'table empty create type addr',
    'table numbers create type number',
    'table numbers add 53 1',
    'table numbers add 1025 2',
    'table numbers add 46 3',      # dscp ef
    'table numbers add 4660 4',    # mark 0x1234
    'table numbers add 0 9',
    'table ifs create type iface',
    'table ifs add em0 1',
    'table ifs add other 2',
    'table flows create type flow',
    'table flows add 10.1.2.3,17,1234,192.0.2.9,53 6',
    'table flows add 10.1.2.3,6,1025,192.0.2.9,80 7',
    'table pairs create type flow:src-ip,dst-port',
    'table pairs add 10.1.2.3,53 8',
    'table pairs add 2001:db8::3,80 8',
    'table cards create type mac',
    'table cards add 02:00:00:00:00:00/40 1',
    'table cards add 02:00:00:00:00:02 2',
    'table cards add ff:ff:ff:ff:ff:ff 3',
    'add 1 count tag 7 tcp from any to any',
    'add 2 count tag 8 tcp from any to any 80',
    'add 3 setmark 0x1234 udp from any to any',
)
FIRST_RULE = 10

TABLES = {  # table hosts: prefix -> value
    ipaddress.ip_network(k): v for k, v in (
        ('10.0.0.0/8', 1), ('10.1.2.0/24', 2), ('10.1.2.3/32', 3),
        ('2001:db8::/32', 4), ('2001:db8::2/127', 5))}
NUMBERS = {53: 1, 1025: 2, 46: 3, 4660: 4, 0: 9}
PRECEDENCES = (0, 1, 7)

DSCP = {'be': 0, 'ef': 46, 'af11': 10, 'af21': 18, 'af43': 38, 'va': 0x2c,
        'cs0': 0, 'cs1': 8, 'cs4': 32, 'cs7': 56}
TOS = {'lowdelay': 0x10, 'throughput': 8, 'reliability': 4, 'mincost': 2,
       'congestion': 3, 'ecntransport': 2}
FLAGS = {'fin': 'F', 'syn': 'S', 'rst': 'R', 'psh': 'P', 'ack': 'A',
         'urg': 'U'}


def ranges(text):
    """A function that tells if a number is in a list like '1,5-7'."""
    pairs = [tuple(map(int, (part.split('-') * 2)[:2]))
             for part in text.split(',')]
    return lambda n: n is not None and any(lo <= n <= hi for lo, hi in pairs)


def words(text):
    """What must be there, and what must not, of 'a,!b'."""
    on = {w for w in text.split(',') if not w.startswith('!')}
    return on, {w[1:] for w in text.split(',') if w.startswith('!')}


def net(text):
    n = ipaddress.ip_network(text)
    return lambda a: a is not None and a.version == n.version and a in n


def masked(addr, mask):
    a, m = (int(ipaddress.ip_address(x)) for x in (addr, mask))
    return lambda b: b is not None and b.version == 4 and int(b) & m == a & m


def masked6(addr, mask):
    a, m = (int(ipaddress.ip_address(x)) for x in (addr, mask))
    return lambda b: b is not None and b.version == 6 and int(b) & m == a & m


def one_of(*tests):
    return lambda a: any(t(a) for t in tests)


def last_octet(base, *numbers):
    hosts = {ipaddress.ip_address(base + str(n)) for n in numbers}
    return lambda a: a in hosts


def in_table(a):
    """The value of the longest prefix in 'hosts', None without one."""
    if a is None:
        return None
    found = [n for n in TABLES if n.version == a.version and a in n]
    return TABLES[max(found, key=lambda n: n.prefixlen)] if found else None


def is_me(a):
    return a is not None and str(a) in ME


ADDRESSES = (
    ('10.1.2.3', net('10.1.2.3/32')),
    ('10.0.0.0/8', net('10.0.0.0/8')),
    ('10.1.2.0/25', net('10.1.2.0/25')),
    ('10.1.2.2/31', net('10.1.2.2/31')),
    ('128.0.0.0/1', net('128.0.0.0/1')),
    ('10.0.0.3:255.0.0.255', masked('10.0.0.3', '255.0.0.255')),
    ('0.0.0.1:0.0.0.1', masked('0.0.0.1', '0.0.0.1')),
    ('192.0.2.9,10.1.2.3',
     one_of(net('10.1.2.3/32'), net('192.0.2.9/32'))),
    ('127.0.0.1,10.1.2.3,192.0.2.0/24',
     one_of(net('127.0.0.1/32'), net('10.1.2.3/32'), net('192.0.2.0/24'))),
    ('10.1.2.0/24{2,3}', last_octet('10.1.2.', 2, 3)),
    ('10.1.2.0/24{0-2,4-255}',
     last_octet('10.1.2.', 0, 1, 2, *range(4, 256))),
    ('10.0.0.0/24{0,255}', last_octet('10.0.0.', 0, 255)),
    ('192.0.2.8/29{9}', last_octet('192.0.2.', 9)),
    ('me', is_me),
    ('table(hosts)', lambda a: in_table(a) is not None),
    ('table(hosts,2)', lambda a: in_table(a) == 2),
    ('table(hosts,3)', lambda a: in_table(a) == 3),
    ('table(hosts,4)', lambda a: in_table(a) == 4),
    ('table(hosts,5)', lambda a: in_table(a) == 5),
    ('table(empty)', lambda a: False),
)

ADDRESSES6 = (
    ('2001:db8::3', net('2001:db8::3/128')),
    ('2001:db8:1::9', net('2001:db8:1::9/128')),
    ('2001:db8::/32', net('2001:db8::/32')),
    ('2001:db8::2/127', net('2001:db8::2/127')),
    ('2001:db8:1:8000::/49', net('2001:db8:1:8000::/49')),
    ('8000::/1', net('8000::/1')),
    ('fe80::1,2001:db8::2', one_of(net('fe80::1/128'), net('2001:db8::2/128'))),
    ('fe80::/10,ff00::/8,2001:db8:1::/48',
     one_of(net('fe80::/10'), net('ff00::/8'), net('2001:db8:1::/48'))),
    ('::1/::1', masked6('::1', '::1')),
    ('me6', lambda a: is_me(a) and a.version == 6),
)


def addresses():
    for text, test in ADDRESSES:
        yield 'src-ip ' + text, lambda f, p, t=test: t(f.src)
        yield 'dst-ip ' + text, lambda f, p, t=test: t(f.dst)
    for text, test in ADDRESSES6:
        for way, side in (('src-ip6', 'src'), ('dst-ip6', 'dst')):
            yield (way + ' ' + text,
                   lambda f, p, t=test, s=side: t(getattr(f, s)))


def ports():
    for text in ('80', '53', '0', '65535', '1025', '0-65535', '1024-1234',
                 '22,53,80', '80,53,22', '1000-2000,80,1-53',
                 '1-52,54-79,81-1024', '54-79'):
        test = ranges(text)
        yield 'dst-port ' + text, lambda f, p, t=test: t(f.dport)
        yield 'src-port ' + text, lambda f, p, t=test: t(f.sport)


def protocols():
    for name, number in (('tcp', 6), ('udp', 17), ('icmp', 1), ('sctp', 132),
                         ('udplite', 136), ('gre', 47), ('esp', 50),
                         ('ipv6-icmp', 58), ('58', 58), ('ospf', 89),
                         ('2', 2), ('51', 51), ('253', 253), ('59', 59)):
        yield ('proto ' + name,
               lambda f, p, n=number: f.family is not None and f.proto == n)
    for name in ('ip4', 'ipv4'):
        yield 'proto ' + name, lambda f, p: f.family == 4
    for name in ('ip6', 'ipv6'):
        yield 'proto ' + name, lambda f, p: f.family == 6
    for version in (4, 6):
        yield ('ipver %d' % version, lambda f, p, v=version: f.family == v)
    yield 'ipversion 4', lambda f, p: f.family == 4


def fields():
    for kw, attr, lists in (
            ('ipid', 'id', ('500', '0', '65535', '1-499', '400-600,65535')),
            ('ipttl', 'ttl', ('64', '0', '255', '1-64', '1,255')),
            ('iplen', 'ip_len', ('28', '48', '1000', '0-27', '29-65535',
                                 '40,48,140')),
            ('tcpdatalen', 'data_len', ('0', '1', '100', '1-100', '10,99'))):
        for text in lists:
            test = ranges(text)
            if kw in ('ipid', 'ipttl'):
                yield (kw + ' ' + text, lambda f, p, t=test, a=attr:
                       f.family == 4 and t(getattr(f, a)))
            else:
                yield (kw + ' ' + text,
                       lambda f, p, t=test, a=attr: t(getattr(f, a)))
    for n in PRECEDENCES:
        yield ('ipprecedence %d' % n,
               lambda f, p, n=n: f.family == 4 and f.tos >> 5 == n)
    for text in ('lowdelay', 'throughput', '!lowdelay', 'reliability,mincost',
                 'lowdelay,!throughput', 'congestion', '!congestion',
                 'ecntransport,!lowdelay'):
        on, off = (sum_bits(TOS, w) for w in words(text))
        yield ('iptos ' + text, lambda f, p, on=on, off=off:
               f.family == 4 and f.tos & on == on and not f.tos & off)
    for text in ('be', 'ef', 'af11', 'va', 'cs1', 'cs7', '63', '1', '0',
                 'ef,cs1,63', 'af11,af21,af43'):
        codes = {DSCP[w] if w in DSCP else int(w) for w in text.split(',')}
        yield ('dscp ' + text, lambda f, p, c=codes:
               f.family is not None and f.tos >> 2 in c)
    for text in ('rr', 'lsrr', 'ssrr', 'ts', '!rr', 'rr,ts', 'rr,!ts',
                 '!rr,!lsrr,!ssrr,!ts'):
        on, off = words(text)
        yield ('ipoptions ' + text, lambda f, p, on=on, off=off:
               f.family == 4 and on <= f.ip_opts and not off & f.ip_opts)
    for text in ('0xbaad', '0x12345', '0', '47789,74565'):
        labels = {int(w, 0) for w in text.split(',')}
        yield ('flow-id ' + text,
               lambda f, p, s=labels: f.family == 6 and f.label in s)
    for text in ('frag', 'hopopt', 'route', 'dstopt', 'ah', 'esp', 'rthdr0',
                 'rthdr2', 'hopopt,esp', 'rthdr0,ah,frag'):
        kinds = set(text.split(','))
        yield ('ext6hdr ' + text, lambda f, p, k=kinds: bool(f.exts & k))


def sum_bits(names, given):
    bits = 0
    for name in given:
        bits |= names[name]
    return bits


def fragments():
    yield 'frag', lambda f, p: 'offset' in f.frag
    yield 'fragment', lambda f, p: 'offset' in f.frag
    yield 'frag offset', lambda f, p: 'offset' in f.frag
    for text in ('df', 'mf', 'rf', '!df', '!mf', '!rf', '!offset', 'mf,offset',
                 'mf,!offset', '!mf,offset', 'df,!mf', 'df,mf',
                 '!df,!mf,!rf,!offset'):
        on, off = words(text)
        yield ('frag ' + text, lambda f, p, on=on, off=off:
               f.family == 4 and on <= f.frag and not off & f.frag)


def tcp():
    for text in ('syn', 'ack', 'fin', 'rst', 'psh', 'urg', '!syn', '!ack',
                 'syn,!ack', 'syn,ack', 'syn,rst', 'fin,syn,rst,psh,ack,urg',
                 '!fin,!syn,!rst,!psh,!ack,!urg', 'fin,!ack'):
        on, off = (''.join(FLAGS[w] for w in part) for part in words(text))
        yield ('tcpflags ' + text,
               lambda f, p, on=on, off=off: f.has_flags(on, off))
    yield 'setup', lambda f, p: f.has_flags('S', 'A')
    for kw in ('established', 'estab'):
        yield (kw, lambda f, p: f.tcp is not None and
               not f.has_flags('S', 'RA'))
    for text in ('0', '65535', '8192', '1-8192', '0,65535', '8191,8193'):
        test = ranges(text)
        yield ('tcpwin ' + text, lambda f, p, t=test:
               f.tcp is not None and t(f.tcp.window))
    for n in (7, 0x89abcdef, 0, 1):
        yield ('tcpseq %d' % n,
               lambda f, p, n=n: f.tcp is not None and f.tcp.seq == n)
    for n in (9, 0xfedcba98, 0, 1):
        yield ('tcpack %d' % n,
               lambda f, p, n=n: f.tcp is not None and f.tcp.ack == n)
    for text in ('mss', 'window', 'sack', 'ts', 'cc', '!mss', 'mss,window',
                 'mss,!ts', '!mss,!window,!sack,!ts,!cc'):
        on, off = words(text)
        yield ('tcpoptions ' + text, lambda f, p, on=on, off=off:
               f.tcp is not None and on <= f.tcp_opts and
               not off & f.tcp_opts)
    for text in ('1460', '536', '1400-9000', '536,1440', '0-535,537-1439'):
        test = ranges(text)
        yield ('tcpmss ' + text, lambda f, p, t=test:
               f.has_flags('S') and t(f.mss))


def icmp():
    for text in ('0', '8', '3', '31', '0,8', '3,11,13', '18'):
        test = ranges(text)
        yield 'icmptypes ' + text, lambda f, p, t=test: t(f.icmp)
    for text in ('128', '1', '31', '32', '135', '201', '1,2,3', '31,32',
                 '128,135,201'):
        test = ranges(text)
        yield 'icmp6types ' + text, lambda f, p, t=test: t(f.icmp6)


def link():
    yield 'layer2', lambda f, p: True
    for text in ('0x0800', '0x86dd', '0x0806', '0x8100', '0x88a8', 'arp',
                 'ip', 'ipv6', '0x88cc', '0x0000-0x05dc', '0x0800,0x0806',
                 '0x8800-0x88ff,0x86dd'):
        names = {'arp': 0x806, 'ip': 0x800, 'ipv6': 0x86dd}
        pairs = [[names[w] if w in names else int(w, 16)
                  for w in part.split('-')] for part in text.split(',')]
        yield ('mac-type ' + text, lambda f, p, r=pairs:
               any(x[0] <= f.etype <= x[-1] for x in r))
    for dst, src in (('any', '02:00:00:00:00:01'), ('any', 'any'),
                     ('02:00:00:00:00:02', 'any'),
                     ('02:00:00:00:00:02', '02:00:00:00:00:01'),
                     ('02:00:00:00:00:01', '02:00:00:00:00:02'),
                     ('ff:ff:ff:ff:ff:ff', 'any'),
                     ('any', '0a:bb:cc:00:00:00/24'),
                     ('any', '02:00:00:00:00:01/47'),
                     ('02:00:00:00:00:00/1', 'any'),
                     ('01:00:00:00:00:00&01:00:00:00:00:00', 'any'),
                     ('any', '00:00:00:00:00:07&00:00:00:00:00:ff')):
        yield ('MAC %s %s' % (dst, src), lambda f, p, d=dst, s=src:
               is_card(d, f.dst_mac) and is_card(s, f.src_mac))
    yield 'src-mac table(cards)', lambda f, p: card_value(f.src_mac) > 0
    yield 'dst-mac table(cards)', lambda f, p: card_value(f.dst_mac) > 0
    for n in (1, 2, 3):
        yield ('dst-mac table(cards,%d)' % n,
               lambda f, p, n=n: card_value(f.dst_mac) == n)
        yield ('src-mac table(cards,%d)' % n,
               lambda f, p, n=n: card_value(f.src_mac) == n)


def number_of(mac):
    return int(mac.replace(':', ''), 16)


def is_card(pattern, mac):
    """A MAC with '/len' or '&mask', or 'any'."""
    if pattern == 'any':
        return True
    mask = (1 << 48) - 1
    if '/' in pattern:
        pattern, length = pattern.split('/')
        mask = mask >> (48 - int(length)) << (48 - int(length))
    elif '&' in pattern:
        pattern, given = pattern.split('&')
        mask = number_of(given)
    return (number_of(mac) ^ number_of(pattern)) & mask == 0


def card_value(mac):
    """In the table 'cards', 0 without one."""
    if mac == '02:00:00:00:00:02':
        return 2
    if mac == 'ff:ff:ff:ff:ff:ff':
        return 3
    return 1 if mac.startswith('02:00:00:00:00:') else 0


def interfaces():
    yield 'in', lambda f, p: not p.out
    yield 'out', lambda f, p: p.out
    for name in ('em0', 'em1', 'em*', 'em[12]', '?m0', 'em', 'em00', '*'):
        hit = (lambda s, n=name: fnmatch.fnmatchcase(s, n))
        yield 'recv ' + name, lambda f, p, h=hit: h(p.recv)
        yield 'xmit ' + name, lambda f, p, h=hit: p.out and h(p.xmit)
        yield ('via ' + name,
               lambda f, p, h=hit: h(p.xmit if p.out else p.recv))
    yield 'recv table(ifs)', lambda f, p: p.recv == 'em0'
    yield 'xmit table(ifs)', lambda f, p: p.out and p.xmit == 'em0'
    yield ('via table(ifs)',
           lambda f, p: (p.xmit if p.out else p.recv) == 'em0')


def metadata():
    for text in ('7', '8', '9', '7-8', '1-6,9', '1,8'):
        test = ranges(text)
        yield ('tagged ' + text,
               lambda f, p, t=test: any(t(tag) for tag in p.tags))
    for value, mask in ((0x1234, 0xffffffff), (0, 0xffffffff), (0x34, 0xff),
                        (0x1000, 0xf000), (1, 1), (0, 0)):
        text = '%#x' % value if mask == 0xffffffff else \
            '%#x:%#x' % (value, mask)
        yield ('mark ' + text,
               lambda f, p, v=value, m=mask: p.mark & m == v & m)


def lookups():
    yield 'lookup dst-ip hosts', lambda f, p: in_table(f.dst) is not None
    yield 'lookup src-ip hosts', lambda f, p: in_table(f.src) is not None
    yield 'lookup dst-port numbers', lambda f, p: f.dport in NUMBERS
    yield 'lookup src-port numbers', lambda f, p: f.sport in NUMBERS
    yield ('lookup dscp numbers',
           lambda f, p: f.family is not None and f.tos >> 2 in NUMBERS)
    yield 'lookup mark numbers', lambda f, p: p.mark in NUMBERS
    yield 'lookup dst-mac cards', lambda f, p: card_value(f.dst_mac) > 0
    yield 'lookup src-mac cards', lambda f, p: card_value(f.src_mac) > 0

    for mask in (0x35, 0x401, 0xffff, 0):
        yield ('lookup dst-port:%#x numbers' % mask, lambda f, p, m=mask:
               f.dport is not None and f.dport & m in NUMBERS)
        yield ('lookup src-port:%d numbers' % mask, lambda f, p, m=mask:
               f.sport is not None and f.sport & m in NUMBERS)
        yield ('lookup dscp:%d numbers' % mask, lambda f, p, m=mask:
               f.family is not None and f.tos >> 2 & m in NUMBERS)
        yield ('lookup mark:%#x numbers' % mask,
               lambda f, p, m=mask: p.mark & m in NUMBERS)

    def under(a, mask):
        """True if the table has the address as far as the mask goes."""
        mask = ipaddress.ip_address(mask)
        return a is not None and a.version == mask.version and \
            in_table(type(a)(int(a) & int(mask))) is not None

    for mask in ('255.255.255.255', '255.255.0.255', '0.0.0.0',
                 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
                 'ffff:0:ffff::ff'):
        key = 'ip6' if ':' in mask else 'ip4'
        yield ('lookup dst-%s:%s hosts' % (key, mask),
               lambda f, p, m=mask: under(f.dst, m))
        yield ('lookup src-%s:%s hosts' % (key, mask),
               lambda f, p, m=mask: under(f.src, m))
    for key in 'ip4', 'ip6':
        yield ('lookup dst-%s hosts' % key, lambda f, p, k=key:
               f.family == int(k[2]) and in_table(f.dst) is not None)
    yield ('lookup dst-mac:ff:ff:ff:ff:ff:00 cards', lambda f, p:
           card_value(f.dst_mac[:-2] + '00') > 0)

    def flow(f):
        key = (str(f.src), f.proto, f.sport, str(f.dst), f.dport)
        return {('10.1.2.3', 17, 1234, '192.0.2.9', 53): 6,
                ('10.1.2.3', 6, 1025, '192.0.2.9', 80): 7}.get(key)
    yield 'flow table(flows)', lambda f, p: flow(f) is not None
    yield 'flow table(flows,6)', lambda f, p: flow(f) == 6
    yield 'flow table(flows,7)', lambda f, p: flow(f) == 7
    yield ('flow table(pairs)', lambda f, p: (str(f.src), f.dport) in (
        ('10.1.2.3', 53), ('2001:db8::3', 80)))


def all_options():
    for part in (addresses, ports, protocols, fields, fragments, tcp, icmp,
                 link, interfaces, metadata, lookups):
        yield from part()


# Whole bodies: protocol and addresses in their places.
def all_bodies():
    def row(text, test):
        return text, test

    def of(proto):
        return lambda f: f.family is not None and f.proto == proto
    is_tcp, is_udp = of(6), of(17)
    private = net('10.0.0.0/8')
    yield row('ip from any to any', lambda f, p: True)
    yield row('all from any to any', lambda f, p: True)
    yield row('tcp from any to any', lambda f, p: is_tcp(f))
    yield row('not tcp from any to any', lambda f, p: not is_tcp(f))
    yield row('{ tcp or udp } from any to any',
              lambda f, p: is_tcp(f) or is_udp(f))
    yield row('{ not tcp or udp } from any to any',
              lambda f, p: not is_tcp(f))
    yield row('ip4 from any to any', lambda f, p: f.family == 4)
    yield row('ip6 from any to any', lambda f, p: f.family == 6)
    yield row('ip from 10.0.0.0/8 to any', lambda f, p: private(f.src))
    yield row('ip from not 10.0.0.0/8 to any',
              lambda f, p: not private(f.src))
    yield row('ip from any to { 10.1.2.2 or 192.0.2.0/24 or me }',
              lambda f, p: net('10.1.2.2/32')(f.dst) or
              net('192.0.2.0/24')(f.dst) or is_me(f.dst))
    yield row('ip from { not 10.0.0.0/8 or 10.1.2.3 } to any',
              lambda f, p: not private(f.src) or net('10.1.2.3/32')(f.src))
    yield row('tcp from any 1025 to any 80',
              lambda f, p: is_tcp(f) and f.sport == 1025 and f.dport == 80)
    yield row('udp from any to any not 53',
              lambda f, p: is_udp(f) and f.dport != 53)
    yield row('ip from any not 1025 to any',
              lambda f, p: f.sport != 1025)
    yield row('ip from 10.0.0.0/8 1000-2000 to any 53,80',
              lambda f, p: private(f.src) and ranges('1000-2000')(f.sport) and
              f.dport in (53, 80))
    yield row('ip6 from 2001:db8::/32 to any',
              lambda f, p: net('2001:db8::/32')(f.src))
    yield row('ip6 from me6 to any', lambda f, p: is_me(f.src) and
              f.family == 6)
    yield row('tcp from any to any setup in recv em0',
              lambda f, p: f.has_flags('S', 'A') and not p.out and
              p.recv == 'em0')
    yield row('ip from any to any { proto tcp or proto udp } '
              '{ not dst-port 80 or tagged 99 } ipttl 64',
              lambda f, p: (is_tcp(f) or is_udp(f)) and f.dport != 80 and
              f.family == 4 and f.ttl == 64)
    yield row('ip from any to any via any', lambda f, p: True)
    yield row('icmp from any to any // a comment is true',
              lambda f, p: f.family is not None and f.proto == 1)
