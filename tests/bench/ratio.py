#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""The product beside openconnect, in one run, to one node.

lan hosts -- router -- node -- internet, in namespaces of their own: the
phone goes through the product, the laptop through openconnect (TLS, the
same ocserv), in turns. Absolute figures move with the machine and with what
else runs on it; the ratios within a run are what counts. The wires carry
packets of 1500 bytes that the receiver merges, as network cards do (veth
segmentation off, GRO on), unless --offload is said.

    AFWRT_STAGE=PREFIX tests/bench/ratio.py [--seconds N] [--rounds N]
        [--parallel N] [--family 4|6] [--offload] [--profile FOLDER]

--profile records afwrt-tun with perf while it is measured.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "netns"))

from lab import procs, traffic  # noqa: E402
from lab.openconnect import Openconnect  # noqa: E402
from lab.suite import Suite, expected_exit  # noqa: E402
from lab.topology import Lab  # noqa: E402
from lab.util import LabError  # noqa: E402

BERLIN = "de-berlin"
TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid):
    with open("/proc/%d/stat" % pid, encoding="ascii") as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def rss_kib(pid, what="VmRSS"):
    return int(procs.status(pid)[what].split()[0])


def no_offload(lab):
    """1500-byte packets on every wire; the receiver merges them."""
    for space in lab.ns.values():
        for line in space.run("ip", "-o", "link", "show", "type",
                              "veth").stdout.splitlines():
            card = re.match(r"\d+: ([^@:]+)", line).group(1)
            space.run("ethtool", "-K", card, "tso", "off", "gso", "off",
                      "gro", "on")


class Product:
    name, host = "afwrt", "phone"

    def __init__(self, lab):
        self.suite = Suite(lab, {self.host: BERLIN}, log_level="info")

    def __enter__(self):
        self.suite.start()
        return self

    def __exit__(self, *_):
        self.suite.stop()

    def pid(self):
        return self.suite.pid("afwrt-tun")


class Peer:
    name, host = "openconnect", "laptop"

    def __init__(self, lab):
        self.lab = lab
        self.client = Openconnect(lab, BERLIN)

    def __enter__(self):
        self.client.await_up()
        card = next(iter(re.findall(r"(oc\d+):", self.lab.router.run(
            "ip", "-o", "link", "show", "type", "tun").stdout)))
        host = self.lab.host(self.host)
        for family, address in ((4, host.lan4), (6, host.lan6)):
            self.lab.router.run("ip", "-%d" % family, "rule", "add", "from",
                                address, "lookup", "1077", "pref", "1077")
            self.lab.router.run("ip", "-%d" % family, "route", "add",
                                "default", "dev", card, "table", "1077")
        self.lab.router.run("nft", "-f", "-", input=(
            "table inet peer {\n chain post {\n"
            "  type nat hook postrouting priority srcnat;\n"
            "  oifname \"%s\" masquerade\n }\n"
            " chain forward {\n"
            "  type filter hook forward priority mangle;\n"
            "  oifname \"%s\" tcp flags syn tcp option maxseg size set "
            "rt mtu\n }\n}\n") % (card, card))
        return self

    def __exit__(self, *_):
        self.client.stop()

    def pid(self):
        for pid in procs.all_pids():
            if procs.comm(pid) == "openconnect" and \
                    os.stat("/proc/%d/ns/net" % pid).st_ino == \
                    self.lab.router.inode:
                return pid
        raise RuntimeError("openconnect does not run")


class Profile:
    """perf on one process; the report goes beside the data."""

    def __init__(self, folder, pid, name):
        self.path = folder and os.path.join(folder, name)
        self.pid, self.process = pid, None

    def __enter__(self):
        if self.path:
            self.process = subprocess.Popen(
                ["perf", "record", "-q", "-g", "-F", "499", "-p",
                 str(self.pid), "-o", self.path + ".data"])
        return self

    def __exit__(self, *_):
        if self.process is None:
            return
        self.process.send_signal(2)
        self.process.wait()
        with open(self.path + ".txt", "wb") as f:
            subprocess.call(["perf", "report", "--stdio", "--no-children",
                             "-g", "none", "-i", self.path + ".data"],
                            stdout=f, stderr=subprocess.DEVNULL)


