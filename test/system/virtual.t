#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Golden replays in virtual time, and that they are always the same.

Each test/replay-net/NAME.txt is a story of two ports, a and b:

    options   words for kipfw, if any
    rules     what -f loads
    in        packets: PORT SECONDS PROTO SRC DST [WORD ...]
    verdicts  what --verdicts must say
    out       what must leave: PORT SECONDS OCTETS SRC DST
    then      COMMAND, then what --then COMMAND must print

SRC and DST are addresses, with ":PORT" for tcp and udp.  Words: TCP flags (syn,
ack, fin, rst), len=N octets of the frame, id=N, frag=OFFSET (in octets), mf,
cut=N octets that were captured.  Stamps are seconds since BASE.

Each is run several ways that may make no difference: packet by packet and in
bursts, rule by rule, with other numbers of workers, as another build, and from
pcapng in the other order of octets.
"""
import glob
import os
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
BIN = os.path.realpath(os.environ.get("KIPFW_BIN", os.path.join(ROOT, "bin")))
ASAN = os.path.join(ROOT, "build/asan/bin/kipfw")
BASE = 1700000000
NS = 10**9
PROTO = {"icmp": 1, "tcp": 6, "udp": 17}
FLAG = {"fin": 1, "syn": 2, "rst": 4, "psh": 8, "ack": 16}


def checksum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def address(text):
    host, _, port = text.partition(":")
    return bytes(int(n) for n in host.split(".")), int(port or 0)


def ns_of(text):
    whole, _, part = text.partition(".")
    return (BASE + int(whole)) * NS + int((part + "000000000")[:9])


def frame(words):
    """The frame that the words of an 'in' line say, and its captured octets."""
    proto, src, dst, *more = words
    said = dict(w.partition("=")[::2] for w in more)
    (s, sp), (d, dp) = address(src), address(dst)
    length = int(said.get("len", 60))
    offset = int(said.get("frag", 0))
    flags = sum(FLAG[w] for w in more if w in FLAG)
    head = b""
    if offset == 0 and proto == "tcp":
        head = struct.pack(">HHIIBBHHH", sp, dp, 1, 1, 0x50, flags, 8192, 0, 0)
    elif offset == 0 and proto == "udp":
        head = struct.pack(">HHHH", sp, dp, length - 34, 0)
    elif offset == 0:
        head = struct.pack(">BBHI", 8, 0, 0, 1)
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, length - 14,
                     int(said.get("id", 0)),
                     offset // 8 | (0x2000 if "mf" in said else 0), 64,
                     PROTO[proto], 0, s, d)
    ip = ip[:10] + struct.pack(">H", checksum(ip)) + ip[12:]
    f = b"\2\0\0\0\0\2\2\0\0\0\0\1\x08\0" + ip + head
    f += bytes(length - len(f))
    return f, int(said.get("cut", length))


def write_pcap(path, packets):
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xa1b23c4d, 2, 4, 0, 0, 65535, 1))
        for ns, data, cut in packets:
            f.write(struct.pack("<IIII", ns // NS, ns % NS, cut, len(data)))
            f.write(data[:cut])


def block(kind, body):
    body += bytes(-len(body) % 4)
    return struct.pack(">II", kind, len(body) + 12) + body + \
        struct.pack(">I", len(body) + 12)


def write_pcapng(path, sides):
    """Both sides in one file, big-endian, as interfaces 0 and 1: the stamps of the
    second one are ps since BASE."""
    with open(path, "wb") as f:
        f.write(block(0x0a0d0d0a, struct.pack(">IHHq", 0x1a2b3c4d, 1, 0, -1)))
        for res, since in (9, 0), (12, BASE):
            f.write(block(1, struct.pack(">HHI", 1, 0, 0) +
                          struct.pack(">HHB3x", 9, 1, res) +
                          struct.pack(">HHq", 14, 8, since) + bytes(4)))
        f.write(block(0xbad, b"skip me"))
        every = []
        for i, side in enumerate(sides):
            latest = 0
            for p in side:
                latest = max(latest, p[0])
                every.append((latest, p, i))
        every.sort(key=lambda x: x[0])
        for _, (ns, data, cut), i in every:
            t = (ns - BASE * NS) * 1000 if i else ns
            f.write(block(6, struct.pack(">IIIII", i, t >> 32, t & 0xffffffff,
                                         cut, len(data)) + data[:cut]))


def read_pcap(path):
    """Lines of what left by a port."""
    lines = []
    with open(path, "rb") as f:
        data = f.read()
    at = 24
    while at < len(data):
        s, ns, kept, size = struct.unpack_from("<IIII", data, at)
        p = data[at + 16:at + 16 + kept]
        ip = p[14:]
        src, dst = (".".join(map(str, ip[k:k + 4])) for k in (12, 16))
        if ip[9] in (6, 17) and not struct.unpack(">H", ip[6:8])[0] & 0x1fff:
            sp, dp = struct.unpack(">HH", ip[20:24])
            src, dst = f"{src}:{sp}", f"{dst}:{dp}"
        lines.append((s * NS + ns, f"{s - BASE}.{ns:09} {size} {src} {dst}"))
        at += 16 + kept
    return lines


def relative(line):
    return re.sub(r"\b(17\d{8})(?=\.\d{9})",
                  lambda m: str(int(m.group(1)) - BASE), line)


def read_story(path):
    story, name = {}, None
    for line in open(path):
        line = line.rstrip()
        if not line or line.startswith("#"):
            continue
        if not line.startswith(" "):
            name, _, value = line.partition(" ")
            story[name] = [value.strip()] if value.strip() else []
        else:
            story[name].append(line.strip())
    return story


def play(story, how, kipfw, extra=(), ng=False, verdicts=True, linear=False):
    """Runs it in a folder of its own; returns what came of it."""
    top = os.getcwd()
    os.makedirs(how)
    os.chdir(how)
    sides = [[], []]
    for line in story["in"]:
        port, when, *words = line.split()
        sides["ab".index(port)].append((ns_of(when),) + frame(words))
    with open("rules", "w") as f:
        if linear:
            f.write("sysctl net.inet.ip.fw.match=1\n")
        f.write("\n".join(story["rules"]) + "\n")
    if ng:
        write_pcapng("both.pcapng", sides)
        subprocess.run(["gzip", "both.pcapng"], check=True)
        ins = ["in=both.pcapng.gz,iface=0", "in=both.pcapng.gz,iface=1"]
    else:
        write_pcap("in_a.pcap", sides[0])
        write_pcap("in_b.pcap", sides[1])
        ins = ["in=in_a.pcap", "in=in_b.pcap"]
    args = [kipfw, "--virtual", "-f", "rules", *extra]
    args += " ".join(story.get("options", [])).split()
    if verdicts:
        args += ["--verdicts", "verdicts"]
    if "then" in story:
        args += ["--then", story["then"][0]]
    args += [f"pcap:{ins[0]},out=a.pcap,ifname=a",
             f"pcap:{ins[1]},out=b.pcap,ifname=b"]
    try:
        r = subprocess.run(args, capture_output=True, text=True, timeout=600)
        left = [(ns, f"{p} {line}") for p in "ab"
                for ns, line in read_pcap(f"{p}.pcap")]
        left.sort(key=lambda x: x[0])
        said = open("verdicts").read().split("\n")[:-1] if verdicts else []
        return {"code": r.returncode,
                "err": re.sub(r"both\.pcapng\.gz|in_.\.pcap", "FILE", r.stderr),
                "verdicts": [relative(v) for v in said],
                "out": [line for _, line in left],
                "then": r.stdout.split("\n")}
    finally:
        os.chdir(top)


count = 0


def ok(name, good, *why):
    global count
    count += 1
    print(f"{'ok' if good else 'not ok'} {count} - {name}")
    for text in () if good else why:
        for line in str(text).split("\n"):
            print(f"#   {line}")


def differs(want, got):
    """The first lines that are not alike, '' if all are."""
    for i in range(max(len(want), len(got))):
        w = want[i] if i < len(want) else "(nothing)"
        g = got[i] if i < len(got) else "(nothing)"
        if w != g:
            return f"line {i + 1}\nwant {w}\ngot  {g}"
    return ""


def then_of(result):
    """What the command printed: without kipfw's own lines."""
    return [" ".join(line.split()) for line in result["then"]
            if line and not line.startswith("kipfw:") and
            not line.startswith("answer for cmd")]


