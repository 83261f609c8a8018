#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Interfaces that go and come back, daemons that die, over each kind of port.

usage: life.t [KIND ...]
"""
import json
import os
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import cases
from lab import Lab, wait_until
from path import Path
from tap import Tap

KINDS = ['xdp', 'packet', 'tap']


def link(net, name):
    """What ip(8) says of an interface; empty if it is not there."""
    done = net.run('ip', '-j', '-d', 'link', 'show', 'dev', name)
    return json.loads(done.out)[0] if done.code == 0 else {}


def ours(path):
    """The namespace and name of the interface that kipfw is at."""
    return (path.a, 'eth0') if path.kinds[0] == 'tap' else (path.m, 'ka')


def alive(path):
    """The daemon is, and the hosts hear each other again."""
    good = path.ready() and all(d.process.poll() is None
                                for d in path.daemons)
    return good, ''


def as_before(path):
    """Nothing of kipfw is left at the interfaces of the path."""
    def clean():
        seen = [link(path.m, name) for name in ('ka', 'kb')]
        return not any(x.get('xdp') or x.get('promiscuity') for x in seen)
    return wait_until(clean), str([link(path.m, n) for n in ('ka', 'kb')])


def down_up(net, name):
    def case(path):
        net.ip('link set %s down' % name)
        heard = path.ready(0.3)
        net.ip('link set %s up' % name)
        if name == 'eth0':  # IPv6 addresses went
            net.ip('addr replace fd09::1/64 dev eth0 nodad')
        good, notes = alive(path)
        return good and not heard, notes or 'heard while down: %s' % heard
    return case


def removed(path):
    net, name = ours(path)
    net.ip('link del %s' % name)
    time.sleep(0.3)
    died = [d for d in path.daemons if d.process.poll() is not None]
    if died:
        return False, 'kipfw ended when its interface went'
    path.connect('ka')
    return alive(path)


def killed(path):
    """kill -9 under traffic: nothing stays behind, the next one takes over."""
    traffic = path.a.start('ping', '-n', '-q', '-i', '0.005', cases.B)
    for _ in range(3):
        path.kill()
        good, notes = as_before(path)
        if not good:
            return good, notes
        path.restart()
    traffic.send_signal(signal.SIGINT)
    return alive(path)


def again(path):
    """It works as well as before, a stream too."""
    good, notes = cases.ping4(path)
    if good:
        good, notes = cases.tcp(path)
    return good, notes


def visible(path):
    """What as_before() looks for is there while kipfw runs."""
    seen = link(path.m, 'ka')
    return 'xdp' in seen or path.kinds[0] != 'xdp', str(seen)


def stopped(path):
    """SIGTERM ends it with its totals, and the interfaces are as before."""
    code = path.daemons[0].stop()
    good, notes = as_before(path)
    return code == 0 and good and 'kipfw: received' in path.story(), notes


report = Tap()
with Lab() as lab:
    for kind in sys.argv[1:] or KINDS:
        with Path(lab, (kind, kind)) as path:
            table = [
                ('down and up', down_up(*ours(path))),
                ('the host down and up', down_up(path.a, 'eth0')),
                ('removed and made again', removed),
                ('works as before', again),
                ('killed and started', killed),
                ('works as before', again),
                ('its program is seen', visible),
                ('ends', stopped)]
            cases.run(report, path, [c for c in table if kind != 'tap' or
                                     not c[0].startswith(('the host', 'its'))])
report.end()
