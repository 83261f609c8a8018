# SPDX-License-Identifier: BSD-2-Clause
"""A kipfw for the Python scripts of this folder, and ipfw to talk to it."""
import os
import random
import socket
import subprocess
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
BIN = os.environ.get('KIPFW_BIN', os.path.join(ROOT, 'bin'))
PATIENCE_S = 120


def ipfw(port, *words):
    """What the command prints, errors included."""
    done = subprocess.run([os.path.join(BIN, 'ipfw'), *words],
                          env=dict(os.environ, IPFW_PORT=str(port)),
                          capture_output=True, text=True, timeout=PATIENCE_S)
    return done.stdout + done.stderr


def answers(daemon, port):
    """Waits until the daemon does; False if it ends instead."""
    end = time.time() + PATIENCE_S
    while daemon.poll() is None and time.time() < end:
        if '65535' in ipfw(port, 'list'):
            return True
        time.sleep(0.02)
    return False


def free_port():
    """Of two neighbours that nobody has, the first; below those that the kernel
    hands out by itself."""
    while True:
        port = random.randrange(20000, 32000)
        try:
            for p in port, port + 1:
                with socket.socket() as s:
                    s.bind(('127.0.0.1', p))
            return port
        except OSError:
            pass


def start(out, err, *words):
    """kipfw with these words, its output in files of these names or nowhere;
    returns the process and its port of control, which is one that was free."""
    for _ in range(50):
        port = free_port()
        with open(out or os.devnull, 'w') as o, \
                open(err or os.devnull, 'w') as e:
            daemon = subprocess.Popen(
                [os.path.join(BIN, 'kipfw'), '-p', str(port), *words],
                stdout=o, stderr=e)
        if answers(daemon, port):
            return daemon, port
        daemon.kill()
        daemon.wait()
    raise RuntimeError('kipfw does not start')
