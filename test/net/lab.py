# SPDX-License-Identifier: BSD-2-Clause
"""A laboratory: network namespaces, and programs that run in them.

    with Lab() as lab:
        a, b = lab.net(), lab.net()
        a.cable('eth0', b, 'eth0')
        a.up('eth0', '10.9.0.1/24')
        print(a.run('ping', '-c', '1', '10.9.0.2').out)

Nothing but a folder of files is left behind, however a test ends.  A namespace has no name: it is held
by a descriptor of this process, and its interfaces go with it.  A program gets
SIGKILL when this process dies; until then it is known by its Popen, and ended by
that alone.  Every wait has an end.
"""
import collections
import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
BIN = os.path.realpath(os.environ.get('KIPFW_BIN', os.path.join(ROOT, 'bin')))
PATIENCE_S = 60  # for what takes milliseconds on a machine with nothing to do
CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1

libc = ctypes.CDLL(None, use_errno=True)

Done = collections.namedtuple('Done', 'code out err')


def checked(result, what):
    if result != 0:
        raise OSError(ctypes.get_errno(), what)


def wait_until(condition, seconds=PATIENCE_S, step=0.02):
    """What 'condition' returns as soon as that is true, or its last word."""
    end = time.monotonic() + seconds
    while True:
        got = condition()
        if got or time.monotonic() > end:
            return got
        time.sleep(step)


class Lab:
    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix='kipfw-net.')
        self.started = []
        self.nets = []
        for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(sig, lambda *_: sys.exit(1))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.started:
            end(process)
        for net in self.nets:
            os.close(net.fd)
        shutil.rmtree(self.dir, ignore_errors=True)

    def net(self):
        """A new namespace with nothing but its loopback interface."""
        net = Net(self)
        self.nets.append(net)
        return net

    def forget(self, *nets):
        """Ends what runs in these namespaces, and them."""
        for process in [p for p in self.started if p.net in nets]:
            end(process)
            self.started.remove(process)
        for net in nets:
            self.nets.remove(net)
            os.close(net.fd)


def end(process, sig=signal.SIGKILL, seconds=PATIENCE_S):
    """Ends a program; its exit status."""
    if process.poll() is None:
        process.send_signal(sig)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    return process.returncode


class Net:
    def __init__(self, lab):
        self.lab = lab
        self.home = os.open('/proc/thread-self/ns/net', os.O_RDONLY)
        checked(libc.unshare(CLONE_NEWNET), 'unshare')
        self.fd = os.open('/proc/thread-self/ns/net', os.O_RDONLY)
        checked(libc.setns(self.home, CLONE_NEWNET), 'setns')
        os.close(self.home)
        self.ip('link set lo up')

    @contextlib.contextmanager
    def inside(self):
        """Sockets that are made inside belong to this namespace."""
        home = os.open('/proc/thread-self/ns/net', os.O_RDONLY)
        checked(libc.setns(self.fd, CLONE_NEWNET), 'setns')
        try:
            yield
        finally:
            checked(libc.setns(home, CLONE_NEWNET), 'setns')
            os.close(home)

    def enter(self):
        """For a child between fork and exec."""
        libc.setns(self.fd, CLONE_NEWNET)
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

    @property
    def path(self):
        """Names it for 'ip link ... netns'."""
        return '/proc/%d/fd/%d' % (os.getpid(), self.fd)

    def run(self, *cmd, seconds=PATIENCE_S, env=None, stdin=None):
        """Runs a program to its end, which comes after 'seconds' at the latest."""
        process = subprocess.Popen(
            cmd, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            stdin=subprocess.PIPE, preexec_fn=self.enter, env=env)
        try:
            out, err = process.communicate(stdin, seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            err += '%s: ended after %d seconds\n' % (cmd[0], seconds)
        return Done(process.returncode, out, err)

    def must(self, *cmd, **kw):
        """As run(), for what cannot fail."""
        done = self.run(*cmd, **kw)
        if done.code != 0:
            raise RuntimeError('%s: %s' % (' '.join(cmd), done.err))
        return done.out

    def start(self, *cmd, log=None, env=None):
        """Starts a program that the lab ends; its output goes to file 'log'."""
        out = open(log, 'w') if log else subprocess.DEVNULL
        process = subprocess.Popen(
            cmd, stdout=out, stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL, preexec_fn=self.enter, env=env)
        process.net = self
        if log:
            out.close()
        self.lab.started.append(process)
        return process

    def ip(self, *lines):
        """Lines of ip(8), without the word."""
        self.must('ip', '-batch', '-', stdin='\n'.join(lines) + '\n')

    def cable(self, name, other, other_name, mtu=1500, queues=1):
        """A veth pair from here to there."""
        more = 'mtu %d' % mtu
        if queues > 1:
            more += ' numtxqueues %d numrxqueues %d' % (queues, queues)
        self.ip('link add %s %s type veth peer name %s %s netns %s' % (
            name, more, other_name, more, other.path))

    def up(self, name, *addresses):
        """Gives an interface its addresses, which are ready at once."""
        self.ip(*['addr add %s dev %s %s' % (
            a, name, 'nodad' if ':' in a else '') for a in addresses],
            'link set %s up' % name)

    def has(self, name):
        return self.run('ip', 'link', 'show', 'dev', name).code == 0

    def knob(self, name, value):
        """A sysctl of net, such as 'ipv6/conf/all/disable_ipv6'."""
        with self.inside(), open('/proc/sys/net/' + name, 'w') as f:
            f.write(value)

    def counters(self, *names):
        """What the kernel counts here, such as 'TcpInCsumErrors'."""
        got = {}
        with self.inside(), open('/proc/thread-self/net/snmp') as f:
            lines = [line.split() for line in f]
        for keys, values in zip(lines[::2], lines[1::2]):
            for key, value in zip(keys[1:], values[1:]):
                got[keys[0][:-1] + key] = int(value)
        return {name: got.get(name, 0) for name in names}

    def packets(self, name, what='rx_packets'):
        """A counter of an interface."""
        with self.inside(), open('/proc/thread-self/net/dev') as f:
            for line in f:
                key, _, rest = line.partition(':')
                if key.strip() == name:
                    fields = rest.split()
                    return int(fields[{'rx_packets': 1, 'rx_dropped': 3,
                                       'tx_packets': 9,
                                       'tx_dropped': 11}[what]])
        return 0
