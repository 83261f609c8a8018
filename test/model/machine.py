# SPDX-License-Identifier: BSD-2-Clause
"""Hypothesis thinks up commands and packets; kipfw and the model get both.

Machine compares after each step exit codes, verdicts, and all listings.  What it
talks to is a driver: the rig, or a daemon through the ipfw program.
"""
import re

from hypothesis import strategies as st
from hypothesis.stateful import (RuleBasedStateMachine, initialize, invariant,
                                 precondition, rule)
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6
from scapy.layers.l2 import Ether

from model import DEFAULT, Body, Endless, Keep, Model, Packet, Rule

HOSTS4 = ('10.0.0.1', '10.0.0.2', '192.0.2.1')
HOSTS6 = ('2001:db8::1', '2001:db8::2')
NETS = ('10.0.0.1/32', '10.0.0.0/31', '10.0.0.0/8', '192.0.2.1/32',
        '0.0.0.0/1', '128.0.0.0/1', '2001:db8::/64', '2001:db8::2/128')
TABLES = ('t1', 't2', 'other')
NUMBERS = (1, 2, 10, 20, 30, 40, 100, 65500, 65534)
SETS = (0, 1, 2, 31)

numbers = st.sampled_from(NUMBERS)
sets = st.sampled_from(SETS)
tables = st.sampled_from(TABLES)
nets = st.sampled_from(NETS)
names = st.sampled_from(('default', 'a'))
addresses = st.sampled_from(
    ('any', 'any', '10.0.0.1', '10.0.0.0/24', 'not 10.0.0.2', 'table(t1)',
     'not table(t2)'))
bodies = st.builds(
    Body, proto=st.sampled_from(('ip', 'ip', 'tcp', 'udp', 'icmp', 'ip4',
                                 'ip6')),
    src=addresses, dst=addresses,
    dport=st.sampled_from(('', '', '80', '53,80', '1-79', 'not 80')),
    option=st.sampled_from(('', '', '', 'in', 'out', 'recv em0', 'recv em1',
                            'setup', 'established', 'not setup')))
keeps = st.builds(
    Keep, name=names, record=st.booleans(),
    defer=st.sampled_from((False, False, True)),
    fields=st.sampled_from(((), (), ('src-addr',), ('src-addr', 'dst-port'),
                            ('dst-addr',))),
    limit=st.integers(1, 3))
actions = st.sampled_from(('allow', 'deny', 'count', 'skipto', 'call',
                           'return'))


@st.composite
def packets(draw):
    proto = draw(st.sampled_from(('tcp', 'tcp', 'udp', 'icmp')))
    hosts = draw(st.sampled_from((HOSTS4, HOSTS4, HOSTS6)))
    if proto == 'icmp' and hosts is HOSTS6:
        proto = 'ipv6-icmp'
    ends = draw(st.sampled_from([(a, b) for a in hosts for b in hosts
                                 if a != b]))
    if proto not in ('tcp', 'udp'):
        return Packet(proto, *ends)
    ports = draw(st.sampled_from(((1000, 80), (80, 1000), (1000, 53),
                                  (53, 1000))))
    if proto == 'udp':
        return Packet(proto, *ends, *ports)
    flags = draw(st.sampled_from(('S', 'SA', 'A', 'FA', 'R', '')))
    return Packet(proto, *ends, *ports, flags,
                  draw(st.integers(1, 4)) if flags else 0)


def frame_of(p):
    ip = (IP if p.family == 4 else IPv6)(src=p.src, dst=p.dst)
    upper = {
        'tcp': lambda: TCP(sport=p.sport, dport=p.dport, flags=p.flags,
                           ack=p.ack),
        'udp': lambda: UDP(sport=p.sport, dport=p.dport),
        'icmp': ICMP, 'ipv6-icmp': ICMPv6EchoRequest}[p.proto]()
    frame = bytes(Ether(src='02:00:00:00:00:01', dst='02:00:00:00:00:02') /
                  ip / upper)
    return frame, len(frame) - 14


LINE = re.compile(r'(# DISABLED )?(\d{5})\s+(\d+)\s+(\d+) set (\d+) (.*)')
STATE = re.compile(r'(\d{5})\s+(\d+)\s+(\d+) \((\d+)s\) (STATE|LIMIT) '
                   r'(.*) :(\w+)$')
PARENT = re.compile(r'(\d{5}).* PARENT (\d+) (\w[\w-]*) ')


def parse_listing(text):
    rules, states, parents = [], [], []
    for line in text.splitlines():
        found = LINE.match(line)
        if found:
            rules.append((found[1] is not None, *map(int, found.groups()[1:5]),
                          found[6]))
            continue
        found = STATE.match(line)
        if found:
            states.append((*map(int, found.groups()[:4]), *found.groups()[4:]))
            continue
        found = PARENT.match(line)
        if found:
            if int(found[2]):
                parents.append((int(found[1]), int(found[2])))
        elif not line.startswith('## Dynamic rules'):
            raise AssertionError('a strange line: %r' % line)
    return rules, sorted(states), sorted(parents)