def check(name, story):
    kipfw = os.path.join(BIN, "kipfw")
    first = play(story, f"{name}/first", kipfw)
    ok(f"{name}: kipfw ends well", first["code"] == 0, first["err"])
    for part in ("verdicts", "out"):
        if part in story:
            d = differs(story[part], first[part])
            ok(f"{name}: {part}", d == "", d)
    if len(story.get("then", [])) > 1:
        shown = [" ".join(line.split()) for line in story["then"][1:]]
        d = differs(shown, then_of(first)[-len(shown):])
        ok(f"{name}: {story['then'][0]}", d == "", d)
    ways = [("again", {}), ("2 workers", {"extra": ["-w", "2"]}),
            ("in bursts", {"verdicts": False}),
            ("pcapng, two interfaces, gzip", {"ng": True}),
            ("rule by rule", {"linear": True})]
    if os.access(ASAN, os.X_OK):
        ways.append(("as an ASan build", {"kipfw": ASAN}))
    wrong = ""
    for how, args in ways:
        args.setdefault("kipfw", kipfw)
        other = play(story, f"{name}/{how.replace(' ', '_')}", **args)
        parts = ["code", "err", "out", "then", "verdicts"]
        if how == "in bursts":
            parts.remove("verdicts")
        for part in parts:
            if first[part] != other[part]:
                wrong += f"{how}: {part}: {first[part]} {other[part]}\n"
        if first["out"] and "pcapng" not in how:
            for p in "ab":
                same = subprocess.run(
                    ["cmp", f"{name}/first/{p}.pcap",
                     f"{name}/{how.replace(' ', '_')}/{p}.pcap"],
                    capture_output=True, text=True)
                wrong += same.stdout
    ok(f"{name}: the same {len(ways)} other ways", wrong == "", wrong)


