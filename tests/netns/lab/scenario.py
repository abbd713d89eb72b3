#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Runs a scenario file against one transport; a table of what was seen.

  config KEY JSON            before start
  start | stop               the suite, in order
  watch HOST...              from here on nothing of them may be on the WAN;
                             "router" is the router's own traffic
  leaks                      how many packets were, since watch
  rule ip|mac|iface X LOC    LOC is A or B; X a host, or an interface
  unrule ip|mac|iface X
  seen HOST 4|6 WHERE        where the internet sees it: A, B, direct, none
  own 4|6 WHERE              the same of the router's own traffic
  download|upload HOST 4|6 BYTES
  udp HOST 4|6 BYTES         datagrams of that size, echoed
  hold HOST                  a TCP connection, kept until the end
  held HOST                  is it alive?
  node LOC down|up
  kill PROCESS               SIGKILL, and its successor is awaited
  meddle WHAT                somebody removes ours: ruleset, rules, routes,
                             addresses, links; down: sets the links down
  clean                      compared with before start, what is left

A line that expects something waits for it. The table has each line and what
came of it, so that two transports can be compared.

As a program: scenario.py FILE TRANSPORT: the table as JSON; for the guest.
"""

import contextlib
import json
import os
import re
import sys

if __package__ is None:         # as a program
    sys.path.insert(0, os.path.dirname(os.path.dirname(
        os.path.abspath(__file__))))
    __package__ = "lab"
    import lab  # noqa: F401

from . import names, traffic
from .state import difference, snapshot
from .suite import Suite
from .ticker import Ticker
from .topology import Lab
from .util import LabError, Timeout
from .wgnode import file_backend

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = os.path.join(os.path.dirname(HERE), "scenarios")
SECONDS = 60
# The kernel's WireGuard turns it off for the whole namespace, and leaves it.
KERNELS_OWN = re.compile(r"conf/all/send_redirects:[01]$")
OWN = names.SHARED4[2], names.SHARED6[2]

# In the router; $devices are the interfaces of our default routes.
MEDDLE = """devices=$(ip -4 route show table all proto 97 |
    sed -n 's/.* dev \\([^ ]*\\) .*/\\1/p' | grep -v '^lo$' | sort -u)
