# SPDX-License-Identifier: BSD-2-Clause
"""Two hosts, and kipfw between them.

    a [eth0 10.9.0.1 fd09::1] -- [ka  kipfw  kb] -- [eth0 10.9.0.2 fd09::2] b

'kinds' names the ports, ('xdp', 'tap,segments') say; ('bridge', 'bridge') has the
kernel's bridge in kipfw's place, which shows that the hosts and the cases are sound.
With via='vale' two daemons meet at a switch: ka kipfw vale:l, vale:r kipfw kb.
"""
import os
import random
import signal

from lab import BIN, PATIENCE_S, end, wait_until

LOG_LINES = 30


class Kipfw:
    """A daemon in a namespace."""

    def __init__(self, net, ports, name='kipfw', tcp=5555, options=()):
        self.net = net
        self.argv = [os.path.join(BIN, 'kipfw'), '-p', str(tcp), *options,
                     *ports]
        self.env = dict(os.environ, IPFW_HOST='127.0.0.1', IPFW_PORT=str(tcp),
                        KIPFW_SHM=net.lab.dir)
        self.log_path = os.path.join(net.lab.dir, '%s.%d.log' % (
            name, random.getrandbits(40)))
        self.start()

    def start(self):
        self.process = self.net.start(*self.argv, log=self.log_path,
                                      env=self.env)
        wait_until(lambda: 'control on' in self.log() or
                   self.process.poll() is not None)
        if 'control on' not in self.log():
            raise RuntimeError('kipfw did not start: ' + self.log())

    def log(self):
        with open(self.log_path) as f:
            return f.read()

    def ipfw(self, *words):
        return self.net.must(os.path.join(BIN, 'ipfw'), *words, env=self.env)

    def stop(self, sig=signal.SIGTERM):
        """Its exit status; its last words are in the log."""
        return end(self.process, sig)

    def story(self):
        """What a reader of a failure wants to see of it."""
        lines = self.log().splitlines()[-LOG_LINES:]
        code = self.process.poll()
        if code is not None:
            return '\n'.join(lines + ['kipfw: ended with %d' % code])
        show = self.net.run(os.path.join(BIN, 'ipfw'), 'show', env=self.env)
        return '\n'.join(lines) + '\n' + show.out + show.err


class Path:
    queues = 1  # of each cable

    def __init__(self, lab, kinds, via=None, mtu=1500, options=(), queues=None):
        self.lab, self.kinds, self.mtu, self.via = lab, tuple(kinds), mtu, via
        self.queues = queues or self.queues
        self.a, self.m, self.b = lab.net(), lab.net(), lab.net()
        self.m.knob('ipv6/conf/all/disable_ipv6', '1')
        self.m.knob('ipv6/conf/default/disable_ipv6', '1')
        self.hosts = {'ka': (self.a, 1), 'kb': (self.b, 2)}
        self.daemons = []
        self.plug(cables=True)
        self.begin(options)
        self.plug(cables=False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.lab.forget(self.a, self.m, self.b)

    def __str__(self):
        return ('-%s-' % self.via if self.via else '-').join(self.kinds) + (
            ' by %d queues' % self.queues if self.queues > 1 else '')

    def kind_of(self, name):
        return self.kinds[name == 'kb'].partition(',')[0]

    def plug(self, cables):
        """Makes our ends of the cables, or takes the taps that kipfw made."""
        for name in ('ka', 'kb'):
            if (self.kind_of(name) != 'tap') == cables:
                self.connect(name)

    def connect(self, name):
        """One host's interface, new."""
        net, number = self.hosts[name]
        if self.kind_of(name) == 'tap':
            if not wait_until(lambda: self.m.has(name)):
                raise RuntimeError('no tap %s: %s' % (name, self.story()))
            self.m.ip('link set %s netns %s name eth0' % (name, net.path))
            net.ip('link set eth0 mtu %d' % self.mtu)
        else:
            self.m.cable(name, net, 'eth0', self.mtu, self.queues)
            self.m.up(name)
        net.up('eth0', '10.9.0.%d/24' % number, 'fd09::%d/64' % number)

    def begin(self, options=()):
        """Starts the firewall, or the bridge."""
        ka, kb = ('%s:%s%s%s' % (kind, name, comma, more)
                  for (kind, comma, more), name in zip(
                      (k.partition(',') for k in self.kinds), ('ka', 'kb')))
        if self.kinds[0] == 'bridge':
            self.m.ip('link add br0 mtu %d type bridge' % self.mtu,
                      'link set ka master br0', 'link set kb master br0',
                      'link set br0 up')
        elif self.via:
            switch = 'vale%x' % random.getrandbits(20)
            self.daemons = [
                Kipfw(self.m, [ka, switch + ':l'], 'left', 5555, options),
                Kipfw(self.m, [switch + ':r', kb], 'right', 5557, options)]
        else:
            self.daemons = [Kipfw(self.m, [ka, kb], options=options)]

    def ipfw(self, *words):
        return self.daemons[0].ipfw(*words)

    def kill(self):
        """The daemons die at once; taps go with them."""
        for daemon in self.daemons:
            daemon.stop(signal.SIGKILL)

    def restart(self):
        for daemon in self.daemons:
            daemon.start()
        self.plug(cables=False)

    def story(self):
        return '\n'.join(d.story() for d in self.daemons)

    def ready(self, seconds=PATIENCE_S):
        """True as soon as a hears b."""
        return wait_until(lambda: self.a.run(
            'ping', '-n', '-c', '1', '-W', '1', '10.9.0.2').code == 0, seconds)
