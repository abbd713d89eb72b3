# SPDX-License-Identifier: ISC
"""What is on the system while the suite runs, and that all of it goes."""

import json
import signal

import pytest

from lab import names, traffic
from lab.capture import no_leak
from lab.state import difference, snapshot
from lab.suite import Suite, expected_exit

RULES = {"phone": "de-berlin", "tv": "us-new-york"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT],
                         ids=lambda n: n.name)
@pytest.mark.parametrize("config", [{}, {"default_gateway": 1}],
                         ids=["selective", "default-gateway"])
def test_the_system_is_as_before(product, lab, config, number):
    before = snapshot(lab.router)
    with Suite(lab, RULES, **config) as suite:
        traffic.await_seen(lab, "phone", expected_exit("de-berlin"))
        suite.control.do("protect_mac", mac_addr=lab.host("laptop").mac,
                         vl="us-new-york")
        suite.control.do("protect_iface", iface="br-lan", vl="de-berlin")
        during = snapshot(lab.router)
        assert difference(before, during)
        assert suite.stop(number) == 0
    assert difference(before, snapshot(lab.router)) == []
    for name in lab.host_names:
        for family in (4, 6):
            traffic.await_seen(lab, name, expected_exit(None, family),
                               family)


def test_the_kernel_looks_as_the_document_says(product, lab):
    with Suite(lab, RULES):
        traffic.await_seen(lab, "phone", expected_exit("de-berlin"))
        router = lab.router
        rules = router.run("ip", "rule").stdout
        assert "10:\tfrom all fwmark 0x8 lookup 47" in rules
        for version in ("-4", "-6"):
            table = router.run("ip", version, "route", "show", "table",
                               "47").stdout
            assert any(l.startswith("default dev wrt0")
                       for l in table.splitlines()), table
            assert "unreachable default" in table
        address = router.run("ip", "-4", "addr", "show", "wrt0").stdout
        assert "100.73.0.73" in address
        tables = router.run("nft", "-j", "list", "ruleset").stdout
        names_ = {(t["table"]["family"], t["table"]["name"])
                  for t in json.loads(tables)["nftables"] if "table" in t}
        assert names_ == {("inet", "lab"), ("inet", "afwrt")}
        chain = router.run("nft", "list", "chain", "inet", "afwrt",
                           "afwrt_chain").stdout
        assert "hook prerouting priority mangle" in chain


def test_default_gateway_routes(product, lab):
    with Suite(lab, RULES, default_gateway=1):
        main = lab.router.run("ip", "-4", "route").stdout
        main6 = lab.router.run("ip", "-6", "route").stdout
        for prefix, text in (("0.0.0.0/1", main), ("128.0.0.0/1", main),
                             ("::/1", main6), ("8000::/1", main6)):
            line = [l for l in text.splitlines()
                    if l.startswith(prefix + " dev wrt0")]
            assert line and "metric 1000" in line[0], text


def test_killswitch_outlives_an_ordered_stop(product, lab):
    before = snapshot(lab.router)
    with Suite(lab, {"phone": "de-berlin"}, killswitch=1) as suite:
        traffic.await_seen(lab, "phone", expected_exit("de-berlin"))
        assert suite.stop() == 0
        with no_leak(lab, "phone"):
            for family in (4, 6):
                assert traffic.seen_address(lab, "phone", family,
                                            1) is None
            assert traffic.seen_address(lab, "tv") == expected_exit(None)
        suite.ctl("unblock")
    traffic.await_seen(lab, "phone", expected_exit(None))
    assert difference(before, snapshot(lab.router)) == []


def test_a_taken_table_is_an_error_that_names_it(product, lab):
    lab.router.ip("route add default via %s table 47" % names.GATEWAY4)
    try:
        suite = Suite(lab, RULES)
        suite.start(wait=False)
        try:
            assert suite.process.wait(15) != 0
            assert "47" in suite.log()
        finally:
            suite.kill()
        assert "via " + names.GATEWAY4 in lab.router.run(
            "ip", "route", "show", "table", "47").stdout
    finally:
        lab.router.ip("route flush table 47")
