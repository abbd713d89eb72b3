# SPDX-License-Identifier: ISC
"""The dump of the configuration: never half a file, never another's file."""

import contextlib
import json
import os
import shutil
import signal
import stat
import subprocess

import pytest

from lab import traffic
from lab.capture import no_leak
from lab.procs import all_pids, comm, parent
from lab.suite import Suite, expected_exit
from lab.ticker import Ticker
from lab.util import LabError, alive, end, wait_for

BERLIN, YORK = "de-berlin", "us-new-york"
RULES = 3000        # some 200 KiB: more than one write
# What the keeper does to files, and how often in one dump.
CALLS = [("openat", 2), ("write", 3), ("fsync", 2), ("renameat", 1),
         ("close", 4), ("unlinkat", 1), ("pread64", 4)]
STEPS = [(call, n) for call, most in CALLS for n in range(1, most + 1)]


def children(pid, name):
    return [p for p in all_pids() if parent(p) == pid and comm(p) == name]


def keeper_of(suite, other_than=None):
    """There is one, or will be."""
    above, = children(suite.process.pid, "afwrt-respawn")

    def there():
        found = [p for p in children(above, "afwrt-keeper")
                 if p != other_than]
        assert len(found) < 2, found
        return found[0] if found else None
    return wait_for(there, 5, "a keeper")


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


