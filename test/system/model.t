#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Random commands and packets: kipfw does what the model in test/model does.

Once in the rig, with packets and a clock that is moved, and for a shorter while,
without packets, with a daemon and the ipfw program over TCP.  The same examples
are tried each time; MODEL_EXAMPLES=N tries N others of them, at random.
"""
import os
import random
import subprocess
import sys
import time
import traceback

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(ROOT, 'test', d) for d in ('rig', 'model')]
from hypothesis import HealthCheck, settings  # noqa: E402
from hypothesis.stateful import run_state_machine_as_test  # noqa: E402
from machine import Machine, PacketMachine  # noqa: E402
from rig import Rig  # noqa: E402

BIN = os.environ.get('KIPFW_BIN', os.path.join(ROOT, 'bin'))
PATIENCE_S = 120
EXAMPLES = int(os.environ.get('MODEL_EXAMPLES', 0))


class RigDriver:
    def __init__(self):
        self.rig = None
        self.n = 0

    def reset(self, default):
        if self.rig is None or self.rig.process.poll() is not None:
            self.rig = Rig(os.environ.get('RIG_BUILD', 'release'))
        self.rig.reset(default)

    def ipfw(self, line):
        self.n += 1
        return self.rig.try_ipfw(line)

    def send(self, port, frame):
        return self.rig.send(port, frame).sent

    def clock(self, seconds):
        self.rig.clock(seconds)

    def close(self):
        return self.rig.close()


class LiveDriver:
    """A daemon of our own, begun anew for each example."""

    def __init__(self):
        self.daemon = None
        self.n = 0

    def reset(self, default):
        self.close()
        for _ in range(50):
            port = random.SystemRandom().randrange(20000, 50000)
            self.env = dict(os.environ, IPFW_PORT=str(port),
                            IPFW_HOST='127.0.0.1')
            self.daemon = subprocess.Popen(
                [os.path.join(BIN, 'kipfw'), '-p', str(port), '--default',
                 default, 'mem:a', 'mem:b'], stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL)
            for line in self.daemon.stdout:
                if b'control on' in line:
                    return
            self.daemon.wait()
        raise RuntimeError('kipfw does not start')

    def ipfw(self, line):
        self.n += 1
        done = subprocess.run(
            [os.path.join(BIN, 'ipfw'), *line.split()], env=self.env,
            capture_output=True, text=True, timeout=PATIENCE_S)
        return done.returncode, done.stdout, done.stderr

    def close(self):
        if self.daemon is None:
            return 0
        self.daemon.terminate()
        self.daemon.stdout.close()
        status = self.daemon.wait(PATIENCE_S)
        self.daemon = None
        return status


def run(number, name, machine, driver, examples, steps):
    class Ours(machine):
        pass
    Ours.driver = driver
    began = time.monotonic()
    try:
        run_state_machine_as_test(Ours, settings=settings(
            max_examples=EXAMPLES or examples, stateful_step_count=steps,
            deadline=None, database=None, derandomize=EXAMPLES == 0,
            suppress_health_check=list(HealthCheck), print_blob=True))
        trouble = ''
    except Exception:  # pylint: disable=broad-except
        trouble = traceback.format_exc()
    status = driver.close()
    if status != 0:
        trouble += '\nended with %d' % status
    print('%s %d - %s' % ('not ok' if trouble else 'ok', number, name),
          flush=True)
    for line in trouble.splitlines()[-60:]:
        print('# ' + line)
    print('# %.1f s, %d commands' % (time.monotonic() - began, driver.n))


def main():
    run(1, 'rules, sets, tables, states and packets in the rig',
        PacketMachine, RigDriver(), 60, 50)
    run(2, 'commands to a daemon', Machine, LiveDriver(), 10, 30)
    print('1..2')


main()
