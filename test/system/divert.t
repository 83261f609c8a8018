#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""divert and tee, end to end, with the example program as the listener."""
import os
import stat
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from daemon import PATIENCE_S, ROOT, BIN, ipfw  # noqa: E402
import daemon as kipfw  # noqa: E402
N = 20


def start(tmp):
    return kipfw.start(os.path.join(tmp, 'out'), None, '--divert',
                       os.path.join(tmp, 'divert'), 'valeA:f', 'valeB:f')


class Listener:
    """The example program; what it says ends up in a file."""

    def __init__(self, tmp, *words):
        self.said = os.path.join(tmp, 'listener')
        self.proc = subprocess.Popen(
            [os.path.join(ROOT, 'examples', 'divert.py'),
             os.path.join(tmp, 'divert'), *words],
            stdout=open(self.said, 'w'), stderr=subprocess.STDOUT)
        self.wait(1)

    def lines(self):
        with open(self.said) as f:
            return f.read().splitlines()

    def wait(self, n):
        end = time.time() + PATIENCE_S
        while len(self.lines()) < n and time.time() < end:
            time.sleep(0.02)
        return self.lines()

    def stop(self):
        self.proc.terminate()
        self.proc.wait()


def wait_until(condition):
    """Waits, but not for ever; returns the condition's last word."""
    end = time.time() + PATIENCE_S
    while not condition() and time.time() < end:
        time.sleep(0.02)
    return condition()


def send(gone=None):
    """N packets from valeA:1 to valeB:1; returns how many arrive: all, or those
    that do until gone() says that no more will."""
    gen = os.path.join(BIN, 'pkt-gen')
    sink = subprocess.Popen([gen, '-i', 'valeB:1', '-f', 'rx', '-n', str(N),
                             '--json', '-w', '0', '-T', '0'],
                            stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL, text=True)
    wait_until(lambda: 'valeB:1 ' in subprocess.run(
        [os.path.join(BIN, 'vale-ctl')], capture_output=True, text=True,
        timeout=PATIENCE_S).stdout)
    subprocess.run([gen, '-i', 'valeA:1', '-f', 'tx', '-n', str(N), '-R',
                    '1000', '-w', '0', '-T', '0'], timeout=PATIENCE_S,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if gone:
        wait_until(gone)
        sink.terminate()
    try:
        said = sink.communicate(timeout=PATIENCE_S)[0]
    except subprocess.TimeoutExpired:
        sink.terminate()    # it tells how many there were
        said = sink.communicate()[0]
    for word in said.replace(',', ' ').replace('{', ' ').split('"packets":'):
        head = word.strip().split()
        if head and head[0].isdigit():
            return int(head[0])
    return 0


def count(port, rule):
    for line in ipfw(port, 'show').splitlines():
        if line.split()[0] == '%05d' % rule:
            return int(line.split()[1])
    return None


def check(n, good, what, seen=''):
    print('%sok %d - %s' % ('' if good else 'not ', n, what), flush=True)
    if not good:
        print('# saw: %r' % (seen,), flush=True)


def main():
    print('1..9', flush=True)
    with tempfile.TemporaryDirectory(prefix='kipfw-divert-') as tmp:
        shm = os.path.join(tmp, 'shm')
        os.mkdir(shm, 0o700)
        os.environ['KIPFW_SHM'] = shm
        daemon, port = start(tmp)
        try:
            mode = os.stat(os.path.join(tmp, 'divert')).st_mode
            check(1, stat.S_IMODE(mode) == 0o600, 'the owner\'s alone',
                  oct(mode))
            ipfw(port, 'add', '100', 'divert', '1000', 'udp', 'from', 'any',
                 'to', 'any')
            ipfw(port, 'add', '200', 'count', 'ip', 'from', 'any', 'to', 'any',
                 'diverted')
            got = send(lambda: count(port, 100) == N)
            check(2, got == 0 and count(port, 100) == N,
                  'divert without a listener drops', (got, count(port, 100)))
            listener = Listener(tmp, '1000')
            second = subprocess.run(
                [os.path.join(ROOT, 'examples', 'divert.py'),
                 os.path.join(tmp, 'divert'), '1000'], capture_output=True,
                text=True, timeout=PATIENCE_S)
            check(3, second.returncode != 0 and 'port 1000' in second.stderr,
                  'a port has one listener', second.stderr)
            got = send()
            said = listener.wait(1 + N)
            check(4, said[1:] == ['rule 100: 60 octets, valeA:f -> valeB:f, '
                                  'mark 0x0'] * N, 'every packet is heard of',
                  said)
            check(5, got == N and count(port, 200) == N,
                  'and goes on at the rule after', (got, count(port, 200)))
            ipfw(port, '-q', 'flush')
            ipfw(port, 'add', '50', 'setmark', '0x10', 'ip', 'from', 'any',
                 'to', 'any')
            ipfw(port, 'table', 'T', 'create', 'type', 'addr', 'valtype',
                 'divert')
            ipfw(port, 'table', 'T', 'add', '0.0.0.0/0', '1000')
            said = ipfw(port, 'add', '100', 'tee', 'tablearg', 'ip', 'from',
                        'table(T)', 'to', 'any')
            check(6, 'tee tablearg' in said, 'tee by a table', said)
            got = send()
            said = listener.wait(1 + 2 * N)
            check(7, got == N and said[1 + N:] ==
                  ['rule 100: 60 octets, valeA:f -> valeB:f, mark 0x10, '
                   'a copy'] * N, 'copies, and the packets go on',
                  (got, said[1 + N:]))
            listener.stop()
            got = send()
            check(8, got == N, 'tee without a listener lets pass', got)
        finally:
            daemon.terminate()
            daemon.wait()
        with open(os.path.join(tmp, 'out')) as f:
            said = f.read()
        check(9, 'kipfw: 40 packets to divert listeners, 20 given back, '
              '0 copies lost' in said and
              '20 diverted, and nobody listens there' in said,
              'the farewell tells', said)


main()
