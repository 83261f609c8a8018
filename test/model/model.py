# SPDX-License-Identifier: BSD-2-Clause
"""A small ipfw, written from the manual, to compare kipfw with.

It has rules with sets and counters, address tables, and dynamic states with
their lifetimes, all as plain lists that are searched from the beginning.  It
knows no bytecode: a rule here is its printed text and what it means.
"""
import dataclasses
import ipaddress
import itertools

DEFAULT, MAX_SET = 65535, 31
LIFE = {'syn': 20, 'ack': 300, 'fin': 1, 'rst': 1, 'udp': 10, 'short': 5}
MAX_CALLS = 16


class Endless(Exception):
    """States send a packet round and round; what happens then is nowhere
    written."""


@dataclasses.dataclass(frozen=True)
class Packet:
    proto: str          # tcp, udp, icmp
    src: str
    dst: str
    sport: int = 0
    dport: int = 0
    flags: str = ''     # of TCP, a letter each
    ack: int = 0

    @property
    def family(self):
        return ipaddress.ip_address(self.src).version


@dataclasses.dataclass(frozen=True)
class Body:
    """What a rule asks; 'text' prints it."""
    proto: str = 'ip'           # ip, ip4, ip6, tcp, udp, icmp
    src: str = 'any'            # ADDR, 'not ADDR', table(NAME)
    dst: str = 'any'
    dport: str = ''             # '80', '53,80', '1-79', 'not 80'
    option: str = ''            # in, recv em0, setup, established

    @property
    def text(self):
        return '%s from %s to %s%s%s' % (
            self.proto, self.src, self.dst,
            ' ' + self.dport if self.dport else '',
            ' ' + self.option if self.option else '')

    @property
    def tables(self):
        return [a[a.index('(') + 1:-1] for a in (self.src, self.dst)
                if 'table(' in a]


@dataclasses.dataclass(frozen=True)
class Keep:
    """keep-state or limit."""
    name: str = 'default'
    fields: tuple = ()          # of limit: src-addr, ...
    limit: int = 0
    record: bool = False        # record-state, set-limit: no look for states
    defer: bool = False

    @property
    def text(self):
        if self.fields:
            word = 'set-limit' if self.record else 'limit'
            text = '%s %s %d' % (word, ','.join(self.fields), self.limit)
        else:
            text = 'record-state' if self.record else 'keep-state'
        return '%s :%s%s' % (text, self.name,
                             ' defer-immediate-action' if self.defer else '')


@dataclasses.dataclass
class Rule:
    number: int
    set: int
    action: str                 # allow, deny, count, skipto, call, return,
    target: int = 0             # check-state
    body: Body = None           # None: check-state
    keep: Keep = None
    name: str = ''              # of check-state; 'any' is every one
    packets: int = 0
    octets: int = 0

    @property
    def text(self):
        if self.action == 'check-state':
            return 'check-state :' + self.name
        action = self.action
        if action in ('skipto', 'call'):
            action += ' %d' % self.target
        return '%s %s%s' % (action, self.body.text,
                            ' ' + self.keep.text if self.keep else '')


@dataclasses.dataclass
class State:
    rule: Rule
    name: str
    packet: Packet              # the first one; the key
    kind: str                   # STATE, LIMIT
    parent: tuple = None        # what is counted together
    expires: int = 0
    packets: int = 0
    octets: int = 0
    forward: str = ''           # TCP flags seen
    backward: str = ''
    acks: dict = dataclasses.field(default_factory=dict)
    acked: set = dataclasses.field(default_factory=set)


