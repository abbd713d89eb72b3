# SPDX-License-Identifier: ISC
"""Steady datagrams of some hosts, both families, whatever happens.

Each host has one long-lived socket a family, and now and then a fresh one, so
that old entries of conntrack and new flows are both tried at each moment.
"""

import contextlib
import select
import socket
import threading
import time

from . import names, traffic
from .pcap import mark
from .util import wait_for

PERIOD = 0.01
FRESH = 0.1                     # a new socket that often


class Stream:
    def __init__(self, lab, *hosts):
        self.lab, self.hosts = lab, hosts
        self.sent = dict.fromkeys(
            [(h, f) for h in hosts for f in (4, 6)], 0)
        self.echoes = dict(self.sent)
        self.stopping = threading.Event()
        self.old = {key: self._open(*key) for key in self.sent}
        self.fresh = {key: self._open(*key) for key in self.sent}
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join(5)
        for s in [*self.old.values(), *self.fresh.values()]:
            s.close()

    def _open(self, host, family):
        s = self.lab.ns[host].socket(
            socket.AF_INET if family == 4 else socket.AF_INET6,
            socket.SOCK_DGRAM)
        s.setblocking(False)
        return s

    def _say(self, s, key):
        where = (traffic.target(self.lab, *key), names.UDP_ECHO)
        with contextlib.suppress(OSError):
            s.sendto(mark(key[0]) + b"%d" % self.sent[key], where)
        self.sent[key] += 1

    def _run(self):
        renewed = time.monotonic()
        while not self.stopping.is_set():
            if time.monotonic() - renewed > FRESH:
                renewed = time.monotonic()
                for key in self.fresh:
                    self.fresh[key].close()
                    self.fresh[key] = self._open(*key)
            of = {}
            for sockets in (self.old, self.fresh):
                for key, s in sockets.items():
                    self._say(s, key)
                    of[s] = key
            for s in select.select(list(of), [], [], PERIOD)[0]:
                with contextlib.suppress(OSError):
                    while s.recv(2000):
                        self.echoes[of[s]] += 1
            self.stopping.wait(PERIOD)

    def alive(self, *hosts, families=(4, 6), seconds=15, fresh=3):
        """Until so many more echoes came to each of them."""
        wanted = {(h, f): self.echoes[h, f] + fresh
                  for h in hosts or self.hosts for f in families}

        def there():
            return all(self.echoes[k] >= n for k, n in wanted.items())
        wait_for(there, seconds, lambda: "echoes of %r" % [
            k for k, n in wanted.items() if self.echoes[k] < n])
