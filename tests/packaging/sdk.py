# SPDX-License-Identifier: ISC
"""OpenWrt's packages without OpenWrt: init/openwrt/Makefile run by the
stand-in for its buildroot in openwrt/sdk, natively, from what `make dist`
makes of this tree; then a router's folder with the packages in it, busybox,
and stubs of what is OpenWrt's own (openwrt/root).  The same tree is built
once, without optimization."""

import glob
import hashlib
import os
import re
import shutil
import subprocess

from debs import TOP, WORK, Unavailable, digest, need, run, tree
from root import ENTER, Root, clean

HERE = os.path.dirname(os.path.abspath(__file__))
SDK = os.path.join(HERE, "openwrt", "sdk")
STUBS = os.path.join(HERE, "openwrt", "root")
MAKEFILE = os.path.join(TOP, "init", "openwrt", "Makefile")
SECONDS = 300
NAMES = ("libafwrt-client", "afwrt-daemons", "afwrt-ctl")
APPLETS = ("ash", "basename", "cat", "cut", "grep", "kill", "ln", "ls",
           "mkdir", "mv", "readlink", "rm", "sed", "sh", "sleep", "touch")


def release(folder, build):
    """What `make dist` makes, in a hurry; from a build of this tree."""
    if not os.path.exists(os.path.join(build, "Makefile")):
        raise Unavailable("no build of this tree in AFWRT_BUILD=" + build)
    run("make", "-C", build, "dist", seconds=SECONDS,
        log=os.path.join(folder, "dist.log"), env=dict(os.environ,
                                                       XZ_OPT="-0"))
    os.makedirs(os.path.join(folder, "dl"))
    made, = glob.glob(os.path.join(build, "afwrt-*.tar.xz"))
    shutil.move(made, os.path.join(folder, "dl"))


def build_of(stage):
    """Where the stage was built: AFWRT_BUILD, or beside it."""
    beside = (stage[:-len("-stage")] if stage.endswith("-stage") else
              os.path.join(os.path.dirname(stage), "dev"))
    return os.environ.get("AFWRT_BUILD", beside)


def key():
    """Of the tree and of the stand-in."""
    found = hashlib.sha256(digest(tree()).encode())
    for name in ("rules.mk", "include/package.mk"):
        with open(os.path.join(SDK, name), "rb") as f:
            found.update(f.read())
    return found.hexdigest()[:16]


def build(stage):
    """The folder with bin, staging_dir and build_dir."""
    need("make", "gcc", "xz", "readelf")
    folder = os.path.join(WORK, "openwrt-" + key())
    if os.path.exists(os.path.join(folder, "done")):
        return folder
    for old in glob.glob(os.path.join(WORK, "openwrt-*")):
        shutil.rmtree(old)
    os.makedirs(folder)
    release(folder, build_of(stage))
    shutil.copytree(SDK, folder, dirs_exist_ok=True)
    run("make", "-f", MAKEFILE, "--warn-undefined-variables",
        "TOPDIR=" + folder, "CONFIG_AFWRT_OPENSSL=y", "CONFIG_AFWRT_WIREGUARD=",
        seconds=SECONDS, log=os.path.join(folder, "log"), cwd=folder)
    with open(os.path.join(folder, "done"), "w", encoding="ascii"):
        pass
    return folder


def below(folder):
    """The files below it, as absolute paths of the router."""
    return {"/" + os.path.relpath(os.path.join(base, name), folder)
            for base, folders, names in os.walk(folder)
            for name in names + [f for f in folders if os.path.islink(
                os.path.join(base, f))]}


