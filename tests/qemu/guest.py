#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Runs a script on a kernel that is not this machine's, in QEMU.

By software emulation, so that nothing is needed of the processor; the guest
has no disk and no network, only an initramfs and two serial ports.

    Guest().run("wg show", ["/usr/bin/wg"]) -> Result

On the command line: guest.py SCRIPT [FILE...]: its output, its exit status;
77 and the reason where there can be no guest.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import initramfs  # noqa: E402
from kernel import Unavailable, kernel, qemu  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
SECONDS = int(os.environ.get("AFWRT_QEMU_SECONDS", "120"))
# Real ones instead of busybox's, where this machine has them.
PROGRAMS = ("ip", "tc", "nft", "wg", "ping", "conntrack", "unshare",
            "nsenter", "bridge")
MODULES = ("wireguard", "tun", "veth", "bridge", "dummy", "sch_netem",
           "nf_tables", r"nft_.*", "nf_conntrack", "nf_conntrack_netlink",
           "nf_nat", "nfnetlink_.*", r"nf_reject_.*")
APPEND = ("console=ttyS0 loglevel=4 panic=-1 random.trust_cpu=on nokaslr "
          "mitigations=off rcupdate.rcu_expedited=1")
EXIT = re.compile(r"\n@guest-exit (\d+)\n\Z")


class GuestDied(Exception):
    """It did not come to the end of the script; with its last words."""


class Result:
    def __init__(self, status, output, console):
        self.status = status
        self.output = output
        self.console = console      # the kernel's words

    def __repr__(self):
        return "<status %d>\n%s" % (self.status, self.output)


class Guest:
    """One kernel; run() boots it anew each time."""

    def __init__(self, memory=1024, modules=MODULES, programs=PROGRAMS):
        self.qemu = qemu()
        self.kernel = kernel()
        self.memory = memory
        self.modules = modules
        self.programs = [shutil.which(p) for p in programs
                         if shutil.which(p) is not None]

    def run(self, script, files=(), seconds=SECONDS, more=None):
        """files: paths of this machine, or {path in the guest: path here};
        more(archive) may add what it likes."""
        with tempfile.TemporaryDirectory(prefix="afwrt-qemu-") as folder:
            image = os.path.join(folder, "initramfs")
            archive = self.archive(script, files)
            if more is not None:
                more(archive)
            archive.write(image)
            return self.boot(folder, image, seconds)

    def archive(self, script, files):
        archive = initramfs.Archive()
        initramfs.add_system(archive)
        with open(os.path.join(HERE, "init"), "rb") as f:
            archive.data("init", f.read(), 0o755)
        archive.data("guest/script", script.encode())
        # not busybox's: that one prefers its own ip to the real one
        archive.file("bin/sh", os.path.realpath("/bin/sh"))
        for path in self.programs:
            archive.file(path, path)
        if not isinstance(files, dict):
            files = {os.path.abspath(path): path for path in files}
        for path, source in files.items():
            archive.file(path, source)
        initramfs.add_modules(archive, self.kernel, self.modules)
        initramfs.add_busybox(archive, shutil.which("busybox"))
        return archive

    def boot(self, folder, image, seconds, append="", more=()):
        """more: arguments of QEMU, append: words for the kernel."""
        console = os.path.join(folder, "console")
        output = os.path.join(folder, "output")
        argv = [self.qemu, "-accel", "tcg", "-cpu", "max", "-m",
                str(self.memory), "-nodefaults", "-no-user-config",
                "-nographic", "-no-reboot", "-serial", "file:" + console,
                "-serial", "file:" + output, "-kernel", self.kernel.image,
                "-initrd", image, "-append", APPEND + " " + append, *more]
        try:
            done = subprocess.run(argv, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True,
                                  timeout=seconds, check=False)
            why = done.stdout.strip() or "the guest ended by itself"
        except subprocess.TimeoutExpired:
            why = "the guest was not done after %d s" % seconds
        said, kernel_said = read(output), read(console)
        end = EXIT.search(said)
        if end is None:
            raise GuestDied("%s\n--- output ---\n%s\n--- console ---\n%s" % (
                why, said[-4000:], kernel_said[-4000:]))
        return Result(int(end[1]), said[:end.start()], kernel_said)


def read(path):
    if not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8", errors="replace", newline="") as f:
        return f.read()


def main(argv):
    if not argv:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        with open(argv[0], encoding="utf-8") as f:
            result = Guest().run(f.read(), argv[1:])
    except Unavailable as why:
        print("SKIPPED: no QEMU guest: %s" % why, file=sys.stderr)
        return 77
    print(result.output)
    return result.status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