class Machine(RuleBasedStateMachine):
    """'driver' is set by the caller: reset(default), ipfw(line) -> (code, out,
    err), send(port, frame) -> sent or None, clock(seconds)."""
    driver = None

    @initialize(default=st.sampled_from(('allow', 'deny')),
                most=st.sampled_from((16384, 5)))
    def begin(self, default, most):
        self.driver.reset('accept' if default == 'allow' else 'deny')
        self.model = Model(default, most)
        self.run('sysctl net.inet.ip.fw.dyn_max=%d' % most, 0)

    def run(self, line, code):
        """Runs a command, which must end with this code; its output."""
        got = self.driver.ipfw(line)
        assert got[0] == code, '%s: %s, not %d' % (line, got, code)
        return got[1]

    # ---- rules ----

    def add(self, number, rule_):
        text = 'add %s%s%s' % ('%d ' % number if number else '',
                               'set %d ' % rule_.set if rule_.set else '',
                               rule_.text)
        self.model.add(rule_)
        out = self.run(text, 0)
        assert out == '%05d %s\n' % (rule_.number, rule_.text), \
            '%s: %r' % (text, out)

    @rule(number=st.one_of(st.just(0), numbers), in_set=sets, action=actions,
          to=numbers, body=bodies, keep=st.one_of(st.none(), keeps))
    def add_rule(self, number, in_set, action, to, body, keep):
        if action in ('return', 'call'):
            keep = None
        self.add(number, Rule(number, in_set, action, to, body, keep))

    @rule(number=st.one_of(st.just(0), numbers), in_set=sets,
          action=st.sampled_from(('allow', 'allow', 'count', 'deny')),
          proto=st.sampled_from(('ip', 'tcp')), keep=keeps)
    def add_keeper(self, number, in_set, action, proto, keep):
        self.add(number, Rule(number, in_set, action, 0, Body(proto), keep))

    @rule(number=st.one_of(st.just(0), numbers), in_set=sets,
          name=st.sampled_from(('default', 'a', 'any')))
    def add_check_state(self, number, in_set, name):
        self.add(number, Rule(number, in_set, 'check-state', name=name))

    @rule(names=st.tuples(st.sampled_from(('default', 'a', 'any')), names,
                          names),
          action=st.sampled_from(('count', 'allow')))
    def add_keepers(self, names, action):
        """One looks, others keep, and not all decide."""
        self.add(10, Rule(10, 0, 'check-state', name=names[0]))
        self.add(20, Rule(20, 0, 'count', 0, Body(), Keep(names[1])))
        self.add(30, Rule(30, 0, action, 0, Body(), Keep(names[2])))

    @rule(some=st.lists(numbers, min_size=1, max_size=3))
    def delete(self, some):
        self.run('delete ' + ' '.join(map(str, some)),
                 self.model.delete([(n, n) for n in some]))

    @rule(ends=st.tuples(numbers, numbers))
    def delete_range(self, ends):
        lo, hi = sorted(ends)
        if lo != hi:
            self.run('delete %d-%d' % (lo, hi), self.model.delete([(lo, hi)]))

    @rule(n=sets, number=numbers)
    def delete_in_set(self, n, number):
        self.run('set %d delete %d' % (n, number),
                 self.model.delete([(number, number)], n))

    @rule(n=sets)
    def delete_set(self, n):
        self.run('delete set %d' % n, self.model.delete_set(n))

    @rule()
    def delete_default(self):
        self.run('delete %d' % DEFAULT, 69)

    @rule()
    def flush(self):
        self.run('-f flush', self.model.flush())

    @rule(number=st.one_of(st.none(), st.just(DEFAULT), numbers))
    def zero(self, number):
        self.run('zero' if number is None else 'zero %d' % number,
                 self.model.zero(number))

    # ---- sets ----

    @rule(some=st.lists(sets, min_size=1, max_size=2), on=st.booleans())
    def switch_sets(self, some, on):
        change = self.model.set_enable if on else self.model.set_disable
        self.run('set %s %s' % ('enable' if on else 'disable',
                                ' '.join(map(str, some))), change(some))

    @rule(a=st.sampled_from((0, 1, 2)), b=sets)
    def move_set(self, a, b):
        self.run('set move %d to %d' % (a, b), self.model.set_move(a, b))

    @rule(a=st.sampled_from((0, 1)), b=st.sampled_from((1, 2)))
    def swap_sets(self, a, b):
        if a != b:
            self.run('set swap %d %d' % (a, b), self.model.set_swap(a, b))

    @precondition(lambda self: len(self.model.rules) > 1)
    @rule(which=st.integers(0, 1000), b=sets)
    def move_rule(self, which, b):
        there = self.model.rules[:-1]
        number = there[which % len(there)].number
        self.run('set move rule %d to %d' % (number, b),
                 self.model.set_move_rule(number, b))

    # ---- tables ----

    @rule(name=tables)
    def create_table(self, name):
        self.run('table %s create' % name, self.model.table_create(name))

    @rule(name=tables)
    def destroy_table(self, name):
        self.run('table %s destroy' % name, self.model.table_destroy(name))

    @rule(name=tables, net=nets, value=st.integers(0, 9), quiet=st.booleans())
    def add_to_table(self, name, net, value, quiet):
        self.run('%stable %s add %s %d' % ('-q ' if quiet else '', name, net,
                                           value),
                 self.model.table_add(name, net, value, quiet))

    @rule(name=tables, net=nets)
    def delete_from_table(self, name, net):
        self.run('table %s delete %s' % (name, net),
                 self.model.table_delete(name, net))

    @rule(name=tables)
    def flush_table(self, name):
        self.run('table %s flush' % name, self.model.table_flush(name))

    @rule(a=tables, b=tables)
    def swap_tables(self, a, b):
        if a != b:
            self.run('table %s swap %s' % (a, b), self.model.table_swap(a, b))

    @rule(name=tables, addr=st.sampled_from(HOSTS4 + HOSTS6))
    def look_up(self, name, addr):
        if name not in self.model.tables:
            return
        found = self.model.lookup(name, addr)
        out = self.run('table %s lookup %s' % (name, addr),
                       0 if found else 69)
        assert not found or out == '%s %d\n' % found, out

    # ---- what must be the same after each step ----

    @invariant()
    def same_rules_and_states(self):
        rules, states, parents = parse_listing(self.run('-aSd list', 0))
        assert rules == self.model.listing(), \
            'rules %s\nwanted %s' % (rules, self.model.listing())
        assert states == self.model.state_listing(), \
            'states %s\nwanted %s' % (states, self.model.state_listing())
        assert parents == self.model.parents(), \
            'parents %s\nwanted %s' % (parents, self.model.parents())

    @invariant()
    def same_tables(self):
        for name in TABLES:
            there = name in self.model.tables
            out = self.run('table %s list' % name, 0 if there else 71)
            want = ['%s %d' % e for e in
                    self.model.tables[name].items()] if there else []
            assert sorted(out.splitlines()) == sorted(want), (out, want)

    @invariant()
    def same_sets(self):
        off = sorted(self.model.disabled)
        on = [n for n in range(31) if n not in off]
        want = ' '.join((['disable', *map(str, off)] if off else []) +
                        ['enable', *map(str, on)])
        assert self.run('set show', 0).strip() == want