class LoadedRtt:
    """Pings beside the traffic; the middle one in ms."""

    def __init__(self, lab, client, family):
        self.process = lab.ns[client.host].popen(
            ["ping", "-%d" % family, "-n", "-i", "0.05",
             traffic.target(lab, client.host, family)],
            stdout=subprocess.PIPE, text=True)
        self.space = lab.ns[client.host]

    def end(self):
        self.process.send_signal(2)
        text, _ = self.process.communicate()
        self.space.children.remove(self.process)
        times = [float(t) for t in re.findall(r"time=([\d.]+)", text)]
        return statistics.median(times) if times else float("nan")


def iperf3(lab, client, down, args):
    """The server takes one test at a time and may still end the last one."""
    for left in 2, 1, 0:
        try:
            return traffic.iperf3(lab, client.host, args.seconds, down,
                                  args.parallel, args.family)
        except LabError:
            if left == 0:
                raise
            time.sleep(0.5)


def measure(lab, client, down, args):
    """(Mbit/s, CPU seconds of the client a GB, loaded RTT in ms)"""
    pid = client.pid()
    what = "%s-%s" % (client.name, "down" if down else "up")
    wanted = args.profile if client.name == "afwrt" else None
    with Profile(wanted, pid, what):
        pings = LoadedRtt(lab, client, args.family)
        before, start = cpu_seconds(pid), time.monotonic()
        speed = iperf3(lab, client, down, args)
        spent, took = cpu_seconds(pid) - before, time.monotonic() - start
        rtt = pings.end()
    moved = speed / 8000 * args.seconds
    print("%-16s %6.0f Mbit/s  %5.2f CPU s/GB  %3.0f%% of a core  "
          "%6.2f ms  %6d KiB" % (what, speed, spent / moved,
                                 100 * spent / took, rtt, rss_kib(pid)),
          flush=True)
    return speed, spent / moved, rtt


def middle(results, field):
    return statistics.median(r[field] for r in results)


def run(lab, args):
    found = {}
    with Product(lab) as ours, Peer(lab) as peer:
        for client in ours, peer:
            traffic.await_seen(lab, client.host,
                               expected_exit(BERLIN, args.family),
                               args.family, 15)
        idle = rss_kib(ours.pid())
        for _ in range(args.rounds):
            for down in False, True:
                for client in ours, peer:
                    found.setdefault((client.name, down), []).append(
                        measure(lab, client, down, args))
        print("afwrt-tun: %d KiB connected, %d KiB at most; openconnect: "
              "%d KiB at most" % (idle, rss_kib(ours.pid(), "VmHWM"),
                                  rss_kib(peer.pid(), "VmHWM")))
    for down in False, True:
        a, b = found["afwrt", down], found["openconnect", down]
        print("%-4s  speed %.2f times, CPU a GB %.2f times, loaded RTT %.2f "
              "times openconnect's (medians of %d)" %
              ("down" if down else "up", *(middle(a, i) / middle(b, i)
                                           for i in range(3)), args.rounds))


def main():
    words = argparse.ArgumentParser()
    words.add_argument("--seconds", type=int, default=3)
    words.add_argument("--rounds", type=int, default=3)
    words.add_argument("--parallel", type=int, default=1)
    words.add_argument("--family", type=int, default=4, choices=(4, 6))
    words.add_argument("--offload", action="store_true")
    words.add_argument("--profile")
    args = words.parse_args()
    with Lab(hosts=("phone", "laptop"), nodes=(BERLIN,)) as lab:
        if not args.offload:
            no_offload(lab)
        run(lab, args)


if __name__ == "__main__":
    main()
