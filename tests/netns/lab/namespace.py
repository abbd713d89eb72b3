# SPDX-License-Identifier: ISC
"""One network namespace: commands, sockets and interfaces inside it.

A socket keeps the namespace in which it was made, so socket() below lets the
test's own process talk from any host of the lab without a helper there.
"""

import contextlib
import ctypes
import os
import signal
import socket
import subprocess

from .util import LabError, alive, end, run, wait_for

CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def _setns(fd):
    if _libc.setns(fd, CLONE_NEWNET) != 0:
        code = ctypes.get_errno()
        raise OSError(code, "setns: " + os.strerror(code))


class Namespace:
    def __init__(self, full_name, name):
        self.full_name = full_name
        self.name = name
        self.children = []
        run(["ip", "netns", "add", full_name])
        self.fd = os.open("/run/netns/" + full_name,
                          os.O_RDONLY | os.O_CLOEXEC)
        self.inode = os.fstat(self.fd).st_ino

    @contextlib.contextmanager
    def entered(self):
        """This thread, and only this thread, is in the namespace."""
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            _setns(self.fd)
            try:
                yield
            finally:
                _setns(home)
        finally:
            os.close(home)

    def socket(self, family=socket.AF_INET, kind=socket.SOCK_STREAM, proto=0):
        with self.entered():
            return socket.socket(family, kind, proto)

    def argv(self, argv):
        return ["ip", "netns", "exec", self.full_name] + list(argv)

    def run(self, *argv, **kw):
        return run(self.argv(argv), **kw)

    def shell(self, script, **kw):
        return self.run("sh", "-ec", script, **kw)

    def popen(self, argv, **kw):
        """Start a program here; it is ended with the namespace."""
        kw.setdefault("stdin", subprocess.DEVNULL)
        # Not ours, the terminal's Ctrl-C: we end it in order.
        kw.setdefault("start_new_session", True)
        process = subprocess.Popen(self.argv(argv), **kw)
        self.children.append(process)
        return process

    def ip(self, *lines):
        """Lines for ip -batch, IPv4 and IPv6 alike."""
        run(["ip", "-n", self.full_name, "-batch", "-"],
            input="\n".join(lines) + "\n")

    def sysctl(self, **values):
        """Names with __ for the dots."""
        with self.entered():
            for key, value in values.items():
                path = os.path.join("/proc/sys", key.replace("__", "/"))
                with open(path, "w", encoding="ascii") as f:
                    f.write(str(value))

    def listening(self, port, kind="tcp"):
        """Whether somebody listens on that port here."""
        wanted = "0A" if kind == "tcp" else "07"
        with self.entered():
            for table in (kind, kind + "6"):
                with open("/proc/thread-self/net/" + table,
                          encoding="ascii") as f:
                    for line in f.readlines()[1:]:
                        field = line.split()
                        if field[3] == wanted and \
                                int(field[1].rsplit(":", 1)[1], 16) == port:
                            return True
        return False

    def await_port(self, port, kind="tcp", seconds=5, process=None):
        def ready():
            if process is not None and process.poll() is not None:
                raise LabError("%s: exited with %d before it listened on %d" %
                               (self.name, process.returncode, port))
            return self.listening(port, kind)
        wait_for(ready, seconds,
                 "%s listens on %s port %d" % (self.name, kind, port))

    def pids(self):
        """Every process of the namespace, its double-forked ones too."""
        return pids_in({self.inode})

    def close(self):
        """Reap what ended and remove the name; see kill_all()."""
        for process in self.children:
            end(process)
        self.children.clear()
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1
        run(["ip", "netns", "del", self.full_name], check=False)


def pids_in(inodes):
    """Processes, this one excepted, whose network namespace is one of these."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError):
                if os.stat("/proc/%s/ns/net" % entry).st_ino in inodes:
                    found.append(int(entry))
    return [p for p in found if p != os.getpid()]


def kill_all(inodes):
    """Kill by number whatever runs in namespaces that are ours."""
    for pid in pids_in(inodes):
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not any(alive(p) for p in pids_in(inodes)), 5,
             "the processes of the lab end")
