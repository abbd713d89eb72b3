# SPDX-License-Identifier: ISC
"""afwrt-tun with one WireGuard route, in the place of lab.wireguard.Stub."""

import itertools
import json
import os
import subprocess

from .util import LabError, end, wait_for
from .wireguard import INNER, MTU, OUTER, PORT, stub_path, to_hex

_serial = itertools.count()
FOLDER = "/var/run/wireguard"
USERS = ("_afwrt-net", "_afwrt-tun", "_afwrt-auth")


def program(name):
    """Of the build that wireguard.stub_path() is from, or None."""
    stub = stub_path()
    path = stub and os.path.join(os.path.dirname(stub), "../..", name)
    return path if path and os.access(path, os.X_OK) else None


class Tun:
    """The stub, afwrt-tun below it, and the route's TUN in our namespace."""

    def __init__(self, wire, keys, peer, servers=(), psk=None, setup=True,
                 allowed=("0.0.0.0/0", "::/0"), **options):
        self.wire, self.ns = wire, wire.ns["ours"]
        # the control socket's folder is everybody's, so a name of our own
        self.name = "wr%dx%d" % (os.getpid(), next(_serial))
        self.out = wire.path("tun%d.out" % next(_serial))
        os.makedirs(FOLDER, exist_ok=True)
        self.socket = "%s/%s.sock" % (FOLDER, self.name)
        words = ["private=" + to_hex(keys.private), "peer=" + to_hex(peer),
                 "mtu=%d" % MTU, "address=%s/24" % INNER[4][0],
                 "address=%s/64" % INNER[6][0]]
        words += ["server=" + s for s in
                  servers or ["%s,%d" % (OUTER[4][1], PORT)]]
        words += ["allowed=" + a for a in allowed]
        if psk:
            words.append("psk=" + to_hex(psk))
        words += ["%s=%s" % item for item in options.items()]
        with open(self.out, "wb") as out:
            self.process = self.ns.popen(
                self.command(program("tests/ipc/wg_route_stub"),
                             program("afwrt-tun/afwrt-tun"), self.name,
                             *words),
                stdin=subprocess.PIPE, stdout=out, stderr=subprocess.STDOUT)
        wire.running.append(self)
        wait_for(lambda: self.lines("ready"), 10, self.text)
        self.ns.ip("addr add %s/24 dev %s" % (INNER[4][0], self.name),
                   "addr add %s/64 dev %s nodad" % (INNER[6][0], self.name),
                   "link set %s up mtu %d" % (self.name, MTU))
        if setup:
            self.say("wan w0")
            self.say("device")
            self.say("listen " + self.socket)

    def command(self, *argv):
        """argv, run with users of the suite, as lab.suite does it."""
        paths = []
        for kind in ("passwd", "group"):
            paths.append(self.wire.path(kind))
            with open("/etc/" + kind, encoding="utf-8") as f:
                text = f.read()
            for i, user in enumerate(USERS):
                if "\n%s:" % user not in text:
                    text += "%s:x:%d:%s\n" % (
                        user, 64731 + i, "" if kind == "group" else
                        "%d::/:/bin/false" % (64731 + i))
            with open(paths[-1], "w", encoding="utf-8") as f:
                f.write(text)
        return ["sh", "-ec", 'mkdir -p /run/afwrt/empty; '
                'mount --bind "$1" /etc/passwd; '
                'mount --bind "$2" /etc/group; shift 2; '
                'ASAN_OPTIONS=detect_leaks=0 exec "$@"', "sh"] + paths + \
            list(argv)

    def text(self):
        with open(self.out, encoding="utf-8", errors="replace") as f:
            return f.read()

    def lines(self, first):
        return [s for s in self.text().splitlines() if s.startswith(first)]

    def say(self, command):
        if self.process.poll() is not None:
            raise LabError("wg_route_stub is gone\n" + self.text())
        self.process.stdin.write(command.encode() + b"\n")
        self.process.stdin.flush()

    def wait(self, line, count=1, seconds=10):
        wait_for(lambda: len(self.lines(line)) >= count, seconds,
                 lambda: "%s, %d times\n%s" % (line, count, self.text()))

    def stats(self):
        before = len(self.lines("stats {"))
        self.say("stats")
        wait_for(lambda: len(self.lines("stats {")) > before, 5, self.text)
        return json.loads(self.lines("stats {")[-1][6:])

    def events(self):
        return [s.split(None, 1)[1].strip() for s in self.lines("event ")]

    def wg(self, *words, check=True):
        return self.ns.run("wg", *words, check=check)

    def show(self, what):
        """The value that `wg show` has for our peer."""
        words = self.wg("show", self.name, what).stdout.split()
        return words[1:] if words else []

    def close(self):
        if self.process is None:
            return
        process, self.process = self.process, None
        if os.path.exists(self.socket):
            os.unlink(self.socket)
        process.stdin.close()
        process.stdin = None
        try:
            status = process.wait(5)
        except subprocess.TimeoutExpired:
            end(process)
            raise LabError("wg_route_stub did not end") from None
        if status != 0:
            raise LabError("wg_route_stub: exit %d\n%s" %
                           (status, self.text()))
