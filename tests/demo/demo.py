#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""The demonstration: four hosts, three locations, three killed processes.

It builds the lab of tests/netns, starts the product in its router, and shows
where the internet sees each host.  Then it moves a host while downloads run,
and kills every helper while a TCP connection is open.  A capture on the WAN
counts the packets that carry a protected host's traffic in the clear.
"""

import argparse
import contextlib
import json
import os
import signal
import sys
import threading
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "netns")]

import leftovers  # noqa: E402
import screen  # noqa: E402
from lab import traffic  # noqa: E402
from lab.procs import HELPERS  # noqa: E402
from lab.suite import Suite, expected_exit, stage  # noqa: E402
from lab.ticker import Ticker  # noqa: E402
from lab.topology import Lab  # noqa: E402
from lab.util import LabError, Timeout, need_root  # noqa: E402

RULES = {"phone": "de-berlin", "tv": "us-new-york", "console": "fr-paris",
         "laptop": None}
WIREGUARD = "fr-paris"
PROTECTED = [name for name, location in RULES.items() if location]
TIME_LIMIT = 240
KILL_ORDER = ("afwrt-tun", "afwrt-net", "afwrt-auth")
assert set(KILL_ORDER) == set(HELPERS)


class Stopped(BaseException):
    """A signal asked us to end; cleaning up still happens."""


class Demo:
    def __init__(self, show):
        self.show = show
        self.problems = []
        self.result = {"hosts": [], "move": None, "kills": [],
                       "leaked_packets": None, "wan_packets_inspected": 0,
                       "ok": False}

    def problem(self, text):
        self.problems.append(text)
        self.show.problem(text)

    def run(self, lab, suite):
        started = time.monotonic()
        lab.open()
        lab.admin.location(**lab.wg[WIREGUARD].backend_location())
        lab.admin.set(mixed=True)
        self.show.step("%d namespaces, 2 ocserv nodes, 1 WireGuard node, "
                       "HTTPS backend" % len(lab.ns),
                       time.monotonic() - started)
        capture = lab.capture().protect(*PROTECTED)
        started = time.monotonic()
        self.suite = suite()
        self.suite.start()
        self.show.step("afwrt-ctl run answers", time.monotonic() - started)
        try:
            self.show_hosts(lab)
            self.move_tv(lab)
            self.kill_helpers(lab)
        finally:
            with contextlib.suppress(LabError):
                self.judge(capture.report())
        self.result["ok"] = not self.problems

    def show_hosts(self, lab):
        self.show.hosts_head()
        for name, location in RULES.items():
            wanted = expected_exit(location)
            host = {"name": name,
                    "rule": "ip " + lab.host(name).lan4 if location
                    else "none",
                    "location": location or "direct",
                    "type": type_of(location),
                    "exit_address": None, "expected_address": wanted,
                    "rtt_ms": None, "mbit_s": None}
            self.result["hosts"].append(host)
            try:
                traffic.await_seen(lab, name, wanted, seconds=15)
            except Timeout as e:
                self.problem(str(e))
            host["exit_address"] = traffic.seen_address(lab, name)
            seen6 = traffic.seen_address(lab, name, 6)
            if host["exit_address"]:
                host["rtt_ms"] = traffic.ping(lab, name).rtt_ms
                host["mbit_s"] = round(traffic.iperf3(
                    lab, name, 1, reverse=True), 1)
            if seen6 != expected_exit(location, 6):
                self.problem("%s over IPv6: the internet sees %s" %
                             (name, seen6))
            self.show.host(host, seen6)

    def move_tv(self, lab):
        """tv goes to Berlin while phone and tv download."""
        rate = min(h["mbit_s"] or 50 for h in self.result["hosts"][:2])
        size = int(min(200e6, max(20e6, rate * 1e6 / 8 * 2.5)))
        downloads = {name: Download(lab, name, size)
                     for name in ("phone", "tv")}
        try:
            for d in downloads.values():
                d.await_bytes(size // 20)
            start = time.monotonic()
            self.suite.protect("tv", "de-berlin")
            wanted = expected_exit("de-berlin")
            traffic.await_seen(lab, "tv", wanted, seconds=15)
            took = time.monotonic() - start
        finally:
            # Its exit changed under it: that one cannot be completed.
            downloads["tv"].abandon()
        done = downloads["phone"].wait()
        good = done is not None and done.sha256 == done.expected
        if not good:
            self.problem("phone's download did not survive tv's move: %s" %
                         (downloads["phone"].error or done))
        self.result["move"] = {
            "name": "tv", "from": RULES["tv"], "to": "de-berlin",
            "exit_address": traffic.seen_address(lab, "tv"),
            "expected_address": wanted, "took_ms": round(1000 * took, 1),
            "other_download_intact": good}
        self.show.move(self.result["move"], size, done)

    def kill_helpers(self, lab):
        self.show.kills_head()
        with Ticker(lab, "phone") as ticker:
            for name in KILL_ORDER:
                kill = {"process": name, "pause_ms": None,
                        "connection_survived": False}
                self.result["kills"].append(kill)
                ticker.mark()
                try:
                    self.suite.kill_helper(name, signal.SIGKILL, 5)
                    ticker.await_progress(10)
                except LabError as e:
                    self.problem(str(e))
                kill["pause_ms"] = ticker.pause_ms()
                kill["connection_survived"] = ticker.survived
                if not ticker.survived:
                    self.problem("phone's connection did not survive the "
                                 "death of %s: %s" % (name, ticker.error))
                self.show.kill(kill)

    def judge(self, report):
        self.result["leaked_packets"] = len(report.leaks)
        self.result["wan_packets_inspected"] = report.inspected
        self.show.leaks(report)
        if report.leaks:
            self.problem("leaked: %r" % report.leaks[:3])
        if report.dropped:
            self.problem("the capture missed %d packets" % report.dropped)
        if not report.inspected:
            self.problem("the capture saw nothing")


def type_of(location):
    if location is None:
        return None
    return "wireguard" if location == WIREGUARD else "hydra-tcp"


class Download:
    """A download in a thread of its own."""

    def __init__(self, lab, name, size):
        self.got = 0
        self.done = self.error = None
        self.abandoned = False
        self.changed = threading.Condition()
        self.thread = threading.Thread(target=self._run, daemon=True,
                                       args=(lab, name, size))
        self.thread.start()

    def _run(self, lab, name, size):
        try:
            self.done = traffic.download(lab, name, size, timeout=60,
                                         progress=self._progress)
        except (OSError, LabError, Stopped) as e:
            self.error = e

    def _progress(self, got):
        with self.changed:
            self.got = got
            self.changed.notify_all()
        if self.abandoned:
            raise LabError("abandoned")

    def await_bytes(self, count):
        with self.changed:
            if not self.changed.wait_for(
                    lambda: self.got >= count or
                    not self.thread.is_alive(), 20):
                raise Timeout("the download does not begin: %s" % self.error)

    def abandon(self):
        self.abandoned = True

    def wait(self):
        self.thread.join(90)
        return self.done


def parse(argv):
    parser = argparse.ArgumentParser(
        prog="./dev demo", description=__doc__.split("\n\n")[1])
    parser.add_argument("--json", action="store_true",
                        help="one JSON object on standard output")
    parser.add_argument("--keep", action="store_true",
                        help="leave it running")
    parser.add_argument("--stop", action="store_true",
                        help="clean up what --keep left")
    return parser.parse_args(argv)


def on_signal(number, _):
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP,
                 signal.SIGALRM):
        signal.signal(each, signal.SIG_IGN)
    raise Stopped("time limit of %d s" % TIME_LIMIT
                  if number == signal.SIGALRM
                  else signal.Signals(number).name)


def main(argv):
    options = parse(argv)
    try:
        need_root()
    except LabError as e:
        print("demo: %s" % e, file=sys.stderr)
        return 1
    if options.stop:
        return leftovers.stop_all()
    if stage() is None:
        print("demo: the product is not built (no afwrt-ctl below "
              "AFWRT_STAGE); use ./dev demo", file=sys.stderr)
        return 1
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP,
                   signal.SIGALRM):
        signal.signal(number, on_signal)
    signal.alarm(TIME_LIMIT)
    return perform(options)


def perform(options):
    show = screen.Screen(sys.stderr if options.json else sys.stdout)
    demo = Demo(show)
    demo.suite = None
    lab = Lab(hosts=tuple(RULES), wireguard=(WIREGUARD,))
    record = leftovers.record(lab)
    stopped = None
    try:
        demo.run(lab, lambda: Suite(
            lab, {n: l for n, l in RULES.items() if l},
            wireguard_routing="managed"))
    except (LabError, OSError) as e:
        demo.problem(str(e))
        if demo.suite is not None:
            show.log(demo.suite.log_tail())
    except Stopped as e:
        stopped = e
        demo.problem("stopped: %s" % e)
    finally:
        signal.alarm(0)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        if options.keep and not stopped and demo.suite is not None:
            leftovers.record(lab, keep=True)
            show.kept(lab, demo.suite)
        else:
            finish(demo, lab, record)
    demo.result["ok"] = not demo.problems
    show.verdict(demo.result["ok"], demo.problems)
    if options.json:
        print(json.dumps(demo.result, indent=1))
    return 0 if demo.result["ok"] else 130 if stopped else 1


def finish(demo, lab, record):
    """An ordered stop, then the rest whatever happens."""
    try:
        if demo.suite is not None and demo.suite.process is not None:
            code = demo.suite.stop()
            if code != 0:
                demo.problem("afwrt-ctl run ended with status %s" % code)
    except LabError as e:
        demo.problem(str(e))
    try:
        lab.close()
        record.remove()
    except LabError as e:
        demo.problem(str(e))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
