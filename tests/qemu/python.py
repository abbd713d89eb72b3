# SPDX-License-Identifier: ISC
"""Python and the laboratory of tests/netns for the guest's file system."""

import os
import shutil
import sysconfig

from kernel import TOP, Unavailable

INTERPRETER = "/usr/bin/python3"
# What the laboratory runs, beside what the guest has anyway.
PROGRAMS = ("tcpdump", "wireguard-go", "iperf3", "ss", "sysctl", "mount",
            "umount", "grep", "sort", "readlink", "mkdir")
LEFT_OUT = ("test", "tests", "idlelib", "tkinter", "lib2to3", "ensurepip",
            "__pycache__", "distutils", "pydoc_data", "turtledemo")


def add_tree(archive, root, skip=LEFT_OUT, target=None):
    for folder, names, files in os.walk(root):
        names[:] = [n for n in names if n not in skip]
        for name in files:
            path = os.path.join(folder, name)
            place = path if target is None else os.path.join(
                target, os.path.relpath(path, root))
            if not name.endswith((".pyc", ".a", ".la")):
                archive.file(place, os.path.realpath(path))


def add(archive):
    for name in PROGRAMS:
        path = shutil.which(name)
        if path is None:
            raise Unavailable("%s is not here" % name)
        archive.file(path, os.path.realpath(path))
    real = os.path.realpath(INTERPRETER)
    archive.file(INTERPRETER, real)
    add_tree(archive, sysconfig.get_path("stdlib")
             if os.path.realpath(shutil.which("python3") or "") == real
             else "/usr/lib/" + os.path.basename(real))
    add_tree(archive, os.path.join(TOP, "tests", "netns"))
