# SPDX-License-Identifier: ISC
"""The numbers for Prometheus: their form, and that they are true."""

import re
import time
import warnings

import pytest

from lab import procs, promtool, traffic
from lab.suite import expected_exit
from lab.util import wait_for

BERLIN, YORK = "de-berlin", "us-new-york"
LINE = re.compile(r'^(\w+)\{((?:\w+="(?:[^"\\]|\\.)*",?)*)\} (\S+)$')
LOCATIONS = ("xx-dead",)


def parse(text):
    """{(name, frozenset of labels): value}, and {name: type}."""
    values, types = {}, {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            assert name not in types
            types[name] = kind
        elif not line.startswith("# HELP "):
            name, labels, value = LINE.match(line).groups()
            assert name in types, line
            found = frozenset(re.findall(r'(\w+)="([^"]*)"', labels))
            assert (name, found) not in values, line
            values[name, found] = float(value)
    return values, types


class Metrics:
    def __init__(self, suite):
        self.text = suite.control.do("metrics")["metrics"]
        self.values, self.types = parse(self.text)

    def get(self, name, **labels):
        return self.values.get((name, frozenset(labels.items())))


@pytest.fixture(scope="module", autouse=True)
def working(lab, suite):
    traffic.await_seen(lab, "phone", expected_exit(BERLIN))
    traffic.await_seen(lab, "tv", expected_exit(YORK))


def test_promtool_has_nothing_to_say(suite):
    try:
        program = promtool.find()
    except promtool.Unavailable as e:
        warnings.warn("metrics are NOT checked by promtool: %s" % e)
        pytest.skip("NOT CHECKED by promtool: %s" % e)
    assert promtool.check(program, Metrics(suite).text) == ""
    assert "total" in promtool.check(
        program, "# HELP a_count x\n# TYPE a_count counter\na_count 1\n")


def test_names_and_types(suite):
    found = Metrics(suite)
    assert all(n.startswith("afwrt_") for n in found.types)
    for name, kind in found.types.items():
        assert (kind == "counter") == name.endswith("_total"), name


def test_traffic_is_counted(lab, suite):
    before = Metrics(suite)
    size = 300000
    traffic.download(lab, "phone", size)
    after = Metrics(suite)
    for name, least in (("afwrt_route_bytes_total", size),
                        ("afwrt_route_packets_total", 50)):
        down = {"route": BERLIN, "direction": "down"}
        assert after.get(name, **down) - before.get(name, **down) >= least
        other = {"route": YORK, "direction": "down"}
        assert after.get(name, **other) - before.get(name, **other) < least
    assert after.get("afwrt_route_bytes_total", route=BERLIN,
                     direction="up") > before.get(
        "afwrt_route_bytes_total", route=BERLIN, direction="up")


def test_states(suite):
    found = Metrics(suite)
    states = {dict(l)["state"]: v for (n, l), v in found.values.items()
              if n == "afwrt_route_state" and dict(l)["route"] == BERLIN}
    assert states == {"connected": 1, "idle": 0, "connecting": 0,
                      "disconnected": 0, "failed": 0}
    assert found.get("afwrt_route_connects_total", route=BERLIN) >= 1
    assert found.get("afwrt_route_rules", route=BERLIN) == 2
    assert found.get("afwrt_route_flows", route=BERLIN) >= 2
    assert found.get("afwrt_route_up_seconds", route=BERLIN) >= 0


def test_failures_by_reason(lab, suite):
    """A location without a server: known, and never established."""
    suite.control.do("protect_ip", ip_addr="192.168.50.200", vl="xx-dead")
    mark = suite.events.mark()
    suite.control.request("setup_tunnel", vl="xx-dead")
    traffic_from(lab, suite)
    suite.events.wait("route_failed", mark, 20, route_name="xx-dead")
    wait_for(lambda: Metrics(suite).get(
        "afwrt_route_failures_total", route="xx-dead",
        reason="no server available"), 5, lambda: Metrics(suite).text)
    suite.control.do("unprotect_ip", ip_addr="192.168.50.200")


def traffic_from(lab, suite):
    """A first packet for that route."""
    laptop = lab.host("laptop").lan4
    suite.control.do("protect_ip", ip_addr=laptop, vl="xx-dead")
    traffic.seen_address(lab, "laptop", timeout=1)
    suite.control.do("unprotect_ip", ip_addr=laptop)


def test_rules_by_kind(suite):
    def counts():
        found = Metrics(suite)
        return [found.get("afwrt_rules", kind=k)
                for k in ("ip", "mac", "iface")]
    before = counts()
    suite.control.do("protect_mac", mac_addr="02:00:00:00:00:99", vl=YORK)
    suite.control.do("protect_iface", iface="eth9", vl=YORK)
    assert counts() == [before[0], before[1] + 1, before[2] + 1]
    suite.control.do("unprotect_mac", mac_addr="02:00:00:00:00:99")
    suite.control.do("unprotect_iface", iface="eth9")
    assert counts() == before


def test_protected_addresses(lab, suite):
    """By the rule that counts: one by MAC goes before that by address."""
    def counts():
        found = Metrics(suite)
        return {(k, f): found.get("afwrt_protected_addresses", kind=k,
                                  family=f)
                for k in ("ip", "mac", "iface") for f in ("ipv4", "ipv6")}
    before = counts()
    assert before["ip", "ipv4"] == before["ip", "ipv6"] == 2
    suite.control.do("protect_ip", ip_addr="192.168.50.201", vl=YORK)
    now = counts()
    assert now == {**before, ("ip", "ipv4"): before["ip", "ipv4"] + 1}
    suite.control.do("unprotect_ip", ip_addr="192.168.50.201")
    mac = lab.host("phone").mac
    suite.control.do("protect_mac", mac_addr=mac, vl=BERLIN)
    wait_for(lambda: counts()["mac", "ipv4"] == 1 and
             counts()["ip", "ipv4"] == before["ip", "ipv4"] - 1, 5,
             lambda: repr(counts()))
    suite.control.do("unprotect_mac", mac_addr=mac)
    wait_for(lambda: counts() == before, 5, lambda: repr(counts()))


@pytest.mark.parametrize("name", ["afwrtd", *procs.HELPERS, "afwrt-ctl"])
def test_a_process(suite, name):
    pid = suite.process.pid if name == "afwrt-ctl" else suite.pid(name)
    found = Metrics(suite)
    with open("/proc/%d/stat" % pid, encoding="ascii", errors="replace") as f:
        field = f.read().rpartition(")")[2].split()
    rss = int(field[21]) * 4096
    cpu = (int(field[11]) + int(field[12])) / 100
    assert found.get("afwrt_process_up", process=name) == 1
    memory = found.get("afwrt_process_resident_memory_bytes", process=name)
    assert memory == pytest.approx(rss, rel=0.2)
    assert found.get("afwrt_process_cpu_seconds_total", process=name) == \
        pytest.approx(cpu, abs=0.3)
    started = found.get("afwrt_process_start_time_seconds", process=name)
    assert time.time() - 80 < started <= time.time()


def test_a_restart(lab, suite):
    before = Metrics(suite)
    suite.kill_helper("afwrt-tun")
    traffic.await_seen(lab, "phone", expected_exit(BERLIN))
    after = Metrics(suite)
    tun = {"process": "afwrt-tun"}
    assert after.get("afwrt_process_restarts_total", **tun) == \
        before.get("afwrt_process_restarts_total", **tun) + 1
    assert after.get("afwrt_process_start_time_seconds", **tun) > \
        before.get("afwrt_process_start_time_seconds", **tun)
    down = {"route": BERLIN, "direction": "down"}
    assert after.get("afwrt_route_bytes_total", **down) >= \
        before.get("afwrt_route_bytes_total", **down)
