# SPDX-License-Identifier: ISC
"""A client of the service's control socket (SOCK_SEQPACKET, JSON records)."""

import json
import os
import socket
import threading
import time

from .util import LabError, Timeout

RECORD = 1 << 20


class Refused(LabError):
    def __init__(self, request, answer):
        super().__init__("%s: %s" % (request, answer))
        self.answer = answer
        self.status = answer.get("status")


class Control:
    """One connection for requests."""

    def __init__(self, path, timeout=15):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(timeout)
        try:
            self.socket.connect(path)
        except OSError:
            self.socket.close()
            raise

    def raw(self, record):
        """Send one record as it is; the answer, decoded."""
        self.socket.send(record)
        data = self.socket.recv(RECORD)
        if not data:
            raise LabError("the service closed the control connection")
        return json.loads(data)

    def request(self, name, **parameters):
        return self.raw(json.dumps(
            dict(parameters, request=name)).encode())

    def do(self, name, **parameters):
        """The answer; Refused unless its status is 0."""
        answer = self.request(name, **parameters)
        if answer.get("status") != 0:
            raise Refused(name, answer)
        return answer

    def close(self):
        self.socket.close()


class Events:
    """Every event that came from a socket, each with its time."""

    def __init__(self, source):
        self.source = source
        self.seen = []
        self.ended = False
        self.changed = threading.Condition(threading.RLock())
        source.settimeout(None)
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        try:
            while True:
                data = self.source.recv(RECORD)
                if not data:
                    break
                event = json.loads(data)
                event["_at"] = time.monotonic()
                with self.changed:
                    self.seen.append(event)
                    self.changed.notify_all()
        except (OSError, ValueError):
            pass
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def mark(self):
        """A position: give it to find and wait as `since`."""
        with self.changed:
            return len(self.seen)

    def find(self, name, since=0, **fields):
        with self.changed:
            for event in self.seen[since:]:
                if event.get("event") == name and \
                        all(event.get(k) == v for k, v in fields.items()):
                    return event
        return None

    def wait(self, name, since=0, seconds=10, **fields):
        deadline = time.monotonic() + seconds
        with self.changed:
            while True:
                found = self.find(name, since, **fields)
                if found:
                    return found
                left = deadline - time.monotonic()
                if left <= 0 or self.ended:
                    shown = [{k: v for k, v in e.items() if k[0] != "_"}
                             for e in self.seen[since:]
                             if e.get("event") != "bandwidth_info"]
                    raise Timeout("no event %s %r%s; there were: %s" % (
                        name, fields, ", the connection ended"
                        if self.ended else " in %g s" % seconds, shown))
                self.changed.wait(left)

    def close(self):
        try:
            self.source.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.thread.join(5)
        self.source.close()


def subscribe(path):
    """The events that follow on a connection of the control socket."""
    control = Control(path)
    control.do("subscribe")
    return Events(control.socket)


def datagrams(path):
    """The events that the service sends to "async_sock"."""
    source = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    source.bind(path)
    os.chmod(path, 0o777)       # the service has dropped its privileges
    return Events(source)