@pytest.fixture(scope="module")
def template(product, lab):
    """A configuration with so many rules, as a dump of it looks."""
    suite = Suite(lab, config_dir=None)
    suite.config["config_dir"] = suite.folder + "/state"
    suite.config["protected_ip_addrs"] = [
        {"ip_addr": "10.%d.%d.7" % (i // 250, i % 250), "vl": BERLIN}
        for i in range(RULES)]
    return suite.config


@contextlib.contextmanager
def killed_at(pid, call, n, log):
    """That process is killed when it enters the call for the n-th time."""
    name = {"renameat": "renameat,renameat2,rename"}.get(call, call)
    with open(log, "wb") as f:
        tracer = subprocess.Popen(
            ["strace", "-qq", "-e", "trace=" + name, "-e",
             "inject=%s:signal=SIGKILL:when=%d" % (name, n),
             "-p", str(pid)], stdin=subprocess.DEVNULL, stdout=f, stderr=f)
    try:
        wait_for(lambda: traced(pid) == tracer.pid, 10,
                 lambda: "strace: " + read(log))
        yield tracer
    finally:
        end(tracer)


def traced(pid):
    with contextlib.suppress(OSError):
        for line in read("/proc/%d/status" % pid).splitlines():
            if line.startswith("TracerPid:"):
                return int(line.split()[1])
    return 0


@pytest.mark.skipif(shutil.which("strace") is None,
                    reason="NOT CHECKED: strace is not installed")
@pytest.mark.parametrize("call, n", STEPS)
def test_a_keeper_killed_at_every_step(lab, template, call, n):
    """The file is the old one or the new one, whole; the next dump works."""
    suite = Suite(lab)
    suite.config.update(protected_ip_addrs=template["protected_ip_addrs"])
    with suite:
        suite.control.do("dump_config")
        old = read(suite.config_path)
        suite.control.do("protect_ip", ip_addr="10.200.0.1", vl=YORK)
        keeper = keeper_of(suite)
        with killed_at(keeper, call, n, suite.folder + "/strace"):
            answer = suite.control.request("dump_config")
            wait_for(lambda: not alive(keeper), 10,
                     lambda: "%s %d comes in a dump: %s" % (
                         call, n, read(suite.folder + "/strace")))
        assert answer["status"] == 1, answer
        assert "try again" in answer["message"]
        found = read(suite.config_path)
        assert stat.S_IMODE(os.stat(suite.config_path).st_mode) == 0o600
        if found != old:
            assert {"ip_addr": "10.200.0.1", "vl": YORK} in \
                json.loads(found)["protected_ip_addrs"]
            assert len(json.loads(found)["protected_ip_addrs"]) == RULES + 1
        assert suite.control.do("ping")
        suite.control.do("dump_config")     # by another keeper
        assert {"ip_addr": "10.200.0.1", "vl": YORK} in json.loads(
            read(suite.config_path))["protected_ip_addrs"]
        assert suite.stop() == 0
        assert not os.path.exists(suite.sock)
        suite.config = json.loads(found)
        suite.datagrams = None
        os.unlink(suite.config["ci_unix_domain"]["async_sock"])
        suite.start()
        suite.control.do("protect_ip", ip_addr="10.200.0.2", vl=YORK)
        suite.control.do("dump_config")
        assert {"ip_addr": "10.200.0.2", "vl": YORK} in json.loads(
            read(suite.config_path))["protected_ip_addrs"]
        left = [n for n in os.listdir(suite.folder) if n.endswith(".new")]
        assert left == []


def test_a_keeper_comes_back(lab, product):
    """Killed by itself, time and again: dump and reload work, no packet
    pauses, and it ends with the service."""
    with Suite(lab, {"phone": BERLIN}) as suite:
        traffic.await_seen(lab, "phone", expected_exit(BERLIN))
        keeper, family = None, suite.family()
        with no_leak(lab, "phone"), Ticker(lab, "phone") as ticker:
            for _ in range(4):
                keeper = keeper_of(suite, other_than=keeper)
                os.kill(keeper, signal.SIGKILL)
                suite.control.do("dump_config")
                before = suite.log()
                suite.process.send_signal(signal.SIGHUP)
                wait_for(lambda: "0 failed; 0 keys" in
                         suite.log()[len(before):], 10, suite.log_tail)
            assert ticker.longest < 1
        assert suite.family() == family
        above = parent(keeper_of(suite))
        keeper = keeper_of(suite)
        os.kill(keeper, signal.SIGKILL)
        assert suite.stop() == 0
        wait_for(lambda: not alive(above) and not os.path.exists(suite.sock),
                 5, "the end of the keepers")


def test_a_service_killed_while_it_dumps(lab, template):
    suite = Suite(lab)
    suite.config.update(protected_ip_addrs=template["protected_ip_addrs"])
    for _ in range(5):
        with contextlib.suppress(LabError):
            suite.start()
            suite.control.do("dump_config")
            old = read(suite.config_path)
            suite.control.do("protect_ip", ip_addr="10.200.0.1", vl=YORK)
            suite.control.socket.send(b'{"request": "dump_config"}')
            os.kill(suite.process.pid, signal.SIGKILL)
        suite.kill()
        wait_for(lambda: not os.path.exists(suite.sock), 5,
                 "the keeper has ended")
        assert json.loads(read(suite.config_path))
        assert len(read(suite.config_path)) >= len(old)
        suite.config = json.loads(read(suite.config_path))
        suite.datagrams = None
        os.unlink(suite.config["ci_unix_domain"]["async_sock"])


def test_dump_start_dump_is_a_fixed_point(product, lab):
    """Every kind of key, by way of every kind of value."""
    suite = Suite(lab, {"phone": BERLIN}, fwmark="0x8", lan_bypass=True,
                  tun_mtu=1400, rcvbuf=-1, wan_wait=7, unknown_key={"a": [1]},
                  hydra_default_vl_reconnect_interval=3, device_id="ü",
                  protected_mac_addrs="", protected_ifaces=[
                      {"iface": "eth9", "vl": YORK},
                      {"iface": "eth1", "vl": "de"}],
                  ci_rest={"token": "x" * 20, "disabled": 1})
    with suite:
        suite.control.do("register", auth_method="firebase",
                         auth_token="oauth-alice")
        suite.control.do("dump_config")
        first = read(suite.config_path)
        assert suite.stop() == 0
    for _ in range(2):
        suite.config = json.loads(first)
        suite.datagrams = None
        os.unlink(suite.config["ci_unix_domain"]["async_sock"])
        with suite:
            with open(suite.config_path, encoding="utf-8") as f:
                assert json.load(f) == json.loads(first)
            suite.control.do("dump_config")
            assert read(suite.config_path) == first
            assert suite.stop() == 0

def test_a_full_disk(product, lab):
    """The old file stays, and the error says why."""
    suite = Suite(lab, {"phone": BERLIN})
    small = os.path.join(suite.folder, "small")
    os.mkdir(small)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k,mode=755",
                    "afwrt-test", small], check=True)
    try:
        suite.config_path = os.path.join(small, "afwrt-ci.conf")
        with suite:
            suite.control.do("dump_config")
            old = read(suite.config_path)
            for i in range(300):
                suite.control.do("protect_ip", ip_addr="10.8.%d.1" % i
                                 if i < 250 else "10.9.%d.1" % (i - 250),
                                 vl=BERLIN)
            answer = suite.control.request("dump_config")
            assert answer["status"] == 1
            assert "No space left" in answer["message"]
            assert read(suite.config_path) == old
            assert os.listdir(small) == ["afwrt-ci.conf"]
    finally:
        subprocess.run(["umount", "-l", small], check=True)


