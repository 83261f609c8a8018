#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Everything passes, over each pair of kinds, and over a switch in between."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import cases
from lab import Lab
from path import Path
from tap import Tap

PAIRS = ['xdp-packet', 'xdp-tap', 'packet-tap']
OVER_VALE = ['xdp-packet', 'packet-tap', 'tap-xdp']

report = Tap()
with Lab() as lab:
    for via, pairs in ((None, PAIRS), ('vale', OVER_VALE)):
        for name in pairs:
            with Path(lab, name.split('-'), via) as path:
                cases.run(report, path)
report.end()
