#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""In a machine of test/vm/boot: kipfw between two hosts.

usage: interfaces.py netmap              over veth, by netmap's module
       interfaces.py CARD+PORT+PORT ...  over cards, igb+xdp:ka+xdp:kb say

Cards are moved into namespaces, eth0 - ka kipfw kb - eth0, and leave segments and
VLAN tags as they come (ethtool).  They are cards: they filter, pad short frames and
deliver by several queues; so hosts accept any address, and what is compared is the
order of one flow.
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), 'net'))

import cases
from lab import Lab, wait_until
from path import Kipfw, Path
from tap import Tap

NUMBER = {'virtio': 1, 'igb': 2, 'e1000e': 3}
ENDS = {'ka': (1, 2), 'kb': (4, 3)}  # the host's card, and ours
TABLE = [('ping', cases.ping4), ('longest', cases.jumbo), ('VLAN', cases.vlan),
         ('in order', cases.stream), ('TCP', cases.tcp), ('UDP', cases.udp)]


def card(kind, i):
    """The name that this card has now."""
    want = '52:54:00:00:%02x:%02x' % (NUMBER[kind], i)

    def look():
        for name in os.listdir('/sys/class/net'):
            try:
                with open('/sys/class/net/%s/address' % name) as f:
                    if f.read().strip() == want:
                        return name
            except OSError:
                pass  # it is just being renamed
        return None
    return wait_until(look)


class Cards(Path):
    def __init__(self, lab, kind, ports):
        self.kind, self.ports = kind, ports
        super().__init__(lab, ('xdp', 'xdp'))

    def __str__(self):
        return ' '.join([self.kind] + self.ports)

    def connect(self, name):
        host, number = self.hosts[name]
        for net, i, new in zip((host, self.m), ENDS[name], ('eth0', name)):
            old = card(self.kind, i)
            self.lab.home.ip('link set %s down' % old,
                             'link set %s netns %s' % (old, net.path))
            net.ip('link set %s name %s' % (old, new))
        host.ip('link set eth0 promisc on')
        host.run('ethtool', '-K', 'eth0', 'gro', 'off')
        self.m.run('ethtool', '-K', name, 'rxvlan', 'off', 'gro', 'off')
        self.m.up(name)
        host.up('eth0', '10.9.0.%d/24' % number, 'fd09::%d/64' % number)

    def begin(self, options=()):
        self.daemons = [Kipfw(self.m, self.ports, options=options)]


class Home:
    """The namespace that we are in."""

    @staticmethod
    def ip(*lines):
        for line in lines:
            if os.system('ip ' + line) != 0:
                raise RuntimeError('ip ' + line)


def over_veth(lab, report):
    for mended in (False, True):
        with Path(lab, ('netmap', 'netmap')) as path:
            for net in (path.a, path.b) if mended else ():
                net.must('ethtool', '-K', 'eth0', 'tso', 'off', 'gso', 'off')
            cases.run(report, path, TABLE)
            print(path.story())


if __name__ == '__main__':
    report = Tap()
    with Lab() as lab:
        lab.home = Home
        for what in sys.argv[1:]:
            if what == 'netmap':
                over_veth(lab, report)
                continue
            kind, *ports = what.split('+')
            os.system('modprobe ' + {'virtio': 'virtio_net'}.get(kind, kind))
            with Cards(lab, kind, ports) as path:
                cases.run(report, path, TABLE)
                print(path.story())
    report.end()
