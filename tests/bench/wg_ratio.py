#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""A WireGuard route of afwrt-tun beside wireguard-go, in one run.

TUN to UDP: both talk to the same kind of node (wireguard-go) over a wire
between two namespaces, in turns. The node bounds the throughput, so the
processor time that our side takes for a gigabyte counts as much. Absolute
figures move with the machine and with what else runs on it; the ratios within
a run are what counts.

    AFWRT_BUILD=BUILD tests/bench/wg_ratio.py [--seconds N] [--rounds N]
"""

import argparse
import json
import os
import statistics
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "../netns"))

from lab.util import wait_for  # noqa: E402
from lab.wg_route import Tun  # noqa: E402
from lab.wireguard import (INNER, MTU, OUTER, PORT, Keys, Node,  # noqa: E402
                           Wire, missing)


class Go(Node):
    """wireguard-go on our side."""

    def __init__(self, wire, keys, peer):
        super().__init__(wire, keys, peer)
        self.pid = self.process.pid

    def start(self):
        self.ns = self.wire.ns["ours"]
        super().start()

    def set_peer(self, *words):
        self.ns.run("wg", "set", self.name, "peer", self.peer, "endpoint",
                    "%s:%d" % (OUTER[4][1], PORT), "allowed-ips",
                    "0.0.0.0/0,::/0")


def cpu(pids):
    total = 0
    for pid in pids:
        with open("/proc/%d/stat" % pid, encoding="ascii") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def named(ns, name):
    """Pids of a program in a namespace."""
    found = []
    for pid in ns.pids():
        with open("/proc/%d/comm" % pid, encoding="ascii") as f:
            if f.read().strip() == name:
                found.append(pid)
    return found


def measure(wire, name, seconds, words):
    ours = wire.ns["ours"]
    pids = named(ours, name)
    assert pids, name
    before = cpu(pids)
    done = ours.run("iperf3", "-c", INNER[4][1], "-t", str(seconds), "-J",
                    *words, timeout=seconds + 20)
    spent = cpu(pids) - before
    end = json.loads(done.stdout)["end"]["sum_received"]
    return end["bits_per_second"] / 1e6, spent / (end["bytes"] / 1e9)


def turn(which, seconds):
    keys, peer = Keys(), Keys()
    with Wire() as wire:
        node = Node(wire, peer, keys.public)
        if which == "afwrt-tun":
            tun = Tun(wire, keys, peer.public)
            tun.say("route manual")
            tun.wait("event connected")
        else:
            go = Go(wire, keys, peer.public)
            go.ns.ip("addr del %s/24 dev %s" % (INNER[4][1], go.name),
                     "addr del %s/64 dev %s" % (INNER[6][1], go.name),
                     "addr add %s/24 dev %s" % (INNER[4][0], go.name))
        wait_for(lambda: wire.ping("ours", wait=1) == 1, 10, "the tunnel")
        server = node.ns.popen(["iperf3", "-s"], stdout=subprocess.DEVNULL)
        node.ns.await_port(5201, process=server)
        return [measure(wire, which, seconds, words)
                for words in ([], ["-R"])]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    if missing():
        sys.exit(missing())
    results = {"afwrt-tun": [], "wireguard-go": []}
    for _ in range(args.rounds):
        for which, list_ in results.items():
            list_.append(turn(which, args.seconds))
    print("packets of %d bytes; median of %d" % (MTU, args.rounds))
    for i, way in enumerate(("up", "down")):
        row = {}
        for which, list_ in results.items():
            row[which] = [statistics.median(r[i][j] for r in list_)
                          for j in (0, 1)]
            print("%-4s  %-12s %7.0f Mbit/s  %6.2f CPU s/GB" %
                  (way, which, *row[which]))
        ours, go = row["afwrt-tun"], row["wireguard-go"]
        print("%-4s  ratio        %7.2f         %6.2f" %
              (way, ours[0] / go[0], ours[1] / go[1]))


if __name__ == "__main__":
    main()
