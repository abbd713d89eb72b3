# SPDX-License-Identifier: ISC
"""Two namespaces with a wire between them: the engine's stub, wireguard-go.

  ours: stub TUN 10.77.0.2, fd77::2    node: wireguard-go 10.77.0.1, fd77::1
        w0 192.0.2.2, 2001:db8:9::2 ---------- w0 192.0.2.1, 2001:db8:9::1
"""

import base64
import itertools
import json
import os
import select
import shutil
import socket
import subprocess
import tempfile
import threading

from . import names, wggo
from .namespace import Namespace, kill_all
from .util import LabError, end, run, wait_for

MTU = 1420
PORT = 51820
OUTER = {4: ("192.0.2.2", "192.0.2.1"),
         6: ("2001:db8:9::2", "2001:db8:9::1")}
INNER = {4: ("10.77.0.2", "10.77.0.1"), 6: ("fd77::2", "fd77::1")}
_serial = itertools.count()


def stub_path():
    """The program of the build whose installation is tested, or of build/dev.
    """
    top = os.path.dirname(os.path.dirname(os.path.dirname(
        os.path.dirname(os.path.abspath(__file__)))))
    for build in (os.environ.get("AFWRT_BUILD"),
                  os.path.join(top, "build/dev")):
        path = build and os.path.join(build, "tests/ipc/wg_stub")
        if path and os.access(path, os.X_OK):
            return path
    return None


def missing():
    """Why this cannot run here, or None."""
    for program in ("wireguard-go", "wg", "iperf3"):
        if shutil.which(program) is None:
            return "no " + program
    return None if stub_path() else "tests/ipc/wg_stub is not built"


class Keys:
    """A key pair in base64, as wg has it."""

    def __init__(self):
        self.private = run(["wg", "genkey"]).stdout.strip()
        self.public = run(["wg", "pubkey"],
                          input=self.private + "\n").stdout.strip()


def to_hex(key):
    return base64.b64decode(key).hex()


class Wire:
    """The namespaces, and what runs in them."""

    def __init__(self):
        self.prefix = names.run_prefix()
        self.folder = tempfile.mkdtemp(prefix="afwrt-wg-")
        self.ns = {}
        self.running = []

    def __enter__(self):
        try:
            for name in ("ours", "node"):
                self.ns[name] = Namespace(self.prefix + name, name)
                self.ns[name].ip("link set lo up")
            self.join()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def join(self):
        ours, node = self.ns["ours"], self.ns["node"]
        ours.ip("link add w0 type veth peer name w0 netns " + node.full_name)
        for ns, i in ((ours, 0), (node, 1)):
            ns.ip("link set w0 up",
                  "addr add %s/24 dev w0" % OUTER[4][i],
                  "addr add %s/64 dev w0 nodad" % OUTER[6][i])

    def close(self):
        for thing in reversed(self.running):
            thing.close()
        kill_all({ns.inode for ns in self.ns.values()})
        for ns in self.ns.values():
            ns.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def ping(self, side, family=4, size=56, count=1, wait=5):
        """Packets of `size` bytes in all, whole; how many came back."""
        header = 28 if family == 4 else 48
        target = INNER[family][1 if side == "ours" else 0]
        done = self.ns[side].run(
            "ping", "-%d" % family, "-n", "-M", "do", "-c", str(count),
            "-i", "0.05", "-W", str(wait), "-s", str(size - header), target,
            check=False, timeout=60)
        return done.stdout.count(" bytes from ")


class Node:
    """wireguard-go in the node's namespace."""

    def __init__(self, wire, keys, peer, psk=None):
        self.wire, self.keys, self.peer, self.psk = wire, keys, peer, psk
        self.ns = wire.ns["node"]
        # the control socket's folder is everybody's, so a name of our own
        self.name = "wg%dx%d" % (os.getpid(), next(_serial))
        self.process = None
        wire.running.append(self)
        self.start()

    def start(self):
        self.process = wggo.start(self.ns, self.name,
                                  self.wire.path(self.name + ".log"))
        self.set("private-key", self.file(self.keys.private),
                 "listen-port", str(PORT))
        self.set_peer()
        self.ns.ip("addr add %s/24 dev %s" % (INNER[4][1], self.name),
                   "addr add %s/64 dev %s nodad" % (INNER[6][1], self.name),
                   "link set %s up mtu %d" % (self.name, MTU))

    def file(self, text):
        path = self.wire.path("secret%d" % next(_serial))
        with open(path, "w", encoding="ascii", opener=lambda p, f: os.open(
                p, f, 0o600)) as f:
            f.write(text + "\n")
        return path

    def set(self, *words):
        self.ns.run("wg", "set", self.name, *words)

    def set_peer(self, *words):
        if self.psk:
            words = ("preshared-key", self.file(self.psk)) + words
        self.set("peer", self.peer, "allowed-ips",
                 "10.77.0.2/32,fd77::2/128", *words)

    def show(self, what):
        """The value that `wg show` has for our peer."""
        words = self.ns.run("wg", "show", self.name, what).stdout.split()
        return words[1:] if words else []

    def stop(self):
        if self.process is not None:
            end(self.process)
            self.process = None
        wait_for(lambda: not self.ns.pids() or not self.ns.run(
            "ip", "link", "show", self.name, check=False).returncode == 0,
            5, "the node's device is gone")

    def close(self):
        self.stop()


