# SPDX-License-Identifier: ISC
"""A tcpdump on the router's WAN link and its verdict.

report() is exact: it first sends a marked frame over the link and waits until
the capture shows it, so every packet before it has been inspected.  Packets
that the kernel dropped from the capture make the verdict worthless; they are
reported and clean is false.
"""

import contextlib
import os
import re
import selectors
import signal
import socket
import subprocess

from . import pcap
from .util import LabError, wait_for


class Report:
    def __init__(self, inspected, leaks, dropped):
        self.inspected, self.leaks, self.dropped = inspected, leaks, dropped

    @property
    def clean(self):
        return not self.leaks and not self.dropped and self.inspected > 0

    def __repr__(self):
        text = "%d packets on the WAN inspected, %d leaked, %d missed" % (
            self.inspected, len(self.leaks), self.dropped)
        return "\n  ".join([text] + [repr(l) for l in self.leaks[:20]])


class Capture:
    def __init__(self, lab, path, card="wan0", space="router"):
        self.lab, self.path, self.card = lab, path, card
        self.space = lab.ns[space]
        self.inspected = 0
        self.leaks = []
        self.markers = 0
        self.rules = None
        self.process = self.space.popen(
            ["tcpdump", "-i", card, "-w", path, "-U", "-n", "-s", "300",
             "-B", "65536", "--immediate-mode", "-Z", "root"],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self._await_line(b"listening on")
        wait_for(lambda: os.path.exists(path), 5, "the capture file")
        self.reader = pcap.Reader(path)

    def _await_line(self, wanted):
        text = b""
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stderr, selectors.EVENT_READ)
            while wanted not in text:
                if not selector.select(5):
                    raise LabError("tcpdump is silent: %r" % text)
                data = os.read(self.process.stderr.fileno(), 4096)
                if not data:
                    raise LabError("tcpdump: %r" % text)
                text += data

    def protect(self, *hosts, router=False, direct=()):
        """From the first packet on, these hosts must not be seen."""
        self.rules = pcap.Rules(self.lab, hosts, router, direct)
        return self

    def poll(self):
        """Inspect what has come since; the number of leaks so far."""
        for when, frame in self.reader.frames():
            if frame[12:14] == pcap.MARKER_TYPE.to_bytes(2, "big"):
                self.markers += 1
                continue
            self.inspected += 1
            why = self.rules.judge(frame)
            if why:
                self.leaks.append(pcap.Leak(self.inspected, when, why))
        return len(self.leaks)

    def settle(self):
        """Everything that is on the link by now has been inspected."""
        if self.rules is None:
            self.protect(*self.lab.host_names)
        with self.space.entered():
            s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        with s:
            s.bind((self.card, pcap.MARKER_TYPE))
            s.send(b"\xff" * 6 + b"\x02\0\0\0\0\x99" +
                   pcap.MARKER_TYPE.to_bytes(2, "big") + b"the end" * 8)
        wanted = self.markers + 1

        def seen():
            self.poll()
            return self.markers >= wanted
        wait_for(seen, 20, "the end mark in the capture")

    def report(self):
        """Stop and judge."""
        self.settle()
        self.process.send_signal(signal.SIGINT)
        _, text = self.process.communicate(timeout=10)
        self._forget()
        found = re.search(rb"(\d+) packets? dropped by kernel", text)
        return Report(self.inspected, self.leaks,
                      int(found.group(1)) if found else 0)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()
        self._forget()

    def _forget(self):
        self.reader.close()
        if self.process in self.space.children:
            self.space.children.remove(self.process)
        if self in self.lab.captures:
            self.lab.captures.remove(self)


@contextlib.contextmanager
def no_leak(lab, *hosts, router=False):
    """Around the traffic of a test: nothing of these hosts is on the WAN."""
    capture = lab.capture().protect(*hosts, router=router)
    try:
        yield capture
    except BaseException:
        with contextlib.suppress(Exception):
            print(capture.report())
        capture.kill()
        raise
    report = capture.report()
    assert report.clean, report