def invent(seed):
    """A story of a few thousand packets, with all that may come in bursts."""
    chance = random.Random(seed)
    pick = chance.choice
    story = {"rules": [], "in": [], "options": [f"--seed {seed}"],
             "then": ["-a show"]}
    rules = story["rules"]
    strict = chance.random() < 0.3
    for n in range(1, 6):
        config = pick(["delay 3", "delay 0", "bw 2Mbit/s", "delay 1500us",
                       "bw 10Mbit/s delay 2 queue 5",
                       "bw 1Mbit/s mask src-ip 0xffffffff queue 3",
                       "delay 4 mask dst-port 0x3 bw 3Mbit/s"])
        if strict and chance.random() < 0.4:
            config += pick([" plr 0.1", " jitter 1ms", " memory 4000"])
        rules.append(f"pipe {n} config {config}")
    for n, weight in (1, 1), (2, 5):
        rules.append(f"queue {n} config pipe 5 weight {weight}"
                     + pick(["", " mask src-ip 0xffffffff"]))
    if chance.random() < 0.3:
        rules.append("sysctl net.inet.ip.fw.one_pass=0")
    for n in range(100, 100 + 10 * chance.randrange(3, 30), 10):
        what = pick(["allow", "deny", "count", f"pipe {pick('12345')}",
                     f"queue {pick('12')}", "fwd 10.9.9.9", "prob 0.5 count"])
        rules.append(f"add {n} {what} {pick(['udp', 'ip', 'tcp'])} from "
                     f"{pick(['any', '10.0.0.0/30', '10.0.0.4'])} to any"
                     + pick(["", f" {chance.randrange(1, 9)}",
                             f" in recv {pick('ab')}"])
                     + (pick([" keep-state", " limit src-addr 3", ""])
                        if what == "allow" else ""))
    when, port = 0, "a"
    for _ in range(3000):
        port = pick("ab") if chance.random() < 0.05 else port
        when += pick([0, 0, 1, 50, 300, 300, 2000])
        if chance.random() < 0.002:
            when += 1500000
        proto = pick(["udp", "tcp"])
        story["in"].append(
            f"{port} {when // 10**6}.{when % 10**6:06} {proto} "
            f"10.0.0.{chance.randrange(9)}:{chance.randrange(1, 9)} "
            f"10.1.0.{chance.randrange(3)}:{chance.randrange(1, 9)} "
            f"{pick(['syn', 'ack', 'rst', 'syn ack'])} "
            f"len={pick([60, 60, 200, 1000])}")
    return story


def main():
    work = tempfile.mkdtemp()
    stories = sorted(glob.glob(os.path.join(ROOT, "test/replay-net/*.txt")))
    names = sys.argv[1:]
    os.chdir(work)
    try:
        for path in stories:
            name = os.path.splitext(os.path.basename(path))[0]
            if names and name not in names:
                continue
            names = [n for n in names if n != name]
            check(name, read_story(path))
        for seed in range(8) if not names else map(int, names):
            check(f"invented {seed}", invent(seed))
        ok("there are stories", count > 0)
    finally:
        os.chdir("/")
        if not os.environ.get("KEEP"):
            shutil.rmtree(work)
    print(f"1..{count}")


main()
