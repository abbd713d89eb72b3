# SPDX-License-Identifier: ISC
"""The systemd files as `make install` leaves them; none of them is loaded."""

import os
import re
import shutil
import subprocess

import pytest

from debs import TOP

UNITS = ("afwrt.service", "afwrt-guard.service")
EXPOSURE = 2.0

pytestmark = pytest.mark.skipif(shutil.which("systemd-analyze") is None,
                                reason="systemd-analyze is not installed")


def analyze(*words, **environment):
    return subprocess.run(("systemd-analyze",) + words,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=60, check=False,
                          env=dict(os.environ, **environment))


@pytest.fixture(scope="module")
def units(stage):
    folder = stage + "/lib/systemd/system"
    if not os.path.isdir(folder):
        pytest.skip("the units are not installed in " + stage)
    return {name: os.path.join(folder, name) for name in UNITS}


def text(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def test_verify(stage, units):
    done = analyze("verify", "--man=%s" % ("yes" if shutil.which("man")
                                           else "no"), *units.values(),
                   MANPATH=stage + "/share/man")
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("name", UNITS)
def test_exposure(units, name):
    done = analyze("security", "--offline=true", "--no-pager", units[name])
    found = re.search(r"exposure level for %s: ([\d.]+)" % name, done.stdout)
    assert found, done.stdout
    assert float(found[1]) <= EXPOSURE, done.stdout


@pytest.mark.parametrize("name", UNITS)
def test_they_start_what_is_installed(stage, units, name):
    started = re.findall(r"^ExecStart=(\S+)", text(units[name]), re.M)
    assert [os.path.realpath(p) for p in started] == [
        os.path.realpath(stage + "/sbin/afwrt-ctl")]
    assert os.access(started[0], os.X_OK)


def test_both_have_the_same_hardening(units):
    """What one is allowed more is in this list, with its reason there."""
    def hardening(name):
        part = text(units[name]).split("\n[Service]\n")[1]
        return {l for l in part.split("\n[Install]")[0].splitlines()
                if re.match(r"(Protect|Private|Restrict|System|Cap|NoNew|Lock"
                            r"|Memory|Proc|User|Ambient|Device|Bind|Read|Supp|UMask)", l)}
    service, guard = (hardening(n) for n in UNITS)
    assert guard - service == set()
    assert {l.split("=")[0] for l in service - guard} == {
        "ReadWritePaths", "ReadOnlyPaths", "SupplementaryGroups"}


def test_users(stage, tmp_path):
    """Those that the programs were built for."""
    (tmp_path / "etc").mkdir()
    conf = stage + "/lib/sysusers.d/afwrt.conf"
    subprocess.run(("systemd-sysusers", "--root=%s" % tmp_path,
                    "--replace=/usr/lib/sysusers.d/afwrt.conf", conf),
                   check=True, timeout=60)
    made = {l.split(":")[0]: l.split(":")
            for l in text(tmp_path / "etc/passwd").splitlines()}
    groups = {l.split(":")[0]
              for l in text(tmp_path / "etc/group").splitlines()}
    with open(os.path.join(TOP, "configure.ac"), encoding="utf-8") as f:
        wanted = set(re.findall(r"with_\w+_user=(_[\w-]+)", f.read()))
    assert wanted and wanted | {"_afwrt", "_afwrtd"} == set(made)
    assert groups >= set(made) | {"afwrt"}
    for fields in made.values():
        assert 0 < int(fields[2]) < 1000
        assert fields[6] == "/usr/sbin/nologin"


def test_folders(stage, tmp_path):
    (tmp_path / "etc/afwrt").mkdir(parents=True)
    config = tmp_path / "etc/afwrt/afwrt-ci.conf"
    config.write_text("{}")
    config.chmod(0o600)
    for program, kind in (("systemd-sysusers", "sysusers"),
                          ("systemd-tmpfiles", "tmpfiles")):
        subprocess.run((program, "--root=%s" % tmp_path) +
                       (("--create",) if kind == "tmpfiles" else ()) +
                       (stage + "/lib/%s.d/afwrt.conf" % kind,),
                       check=True, timeout=60)
    ids = {l.split(":")[0]: int(l.split(":")[2])
           for l in text(tmp_path / "etc/passwd").splitlines()}
    found = os.stat(tmp_path / "run/afwrt/empty")
    assert (found.st_mode & 0o777, found.st_uid) == (0o555, 0)
    found = os.stat(tmp_path / "etc/afwrt")
    assert (found.st_mode & 0o7777, found.st_uid) == (0o2770, 0)
    found = os.stat(config)
    assert (found.st_mode & 0o777, found.st_uid) == (0o600, ids["_afwrtd"])


def test_the_examples_are_good(stage):
    done = subprocess.run(
        (stage + "/sbin/afwrt-ctl", "check-config",
         os.path.join(TOP, "init/examples/afwrt-ci.conf")),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=30, check=False)
    assert done.stdout == "the configuration is good\n"
