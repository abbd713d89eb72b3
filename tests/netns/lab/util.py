# SPDX-License-Identifier: ISC
"""Waiting for conditions, and running programs to their end."""

import os
import subprocess
import time


class LabError(Exception):
    """The laboratory itself failed; says nothing about the product."""


class Timeout(LabError):
    pass


def wait_for(condition, seconds, what, every=0.01):
    """The first true value of condition(), asked until the deadline."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            if callable(what):
                what = what()
            raise Timeout("not within %g s: %s" % (seconds, what))
        time.sleep(every)


def run(argv, check=True, timeout=30, text=True, **kw):
    """Run to the end; the output is in .stdout, with stderr merged."""
    done = subprocess.run(argv, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=text,
                          timeout=timeout, stdin=kw.pop(
                              "stdin", None if "input" in kw
                              else subprocess.DEVNULL), **kw)
    if check and done.returncode != 0:
        raise LabError("%s: exit %d\n%s" % (" ".join(map(str, argv)),
                                            done.returncode, done.stdout))
    return done


def alive(pid):
    """Whether the process runs (a zombie does not)."""
    try:
        with open("/proc/%d/stat" % pid, encoding="ascii",
                  errors="replace") as f:
            return f.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def end(process, seconds=3):
    """End a Popen: politely, then not."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(seconds)
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream:
            stream.close()


def tail(path, lines=30):
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            return "".join(f.readlines()[-lines:])
    except OSError as e:
        return "(%s)" % e


def need_root():
    if os.geteuid() != 0:
        raise LabError("network namespaces need root: run this as root")