class Package:
    """What Package/NAME says and has."""

    def __init__(self, sdk, name):
        self.name, self.base = name, os.path.join(sdk, "bin", name)
        self.files = below(self.base)
        self.control = dict(line.split(": ", 1) if ": " in line else
                            (line.rstrip(":"), "")
                            for line in self.part("control").splitlines())
        self.depends = self.control["DEPENDS"].split()

    def part(self, name):
        with open(self.base + "." + name, encoding="utf-8") as f:
            return f.read()

    def path(self, name):
        return os.path.join(self.base, name.lstrip("/"))

    def elves(self):
        return {f for f in self.files if not os.path.islink(self.path(f)) and
                open(self.path(f), "rb").read(4) == b"\x7fELF"}

    def users(self):
        """[(user or "", group)] of USERID."""
        return [re.match(r"([\w-]*):([\w-]+)$", entry).groups()
                for entry in self.control["USERID"].split()]


def dynamic(path, tag):
    """The values of a tag in an ELF's dynamic section."""
    said = run("readelf", "--dynamic", "--wide", path)
    return re.findall(r"\(%s\).*\[(.*)\]" % tag, said)


def libraries(paths, folder):
    """{soname: where this machine has it}, all that the programs load."""
    found = {}
    for path in paths:
        said = run("ldd", path, env=dict(os.environ, LD_LIBRARY_PATH=folder))
        assert "not found" not in said, said
        found.update(re.findall(r"^\s+(\S+) => (/\S+) ", said, re.M))
        for loader in re.findall(r"^\s+(/\S+) \(", said, re.M):
            found[os.path.basename(loader)] = loader
    return found


class System(Root):
    """A router's root file system; /var is in /tmp, as there."""

    def __init__(self, packages):
        self.folder = os.path.join(WORK, "router-%d" % os.getpid())
        busybox = shutil.which("busybox")
        if dynamic(busybox, "NEEDED"):
            raise Unavailable("busybox is not static")
        for name in ("bin", "dev", "etc/rc.d", "etc/config", "lib/functions",
                     "proc", "sbin", "sys", "tmp/run", "tmp/lock", "usr/bin",
                     "usr/sbin"):
            os.makedirs(self.path(name))
        os.chmod(self.path("tmp"), 0o1777)
        os.symlink("tmp", self.path("var"))
        shutil.copy(busybox, self.path("bin/busybox"))
        for name in APPLETS:
            os.symlink("busybox", self.path("bin/" + name))
        for name, where in (("functions.sh", "lib/functions.sh"),
                            ("procd.sh", "lib/functions/procd.sh"),
                            ("rc.common", "etc/rc.common")):
            shutil.copy(os.path.join(STUBS, name), self.path(where))
        self.users = {"root": 0}
        self.groups = {"root": 0}
        for package in packages:
            self.install(package)
        self.accounts()
        self.load(packages)

    def install(self, package):
        run("cp", "-a", package.base + "/.", self.folder)
        for user, group in package.users():
            number = 32768 + len(self.groups)
            self.groups.setdefault(group, number)
            if user:
                self.users.setdefault(user, self.groups[group])

    def accounts(self):
        self.write("etc/passwd", "".join(
            "%s:x:%d:%d:%s:/var/run/%s:/bin/false\n" % (u, n, n, u, u)
            for u, n in self.users.items()))
        self.write("etc/group", "".join(
            "%s:x:%d:\n" % item for item in self.groups.items()))

    def load(self, packages):
        programs = [p.path(f) for p in packages for f in p.elves()]
        own = {os.path.basename(f) for p in packages for f in p.files}
        for name, path in libraries(programs, packages[0].path(
                "usr/lib")).items():
            if name not in own:
                os.makedirs(os.path.dirname(self.path(path)), exist_ok=True)
                shutil.copy(os.path.realpath(path), self.path(path))

    def netns(self, script, seconds=60, check=True):
        """Shell with $ROOT, each in a network namespace of its own in which
        `in_root COMMAND...` runs one in it."""
        text = ENTER.replace("exec chroot", ":") + \
            '; ROOT=$1; in_root() { chroot "$ROOT" "$@"; }\n' + script
        done = subprocess.run(
            ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child",
             "--propagation", "private", "sh", "-ec", text, "sh", self.folder],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=seconds, check=False,
            env=clean())
        assert not check or done.returncode == 0, done.stdout
        return done.stdout


__all__ = ["MAKEFILE", "NAMES", "Package", "System", "build", "dynamic"]
