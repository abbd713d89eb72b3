#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""What 20,100 rules cost: 10,000 addresses, 10,000 MACs, 100 interfaces.

    AFWRT_STAGE=PREFIX tests/bench/many_rules.py

Needs root; makes a lab of its own. Reports numbers and judges nothing: the
start with all rules and without any, `nft -f` with the same elements in the
same run, one rule more with few and with many there, and the memory.
"""

import json
import os
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(HERE, "..", "netns"))

from lab.suite import Suite, stage  # noqa: E402
from lab.topology import Lab  # noqa: E402
from test_many_rules import addresses, configured, macs  # noqa: E402

IPS, MACS, CARDS = addresses(10000), macs(10000), \
    ["eth%d" % i for i in range(100, 200)]
ROUNDS = 5


def resident_mib(pid):
    with open("/proc/%d/smaps_rollup" % pid, encoding="ascii") as f:
        for line in f:
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    return 0.0


def nft_seconds(lab):
    """One transaction of the same elements, in a namespace with nothing."""
    sets = ["table inet bench {",
            " set mac { type ether_addr; elements = { %s }; }" %
            ", ".join(MACS),
            " set ip4 { type ipv4_addr; elements = { %s }; }" %
            ", ".join(IPS),
            " set iface { type ifname; elements = { %s }; }" %
            ", ".join(CARDS), "}"]
    path = lab.path("bench.nft")
    with open(path, "w", encoding="ascii") as f:
        f.write("\n".join(sets) + "\n")
    taken = []
    for _ in range(ROUNDS):
        started = time.monotonic()
        lab.phone.run("nft", "-f", path, timeout=60)
        taken.append(time.monotonic() - started)
        lab.phone.run("nft", "delete", "table", "inet", "bench")
    return statistics.median(taken)


def start_seconds(lab, lists, measure):
    suite = Suite(lab, log_level="info", **lists)
    started = time.monotonic()
    with suite:
        taken = time.monotonic() - started
        measure(suite)
    return taken


def one_more_ms(suite, first):
    """The median of a protect call for an address that is new."""
    taken = []
    for i in range(20):
        started = time.monotonic()
        suite.control.do("protect_ip", ip_addr="10.9.%d.%d" % (first, i + 1),
                         vl="us")
        taken.append(1000 * (time.monotonic() - started))
    return statistics.median(taken)


def main():
    found = {"rules": len(IPS) + len(MACS) + len(CARDS)}

    def few(suite):
        found["one_rule_ms_with_none"] = one_more_ms(suite, 1)
        found["memory_mib_with_none"] = {
            n: round(resident_mib(p), 1) for n, p in suite.family().items()}

    def many(suite):
        found["one_rule_ms_with_all"] = one_more_ms(suite, 2)
        found["memory_mib_with_all"] = {
            n: round(resident_mib(p), 1) for n, p in suite.family().items()}

    with Lab(hosts=("phone",), nodes=("us-new-york",)) as lab:
        empty = min(start_seconds(lab, {"vl_default": "us-new-york"}, few)
                    for _ in range(ROUNDS))
        full = min(start_seconds(lab, dict(
            configured(IPS, MACS, CARDS, "us"), vl_default="us-new-york"),
            many) for _ in range(ROUNDS))
        nft = nft_seconds(lab)
    found.update(start_s_with_none=round(empty, 3),
                 start_s_with_all=round(full, 3), nft_s=round(nft, 3),
                 ratio_to_nft=round((full - empty) / nft, 2))
    print(json.dumps(found, indent=1))
    print("%d rules take %.0f ms more at the start, `nft -f` of the same "
          "elements takes %.0f ms: ratio %.2f" % (
              found["rules"], 1000 * (full - empty), 1000 * nft,
              (full - empty) / nft))
    print("one more rule: %.2f ms with none there, %.2f ms with all" % (
        found["one_rule_ms_with_none"], found["one_rule_ms_with_all"]))


if __name__ == "__main__":
    if stage() is None:
        sys.exit("many_rules: AFWRT_STAGE names no installation")
    try:
        main()
    except subprocess.SubprocessError as e:
        sys.exit("many_rules: %s" % e)
