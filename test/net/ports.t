#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What ports refuse, and their options over the same cases as without."""
import os
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import cases
from lab import BIN, PATIENCE_S, Lab
from path import Path
from tap import Tap

REFUSED = [  # ports of one kipfw, and what it must say
    ('xdp:none', 'none'),
    ('packet:none', 'none'),
    ('xdp:', ''),
    ('packet:', ''),
    ('tap:', ''),
    ('xdp:ka,nonsense', 'nonsense'),
    ('packet:ka,nonsense', 'nonsense'),
    ('tap:t,nonsense', 'nonsense'),
    ('xdp:ka/7', '7'),
    ('xdp:a-name-that-is-too-long', 'a-name-that-is-too-long'),
    ('packet:a-name-that-is-too-long', 'a-name-that-is-too-long'),
    ('tap:a-name-that-is-too-long', 'a-name-that-is-too-long'),
    ('tap:ka', 'ka'),           # there is one, but no tap
    ('xdp:ka', 'ka'),           # in use
]
OPTIONS = [  # ports, queues of a cable, options of kipfw
    (('xdp,generic', 'xdp,generic'), 1, ()),
    (('xdp,busy-poll', 'xdp,copy'), 1, ()),
    (('xdp', 'xdp'), 2, ('-w', '2')),
    (('xdp', 'packet,segments'), 2, ('--out-pass',)),
    (('packet,qdisc', 'tap,segments'), 1, ()),
]
SHORT = [(name, case) for name, case, _ in cases.EVERYTHING if name in (
    'ping', 'fragments', 'VLAN tags', 'frames of any size', 'UDP segments',
    'TCP', 'TCP, other way')]


def kipfw(net, *ports, user=None):
    """Runs kipfw until it gives up; exit status and what it said."""
    cmd = [os.path.join(BIN, 'kipfw'), '-p', '6000', *ports]
    if user:
        cmd = ['setpriv', '--reuid', user, '--clear-groups', '--'] + cmd
    done = net.run(*cmd, env=dict(os.environ, KIPFW_SHM=net.lab.dir))
    return done.code, done.err


def refusals(report, path):
    for port, word in REFUSED:
        code, said = kipfw(path.m, port, 'sink:')
        lines = [line for line in said.splitlines() if 'info' not in line]
        report.ok(code in (64, 69) and len(lines) == 1 and word in lines[0],
                  '%s is refused with a sentence' % port, code, said)
        report.note(said)
    report.ok(path.ready(), 'nobody was disturbed', path.story())


def unprivileged(report, lab):
    """Without rights a port says which are missing."""
    net, other = lab.net(), lab.net()
    net.cable('ka', other, 'eth0')
    os.chmod(lab.dir, 0o755)
    for port in ('xdp:ka', 'packet:ka', 'tap:t'):
        code, said = kipfw(net, port, 'sink:', user='nobody')
        os.chmod(lab.dir, 0o700)
        report.ok(code == 69 and ('CAP_' in said or 'tun: Permission' in said),
                  '%s of a user without rights' % port, code, said)
        report.note(said)


def stopped_for_a_while(path):
    """Traffic meets a daemon that sleeps; then all is as before."""
    process = path.daemons[0].process
    flood = path.a.start('iperf3', '-u', '-b', '200M', '-t', '2', '-c',
                         cases.B)
    process.send_signal(signal.SIGSTOP)
    time.sleep(1)
    process.send_signal(signal.SIGCONT)
    flood.wait(PATIENCE_S)
    return cases.ping4(path)


report = Tap()
with Lab() as lab:
    with Path(lab, ('xdp', 'xdp')) as path:
        if report.ok(path.ready(), 'a kipfw that has the interfaces'):
            refusals(report, path)
    unprivileged(report, lab)
    for kinds, queues, options in OPTIONS:
        with Path(lab, kinds, queues=queues, options=options) as path:
            if 'generic' in kinds[0]:
                cases.single_frames(path)
            cases.run(report, path, SHORT)
            report.note(path.daemons[0].log())
            cases.run(report, path, [('stopped for a while',
                                      stopped_for_a_while)])
report.end()
