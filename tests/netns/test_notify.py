# SPDX-License-Identifier: ISC
"""What the service manager is told, as sd_notify(3) describes it."""

import contextlib
import os
import signal
import socket
import threading
import time

import pytest

from lab.suite import Suite
from lab.util import alive, wait_for

BERLIN = "de-berlin"


class Manager:
    """The socket, and every assignment that came."""

    def __init__(self, lab, address):
        self.address = address
        self.socket = lab.router.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.socket.bind("\0" + address[1:] if address[0] == "@"
                         else address)
        self.seen = []
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        with contextlib.suppress(OSError):
            while True:
                data, extra, _, _ = self.socket.recvmsg(8192, 256)
                if data == b"end":
                    return
                pid = int.from_bytes(extra[0][2][:4], "little")
                self.seen.append((time.monotonic(), pid,
                                  data.decode().splitlines()))

    def lines(self):
        return [l for _, _, lines in list(self.seen) for l in lines]

    def wait(self, line, count=1, seconds=10):
        wait_for(lambda: self.lines().count(line) >= count, seconds,
                 lambda: "%s: %r" % (line, self.lines()))

    def close(self):
        name = self.address
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            with contextlib.suppress(OSError):
                s.sendto(b"end", "\0" + name[1:] if name[0] == "@" else name)
        self.socket.close()
        if name[0] != "@":
            os.unlink(name)


class Managed(Suite):
    def __init__(self, lab, manager, extra=None, **config):
        super().__init__(lab, {"phone": BERLIN}, **config)
        self.extra = dict(extra or {}, NOTIFY_SOCKET=manager.address)

    def environment(self):
        return dict(super().environment(), **self.extra)


@pytest.fixture(params=["path", "abstract"])
def manager(lab, request):
    # A folder that only root may enter: the service has dropped that.
    folder = lab.path("manager%d-%s" % (lab.serial, request.param))
    os.mkdir(folder, 0o700)
    made = Manager(lab, folder + "/notify" if request.param == "path"
                   else "@" + folder[1:].replace("/", "-"))
    yield made
    made.close()


def test_a_life(product, lab, manager):
    with Managed(lab, manager) as suite:
        manager.wait("READY=1")
        wait_for(lambda: any(l == "STATUS=de-berlin: connected"
                             for l in manager.lines()), 10, manager.lines)
        before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        suite.process.send_signal(signal.SIGHUP)
        manager.wait("READY=1", 2)
        after = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        told = [l for _, _, l in manager.seen if "RELOADING=1" in l]
        assert len(told) == 1
        key, _, usec = told[0][1].partition("=")
        assert key == "MONOTONIC_USEC"
        assert before <= int(usec) <= after
        lines = manager.lines()
        assert lines.index("RELOADING=1") > lines.index("READY=1")
        assert not any(l.startswith("WATCHDOG") for l in lines)
        main = suite.process.pid
        assert suite.stop() == 0
    manager.wait("STOPPING=1")
    assert manager.lines().count("STOPPING=1") >= 1
    # NotifyAccess=main is enough
    assert {pid for _, pid, _ in manager.seen} == {main}


def test_a_broken_file_is_a_reload_too(product, lab, manager):
    with Managed(lab, manager) as suite:
        manager.wait("READY=1")
        with open(suite.config_path, "w", encoding="ascii") as f:
            f.write("{")
        suite.process.send_signal(signal.SIGHUP)
        manager.wait("READY=1", 2)
        assert any("as it was" in l for l in manager.lines())


def test_the_watchdog_is_fed_by_the_loop(product, lab, manager):
    """Half of the time it allows; and not while the loop hangs."""
    with Managed(lab, manager, {"WATCHDOG_USEC": "400000"}) as suite:
        manager.wait("WATCHDOG=1", 6)
        at = [t for t, _, l in manager.seen if "WATCHDOG=1" in l]
        gaps = [b - a for a, b in zip(at, at[1:])]
        assert sorted(gaps)[len(gaps) // 2] == pytest.approx(0.2, abs=0.1)
        os.kill(suite.process.pid, signal.SIGSTOP)
        try:
            time.sleep(0.1)         # what was on its way
            count = len(manager.seen)
            time.sleep(1)           # nothing is what is awaited
            assert len(manager.seen) == count
        finally:
            os.kill(suite.process.pid, signal.SIGCONT)
        manager.wait("WATCHDOG=1", count + 1)


@pytest.mark.parametrize("extra", [
    {"WATCHDOG_USEC": "400000", "WATCHDOG_PID": "1"},
    {"WATCHDOG_USEC": "soon"}, {"WATCHDOG_USEC": "0"},
    {"WATCHDOG_USEC": "-5"}, {"WATCHDOG_USEC": ""}])
def test_no_watchdog(product, lab, extra):
    manager = Manager(lab, lab.path("no-watchdog"))
    try:
        with Managed(lab, manager, extra):
            manager.wait("READY=1")
            time.sleep(0.5)         # nothing is what is awaited
            assert "WATCHDOG=1" not in manager.lines()
    finally:
        manager.close()


@pytest.mark.parametrize("address", [
    "/nonexistent/notify", "relative", "@", "/", "@" + "x" * 200,
    "/" + "y" * 200, "vsock:2:1234", ""])
def test_a_socket_that_is_none(product, lab, address):
    """The service runs all the same."""
    class Nobody:
        pass
    nobody = Nobody()
    nobody.address = address
    with Managed(lab, nobody) as suite:
        assert suite.control.do("ping")
        if address:
            assert "notify: " in suite.log()


def test_a_start_that_fails_is_not_ready(product, lab):
    manager = Manager(lab, lab.path("failed"))
    try:
        suite = Managed(lab, manager, wan_ifname="wrt0")
        suite.start(wait=False)
        assert suite.process.wait(20) == 1
        pid = suite.process.pid
        suite.kill()
        assert not alive(pid)
        assert "READY=1" not in manager.lines()
    finally:
        manager.close()