# Paths


@pytest.fixture(scope="module")
def running(product, lab):
    with Suite(lab, {"phone": BERLIN}) as suite:
        yield suite


def make(folder, kind, name):
    path = os.path.join(folder, name)
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        os.mkdir(path)
    elif kind == "link":
        with open(path + ".target", "w", encoding="ascii") as f:
            f.write("precious")
        os.symlink(path + ".target", path)
    elif kind == "dangling":
        os.symlink("/tmp/afwrt-nobody", path)
    elif kind == "linked folder":
        os.symlink("/tmp", path)
        path += "/afwrt-nobody"
    return path


@pytest.mark.parametrize("kind", ["fifo", "folder", "link", "dangling",
                                  "linked folder"])
def test_only_a_file_is_replaced(running, kind):
    path = make(running.folder, kind, "target-" + kind.replace(" ", "-"))
    answer = running.control.request("dump_config", config_path=path)
    assert answer["status"] == 1, answer
    assert answer["message"].startswith(path)
    assert not os.path.exists("/tmp/afwrt-nobody")
    if kind == "fifo":
        assert stat.S_ISFIFO(os.stat(path).st_mode)
    elif kind == "folder":
        assert os.listdir(path) == []
    elif kind == "link":
        assert read(path) == "precious"
        assert os.path.islink(path)
    left = [n for n in os.listdir(running.folder) if n.endswith(".new")]
    assert left == []


@pytest.mark.parametrize("path", [
    "", "relative", "/", "/etc/passwd", "/etc/afwrt", "/etc/afwrt/",
    "/etc/afwrt/../passwd", "/etc/afwrtx/file", "%s/../escape", "%s/./..",
    "%s/none/file", "%s/" + "n" * 300, "%s/..", "%s/.", "%s//",
    "/proc/self/cwd/file", "/dev/null", "%s/a/../../escape"])
def test_paths(running, path):
    where = path.replace("%s", running.folder)
    answer = running.control.request("dump_config", config_path=where)
    assert answer["status"] == 1, answer
    assert answer["message"]
    assert not os.path.exists(os.path.join(running.folder, "..", "escape"))
    assert running.control.do("ping")


def test_beside_the_file(running):
    path = os.path.join(running.folder, "copy.conf")
    running.control.do("dump_config", config_path=path)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert os.stat(path).st_uid == 0
    first = os.stat(path).st_ino
    running.control.do("dump_config", config_path=path)
    assert os.stat(path).st_ino != first
    os.mkdir(os.path.join(running.folder, "below"))
    running.control.do("dump_config", config_path=os.path.join(
        running.folder, "below", "copy.conf"))