class Stub:
    """The engine in our namespace."""

    def __init__(self, wire, keys, peer, **options):
        self.ns = wire.ns["ours"]
        self.name = "tun0"
        self.out = wire.path("stub%d.out" % next(_serial))
        words = ["private=" + to_hex(keys.private), "peer=" + to_hex(peer),
                 "mtu=%d" % MTU]
        if options.get("psk"):
            options["psk"] = to_hex(options["psk"])
        words += ["%s=%s" % item for item in options.items() if item[1]]
        with open(self.out, "wb") as out:
            self.process = self.ns.popen([stub_path(), self.name] + words,
                                         stdin=subprocess.PIPE, stdout=out,
                                         stderr=subprocess.STDOUT)
        wire.running.append(self)
        wait_for(lambda: self.lines("ready"), 10, self.text)
        self.ns.ip("addr add %s/24 dev tun0" % INNER[4][0],
                   "addr add %s/64 dev tun0 nodad" % INNER[6][0],
                   "link set tun0 up mtu %d" % MTU)

    def text(self):
        with open(self.out, encoding="utf-8") as f:
            return f.read()

    def lines(self, first):
        return [s for s in self.text().splitlines() if s.startswith(first)]

    def say(self, command):
        self.process.stdin.write(command.encode() + b"\n")
        self.process.stdin.flush()

    def wait(self, event, count=1, seconds=20):
        wait_for(lambda: len(self.lines(event)) >= count, seconds,
                 lambda: "%s, %d times\n%s" % (event, count, self.text()))

    def stats(self):
        before = len(self.lines("stats"))
        self.say("stats")
        wait_for(lambda: len(self.lines("stats")) > before, 5, "the stats")
        return json.loads(self.lines("stats")[-1][6:])

    def close(self):
        if self.process is None:
            return
        process, self.process = self.process, None
        process.stdin.close()
        process.stdin = None
        try:
            status = process.wait(5)
        except subprocess.TimeoutExpired:
            end(process)
            raise LabError("wg_stub did not end") from None
        if status != 0:
            raise LabError("wg_stub: exit %d\n%s" % (status, self.text()))


class Middle:
    """A box between the two that does what a network may do.

    Every datagram goes on twice (a replay), and of two that come together
    the later goes first; junk(i) is added after each i-th, if given.
    """

    PORT = 51900
    TOGETHER = 0.01             # seconds

    def __init__(self, wire, junk=None):
        self.junk = junk
        self.passed = 0
        self.near = wire.ns["node"].socket(kind=socket.SOCK_DGRAM)
        self.near.bind((OUTER[4][1], self.PORT))
        self.far = wire.ns["node"].socket(kind=socket.SOCK_DGRAM)
        self.far.bind((OUTER[4][1], 0))
        self.client = None
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        wire.running.append(self)

    def _burst(self, source):
        """What has come, and comes within a moment."""
        found = []
        while select.select([source], [], [], self.TOGETHER if found
                            else 0)[0] and len(found) < 8:
            data, where = source.recvfrom(65536)
            if source is self.near:
                self.client = where
            found.append(data)
        return found

    def _send(self, source, data):
        if source is self.near:
            self.far.sendto(data, (OUTER[4][1], PORT))
        elif self.client:
            self.near.sendto(data, self.client)

    def _run(self):
        while not self.stopping.is_set():
            ready = select.select([self.near, self.far], [], [], 0.1)[0]
            for source in ready:
                for data in reversed(self._burst(source)):
                    self.passed += 1
                    self._send(source, data)
                    self._send(source, data)
                    if self.junk:
                        self._send(source, self.junk(data))

    def close(self):
        self.stopping.set()
        self.thread.join(5)
        self.near.close()
        self.far.close()