class Model:
    def __init__(self, default='allow', max_states=16384):
        self.default = Rule(DEFAULT, MAX_SET, default, body=Body())
        self.rules = [self.default]
        self.disabled = set()
        self.tables = {}        # name -> {network: value}
        self.states = []
        self.now = 0
        self.max_states = max_states

    # ---- commands: each returns the exit code ----

    def add(self, rule):
        """With number 0: behind all others."""
        if rule.number == 0:
            last = max([r.number for r in self.rules if r.number != DEFAULT],
                       default=0)
            rule.number = last + 100 if last + 100 < DEFAULT else last
        at = next(i for i, r in enumerate(self.rules)
                  if r.number > rule.number)
        self.rules.insert(at, rule)
        for name in rule.body.tables if rule.body else ():
            self.tables.setdefault(name, {})
        return 0

    def remove(self, doomed):
        doomed = [r for r in doomed if r is not self.default]
        self.rules = [r for r in self.rules
                      if not any(r is d for d in doomed)]
        self.states = [s for s in self.states
                       if not any(s.rule is d for d in doomed)]
        return len(doomed)

    def delete(self, ranges, of_set=None):
        code = 0
        for lo, hi in ranges:
            if not self.remove([r for r in self.rules
                                if lo <= r.number <= hi and
                                of_set in (None, r.set)]):
                code = 69
        return code

    def delete_set(self, n):
        return 0 if self.remove([r for r in self.rules if r.set == n]) else 69

    def flush(self):
        self.remove([r for r in self.rules if r.set != MAX_SET])
        return 0

    def zero(self, number=None):
        found = [r for r in self.rules if r is self.default or
                 r.set != MAX_SET] if number is None else \
            [r for r in self.rules if r.number == number]
        for r in found:
            r.packets = r.octets = 0
        return 0 if found else 69

    def set_disable(self, sets):
        self.disabled |= set(sets) - {MAX_SET}
        return 0

    def set_enable(self, sets):
        self.disabled -= set(sets)
        return 0

    def set_move(self, a, b):
        for r in self.rules:
            if r.set == a and r is not self.default:
                r.set = b
        return 0

    def set_move_rule(self, number, b):
        for r in self.rules:
            if r.number == number and r is not self.default:
                r.set = b
        return 0

    def set_swap(self, a, b):
        for r in self.rules:
            if r is not self.default:
                r.set = {a: b, b: a}.get(r.set, r.set)
        return 0

    # ---- tables ----

    def table_is_used(self, name):
        return any(r.body and name in r.body.tables for r in self.rules)

    def table_create(self, name):
        if name in self.tables:
            return 71
        self.tables[name] = {}
        return 0

    def table_destroy(self, name):
        """A table that is not there is only warned about."""
        if self.table_is_used(name):
            return 71
        self.tables.pop(name, None)
        return 0

    def table_add(self, name, net, value, replace):
        """A table that is not there is made."""
        table = self.tables.setdefault(name, {})
        net = ipaddress.ip_network(net)
        if net in table and not replace:
            return 71
        table[net] = value
        return 0

    def table_delete(self, name, net):
        if name not in self.tables:
            return 71
        return 0 if self.tables[name].pop(
            ipaddress.ip_network(net), None) is not None else 71

    def table_flush(self, name):
        if name not in self.tables:
            return 71
        self.tables[name] = {}
        return 0

    def table_swap(self, a, b):
        if a not in self.tables or b not in self.tables:
            return 71
        self.tables[a], self.tables[b] = self.tables[b], self.tables[a]
        return 0

    def lookup(self, name, addr):
        """The longest prefix's (network, value), or None."""
        addr = ipaddress.ip_address(addr)
        found = [n for n in self.tables[name]
                 if n.version == addr.version and addr in n]
        if not found:
            return None
        best = max(found, key=lambda n: n.prefixlen)
        return best, self.tables[name][best]

    # ---- what rules ask ----

    def address_matches(self, text, addr):
        if text == 'any':
            return True
        if text.startswith('not '):
            return not self.address_matches(text[4:], addr)
        if text.startswith('table('):
            return self.lookup(text[6:-1], addr) is not None
        addr, net = ipaddress.ip_address(addr), ipaddress.ip_network(text)
        return addr.version == net.version and addr in net

    @staticmethod
    def port_matches(text, packet):
        if text.startswith('not '):
            return not Model.port_matches(text[4:], packet)
        if packet.proto == 'icmp':
            return False
        return any(lo <= packet.dport <= hi for lo, hi in (
            map(int, (part.split('-') * 2)[:2]) for part in text.split(',')))

    @staticmethod
    def option_matches(text, packet, port):
        if text.startswith('not '):
            return not Model.option_matches(text[4:], packet, port)
        tcp = packet.proto == 'tcp'
        return {
            '': True, 'in': True, 'out': False,
            'recv em0': port == 'em0', 'recv em1': port == 'em1',
            'setup': tcp and 'S' in packet.flags and 'A' not in packet.flags,
            'established': tcp and not ('S' in packet.flags and not
                                        set('RA') & set(packet.flags)),
        }[text]

    def matches(self, body, packet, port):
        proto = {'ip': True, 'ip4': packet.family == 4,
                 'ip6': packet.family == 6}.get(
                     body.proto, body.proto == packet.proto)
        return proto and \
            self.address_matches(body.src, packet.src) and \
            self.address_matches(body.dst, packet.dst) and \
            (not body.dport or self.port_matches(body.dport, packet)) and \
            self.option_matches(body.option, packet, port)

    # ---- states ----

    @staticmethod
    def key(packet, backward=False):
        one = (packet.proto, packet.family,
               packet.src, packet.sport, packet.dst, packet.dport)
        return one if not backward else one[:2] + one[4:] + one[2:4]

    def find_state(self, packet, name):
        for s in self.states:
            if name in ('any', s.name):
                if self.key(s.packet) == self.key(packet):
                    return s, False
                if self.key(s.packet) == self.key(packet, True):
                    return s, True
        return None, False

    def book(self, s, packet, octets, backward):
        s.packets += 1
        s.octets += octets
        life = self.lifetime(s, packet, backward)
        if life is not None:
            s.expires = self.now + life

    @staticmethod
    def lifetime(s, packet, backward):
        if packet.proto != 'tcp':
            return LIFE['udp' if packet.proto == 'udp' else 'short']
        seen = set(packet.flags) & set('SFR')
        if backward:
            s.backward = ''.join(sorted(set(s.backward) | seen))
        else:
            s.forward = ''.join(sorted(set(s.forward) | seen))
        both = s.forward, s.backward
        if both == ('S', ''):
            return LIFE['syn']
        if both in (('S', 'S'), ('FS', 'S'), ('S', 'FS')):
            # Renewed once both sides have acknowledged since the last time.
            if packet.ack >= s.acks.get(backward, 0):
                s.acks[backward] = packet.ack
                s.acked.add(backward)
            if len(s.acked) < 2:
                return None
            s.acked.clear()
            return LIFE['ack']
        if both == ('FS', 'FS'):
            return LIFE['fin']
        return LIFE['rst']

    def install(self, rule, packet, octets):
        """False: there is no room."""
        keep = rule.keep
        if self.find_state(packet, keep.name)[0]:
            return True
        parent = None
        if keep.fields:
            parent = (id(rule), keep.name, packet.proto, packet.family) + \
                tuple(getattr(packet, {'src-addr': 'src', 'src-port': 'sport',
                                       'dst-addr': 'dst', 'dst-port': 'dport'
                                       }[f]) for f in keep.fields)
            if sum(s.parent == parent for s in self.states) >= keep.limit:
                return False
        if len(self.states) >= self.max_states:
            return False
        s = State(rule, keep.name, packet, 'LIMIT' if parent else 'STATE',
                  parent)
        self.book(s, packet, octets, False)
        self.states.append(s)
        return True

    def clock(self, seconds):
        self.now += seconds
        self.states = [s for s in self.states if s.expires > self.now]

    # ---- a packet ----

    def index(self, number):
        """Of the first rule with at least this number that is enabled."""
        return next(i for i, r in enumerate(self.rules)
                    if r is self.default or r.number >= number)

    def send(self, packet, octets, port):
        """True if it goes on."""
        i, looked, calls = 0, None, []
        for step in itertools.count():
            if step > 1000:
                raise Endless
            rule = self.rules[i]
            if rule.set in self.disabled:
                i += 1
                continue
            name = rule.name if rule.action == 'check-state' else \
                rule.keep.name if rule.keep and not rule.keep.record else None
            hit = None
            # One lookup a packet, unless another name is asked for.
            if name and (looked is None or looked not in ('any', name)):
                looked = name
                hit, backward = self.find_state(packet, name)
            if hit:
                self.book(hit, packet, octets, backward)
                rule = hit.rule
                i = next(k for k, r in enumerate(self.rules) if r is rule)
            elif rule.action == 'check-state' or \
                    not self.matches(rule.body, packet, port):
                i += 1
                continue
            elif rule.keep:
                if not self.install(rule, packet, octets):
                    self.count(rule, octets)
                    return False
                if rule.keep.defer:
                    i += 1
                    continue
            if rule.action == 'return' and not calls or \
                    rule.action == 'call' and len(calls) == MAX_CALLS:
                i += 1
                continue
            self.count(rule, octets)
            if rule.action in ('allow', 'deny'):
                return rule.action == 'allow'
            i = self.jump(rule, i, calls)

    @staticmethod
    def count(rule, octets):
        rule.packets += 1
        rule.octets += octets

    def jump(self, rule, i, calls):
        if rule.action == 'skipto':
            return self.index(max(rule.target, rule.number + 1))
        if rule.action == 'call':
            calls.append(rule.number)
            return self.index(rule.target)
        if rule.action == 'return':
            return self.index(calls.pop() + 1)
        return i + 1

    # ---- what listings tell ----

    def listing(self):
        """(disabled, number, packets, octets, set, text) of each rule."""
        return [(r.set in self.disabled, r.number, r.packets, r.octets,
                 r.set, r.text) for r in self.rules]

    def state_listing(self):
        """(number, packets, octets, seconds, kind, flow, name), sorted."""
        return sorted(
            (s.rule.number, s.packets, s.octets, s.expires - self.now, s.kind,
             '%s %s %d <-> %s %d' % (
                 'icmp' if s.packet.proto == 'icmp' else s.packet.proto,
                 s.packet.src, s.packet.sport, s.packet.dst, s.packet.dport),
             s.name) for s in self.states)

    def parents(self):
        """(number, children) of each parent that has some, sorted."""
        found = {}
        for s in self.states:
            if s.parent:
                number, n = found.get(s.parent, (s.rule.number, 0))
                found[s.parent] = number, n + 1
        return sorted(found.values())
