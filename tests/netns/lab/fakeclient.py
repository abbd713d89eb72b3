# SPDX-License-Identifier: ISC
"""The test's side of the reference backend's admin socket."""

import contextlib
import http.client
import json
import socket
import time

from .util import LabError, Timeout


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout=30):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class BackendAdmin:
    def __init__(self, path):
        self.path = path

    def _call(self, method, target, value=None):
        with contextlib.closing(_UnixConnection(self.path)) as connection:
            connection.request(method, target,
                               None if value is None else json.dumps(value))
            answer = connection.getresponse()
            body = json.loads(answer.read())
            if answer.status != 200:
                raise LabError("backend admin %s: %s" % (target, body))
            return body

    def fault(self, call, mode, arg=None, times=None, **match):
        """match: parameters that the request must have, e.g. location."""
        self._call("POST", "/fault", {"call": call, "mode": mode, "arg": arg,
                                      "times": times, "match": match})

    def clear(self, call=None):
        self._call("POST", "/clear", {"call": call} if call else {})

    def set(self, **values):
        self._call("POST", "/set", values)

    def location(self, name, **values):
        self._call("POST", "/location", dict(values, name=name))

    def drop_location(self, name):
        self._call("POST", "/drop_location", {"name": name})

    def user(self, name, **values):
        self._call("POST", "/user", dict(values, name=name))

    def revoke(self):
        self._call("POST", "/revoke", {})

    def state(self):
        return self._call("GET", "/state")

    def log(self, since=0, wait=0.0):
        return self._call("GET", "/log?since=%d&wait=%g" % (since, wait))

    def mark(self):
        """A position in the log: give it to await_call as `since`."""
        return len(self.log())

    def await_call(self, call, since=0, seconds=15, **wanted):
        """The first logged request of that call with these fields."""
        deadline = time.monotonic() + seconds
        seen = since
        while True:
            for entry in self.log(seen, max(0, min(
                    5, deadline - time.monotonic()))):
                seen = entry["n"]
                if entry["call"] == call and \
                        all(entry.get(k) == v for k, v in wanted.items()):
                    return entry
            if time.monotonic() >= deadline:
                raise Timeout("no request %s %r to the backend in %g s" %
                              (call, wanted, seconds))
