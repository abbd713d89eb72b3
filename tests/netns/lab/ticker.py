# SPDX-License-Identifier: ISC
"""A long-lived TCP connection that notices every pause.

A thread sends one line each 20 ms and takes the echoes; the longest time
between two echoes is the pause, and the connection survived if it was never
reset and every line came back in order.
"""

import select
import threading
import time

from . import names, traffic
from .pcap import mark
from .util import Timeout, wait_for

PERIOD = 0.02


class Ticker:
    def __init__(self, lab, name, family=4, give_up=60, address=None):
        self.name = name
        self.give_up = give_up
        self.error = None
        self.sent = self.received = 0
        self.longest = 0.0
        self.last = time.monotonic()
        self.stopping = threading.Event()
        self.lock = threading.Lock()
        self.prefix = mark(name)
        self.socket = traffic.connect(lab, name, names.BULK, family,
                                      address=address)
        self.socket.sendall(b"echo\n")
        self.socket.setblocking(False)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        self.await_progress()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def _run(self):
        due = time.monotonic()
        incoming = outgoing = b""
        try:
            while not self.stopping.is_set():
                now = time.monotonic()
                if now >= due:
                    outgoing += self.prefix + b"%d\n" % self.sent
                    self.sent += 1
                    due = max(due + PERIOD, now - 1)
                readable, writable, _ = select.select(
                    [self.socket], [self.socket] if outgoing else [], [],
                    max(0, min(PERIOD, due - time.monotonic())))
                if writable:
                    outgoing = outgoing[self.socket.send(outgoing):]
                if readable:
                    data = self.socket.recv(65536)
                    if not data:
                        raise ConnectionError("closed by the other end")
                    incoming = self._take(incoming + data)
                elif time.monotonic() - self.last > self.give_up:
                    raise Timeout("no echo for %g s" % self.give_up)
        except Exception as e:          # kept for survived()
            self.error = e

    def _take(self, data):
        *lines, rest = data.split(b"\n")
        now = time.monotonic()
        for line in lines:
            if line != self.prefix + b"%d" % self.received:
                raise ValueError("line %d came back as %r" %
                                 (self.received, line))
            with self.lock:
                self.received += 1
                self.longest = max(self.longest, now - self.last)
                self.last = now
        return rest

    @property
    def survived(self):
        return self.error is None and self.thread.is_alive()

    def mark(self):
        """Forget the pauses so far."""
        with self.lock:
            self.longest = 0.0

    def pause_ms(self):
        """The longest pause since mark(), the present one included."""
        with self.lock:
            return round(1000 * max(self.longest,
                                    time.monotonic() - self.last), 1)

    def await_progress(self, lines=5, seconds=20):
        """Until that many more echoes have come; True if they have."""
        wanted = self.received + lines

        def there():
            return self.received >= wanted or not self.survived
        wait_for(there, seconds, lambda: "%s's connection goes on (%d lines "
                 "of %d came back)" % (self.name, self.received, self.sent))
        return self.survived

    def stop(self):
        self.stopping.set()
        self.thread.join(5)
        self.socket.close()