"""
MEDDLERS = {
    # The table of the lab comes back.
    "ruleset": "t=$(nft list table inet lab); nft flush ruleset;"
               "echo \"$t\" | nft -f -",
    "rules": "for f in -4 -6; do ip $f rule | sed -n "
             "'s/^\\([0-9]*\\):.*proto 97.*/\\1/p' | while read p; do"
             " ip $f rule del pref $p; done; done",
    "routes": "for f in -4 -6; do ip $f route flush table all proto 97; done",
    "addresses": "for d in $devices; do ip addr flush dev $d; done",
    "links": "for d in $devices; do ip link del $d; done",
    "down": "for d in $devices; do ip link set $d down; done",
}

# transport: the nodes A and B, and what the configuration says beside it
HYDRA = {"nodes": names.NODES, "config": {"type": "hydra-tcp"}}
MANAGED = {"type": "wireguard", "wireguard_routing": "managed"}
TRANSPORTS = {
    "hydra-tcp": HYDRA,
    "userspace": {"nodes": names.WG_NODES, "config": dict(
        MANAGED, wireguard_impl="userspace")},
    "kernel": {"nodes": names.WG_NODES, "config": dict(
        MANAGED, wireguard_impl="kernel")},
    "mixed": {"nodes": ("de-berlin", "fr-paris"), "config": {
        "type": "hydra-tcp", "wireguard_routing": "managed"}},
}


def steps(path):
    with open(path, encoding="ascii") as f:
        for line in f:
            line = line.partition("#")[0].split()
            if line:
                yield line


def make_lab(transport, **options):
    """A laboratory with the nodes that this transport needs."""
    nodes = TRANSPORTS[transport]["nodes"]
    ocserv = [n for n in nodes if n in names.NODES]
    return Lab(nodes=ocserv, wireguard=[n for n in nodes if n not in ocserv],
               backend=bool(ocserv), **options)


class Runner:
    def __init__(self, lab, transport):
        self.lab = lab
        self.nodes = dict(zip("AB", TRANSPORTS[transport]["nodes"]))
        self.config = dict(TRANSPORTS[transport]["config"],
                           vl_default=self.nodes["A"])
        self.suite = self.capture = self.before = None
        self.tickers = {}
        self.table = []

    def run(self, path):
        with contextlib.ExitStack() as stack:
            stack.callback(self.close)
            for words in steps(path):
                line = " ".join(words)
                try:
                    said = getattr(self, "do_" + words[0])(*words[1:])
                except (LabError, Timeout, OSError) as e:
                    raise LabError("%s: %s\n%s" % (
                        line, e, self.suite.log_tail(60)
                        if self.suite else "")) from e
                self.table.append((line, said or "done"))
        return self.table

    def close(self):
        for ticker in self.tickers.values():
            ticker.stop()
        if self.capture is not None:
            self.capture.kill()
        if self.suite is not None:
            self.suite.kill()

    # The suite

    def do_config(self, key, *value):
        self.config[key] = json.loads(" ".join(value))

    def do_start(self):
        self.before = snapshot(self.lab.router)
        self.suite = Suite(self.lab)
        self.suite.config.update(self.config)
        confs = {}
        for name in self.nodes.values():
            if name not in self.lab.wg:
                continue
            if self.lab.has_backend:
                self.lab.admin.location(
                    **self.lab.wg[name].backend_location())
                self.lab.admin.set(mixed=True)
            else:
                self.lab.wg[name].peer_file(
                    os.path.join(self.suite.folder, name + ".conf"))
                confs[name] = name + ".conf"
        if confs:
            self.suite.config["backend"] = file_backend(
                self.lab, self.suite.folder, confs)
        self.suite.start()

    def do_stop(self):
        code = self.suite.stop()
        if code != 0:
            raise LabError("afwrt-ctl run ended with %s" % code)
        trouble = self.suite.trouble()
        if trouble:
            raise LabError("\n".join(trouble))

    def do_clean(self):
        left = [line for line in
                difference(self.before, snapshot(self.lab.router))
                if not KERNELS_OWN.search(line)]
        if left:
            raise LabError("\n".join(left))
        return "as before"

    def do_kill(self, process):
        self.suite.kill_helper(process, seconds=5)

    def do_meddle(self, what):
        self.lab.router.shell("set +e\n" + MEDDLE + "[ -n \"$devices\" ] ||"
                              " exit 1\n" + MEDDLERS[what] + "\nexit 0")

    # Rules

    def _key(self, kind, what):
        if kind == "iface":
            return [{"iface": what}]
        if kind == "mac":
            return [{"mac_addr": self.lab.host(what).mac}]
        return [{"ip_addr": a} for a in self.suite.addresses(what)]

    def do_rule(self, kind, what, location):
        for key in self._key(kind, what):
            self.suite.control.do("protect_" + kind,
                                  vl=self.nodes[location], **key)

    def do_unrule(self, kind, what):
        for key in self._key(kind, what):
            self.suite.control.do("unprotect_" + kind, **key)

    # What is seen

    def _address(self, where, family):
        if where == "none":
            return None
        pair = names.DIRECT if where == "direct" else \
            names.EXIT[self.nodes[where]]
        return pair[family == "6"]

    def do_seen(self, host, family, where):
        traffic.await_seen(self.lab, host, self._address(where, family),
                           int(family), SECONDS)
        return where

    def do_own(self, family, where):
        wanted = self._address(where, family)

        def seen():
            try:
                return traffic.http_get(
                    self.lab, "router", int(family), 1.5,
                    OWN[family == "6"])["you"]
            except OSError:
                return None
        traffic.await_value(seen, wanted, SECONDS,
                            "the router's own IPv%s" % family)
        return where

    def do_download(self, host, family, size):
        done = traffic.download(self.lab, host, int(size), int(family))
        return self._intact(done, int(size))

    def do_upload(self, host, family, size):
        done = traffic.upload(self.lab, host, int(size), int(family))
        return self._intact(done, int(size))

    @staticmethod
    def _intact(done, size):
        if done.sha256 != done.expected or done.bytes != size:
            raise LabError("not intact: %r" % (done,))
        return "intact"

    def do_udp(self, host, family, size):
        good = traffic.udp_echo(self.lab, host, int(size), 10, int(family))
        if good != 10:
            raise LabError("%d of 10 came back" % good)
        return "all"

    def do_hold(self, host):
        self.tickers[host] = Ticker(self.lab, host)

    def do_held(self, host):
        ticker = self.tickers[host]
        ticker.await_progress(30)
        if not ticker.survived:
            raise LabError("the connection broke: %s" % ticker.error)
        return "alive"

    def do_watch(self, *hosts):
        self.capture = self.lab.capture().protect(
            *[h for h in hosts if h != "router"], router="router" in hosts,
            direct=[h for h in self.lab.host_names if h not in hosts])

    def do_leaks(self):
        capture, self.capture = self.capture, None
        report = capture.report()
        if not report.clean:
            raise LabError(repr(report))
        return "0"

    # Nodes

    def do_node(self, location, state):
        name = self.nodes[location]
        node = self.lab.wg.get(name) or self.lab.nodes[name]
        if state == "up":
            node.start()
        elif name in self.lab.wg:
            node.stop()
        else:
            node.stop(hard=True)


def perform(path, transport, **options):
    with make_lab(transport, **options) as lab:
        return Runner(lab, transport).run(path)


def main(argv):
    table = perform(os.path.join(FOLDER, argv[0] + ".scenario"), argv[1],
                    kernel_nodes="kernel-nodes" in argv[2:])
    print("@table " + json.dumps(table))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
