#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""One connection to the node against several, in one run.

The network of ratio.py; each of three hosts has flows to four servers at once,
which the product spreads over its connections. Sessions with 1 and with N
connections take turns; what counts is the ratio. One core more for the node
shows only where there are cores to spare: the node, the hosts and the product
share this machine.

    AFWRT_STAGE=PREFIX tests/bench/connections.py [--seconds N] [--rounds N]
        [--connections N] [--family 4|6] [--offload]
"""

import argparse
import concurrent.futures
import contextlib
import json
import statistics
import subprocess
import sys
import time

sys.dont_write_bytecode = True

from ratio import BERLIN, cpu_seconds, no_offload, rss_kib  # noqa: E402
from lab import names, traffic  # noqa: E402
from lab.suite import Suite, expected_exit  # noqa: E402
from lab.topology import Lab  # noqa: E402
from lab.util import LabError, wait_for  # noqa: E402

PORT = 5210


def servers(lab, family):
    """(host, address, port): every pair of host and address once."""
    found = []
    for host in names.HOSTS:
        for other in names.HOSTS:
            found.append((host, traffic.target(lab, other, family)))
        found.append((host, (names.SHARED4 if family == 4
                             else names.SHARED6)[0]))
    return [(h, a, PORT + i) for i, (h, a) in enumerate(found)]


@contextlib.contextmanager
def listening(lab, flows):
    """An iperf3 for each flow: one of them takes one test at a time."""
    started = [lab.internet.popen(["iperf3", "-s", "-p", str(port)],
                                  stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL)
               for _, _, port in flows]
    try:
        for process, (_, _, port) in zip(started, flows):
            lab.internet.await_port(port, process=process)
        yield
    finally:
        for process in started:
            process.terminate()
            process.wait()
            lab.internet.children.remove(process)


def one_flow(lab, flow, down, args):
    host, address, port = flow
    text = lab.ns[host].run(
        "iperf3", "-%d" % args.family, "-J", "-t", str(args.seconds), "-p",
        str(port), "-c", address, *(["-R"] if down else []),
        timeout=args.seconds + 15, check=False).stdout
    try:
        return json.loads(text)["end"]["sum_received"]["bits_per_second"] / 1e6
    except (ValueError, KeyError):
        raise LabError("iperf3: " + text[-400:]) from None


def measure(lab, suite, count, flows, down, args):
    """(Mbit/s of all, CPU seconds of afwrt-tun a GB)"""
    pid = suite.pid("afwrt-tun")
    before, start = cpu_seconds(pid), time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(len(flows)) as pool:
        speed = sum(pool.map(lambda f: one_flow(lab, f, down, args), flows))
    spent, took = cpu_seconds(pid) - before, time.monotonic() - start
    moved = speed / 8000 * args.seconds
    print("%d connections %-4s %6.0f Mbit/s  %5.2f CPU s/GB  %3.0f%% of a "
          "core  %6d KiB" % (count, "down" if down else "up", speed,
                             spent / moved, 100 * spent / took, rss_kib(pid)),
          flush=True)
    return speed, spent / moved


def turn(lab, count, flows, found, args):
    with Suite(lab, {host: BERLIN for host in names.HOSTS},
               connections=count, log_level="info") as suite:
        traffic.await_seen(lab, names.HOSTS[0],
                           expected_exit(BERLIN, args.family), args.family,
                           15)
        wait_for(lambda: suite.status()["routes"][0]["connections"] == count,
                 15, "all connections are up")
        for down in False, True:
            found.setdefault((count, down), []).append(
                measure(lab, suite, count, flows, down, args))


def main():
    words = argparse.ArgumentParser()
    words.add_argument("--seconds", type=int, default=3)
    words.add_argument("--rounds", type=int, default=3)
    words.add_argument("--connections", type=int, default=4)
    words.add_argument("--family", type=int, default=4, choices=(4, 6))
    words.add_argument("--offload", action="store_true")
    args = words.parse_args()
    found = {}
    with Lab(nodes=(BERLIN,)) as lab:
        if not args.offload:
            no_offload(lab)
        flows = servers(lab, args.family)
        with listening(lab, flows):
            for _ in range(args.rounds):
                for count in 1, args.connections:
                    turn(lab, count, flows, found, args)
    for down in False, True:
        several, one = ([statistics.median(r[i] for r in found[n, down])
                         for i in range(2)] for n in (args.connections, 1))
        print("%-4s  %d connections: speed %.2f times, CPU a GB %.2f times "
              "that of one (medians of %d)" %
              ("down" if down else "up", args.connections,
               several[0] / one[0], several[1] / one[1], args.rounds))


if __name__ == "__main__":
    main()
