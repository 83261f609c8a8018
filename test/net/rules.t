#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Rules and pipes do to real traffic what they say, over each kind of port.

usage: rules.t [KIND ...]
"""
import errno
import os
import re
import socket
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import cases
import frames
from lab import Lab, wait_until
from path import Path
from tap import Tap

KINDS = ['xdp', 'packet', 'tap']
DELAY_MS = 30
RATE = 10e6
FRAMES = 1000
IP_RECVERR = 11


def clear(path):
    path.ipfw('-q', '-f', 'flush')
    path.ipfw('-q', '-f', 'pipe', 'flush')


def denied(path):
    """The rule takes ping away, and nothing else; without it, it is back."""
    path.ipfw('add', '100', 'deny', 'icmp', 'from', 'any', 'to', 'any')
    got, _, text = cases.ping(path.a, cases.B, count=3, more=('-W', '0.3'))
    end, complaint = cases.iperf(path, '-n', '1M')
    counted = int(path.ipfw('show', '100').split()[1])
    clear(path)
    back, _, _ = cases.ping(path.a, cases.B, count=3)
    return (got == 0 and end is not None and counted == 3 and back == 3,
            '%s%s\n%d counted, %d replies afterwards' % (
                text, complaint, counted, back))


def counted(path):
    """Each packet of a ping is counted once, there and back."""
    clear(path)
    path.ipfw('add', '100', 'count', 'icmp', 'from', cases.A, 'to', cases.B)
    path.ipfw('add', '200', 'count', 'icmp', 'from', cases.B, 'to', cases.A,
              'recv', 'kb')
    cases.ping(path.a, cases.B, count=20, size=100)
    lines = [path.ipfw('show', n).split()[1:3] for n in ('100', '200')]
    clear(path)
    return lines == [['20', str(20 * 128)]] * 2, str(lines)


def delayed(path):
    """A round trip takes the pipe's delay twice, and has not done so before, at
    least once."""
    for _ in range(20):
        _, before, _ = cases.ping(path.a, cases.B)
        if before[0] < 2 * DELAY_MS:
            break
    path.ipfw('pipe', '1', 'config', 'delay', '%dms' % DELAY_MS)
    path.ipfw('add', 'pipe', '1', 'ip', 'from', 'any', 'to', 'any')
    got, rtt, text = cases.ping(path.a, cases.B)
    clear(path)
    return (got == 10 and rtt[0] >= 2 * DELAY_MS > before[0],
            'without %.3f ms, with %.3f to %.3f\n%s' % (
                before[0], rtt[0], rtt[2], text))


def limited(path):
    """TCP gets what the pipe has, and less than without."""
    path.ipfw('pipe', '1', 'config', 'bw', '%dbit/s' % RATE)
    path.ipfw('add', 'pipe', '1', 'ip', 'from', cases.A, 'to', 'any')
    got = cases.share(path, RATE)
    clear(path)
    return got


def seen(path, rule):
    """Packets that a rule has counted."""
    return int(path.ipfw('show', rule).split()[1])


def lossy(path):
    """Of many frames about as many are lost as the pipe says; all others arrive."""
    path.ipfw('pipe', '1', 'config', 'plr', '0.3')
    path.ipfw('add', '100', 'pipe', '1', 'udp', 'from', 'any', 'to', 'any',
              '9')
    tx, rx = frames.Wire(path.a, 'eth0'), frames.Wire(path.b, 'eth0')
    good = True
    for i in range(FRAMES):
        tx.send(frames.udp4(60))
        if i % 50 == 49:  # what is under way fits every buffer
            good = good and wait_until(lambda: seen(path, '100') == i + 1)
    text = path.ipfw('-v', 'pipe', '1', 'show')
    lost = sum(map(int, re.findall(r'\tdropped: random loss (\d+)$', text, re.M)))
    got = len(rx.receive(FRAMES - lost))
    tx.close()
    rx.close()
    clear(path)
    # 15 standard deviations to either side
    return (good and got == FRAMES - lost and
            0.08 * FRAMES < lost < 0.52 * FRAMES,
            '%d arrived, %d lost by the pipe\n%s' % (got, lost, text))


def answered(path):
    """Who is rejected is told so at once, in the other host's name."""
    with path.b.inside():
        listener = socket.create_server((cases.B, 81))
    path.ipfw('add', '100', 'reset', 'tcp', 'from', 'any', 'to', 'any', '81')
    path.ipfw('add', '200', 'unreach', 'host', 'udp', 'from', 'any', 'to',
              'any', '82')
    said = []
    for kind, port in ((socket.SOCK_STREAM, 81), (socket.SOCK_DGRAM, 82)):
        with path.a.inside():
            s = socket.socket(socket.AF_INET, kind)
        s.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
        s.settimeout(30)
        try:
            s.connect((cases.B, port))
            s.send(b'x')
            s.recv(1)
            said.append('nothing')
        except OSError as e:
            said.append(errno.errorcode.get(e.errno, str(e)))
        s.close()
    listener.close()
    clear(path)
    return said == ['ECONNREFUSED', 'EHOSTUNREACH'], str(said)


def far(path):
    """Megabytes through a long pipe: what it holds is its own memory."""
    path.ipfw('pipe', '1', 'config', 'delay', '50ms')
    path.ipfw('add', 'pipe', '1', 'ip', 'from', 'any', 'to', 'any')
    end, complaint = cases.iperf(path, '-n', '20M', '-P', '4')
    got, rtt, text = cases.ping(path.a, cases.B)
    clear(path)
    return end is not None and got == 10 and rtt[0] >= 100, complaint + text


def reassembled(path):
    """Fragments become one packet to the rules behind, and arrive."""
    path.ipfw('add', '100', 'reass', 'ip4', 'from', 'any', 'to', 'any')
    path.ipfw('add', '200', 'count', 'icmp', 'from', cases.A, 'to', 'any')
    got, _, text = cases.ping(path.a, cases.B, count=5, size=4000)
    counted = path.ipfw('show', '200').split()[1:3]
    clear(path)
    return got == 5 and counted == ['5', str(5 * 4028)], '%s %s' % (
        counted, text)


def stateful(path):
    """Connections go out and come back; nothing comes in by itself."""
    path.ipfw('add', '100', 'check-state')
    path.ipfw('add', '200', 'allow', 'tcp', 'from', cases.A, 'to', 'any',
              'setup', 'keep-state')
    path.ipfw('add', '300', 'allow', 'not', 'ip4', 'from', 'any', 'to', 'any')
    path.ipfw('add', '400', 'deny', 'ip', 'from', 'any', 'to', 'any')
    end, complaint = cases.iperf(path, '-n', '1M')
    got, _, _ = cases.ping(path.b, cases.A, count=3, more=('-W', '0.3'))
    clear(path)
    return end is not None and got == 0, '%s, %d replies' % (complaint, got)


report = Tap()
with Lab() as lab:
    for kind in sys.argv[1:] or KINDS:
        with Path(lab, (kind, kind)) as path:
            cases.run(report, path, [
                ('deny takes effect', denied),
                ('every packet is counted once', counted),
                ('delay', delayed),
                ('bandwidth', limited),
                ('loss', lossy),
                ('a long pipe', far),
                ('answers to what is rejected', answered),
                ('fragments put together', reassembled),
                ('states', stateful)])
report.end()
