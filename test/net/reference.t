#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The same hosts and cases with the kernel's bridge in kipfw's place.

nft stands for rules, tc for pipes.  What fails here is the test's or the machine's
fault, not kipfw's; the figures are for comparison with those of rules.t.
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import cases
from lab import Lab
from path import Path
from tap import Tap

RATE = 10e6
DELAY_MS = 30


def denied(path):
    path.m.must('nft', 'add table bridge t; add chain bridge t f '
                '{ type filter hook forward priority 0; }; '
                'add rule bridge t f ip protocol icmp counter drop')
    got, _, text = cases.ping(path.a, cases.B, count=3, more=('-W', '0.3'))
    path.m.must('nft', 'delete table bridge t')
    back, _, _ = cases.ping(path.a, cases.B, count=3)
    return got == 0 and back == 3, text


def limited(path):
    path.m.must('tc', 'qdisc', 'add', 'dev', 'kb', 'root', 'tbf', 'rate',
                '%dbit' % RATE, 'burst', '5kb', 'latency', '50ms')
    got = cases.share(path, RATE)
    path.m.must('tc', 'qdisc', 'del', 'dev', 'kb', 'root')
    return got


def delayed(path):
    done = path.m.run('tc', 'qdisc', 'add', 'dev', 'kb', 'root', 'netem',
                      'delay', '%dms' % DELAY_MS)
    if done.code != 0:
        return True, 'this kernel has no netem'
    got, rtt, text = cases.ping(path.a, cases.B)
    path.m.must('tc', 'qdisc', 'del', 'dev', 'kb', 'root')
    return got == 10 and rtt[0] >= DELAY_MS, text


report = Tap()
with Lab() as lab:
    with Path(lab, ('bridge', 'bridge')) as path:
        cases.run(report, path)
        cases.run(report, path, [('nft drops', denied),
                                 ('tbf', limited),
                                 ('netem', delayed)])
report.end()
