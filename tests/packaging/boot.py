# SPDX-License-Identifier: ISC
"""The system of root.py as the disk of a QEMU guest, with systemd as its
first process: what the units do at boot can be seen nowhere else.

The kernel and the emulation are those of tests/qemu; a small initramfs only
mounts the disk.  In the guest `lab.service` makes the network, as a network
manager would, between network-pre.target and network.target; `report.service`
runs last, writes to the second serial port and turns the guest off.
"""

import os
import shutil
import tempfile

from debs import WORK, need, run
from guest import Guest, initramfs

SECONDS = 240
DISK_MODULES = ("virtio_pci", "virtio_blk", "ext4")
MODULES = ("tun", "veth", "bridge", "nf_tables", r"nft_.*", "nf_conntrack",
           "nf_conntrack_netlink", "nf_nat", "nfnetlink", r"nf_reject_.*")
INIT = """#!/bin/busybox sh
export PATH=/usr/sbin:/usr/bin
mount -t devtmpfs devtmpfs /dev
mount -t proc proc /proc
for m in %s; do modprobe $m; done
mkdir /disk
mount -t ext4 /dev/vda /disk || poweroff -f
umount /proc
exec switch_root /disk /lib/systemd/systemd
"""
# What a test has no use for, and an emulated processor takes long for.
MASKED = ("apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer",
          "e2scrub_all.timer", "e2scrub_reap.service", "fstrim.timer",
          "getty.target", "getty@tty1.service", "systemd-logind.service",
          "systemd-timesyncd.service", "systemd-update-utmp.service",
          "systemd-random-seed.service", "systemd-journal-flush.service",
          "systemd-machine-id-commit.service", "systemd-hwdb-update.service",
          "systemd-user-sessions.service", "dbus.service", "dbus.socket",
          "systemd-journal-catalog-update.service", "ldconfig.service",
          "systemd-udev-trigger.service", "systemd-udevd.service",
          "systemd-udevd-kernel.socket", "systemd-udevd-control.socket",
          "systemd-binfmt.service", "systemd-pcrphase.service",
          "systemd-pcrphase-sysinit.service")
LAB = """[Unit]
Description=The network of the test
DefaultDependencies=no
Wants=network-pre.target network.target
After=network-pre.target systemd-tmpfiles-setup-dev.service
Before=network.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -x /test/network
"""
REPORT = """[Unit]
Description=The test's report
After=multi-user.target
[Service]
Type=oneshot
ExecStart=/bin/sh /test/run
ExecStopPost=/bin/systemctl poweroff --force --force
"""


RUN = """
stty -F /dev/ttyS1 raw -echo
{
	/bin/sh /test/report
	printf '\\n@guest-exit %d\\n' $?
} >/dev/ttyS1 2>&1
"""


def enable(root, name, text, target):
    root.write("etc/systemd/system/" + name, text)
    folder = root.path("etc/systemd/system/%s.wants" % target)
    os.makedirs(folder, exist_ok=True)
    link = os.path.join(folder, name)
    if not os.path.lexists(link):
        os.symlink("/etc/systemd/system/" + name, link)


def prepare(root, kernel, network, report):
    """Our units and scripts, the kernel's modules, less of all else."""
    root.write("test/network", network)
    root.write("test/report", report)
    root.write("test/run", RUN)
    enable(root, "lab.service", LAB, "sysinit.target")
    enable(root, "report.service", REPORT, "default.target")
    for name in MASKED:
        link = root.path("etc/systemd/system/" + name)
        if not os.path.lexists(link):
            os.symlink("/dev/null", link)
    root.write("etc/systemd/journald.conf",
               "[Journal]\nStorage=volatile\nAudit=no\n")
    root.write("etc/machine-id", "0123456789abcdef0123456789abcdef\n")
    root.write("etc/fstab", "")
    folder = root.path("lib/modules/" + kernel.version)
    for path in kernel.closure(MODULES):
        os.makedirs(os.path.join(folder, os.path.dirname(path)),
                    exist_ok=True)
        shutil.copy(os.path.join(kernel.folder, path),
                    os.path.join(folder, path))
    for name in ("modules.builtin", "modules.order"):
        if os.path.exists(os.path.join(kernel.folder, name)):
            shutil.copy(os.path.join(kernel.folder, name), folder)
    root.run("depmod", kernel.version)


class BootGuest(Guest):
    """boot(root) of the disk; Result.output is what the report said."""

    def __init__(self):
        need("mke2fs")
        super().__init__(memory=768)

    def archive(self, script=None, files=()):
        archive = initramfs.Archive()
        initramfs.add_system(archive)
        archive.data("init", (INIT % " ".join(DISK_MODULES)).encode(), 0o755)
        initramfs.add_modules(archive, self.kernel, DISK_MODULES)
        initramfs.add_busybox(archive, shutil.which("busybox"))
        return archive

    def start(self, root, network, report, seconds=SECONDS):
        prepare(root, self.kernel, network, report)
        with tempfile.TemporaryDirectory(prefix="boot-", dir=WORK) as folder:
            disk = os.path.join(folder, "disk")
            for name in ("usr/share/doc", "usr/share/man", "usr/share/locale",
                         "var/lib/apt", "var/cache/apt"):
                shutil.rmtree(root.path(name), ignore_errors=True)
            run("mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-d",
                root.folder, disk, "400M", seconds=120)
            image = os.path.join(folder, "initramfs")
            self.archive().write(image)
            return self.boot(
                folder, image, seconds, "systemd.show_status=0 rw quiet "
                "systemd.log_level=notice", (
                    "-smp", "2", "-drive",
                    "file=%s,if=virtio,format=raw" % disk))


__all__ = ["BootGuest"]
