# SPDX-License-Identifier: ISC
"""The Debian packages: what is in them, and that they work where they are
installed (a chroot in the lab's router: no systemd, this machine's network
and services are not touched)."""

import glob
import os
import re
import shutil
import subprocess

import pytest

from debs import paths, run
from installed import BERLIN, YORK, Installed
from lab import traffic
from lab.capture import no_leak
from lab.state import difference, snapshot
from lab.suite import expected_exit
from root import clean

USERS = ("_afwrt-net", "_afwrt-tun", "_afwrt-auth", "_afwrt", "_afwrtd")


@pytest.fixture
def product(installed, lab):
    made = Installed(installed, lab)
    before = snapshot(lab.router)
    yield made
    made.stop()
    made.ctl("unblock")
    assert difference(before, snapshot(lab.router)) == []


def test_lintian(packages):
    if shutil.which("lintian") is None:
        pytest.skip("lintian is not installed")
    said = run("lintian", "--allow-root", "--fail-on", "error,warning",
               *glob.glob(packages + "/*.changes"), seconds=200)
    assert said.strip() == ""


def test_symbols_are_those_of_the_map(packages):
    listed = run("dpkg-deb", "--info", paths(packages)[1], "symbols")
    with open(os.path.join(packages, "afwrt/lib/afwrt-client.map"),
              encoding="ascii") as f:
        wanted = set(re.findall(r"^\t(afwrt_\w+);", f.read(), re.M))
    assert set(re.findall(r"^ (afwrt_\w+)@AFWRT_1 ", listed, re.M)) == wanted


def test_depends(packages):
    afwrt, library, dev = (run("dpkg-deb", "--info", p, "control")
                           for p in paths(packages))
    version = re.search(r"^Version: (\S+)", afwrt, re.M)[1]
    same = "(= %s)" % version
    assert "libafwrt-client1 " + same in afwrt      # one build, or they refuse
    assert "libafwrt-client1 " + same in dev
    assert "libnftnl" not in library


def test_install_is_repeatable(installed, packages):
    users = installed.read("etc/passwd")
    for name in USERS:
        assert re.search(r"^%s:x:\d+:" % name, users, re.M), name
    assert re.search(r"^afwrt:x:\d+:", installed.read("etc/group"), re.M)
    installed.install(paths(packages))
    assert installed.read("etc/passwd") == users
    for word, state in (("--remove", "rc"), ("--purge", "un")):
        installed.dpkg(word, "afwrt")
        said = installed.run("sh", "-c", "dpkg -l afwrt || :")
        assert not re.search(r"^ii +afwrt ", said, re.M), state
    assert not os.path.exists(installed.path("usr/libexec/afwrt"))
    installed.install(paths(packages))
    assert installed.read("etc/passwd") == users
    assert installed.run("dpkg", "--audit").strip() == ""


def test_enabled_and_not_started(installed):
    for unit in ("multi-user.target.wants/afwrt.service",
                 "sysinit.target.wants/afwrt-guard.service"):
        assert os.path.islink(installed.path("etc/systemd/system/" + unit))
    assert not os.path.exists(installed.path("run/afwrt-ci.sock"))


def test_units_are_good_where_they_are_installed(installed):
    said = installed.run("systemd-analyze", "verify", "--man=no",
                         "afwrt.service", "afwrt-guard.service")
    assert said.strip() == ""


def test_the_header_and_the_library(installed, tmp_path):
    """A program built against what libafwrt-dev installed."""
    source = tmp_path / "v.c"
    source.write_text("#include <afwrt.h>\n#include <stdio.h>\n"
                      "int main(void) { return puts(afwrt_version()) < 0; }")
    library = glob.glob(installed.path("usr/lib/*/libafwrt-client.so"))[0]
    subprocess.run(("cc", "-I" + installed.path("usr/include"), "-o",
                    installed.path("tmp/v"), str(source), "-L" +
                    os.path.dirname(library), "-lafwrt-client",
                    "-Wl,--unresolved-symbols=ignore-in-shared-libs"),
                   check=True, timeout=60)
    said = installed.run("dpkg-query", "-W", "-f", "${Version}", "afwrt")
    assert said.startswith(installed.run("/tmp/v").strip() + "-")


def test_smoke(product, lab):
    """Two devices, two locations, a killswitch: all of it by afwrt-ctl."""
    product.configure({"phone": BERLIN}, killswitch=1)
    assert product.ctl("check-config").stdout == \
        "the configuration is good\n"
    with no_leak(lab, "phone"):
        assert product.json("guard")["guarded"] is True
        assert traffic.seen_address(lab, "phone", timeout=1) is None
        product.start()
        for family in (4, 6):
            traffic.await_seen(lab, "phone", expected_exit(BERLIN, family),
                               family)
        assert traffic.seen_address(lab, "tv") == expected_exit(None)
        for address in product.addresses("tv"):
            product.ctl("protect", "ip", address, YORK)
        for family in (4, 6):
            traffic.await_seen(lab, "tv", expected_exit(YORK, family), family)
        status = product.json("status")
        assert {r["location"]: r["state"] for r in status["routes"]
                if r["rules"]} == {BERLIN: "connected", YORK: "connected"}
        assert {p["name"] for p in status["processes"]} >= {
            "afwrt-net", "afwrt-tun", "afwrt-auth"}
        product.ctl("dump-config")
        assert YORK in product.root.read("etc/afwrt/afwrt-ci.conf")
        assert product.stop() == 0
        assert traffic.seen_address(lab, "phone", timeout=1) is None
    product.ctl("unblock")
    traffic.await_seen(lab, "phone", expected_exit(None))


def test_a_client_without_a_service(product):
    assert product.ctl("status", check=False).returncode == 3


def test_autopkgtest(installed, packages):
    """debian/tests/smoke, as autopkgtest runs it on an installed system."""
    shutil.copy(os.path.join(packages, "afwrt/debian/tests/smoke"),
                installed.path("tmp/smoke"))
    said = run("unshare", "--net", *installed.argv("/tmp/smoke"), env=clean(),
               seconds=120)
    assert said.endswith("smoke: all as it should be\n")
