# SPDX-License-Identifier: ISC
"""A control socket that the service manager made and passed (LISTEN_FDS).

The test is the manager: it keeps the socket, as systemd does, so nobody who
connects may wait for ever when the service does not use it.
"""

import contextlib
import errno
import grp
import json
import os
import signal
import socket
import stat
import sys

import pytest

from lab.suite import Suite
from lab.util import wait_for

# Takes the socket from the test, then becomes the service.
LAUNCHER = """
import os, socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
_, fds, _, _ = socket.recv_fds(s, 1, 1)
s.close()
os.dup2(fds[0], 3, inheritable=True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
os.execv(sys.argv[2], sys.argv[2:])
"""


class Passed(Suite):
    """`path`: where the manager listens, the suite's own by default."""

    def __init__(self, lab, path=None, **config):
        super().__init__(lab, **config)
        self.path = path or self.sock
        self.meeting = os.path.join(self.folder, "meeting")
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(self.path)
        os.chmod(self.path, 0o600)
        self.listener.listen(8)
        self.inode = os.stat(self.path).st_ino

    def command(self, *argv):
        if argv[1:2] == ("run",):
            argv = (sys.executable, "-c", LAUNCHER, self.meeting) + argv
        return super().command(*argv)

    def start(self, seconds=15, wait=True):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.meeting)
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(self.meeting)
            s.listen(1)
            s.settimeout(seconds)
            super().start(wait=False)
            with s.accept()[0] as launcher:
                socket.send_fds(launcher, [b"x"], [self.listener.fileno()])
        if wait:
            self.await_control(seconds)
        return self

    def close(self):
        self.kill()
        self.listener.close()


@pytest.fixture
def passed(lab, request):
    made = []

    def make(*args, **config):
        made.append(Passed(lab, *args, **config))
        return made[-1]
    yield make
    for suite in made:
        suite.close()
        assert suite.trouble() == []


def group_id(suite):
    with contextlib.suppress(KeyError):
        return grp.getgrnam("afwrt").gr_gid
    with open(suite.accounts()[1], encoding="utf-8") as f:
        return [int(line.split(":")[2]) for line in f
                if line.startswith("afwrt:")][0]


def refused(path):
    """Whether who connects learns at once that nobody is there."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
        s.settimeout(5)
        return s.connect_ex(path) == errno.ECONNREFUSED


def is_there(suite):
    return os.stat(suite.path).st_ino == suite.inode


def reload(suite, config):
    before = len(suite.log())
    with open(suite.config_path, "w", encoding="utf-8") as f:
        json.dump(config, f)
    suite.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "need a restart" in suite.log()[before:], 15,
             suite.log_tail)
    return suite.log()[before:]


def test_it_is_used_and_stays(passed):
    """By those too who came before the service was ready."""
    suite = passed()
    early = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    early.settimeout(15)
    early.connect(suite.path)
    early.send(b'{"request": "ping"}')
    suite.start()
    assert json.loads(early.recv(4096))["status"] == 0
    early.close()
    suite.control.do("ping")
    assert suite.stop() == 0
    assert is_there(suite)
    suite.start()                       # and once more
    suite.control.do("ping")
    assert suite.stop() == 0


def test_su_only_is_of_its_path(passed):
    suite = passed()
    suite.config["ci_unix_domain"]["su_only"] = 0
    suite.start()
    found = os.stat(suite.path)
    assert (stat.S_IMODE(found.st_mode), found.st_gid) == (
        0o660, group_id(suite))
    config = json.loads(json.dumps(suite.config))
    config["ci_unix_domain"]["su_only"] = 1
    assert "0 failed; 0 keys" in reload(suite, config)
    assert stat.S_IMODE(os.stat(suite.path).st_mode) == 0o600
    suite.control.do("ping")
    suite.stop()
    os.chmod(suite.path, 0o660)
    suite.config["ci_unix_domain"]["su_only"] = 1
    suite.start()
    assert stat.S_IMODE(os.stat(suite.path).st_mode) == 0o600


def test_one_of_another_path_is_said_and_refuses(passed, lab, tmp_path):
    other = str(tmp_path / "other.sock")
    suite = passed(other)
    suite.start()
    assert "%s: the socket that was passed is not used: it has another " \
        "path" % suite.sock in suite.log()
    suite.control.do("ping")
    assert refused(other)


@pytest.mark.parametrize("section", [
    {"ci_unix_domain": {"disabled": 1}},
    {"ci_rest": {"token": "a token of sixteen or more".replace(" ", "-"),
                 "port": 61439}}])
def test_without_the_interface_it_refuses(passed, section):
    suite = passed()
    del suite.config["ci_unix_domain"]
    suite.config.update(section)
    suite.start(wait=False)
    wait_for(lambda: refused(suite.path), 15, suite.log_tail)
    assert suite.process.poll() is None
    assert is_there(suite)


def test_a_reload_that_leaves_it(passed):
    """The new path is served, the passed one refuses and is not removed."""
    suite = passed()
    suite.start()
    config = json.loads(json.dumps(suite.config))
    config["ci_unix_domain"]["sock"] = suite.sock + "2"
    assert "0 failed; 0 keys" in reload(suite, config)
    assert refused(suite.path)
    assert is_there(suite)
    suite._hang_up()
    suite.sock += "2"
    suite.await_control()
    suite.control.do("ping")
    suite.stop()
    assert not os.path.exists(suite.sock)
    assert is_there(suite)
