#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Everything passes, over each kind of port; jumbo frames over some.

usage: forward.t [KIND-KIND | KIND-vale-KIND ...]

pairs.t has the mixed ones.
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import cases
from lab import Lab
from path import Path
from tap import Tap

PATHS = ['xdp-xdp', 'packet-packet', 'tap-tap']
JUMBO = ['xdp-tap', 'packet-packet']
JUMBO_MTU = 9000

report = Tap()
with Lab() as lab:
    for name in sys.argv[1:] or PATHS:
        kinds = name.split('-')
        with Path(lab, (kinds[0], kinds[-1]),
                  'vale' if len(kinds) == 3 else None) as path:
            cases.run(report, path)
    for name in [n for n in sys.argv[1:] or JUMBO if 'vale' not in n]:
        with Path(lab, name.split('-'), mtu=JUMBO_MTU) as path:
            cases.run(report, path, [
                ('a jumbo ping', cases.jumbo),
                ('jumbo frames', cases.maximum),
                ('frames of any size up to %d' % JUMBO_MTU, cases.stream),
                ('jumbo TCP', cases.tcp)])
report.end()
