# SPDX-License-Identifier: ISC
"""The router as the document lists it, by the programs' own JSON, and after
the death of everything as if nothing had been."""

import json
import os
import signal

import pytest

from lab import names, traffic
from lab.capture import no_leak
from lab.state import difference, snapshot
from lab.suite import Suite, expected_exit
from lab.util import alive, wait_for

BERLIN, YORK = names.NODES
KINDS = ["selective", "default-gateway"]


def listed(lab, *argv):
    return json.loads(lab.router.run("ip", "-j", *argv).stdout or "[]")


def table(lab):
    """Our nftables table: {kind: [objects]}."""
    found = {}
    text = lab.router.run("nft", "-j", "list", "table", "inet",
                          "afwrt").stdout
    for entry in json.loads(text)["nftables"]:
        for kind, value in entry.items():
            found.setdefault(kind, []).append(value)
    return found


def rules_of_all_kinds(lab, suite):
    suite.control.do("protect_mac", mac_addr="08:00:27:AA:D7:17", vl=YORK)
    suite.control.do("protect_iface", iface="eth2", vl=YORK)


@pytest.mark.parametrize("version", ["-4", "-6"])
def test_table_47_and_its_rule(product, lab, version):
    with Suite(lab, {"phone": YORK}):
        rules = [r for r in listed(lab, version, "rule")
                 if r.get("fwmark")]
        marked = [r for r in rules if r["priority"] == 10]
        assert len(marked) == 1, rules
        assert marked[0]["src"] == "all"
        assert marked[0]["fwmark"] == "0x8"
        assert marked[0]["table"] == "47"
        routes = listed(lab, version, "route", "show", "table", "47")
        ways = [r for r in routes if r.get("type") != "unreachable"]
        assert [(r["dst"], r["dev"]) for r in ways] == [("default", "wrt0")]
        last = [r for r in routes if r.get("type") == "unreachable"]
        assert [r["dst"] for r in last] == ["default"]
        assert last[0]["metric"] > ways[0].get("metric", 0)
        # The main table is not touched.
        assert not [r for r in listed(lab, version, "route")
                    if r["dst"] in ("0.0.0.0/1", "::/1")]


def test_the_chain_and_its_sets(product, lab):
    with Suite(lab, {"phone": YORK}) as suite:
        rules_of_all_kinds(lab, suite)
        found = table(lab)
        chain = [c for c in found["chain"] if c["name"] == "afwrt_chain"]
        assert len(chain) == 1
        assert (chain[0]["hook"], chain[0]["prio"], chain[0]["type"]) == \
            ("prerouting", -150, "filter")
        sets = {s["name"]: s for s in found["set"] + found.get("map", [])}
        for name in ("mac", "ip4", "ip6", "iface"):
            assert name in sets, sorted(sets)
        phone = lab.host("phone")
        text = {n: json.dumps(sets[n].get("elem", [])).lower()
                for n in ("mac", "ip4", "ip6", "iface")}
        assert phone.lan4 in text["ip4"] and phone.lan6 in text["ip6"]
        assert "08:00:27:aa:d7:17" in text["mac"]
        assert "eth2" in text["iface"]
        marks = json.dumps([r for r in found["rule"]
                            if r["chain"] == "afwrt_chain"])
        assert '"mark"' in marks and '"value": 8' in marks


def test_more_rules_are_more_elements_only(product, lab):
    """The cost of a packet does not grow with the number of rules."""
    with Suite(lab, {"phone": YORK}) as suite:
        before = len(table(lab)["rule"])
        for i in range(1, 60):
            suite.control.do("protect_ip", ip_addr="10.1.2.%d" % i, vl=YORK)
        assert len(table(lab)["rule"]) == before


@pytest.mark.parametrize("version,halves", [
    ("-4", ["0.0.0.0/1", "128.0.0.0/1"]), ("-6", ["::/1", "8000::/1"])])
def test_default_gateway_is_two_halves(product, lab, version, halves):
    with Suite(lab, default_gateway=1):
        found = {r["dst"]: r for r in listed(lab, version, "route", "show",
                                             "table", "main")}
        for half in halves:
            assert found[half]["dev"] == "wrt0"
            assert found[half]["metric"] == 1000
            if version == "-4":
                assert found[half]["scope"] == "link"
        # "not changing the default route"
        assert found["default"]["dev"] == "wan0"


def config(kind):
    return {"default_gateway": 1} if kind == "default-gateway" else {}


def usable(lab, kind):
    traffic.await_seen(lab, "phone", expected_exit(YORK))
    if kind == "default-gateway":
        traffic.await_seen(lab, "tv", expected_exit(BERLIN))


def without_counters(state):
    """Handles and interface numbers differ from start to start."""
    return {k: v for k, v in state.items() if k not in ("links",
                                                        "addresses")}


@pytest.mark.parametrize("kind", KINDS)
def test_everything_dies_at_once_and_starts_again(product, lab, kind):
    """A SIGKILL of all: closed; the next start looks as the first did."""
    before = snapshot(lab.router)
    with Suite(lab, {"phone": YORK}, **config(kind)) as suite:
        usable(lab, kind)
        during = snapshot(lab.router)
        family = suite.family()
        # The supervisor first, so that nobody can put anything in order.
        pids = [family["afwrtd"], *family.values(), suite.process.pid]
        with no_leak(lab, "phone"):
            for pid in pids:
                os.kill(pid, signal.SIGSTOP)
            for pid in set(pids):
                os.kill(pid, signal.SIGKILL)
            wait_for(lambda: not any(alive(p) for p in pids), 10,
                     "all of it is dead")
            for version in (4, 6):
                assert traffic.seen_address(lab, "phone", version,
                                            1) is None
            lab.router.run("ping", "-c", "1", "-W", "1", names.GATEWAY4,
                           check=False)     # something for the capture
        suite.kill()
    with no_leak(lab, "phone"), \
            Suite(lab, {"phone": YORK}, **config(kind)) as second:
        usable(lab, kind)
        assert difference(without_counters(during),
                          without_counters(snapshot(lab.router))) == []
        assert second.stop() == 0
    assert difference(before, snapshot(lab.router)) == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_crash_and_then_other_rules(product, lab, kind):
    """What the dead one protected and the new one does not is open again."""
    before = snapshot(lab.router)
    with Suite(lab, {"phone": YORK, "tv": YORK}, **config(kind)) as suite:
        usable_before = expected_exit(YORK)
        traffic.await_seen(lab, "tv", usable_before)
        family = suite.family()
        for pid in (*family.values(), suite.process.pid):
            os.kill(pid, signal.SIGSTOP)
        for pid in (*family.values(), suite.process.pid):
            os.kill(pid, signal.SIGKILL)
        suite.kill()
    with Suite(lab, {"phone": YORK}) as second:
        traffic.await_seen(lab, "phone", expected_exit(YORK))
        for version in (4, 6):
            traffic.await_seen(lab, "tv", expected_exit(None, version),
                               version)
        assert second.stop() == 0
    assert difference(before, snapshot(lab.router)) == []
