# SPDX-License-Identifier: ISC
"""The guest's file system: a cpio archive, written here.

Files keep their paths; what is an ELF program brings the shared libraries
that ldd names; modules come with what they depend on; busybox is the rest.
"""

import os
import re
import stat
import subprocess

USERS = ("root:x:0:0::/root:/bin/sh\n"
         "_afwrt-net:x:61180:61180::/nonexistent:/bin/false\n"
         "_afwrt-tun:x:61181:61181::/nonexistent:/bin/false\n"
         "_afwrt-auth:x:61182:61182::/nonexistent:/bin/false\n")
GROUPS = "".join("%s:x:%s:\n" % tuple(line.split(":")[0:3:2])
                 for line in USERS.splitlines())
FOLDERS = ("dev", "proc", "sys", "run", "tmp", "root", "var", "etc", "bin",
           "sbin", "lib", "lib64")
MERGED = re.compile(r"^/*(bin|sbin|lib|lib64)(/|$)")


def merged(path):
    """As on this machine, /bin is /usr/bin and so on."""
    return MERGED.sub(r"usr/\1\2", path).strip("/")


class Archive:
    """cpio, format newc: what a kernel unpacks."""

    def __init__(self):
        self.entries = {}           # path -> (mode, data, device)

    def folder(self, path):
        path = path.strip("/")
        if path and path not in self.entries:
            self.folder(os.path.dirname(path))
            self.entries[path] = (stat.S_IFDIR | 0o755, b"", 0)

    def data(self, path, data, mode=0o644):
        path = merged(path)
        self.folder(os.path.dirname(path))
        self.entries[path] = (stat.S_IFREG | mode, data, 0)

    def link(self, path, target):
        path = merged(path)
        self.folder(os.path.dirname(path))
        self.entries.setdefault(
            path, (stat.S_IFLNK | 0o777, target.encode(), 0))

    def file(self, path, source):
        """A file of this machine; libraries as well if it is a program."""
        with open(source, "rb") as f:
            data = f.read()
        self.data(path, data, os.stat(source).st_mode & 0o7777)
        if data.startswith(b"\x7fELF"):
            for library in libraries(source):
                if merged(library) not in self.entries:
                    with open(library, "rb") as f:
                        self.data(library, f.read(), 0o755)

    def write(self, path):
        with open(path, "wb") as f:
            for number, (name, (mode, data, device)) in enumerate(
                    self.entries.items(), 1):
                entry(f, number, name, mode, data, device)
            entry(f, 0, "TRAILER!!!", 0, b"", 0)


def entry(f, number, name, mode, data, device):
    name = name.encode() + b"\0"
    fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0,
              os.major(device), os.minor(device), len(name), 0)
    head = b"070701" + b"".join(b"%08X" % n for n in fields) + name
    f.write(head + b"\0" * (-len(head) % 4))
    f.write(data + b"\0" * (-len(data) % 4))


def libraries(program):
    """What ldd says, the interpreter too; nothing for a static program."""
    done = subprocess.run(("ldd", program), stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    if "not found" in done.stdout:
        raise FileNotFoundError("%s: %s" % (program, done.stdout.strip()))
    return re.findall(r"(?:=> |^\s+)(/\S+) \(0x", done.stdout, re.MULTILINE)


def add_busybox(archive, busybox):
    archive.file("bin/busybox", busybox)
    names = subprocess.run((busybox, "--list"), stdout=subprocess.PIPE,
                           text=True, check=True).stdout.split()
    for name in names:
        archive.link("bin/" + name, "busybox")
    archive.link("sbin/modprobe", "/bin/busybox")


def add_system(archive):
    for path in FOLDERS:
        archive.folder(merged(path))
        if merged(path) != path:
            archive.entries[path] = (stat.S_IFLNK | 0o777,
                                     merged(path).encode(), 0)
    archive.data("etc/passwd", USERS.encode())
    archive.data("etc/group", GROUPS.encode())
    archive.data("etc/nsswitch.conf", b"passwd: files\ngroup: files\n")
    archive.data("etc/hosts", b"127.0.0.1 localhost\n")
    archive.entries["dev/console"] = (stat.S_IFCHR | 0o600, b"",
                                      os.makedev(5, 1))


def add_modules(archive, kernel, patterns):
    folder = "lib/modules/" + kernel.version
    paths = kernel.closure(patterns)
    for path in paths:
        archive.file(folder + "/" + path, os.path.join(kernel.folder, path))
    names = {os.path.basename(p).split(".ko")[0].replace("-", "_")
             for p in paths}
    archive.data(folder + "/modules.dep", "".join(
        "%s: %s\n" % (p, " ".join(kernel.needs[p])) for p in paths).encode())
    with open(os.path.join(kernel.folder, "modules.alias"),
              encoding="ascii") as f:
        archive.data(folder + "/modules.alias", "".join(
            line for line in f if line.split()[-1] in names).encode())
    archive.file(folder + "/modules.builtin",
                 os.path.join(kernel.folder, "modules.builtin"))