class PacketMachine(Machine):
    """The same with packets and time."""

    def send_one(self, packet, port):
        frame, octets = frame_of(packet)
        try:
            passes = self.model.send(packet, octets, port)
        except Endless:
            self.begin('allow', 16384)
            return
        sent = self.driver.send(port, frame)
        other = 'em1' if port == 'em0' else 'em0'
        assert sent == ([(other, frame)] if passes else []), \
            '%s at %s: %s, not %s' % (packet, port, sent, passes)

    @rule(packet=packets(), port=st.sampled_from(('em0', 'em1')))
    def send(self, packet, port):
        self.send_one(packet, port)

    @rule(some=st.lists(packets(), min_size=2, max_size=6))
    def send_some(self, some):
        for packet in some:
            self.send_one(packet, 'em0')

    @rule(ends=st.sampled_from((('10.0.0.1', '192.0.2.1'),
                                ('10.0.0.2', '10.0.0.1'))),
          n=st.integers(1, 7))
    def connect(self, ends, n):
        """The first packets of a connection, from opening to close."""
        a, b = ends
        there, back = (a, b, 1000, 80), (b, a, 80, 1000)
        for way, flags, ack in ((there, 'S', 0), (back, 'SA', 1),
                                (there, 'A', 1), (back, 'A', 2),
                                (there, 'FA', 2), (back, 'FA', 3),
                                (there, 'A', 3))[:n]:
            self.send_one(Packet('tcp', *way, flags, ack),
                          'em0' if way is there else 'em1')

    @rule(talk=st.lists(st.tuples(
        st.booleans(), st.sampled_from(('A', 'A', 'A', 'FA')),
        st.integers(1, 6), st.sampled_from((0, 0, 1, 100))),
        min_size=1, max_size=6))
    def converse(self, talk):
        """A connection that opens and then acknowledges, with pauses."""
        there, back = ('10.0.0.1', '192.0.2.1', 1000, 80), \
            ('192.0.2.1', '10.0.0.1', 80, 1000)
        self.send_one(Packet('tcp', *there, 'S', 0), 'em0')
        self.send_one(Packet('tcp', *back, 'SA', 1), 'em1')
        for forward, flags, ack, pause in talk:
            if pause:
                self.time_passes(pause)
            self.send_one(Packet('tcp', *(there if forward else back), flags,
                                 ack), 'em0')
            self.same_rules_and_states()

    @rule(seconds=st.sampled_from((1, 1, 4, 5, 9, 10, 20, 100, 300)))
    def time_passes(self, seconds):
        self.model.clock(seconds)
        self.driver.clock(seconds)
