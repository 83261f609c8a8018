# SPDX-License-Identifier: BSD-2-Clause
"""Talks to the rig (rig.c): the whole of kipfw without threads and clocks.

    rig = Rig()
    rig.reset('accept', '10.0.0.1')
    rig.ipfw('add 100 deny tcp from any to any 80')
    rig.send('em0', frame)      -> Fate(sent=[('em1', b'...')], drops={})
    rig.counts()                -> [(100, packets, octets), (65535, ...)]
"""
import collections
import os
import re
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))

Fate = collections.namedtuple('Fate', 'sent drops')
Answer = collections.namedtuple('Answer', 'code out err')


class Rig:
    def __init__(self, build=None):
        build = build or os.environ.get('RIG_BUILD', 'asan')
        self.path = os.path.join(ROOT, 'build', build, 'test', 'rig', 'rig')
        self.process = subprocess.Popen(
            [self.path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def close(self):
        """Ends it; its exit status, which is that of the sanitizers too."""
        self.process.stdin.close()
        self.process.stdout.close()
        return self.process.wait()

    def command(self, line):
        self.process.stdin.write(line.encode() + b'\n')
        self.process.stdin.flush()
        head = self.process.stdout.readline().split()
        if len(head) != 3:
            raise RuntimeError('the rig died at: %.200s' % line)
        code, n_out, n_err = map(int, head)
        read = self.process.stdout.read
        return Answer(code, read(n_out).decode(), read(n_err).decode())

    def reset(self, default='accept', *me):
        self.command(' '.join(('reset', default) + me))

    def try_ipfw(self, line):
        return self.command('ipfw ' + line)

    def ipfw(self, line):
        """What the command prints; it must not fail."""
        answer = self.try_ipfw(line)
        if answer.code != 0:
            raise RuntimeError('ipfw %s: %d, %s' % (
                line, answer.code, answer.err))
        return answer.out

    def send(self, port, *frames):
        """One burst."""
        out = self.command('send %s %s' % (
            port, ' '.join(bytes(f).hex() for f in frames))).out
        return fate(out)

    def clock(self, seconds):
        """Time passes; what is sent by itself then."""
        return fate(self.command('clock %d' % seconds).out)

    def counts(self):
        """(number, packets, octets) of each rule, in order."""
        words = iter(map(int, self.command('counts').out.split()))
        return list(zip(words, words, words))

    def opcodes(self):
        """Names of the opcodes that the rules consist of."""
        return set(self.command('opcodes').out.split())

    def listed_counts(self):
        """The same as 'ipfw -a list' tells it."""
        return [tuple(map(int, line.split()[:3]))
                for line in self.ipfw('-a list').splitlines()]


def supported_opcodes(kind):
    """Names of a kind's opcodes that the daemon takes, from insn.def."""
    with open(os.path.join(ROOT, 'src', 'rule', 'insn.def')) as f:
        return set(re.findall(
            r'^INSN\(\s*\d+,\s*(\w+),\s*%s,.*\bOK\)' % kind, f.read(), re.M))


def fate(text):
    sent, drops = [], {}
    for line in text.splitlines():
        words = line.split()
        if words[0] == 'drop':
            drops[words[1]] = int(words[2])
        else:
            sent.append((words[0], bytes.fromhex(words[1])))
    return Fate(sent, drops)
