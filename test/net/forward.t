#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Everything passes, over each kind of port, each pair, and over a switch.

usage: forward.t [KIND-KIND | KIND-vale-KIND ...]
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import cases
from lab import Lab
from path import Path
from tap import Tap

PATHS = ['xdp-xdp', 'packet-packet', 'tap-tap', 'xdp-packet', 'xdp-tap',
         'packet-tap', 'xdp-vale-packet', 'packet-vale-tap', 'tap-vale-xdp']

report = Tap()
with Lab() as lab:
    for name in sys.argv[1:] or PATHS:
        kinds = name.split('-')
        with Path(lab, (kinds[0], kinds[-1]),
                  'vale' if len(kinds) == 3 else None) as path:
            cases.run(report, path)
report.end()
