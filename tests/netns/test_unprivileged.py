# SPDX-License-Identifier: ISC
"""The service started by a user with five capabilities, as systemd's unit
does it: no process of the suite is ever root."""

import os

import pytest

from lab import procs, traffic
from lab.procs import status
from lab.suite import Suite, expected_exit
from lab.util import wait_for

BERLIN = "de-berlin"
CAPS = ("net_admin", "setuid", "setgid", "setpcap", "kill")
MASK = 1 << 12 | 1 << 7 | 1 << 6 | 1 << 8 | 1 << 5


class Unprivileged(Suite):
    """`afwrt-ctl run` alone is; its folder is the user's."""

    def command(self, *argv):
        if argv[1:2] == ("run",):
            uid = self.user_id("_afwrtd")
            for base, _, files in os.walk(self.folder):
                for name in [""] + files:
                    if name not in ("passwd", "group", "resolv.conf"):
                        os.chown(os.path.join(base, name), uid, uid)
            caps = ",".join("+" + c for c in CAPS)
            argv = ("setpriv", "--reuid", str(uid), "--regid", str(uid),
                    "--clear-groups", "--inh-caps", "-all," + caps,
                    "--ambient-caps", "-all," + caps, "--bounding-set",
                    "-all," + caps, "--no-new-privs") + argv
        return super().command(*argv)


@pytest.fixture(scope="module")
def unprivileged(lab):
    with Unprivileged(lab, {"phone": BERLIN}) as suite:
        yield suite
        assert suite.trouble() == []


def seen(lab):
    traffic.await_seen(lab, "phone", expected_exit(BERLIN))


def test_a_device_goes_through_its_location(lab, unprivileged):
    seen(lab)


def test_nobody_is_root(lab, unprivileged):
    for name, pid in unprivileged.family().items():
        found = status(pid)
        assert "0" not in found["Uid"].split(), name
        if name == "afwrtd":
            assert found["CapPrm"] == found["CapAmb"] == MASK
            continue
        for which in ("CapInh", "CapAmb", "CapBnd"):
            assert found[which] == 0, (name, which)
        assert found["CapEff"] == (1 << 12 if name == "afwrt-net" else 0)
    found = status(unprivileged.process.pid)
    assert found["Uid"].split() == [str(unprivileged.user_id("_afwrt"))] * 4
    assert found["CapEff"] == found["CapPrm"] == found["CapAmb"] == 0


@pytest.mark.parametrize("name", procs.HELPERS)
def test_a_helper_dies(lab, unprivileged, name):
    _, new = unprivileged.kill_helper(name)
    wait_for(lambda: status(new).get("CapBnd") == 0, 5,
             "the new %s has dropped its privileges" % name)
    seen(lab)


def test_a_capability_is_missing(lab, unprivileged):
    """It is named; nothing starts."""
    argv = unprivileged.command(unprivileged.ctl_path, "run",
                                unprivileged.config_path)
    argv = [a.replace("+kill", "-kill") for a in argv]
    done = lab.router.run(*argv, env=unprivileged.environment(), check=False)
    assert done.returncode == 4
    assert "CAP_KILL" in (done.stdout or "") + (done.stderr or "")


def test_it_ends_in_order(lab, unprivileged):
    assert unprivileged.stop() == 0
