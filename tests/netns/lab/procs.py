# SPDX-License-Identifier: ISC
"""The product's processes, found and described through /proc.

afwrtd is forked twice by the library, so it is found by its name and its
network namespace; the helpers are its children.
"""

import os
import signal

from .util import alive, wait_for

HELPERS = ("afwrt-net", "afwrt-tun", "afwrt-auth")
CAPABILITIES = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")


def _field(pid, name):
    try:
        with open("/proc/%d/%s" % (pid, name), encoding="utf-8",
                  errors="replace") as f:
            return f.read()
    except OSError:
        return ""


def status(pid):
    """/proc/PID/status as a dictionary; capability sets as integers."""
    found = {}
    for line in _field(pid, "status").splitlines():
        key, _, value = line.partition(":")
        value = value.strip()
        found[key] = int(value, 16) if key in CAPABILITIES else value
    return found


def comm(pid):
    return _field(pid, "comm").strip()


def parent(pid):
    fields = _field(pid, "stat").rpartition(")")[2].split()
    return int(fields[1]) if len(fields) > 1 else 0


def all_pids():
    return [int(e) for e in os.listdir("/proc") if e.isdigit()]


def find(inode):
    """{name: pid} of afwrtd in that network namespace and its helpers."""
    found = {}
    for pid in all_pids():
        if comm(pid) != "afwrtd" or not alive(pid):
            continue
        try:
            if os.stat("/proc/%d/ns/net" % pid).st_ino != inode:
                continue
        except OSError:
            continue
        # A child that has not yet become its helper has this name too.
        if comm(parent(pid)) != "afwrtd":
            found["afwrtd"] = pid
    if "afwrtd" in found:
        for pid in all_pids():
            if parent(pid) == found["afwrtd"] and comm(pid) in HELPERS and \
                    alive(pid):
                found[comm(pid)] = pid
    return found


def kill_and_await_successor(inode, name, number=signal.SIGKILL, seconds=2.0):
    """Kill the process by its id; (old pid, new pid)."""
    old = find(inode)[name]
    os.kill(old, number)
    new = wait_for(
        lambda: find(inode).get(name) not in (None, old) and
        find(inode).get(name), seconds, "a new %s runs" % name)
    return old, new
