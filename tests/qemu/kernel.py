# SPDX-License-Identifier: ISC
"""A kernel for the guest: Debian's for clouds, unpacked and not installed.

It comes as a .deb by apt-get download and is unpacked below build/qemu, so
that no boot loader of this machine hears of it.  AFWRT_QEMU_KERNEL names a
folder with boot/vmlinuz-* and lib/modules/* to be used instead.
"""

import os
import platform
import re
import shutil
import subprocess

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
META = "linux-image-cloud-amd64"
APT_SECONDS = 120


class Unavailable(Exception):
    """There can be no guest on this machine; the text says why."""


def run(*argv, cwd=None):
    done = subprocess.run(argv, cwd=cwd, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=APT_SECONDS, check=False)
    if done.returncode != 0:
        raise Unavailable("%s: %s" % (
            " ".join(argv), (done.stdout.strip().splitlines()
                             or ["status %d" % done.returncode])[-1]))
    return done.stdout


def qemu():
    if platform.machine() != "x86_64":
        raise Unavailable("the guest is for x86_64, this is %s" %
                          platform.machine())
    for program, package in (("qemu-system-x86_64", "qemu-system-x86"),
                             ("busybox", "busybox-static")):
        if shutil.which(program) is None:
            raise Unavailable("%s is not here (package %s)" %
                              (program, package))
    return shutil.which("qemu-system-x86_64")


class Kernel:
    """vmlinuz, its version, its modules with what each depends on."""

    def __init__(self, root):
        names = sorted(os.listdir(os.path.join(root, "lib/modules")))
        self.version = names[-1]
        self.image = os.path.join(root, "boot", "vmlinuz-" + self.version)
        self.folder = os.path.join(root, "lib/modules", self.version)
        if not os.path.exists(self.image):
            raise Unavailable("there is no " + self.image)
        if not os.path.exists(os.path.join(self.folder, "modules.dep")):
            run("busybox", "depmod", "-b", root, self.version)
        self.needs = {}
        with open(os.path.join(self.folder, "modules.dep"),
                  encoding="ascii") as f:
            for line in f:
                path, _, needs = line.partition(":")
                self.needs[path] = needs.split()
        self.path = {module_name(path): path for path in self.needs}

    def closure(self, patterns):
        """Paths of the modules whose names match, and of what they need."""
        found, todo = set(), []
        for pattern in patterns:
            hits = [p for n, p in self.path.items()
                    if re.fullmatch(pattern, n)]
            if not hits and not self.builtin(pattern):
                raise Unavailable("kernel %s has no module %s" %
                                  (self.version, pattern))
            todo += hits
        while todo:
            path = todo.pop()
            if path not in found:
                found.add(path)
                todo += self.needs[path]
        return sorted(found)

    def builtin(self, pattern):
        with open(os.path.join(self.folder, "modules.builtin"),
                  encoding="ascii") as f:
            return any(re.fullmatch(pattern, module_name(line.strip()))
                       for line in f)


def module_name(path):
    return os.path.basename(path).split(".ko")[0].replace("-", "_")


def package():
    """The name of the newest kernel, from the meta package."""
    names = re.findall(r"Depends: (linux-image-\d\S+)",
                       run("apt-cache", "depends", META))
    if not names:
        raise Unavailable("%s depends on no kernel here" % META)
    return names[0]


def fetch(folder):
    for program in ("apt-get", "apt-cache", "dpkg"):
        if shutil.which(program) is None:
            raise Unavailable("%s is not here: not a Debian system" % program)
    os.makedirs(folder, exist_ok=True)
    try:
        run("apt-get", "download", "-q", package(), cwd=folder)
    except Unavailable:
        run("apt-get", "update", "-q")
        run("apt-get", "download", "-q", package(), cwd=folder)
    debs = [n for n in os.listdir(folder) if n.endswith(".deb")]
    unpacked = os.path.join(folder, "unpacking")
    shutil.rmtree(unpacked, ignore_errors=True)
    run("dpkg", "-x", os.path.join(folder, debs[0]), unpacked)
    os.rename(unpacked, os.path.join(folder, "kernel"))
    for name in debs:
        os.unlink(os.path.join(folder, name))


def kernel():
    root = os.environ.get("AFWRT_QEMU_KERNEL")
    if root is None:
        folder = os.path.join(TOP, "build", "qemu")
        root = os.path.join(folder, "kernel")
        if not os.path.isdir(root):
            fetch(folder)
    if not os.path.isdir(os.path.join(root, "lib/modules")):
        raise Unavailable("no kernel with modules in " + root)
    return Kernel(root)
