#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Every match option against every frame.

Each option of test/opcode/options.py stands in a rule of its own, plain, negated
and in or-blocks; each frame of test/opcode/frames.py passes all of them, alone,
from both sides, with and without the pass on the way out, and once more in
bursts.  Which rules must have counted it, and how many octets, is written from
the manual.
"""
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(ROOT, 'test', d) for d in ('rig', 'opcode')]
import frames  # noqa: E402
import options  # noqa: E402
from rig import Rig, supported_opcodes  # noqa: E402

# Tested elsewhere: PROB in actions.t, DIVERTED with the listener it needs.
ELSEWHERE = {'PROB', 'DIVERTED'}
NEVER, ALWAYS = 'tagged 4000', 'layer2'
MAX_NOTES = 10


def variants():
    """(rule body, test) of everything to ask."""
    for text, test in options.all_options():
        whole = 'ip from any to any ' + text
        yield whole, test
        yield ('ip from any to any not ' + text,
               lambda f, p, t=test: not t(f, p))
        for block, negated in (('{ %s or ' + NEVER + ' }', False),
                               ('{ ' + NEVER + ' or not %s }', True)):
            yield ('ip from any to any ' + block % text,
                   lambda f, p, t=test, n=negated: t(f, p) != n)
        # What follows the block is asked, whichever element was true.
        yield ('ip from any to any { %s or %s } not tagged 7' % (
            text, ALWAYS), lambda f, p: 7 not in p.tags)
    yield from options.all_bodies()


def tags_of(f):
    """What the rules of options.SETUP give a packet."""
    is_tcp = f.family is not None and f.proto == 6
    tags = ([7] if is_tcp else []) + ([8] if is_tcp and f.dport == 80 else [])
    return tags, 0x1234 if f.family is not None and f.proto == 17 else 0


def passes(f, port, out_pass):
    if f.bad:
        return
    other = 'em1' if port == 'em0' else 'em0'
    tags, mark = tags_of(f)
    yield options.Pass(False, port, other, tags, mark)
    if out_pass:
        yield options.Pass(True, port, other, tags, mark)


class Matrix:
    def __init__(self, rig):
        self.rig = rig
        self.number = 0
        self.rows = list(variants())
        self.known = {}

    def begin(self, out_pass):
        rig = self.rig
        rig.reset('accept', *options.ME)
        rig.ipfw('sysctl net.inet.ip.fw.out_pass=%d' % out_pass)
        for line in options.SETUP:
            rig.ipfw('-q ' + line)
        for i, (body, _) in enumerate(self.rows):
            rig.ipfw('-q add %d count %s' % (options.FIRST_RULE + i, body))
        self.before = self.counts()

    def counts(self):
        """Packets and octets of each row."""
        found = [n for n in self.rig.counts()
                 if options.FIRST_RULE <= n[0] < 65535]
        assert len(found) == len(self.rows)
        return [n[1:] for n in found]

    def report(self, name, wrong):
        self.number += 1
        print('%s %d - %s' % ('not ok' if wrong else 'ok', self.number, name),
              flush=True)
        for line in wrong[:MAX_NOTES]:
            print('#   ' + line)
        if len(wrong) > MAX_NOTES:
            print('#   and %d more' % (len(wrong) - MAX_NOTES))

    def hits(self, f, port, out_pass):
        """How often each row must match a frame."""
        key = f.name, port, out_pass
        if key not in self.known:
            self.known[key] = [
                sum(bool(test(f, p)) for p in passes(f, port, out_pass))
                for _, test in self.rows]
        return self.known[key]

    def expected(self, fs, port, out_pass):
        """Packets and octets of each row for these frames."""
        want = [[0, 0] for _ in self.rows]
        for f in fs:
            for row, n in zip(want, self.hits(f, port, out_pass)):
                row[0] += n
                row[1] += n * f.counted
        return [tuple(w) for w in want]

    def compare(self, name, fs, port, out_pass):
        before = self.before
        fate = self.rig.send(port, *[f.octets for f in fs])
        self.before = self.counts()
        delta = [(b[0] - a[0], b[1] - a[1])
                 for a, b in zip(before, self.before)]
        wrong = ['%s: %s, not %s' % (row[0], got, want)
                 for row, got, want in zip(
                     self.rows, delta, self.expected(fs, port, out_pass))
                 if got != want]
        other = 'em1' if port == 'em0' else 'em0'
        if fate.sent != [(other, f.octets) for f in fs if not f.bad]:
            wrong.append('not everything went on: %s' % (fate,))
        bad = sorted(f.bad for f in fs if f.bad)
        got_bad = sorted(r for r, n in fate.drops.items() for _ in range(n))
        if bad != got_bad:
            wrong.append('dropped %s, not %s' % (got_bad, bad))
        self.report(name, wrong)

    def run(self):
        fs = frames.all_frames()
        self.begin(False)
        for f in fs:
            self.compare(f.name, [f], 'em0', False)
        for n in (3, 64, 256):
            for at in range(0, len(fs), n) if n > 3 else (0, 90):
                self.compare('burst of %d at %d' % (n, at), fs[at:at + n],
                             'em0', False)
        self.report('ipfw -a list tells the same', [] if
                    self.rig.listed_counts() == self.rig.counts() else
                    ['it does not'])
        missing = supported_opcodes('MATCH') - ELSEWHERE - self.rig.opcodes()
        self.report('every opcode is asked', sorted(missing))
        self.begin(True)
        for at in range(0, len(fs), 60):
            self.compare('both passes, frames from %d' % at, fs[at:at + 60],
                         'em0' if at % 120 else 'em1', True)


def main():
    matrix = Matrix(Rig())
    matrix.run()
    status = matrix.rig.close()
    matrix.report('the rig ends well', [] if status == 0 else
                  ['status %d' % status])
    print('# %d rules' % len(matrix.rows))
    print('1..%d' % matrix.number)


main()
