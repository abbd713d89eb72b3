# SPDX-License-Identifier: ISC
"""A Debian system in a folder: made by mmdebstrap from the mirror that apt
on this machine uses, kept as an archive below build/packaging, and unpacked
anew for each run.  No service starts in it (policy-rc.d)."""

import contextlib
import glob
import hashlib
import os
import re
import shutil
import subprocess

from debs import TOP, WORK, Unavailable, need, run

SUITE = "bookworm"
MAKE_SECONDS = 400
# What the packages depend on, and what a system needs to boot with systemd.
PACKAGES = (
    "systemd", "systemd-sysv", "udev", "dbus", "kmod", "iproute2", "nftables",
    "libcap-ng0", "libevent-core-2.1-7", "libevent-extra-2.1-7", "libexpat1",
    "libjansson4", "libmbedcrypto7", "libmbedtls14", "libmbedx509-1",
    "libmnl0", "libnftnl11", "libssl3", "libjansson-dev", "iputils-ping")
# For a command in it: its own mounts, gone with the command.
ENTER = ('mount --bind "$1" "$1"; mount -t proc proc "$1/proc"; '
         'mount -t sysfs sysfs "$1/sys"; mount --rbind /dev "$1/dev"; '
         'exec chroot "$@"')


def sources():
    """Files of apt's that name this suite."""
    found = []
    for path in ["/etc/apt/sources.list"] + sorted(
            glob.glob("/etc/apt/sources.list.d/*.sources") +
            glob.glob("/etc/apt/sources.list.d/*.list")):
        with contextlib.suppress(OSError):
            with open(path, encoding="utf-8") as f:
                text = f.read()
            if re.search(r"^[^#]*\bdeb.*debian.*", text, re.MULTILINE) and \
                    re.search(r"\b%s\b" % SUITE, text):
                found.append(path)
    if not found:
        raise Unavailable("apt here has no mirror of Debian " + SUITE)
    return found


def base():
    """The archive of the system without us."""
    need("mmdebstrap", "tar")
    key = hashlib.sha256(" ".join(PACKAGES).encode()).hexdigest()[:12]
    path = os.path.join(WORK, "base-%s-%s.tar" % (SUITE, key))
    if os.path.exists(path):
        return path
    os.makedirs(WORK, exist_ok=True)
    for old in glob.glob(os.path.join(WORK, "base-*.tar")):
        os.unlink(old)
    try:
        run("mmdebstrap", "--variant=minbase",
            "--include=" + ",".join(PACKAGES), SUITE, path + ".part.tar",
            *sources(), seconds=MAKE_SECONDS,
            log=os.path.join(WORK, "mmdebstrap.log"))
    except (RuntimeError, subprocess.TimeoutExpired) as why:
        raise Unavailable(str(why)) from None
    os.rename(path + ".part.tar", path)
    return path


class Root:
    def __init__(self):
        self.folder = os.path.join(WORK, "root-%d" % os.getpid())
        archive = base()
        os.makedirs(self.folder)
        run("tar", "-C", self.folder, "-xf", archive, "--exclude=./dev/*",
            seconds=120)
        self.write("usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n", 0o755)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder)      # nothing is mounted below it here

    def path(self, name):
        return os.path.join(self.folder, name.lstrip("/"))

    def write(self, name, text, mode=0o644):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(path, mode)

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as f:
            return f.read()

    def argv(self, *argv):
        """In a mount namespace of its own that is in no way shared."""
        return ["unshare", "--mount", "--propagation", "private", "sh",
                "-ec", ENTER, "sh", self.folder, *argv]

    def run(self, *argv, **kw):
        return run(*self.argv(*argv), **kw)

    def status(self, *argv):
        return subprocess.run(self.argv(*argv), stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, timeout=60,
                              check=False).returncode

    def install(self, paths):
        """In a network namespace without anything, to be sure."""
        for path in paths:
            shutil.copy(path, self.path("tmp"))
        return run("unshare", "--net", *self.argv(
            "dpkg", "-i", *("/tmp/" + os.path.basename(p) for p in paths)),
            env=clean(), seconds=120)

    def dpkg(self, *words):
        return run("unshare", "--net", *self.argv("dpkg", *words),
                   env=clean(), seconds=120)


def clean():
    return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8",
            "DEBIAN_FRONTEND": "noninteractive"}


__all__ = ["Root", "TOP", "clean"]
