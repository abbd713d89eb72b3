# SPDX-License-Identifier: ISC
"""/proc of every process: user, capabilities, no new privileges."""

import os

import pytest

from lab import names, procs, traffic
from lab.procs import status
from lab.suite import expected_exit
from lab.util import wait_for

BITS = {"KILL": 5, "SETGID": 6, "SETUID": 7, "SETPCAP": 8, "NET_ADMIN": 12,
        "SYS_CHROOT": 18}


def mask(*names):
    return sum(1 << BITS[n] for n in names)


# process -> (user, every capability that it may keep); as architecture.md.
TABLE = {
    "afwrtd": ("root", mask("SETUID", "SETGID", "SETPCAP", "KILL",
                            "SYS_CHROOT", "NET_ADMIN")),
    "afwrt-net": ("_afwrt-net", mask("NET_ADMIN")),
    "afwrt-tun": ("_afwrt-tun", 0),
    "afwrt-auth": ("_afwrt-auth", 0),
}


@pytest.fixture(scope="module", autouse=True)
def working(lab, suite):
    traffic.await_seen(lab, "phone", expected_exit("de-berlin"))


def check(lab, suite, name, pid):
    user, allowed = TABLE[name]
    found = status(pid)
    uid = 0 if user == "root" else suite.user_id(user)
    assert found["Uid"].split() == [str(uid)] * 4
    for which in ("CapPrm", "CapEff", "CapBnd", "CapInh", "CapAmb"):
        more = found[which] & ~allowed
        assert not more, "%s of %s: %#x more than allowed" % (which, name,
                                                              more)
    if name == "afwrt-net":
        assert found["CapEff"] & mask("NET_ADMIN")
    if user != "root":
        assert found["NoNewPrivs"] == "1"
        assert "0" not in found["Gid"].split()
        assert "0" not in found["Groups"].split()


@pytest.mark.parametrize("name", TABLE)
def test_process(lab, suite, name):
    check(lab, suite, name, suite.pid(name))


@pytest.mark.parametrize("name", procs.HELPERS)
def test_the_successor_is_no_stronger(lab, suite, name):
    _, new = suite.kill_helper(name)
    wait_for(lambda: status(new).get("Uid", "0").split()[0] != "0", 5,
             "the new %s has dropped its privileges" % name)
    traffic.await_seen(lab, "phone", expected_exit("de-berlin"))
    check(lab, suite, name, new)


def test_the_service_drops_to_its_own_user(lab, suite):
    found = status(suite.process.pid)
    assert found["Uid"].split() == [str(suite.user_id("_afwrt"))] * 4
    assert found["CapEff"] == found["CapPrm"] == 0


@pytest.mark.parametrize("name", procs.HELPERS)
def test_no_file_of_the_system_is_in_reach(suite, name):
    """An empty root folder."""
    root = "/proc/%d/root/" % suite.pid(name)
    assert os.listdir(root) == []


@pytest.mark.parametrize("name", TABLE)
def test_no_secret_in_argv_or_environment(suite, lab, name):
    for part in ("cmdline", "environ"):
        with open("/proc/%d/%s" % (suite.pid(name), part), "rb") as f:
            text = f.read()
        assert names.NODE_PASSWORD.encode() not in text


def test_nobody_keeps_a_foreign_descriptor(suite):
    """afwrt-tun and afwrt-auth: sockets, pipes, memory, the TUN; of files
    only what says how large the process itself is."""
    allowed = ("socket:", "pipe:", "anon_inode:", "/memfd:", "/dev/net/tun",
               "/dev/null", "/dev/urandom", "/dev/random")
    for name in ("afwrt-tun", "afwrt-auth"):
        own = "/proc/%d/" % suite.pid(name)
        folder = own + "fd"
        for fd in os.listdir(folder):
            where = os.readlink(os.path.join(folder, fd))
            if where == own + "statm":
                continue
            if fd in "012" and where.endswith("/log"):
                continue        # the log that the test gave it
            assert where.startswith(allowed), (name, fd, where)
