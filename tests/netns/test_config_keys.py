# SPDX-License-Identifier: ISC
"""Configuration keys that change what is on the router."""

import json
import os
import stat

import pytest

from lab import names, traffic
from lab.capture import no_leak
from lab.cards import FAR4, FAR6, second_card
from lab.state import difference, snapshot
from lab.suite import Suite, expected_exit
from lab.util import wait_for

BERLIN, YORK = names.NODES
FAMILIES = (4, 6)


def listed(lab, *argv):
    """A table that does not exist is an empty one."""
    text = lab.router.run("ip", "-j", *argv, check=False).stdout
    return [] if "table does not exist" in text else json.loads(text or "[]")


def device(lab):
    return listed(lab, "-d", "addr", "show", "dev", "wrt0")[0]


def refused(lab, *words, **config):
    """The start fails, and what it says names these words."""
    suite = Suite(lab, {"phone": YORK}, **config)
    try:
        suite.start(wait=False)
        assert suite.process.wait(20) != 0
        for word in words:
            assert word in suite.log(), suite.log_tail()
        wait_for(lambda: not suite.family(), 5, "all of it ends")
    finally:
        suite.kill()


# Hands off


def test_no_iptables_and_the_routing_is_the_applications(product, lab):
    """Nothing in netfilter, rules, tables; a route of ours does it."""
    before = snapshot(lab.router)
    with Suite(lab, {"phone": YORK}, no_iptables=1) as suite:
        for topic in ("rules4", "rules6", "nftables"):
            assert snapshot(lab.router)[topic] == before[topic]
        assert listed(lab, "route", "show", "table", "47") == []
        assert traffic.seen_address(lab, "phone") == expected_exit(None)
        for version, source in (("-4", lab.host("phone").lan4),
                                ("-6", lab.host("phone").lan6)):
            lab.router.run("ip", version, "route", "add", "default", "dev",
                           "wrt0", "table", "142")
            lab.router.run("ip", version, "rule", "add", "from", source,
                           "lookup", "142", "priority", "50")
            # The replies to the host are not for the tunnel.
            lab.router.run("ip", version, "rule", "add", "lookup", "main",
                           "suppress_prefixlength", "0", "priority", "49")
        try:
            with no_leak(lab, "phone"):
                for family in FAMILIES:
                    traffic.await_seen(lab, "phone",
                                       expected_exit(YORK, family), family)
            assert traffic.seen_address(lab, "tv") == expected_exit(None)
        finally:
            for version in ("-4", "-6"):
                for priority in ("49", "50"):
                    lab.router.run("ip", version, "rule", "del", "priority",
                                   priority)
        assert suite.stop() == 0
    assert difference(before, snapshot(lab.router)) == []


def test_no_socket_setup(product, lab):
    """The address is the application's business; it gives one of its own."""
    with Suite(lab, {"phone": YORK}, no_socket_setup=1):
        assert [a["local"] for a in device(lab)["addr_info"]
                if a["family"] == "inet"] == []
        lab.router.ip("addr add 100.64.7.7/32 dev wrt0")
        with no_leak(lab, "phone"):
            for family in FAMILIES:
                traffic.await_seen(lab, "phone",
                                   expected_exit(YORK, family), family)
        assert [a["local"] for a in device(lab)["addr_info"]
                if a["family"] == "inet"] == ["100.64.7.7"]


# The device


def test_the_devices_defaults(product, lab):
    with Suite(lab):
        found = device(lab)
        assert found["linkinfo"]["info_kind"] == "tun"
        assert found["linkinfo"]["info_data"]["type"] == "tun"
        assert "UP" in found["flags"]
        assert [(a["local"], a["family"]) for a in found["addr_info"]
                if a["family"] == "inet"] == [("100.73.0.73", "inet")]
        assert found["mtu"] == 1500


def test_the_devices_name_address_and_mtu(product, lab):
    with Suite(lab, {"phone": YORK}, tun_ifname="vpn7",
               tun_addr="100.99.1.2", tun_mtu=1380):
        found = listed(lab, "addr", "show", "dev", "vpn7")[0]
        assert found["mtu"] == 1380
        assert "100.99.1.2" in [a["local"] for a in found["addr_info"]]
        assert listed(lab, "route", "show", "table", "47",
                      "type", "unicast")[0]["dev"] == "vpn7"
        with no_leak(lab, "phone"):
            traffic.await_seen(lab, "phone", expected_exit(YORK))
            done = traffic.download(lab, "phone", 3_000_000)
            assert done.sha256 == done.expected
    assert "vpn7" not in lab.router.run("ip", "-o", "link").stdout


def test_the_device_node_is_somewhere_else(product, lab):
    path = lab.path("tun-node")
    number = os.stat("/dev/net/tun").st_rdev
    os.mknod(path, stat.S_IFCHR | 0o600, number)
    try:
        with Suite(lab, {"phone": YORK}, tun_dev_path=path), \
                no_leak(lab, "phone"):
            traffic.await_seen(lab, "phone", expected_exit(YORK))
    finally:
        os.unlink(path)


def test_a_device_node_that_is_not_there(product, lab):
    refused(lab, "/nonexistent/tun", tun_dev_path="/nonexistent/tun")


def test_a_device_name_that_is_taken(product, lab):
    lab.router.ip("link add wrt0 type bridge")
    try:
        refused(lab, "wrt0")
        assert "wrt0" in lab.router.run("ip", "-o", "link").stdout
    finally:
        lab.router.ip("link del wrt0")


def test_config_dir_takes_all_files(product, lab):
    with Suite(lab, {"phone": YORK}) as suite:
        traffic.await_seen(lab, "phone", expected_exit(YORK))
        folder = suite.config["config_dir"]
        for base, _, files in os.walk(folder):
            for name in files:
                mode = os.stat(os.path.join(base, name)).st_mode
                assert mode & 0o077 == 0, name


# The way


@pytest.mark.parametrize("bypass", [1, 0])
def test_lan_bypass(product, lab, bypass):
    """Another network at the router, and the router itself."""
    with second_card(lab), \
            Suite(lab, {"phone": YORK}, lan_bypass=bypass), \
            no_leak(lab, "phone"):
        for family in FAMILIES:
            traffic.await_seen(lab, "phone", expected_exit(YORK, family),
                               family)
            far = (FAR4, FAR6)[family == 6]
            assert traffic.ping(lab, "phone", family=family, address=far
                                ).received == (3 if bypass else 0)
            # The router itself answers in both cases.
            gateway = (names.LAN_GATEWAY4, names.LAN_GATEWAY6)[family == 6]
            assert traffic.ping(lab, "phone", family=family,
                                address=gateway).received == 3


def test_without_lan_bypass_the_uplinks_network_is_far_away(product, lab):
    far = names.GATEWAY4, names.GATEWAY6
    with Suite(lab, {"phone": YORK}, lan_bypass=0):
        for family in FAMILIES:
            traffic.await_seen(lab, "phone", expected_exit(YORK, family),
                               family)
            seen = traffic.http_get(lab, "phone", family,
                                    address=far[family == 6])["you"]
            assert seen == expected_exit(YORK, family)


def test_mark_table_and_priority_of_ones_own(product, lab):
    with Suite(lab, {"phone": YORK}, fwmark="0x10000",
               fwmark_mask="0xff0000", route_table=321, rule_priority=77):
        for version in ("-4", "-6"):
            rules = [r for r in listed(lab, version, "rule")
                     if r["priority"] == 77]
            assert len(rules) == 1
            assert rules[0]["fwmark"] == "0x10000"
            assert rules[0]["fwmask"] == "0xff0000"
            assert rules[0]["table"] == "321"
            assert any(r.get("dev") == "wrt0" for r in listed(
                lab, version, "route", "show", "table", "321"))
            assert listed(lab, version, "route", "show", "table",
                          "47") == []
        with no_leak(lab, "phone"):
            for family in FAMILIES:
                traffic.await_seen(lab, "phone",
                                   expected_exit(YORK, family), family)


@pytest.mark.parametrize("rule,word", [
    ("rule add priority 10 from 192.0.2.1 lookup 99", "10"),
    ("rule add priority 500 fwmark 0x8 lookup 99", "0x8")],
    ids=["priority", "mark"])
def test_a_collision_names_the_other_user(product, lab, rule, word):
    lab.router.ip(rule)
    try:
        refused(lab, word)
    finally:
        lab.router.ip(rule.replace(" add ", " del "))
    with Suite(lab, {"phone": YORK}):
        traffic.await_seen(lab, "phone", expected_exit(YORK))


def test_wan_auto_follows_the_default_route(product, lab):
    with Suite(lab, {"phone": YORK}, wan_ifname="auto"), \
            no_leak(lab, "phone"):
        traffic.await_seen(lab, "phone", expected_exit(YORK))


# Account


def test_who_the_device_is(product, lab):
    """device_id, device_type, project_id: defaults, and as configured."""
    given = {"device_id": "router-77", "device_type": "home",
             "project_id": "afdemo"}
    for config, wanted in (({}, {"device_id": "default_device_id",
                                 "device_type": "wrt",
                                 "carrier_id": "af_router_sdk_test"}),
                           (given, {"device_id": "router-77",
                                    "device_type": "home",
                                    "carrier_id": "afdemo"})):
        mark = lab.admin.mark()
        with Suite(lab, {"phone": YORK}, **config):
            asked = lab.admin.await_call("login", mark)["params"]
            assert {k: asked.get(k) for k in wanted} == wanted


def test_the_newest_registration_is_used_again(product, lab):
    """auth_method and auth_token are those of the last register call."""
    with Suite(lab, {"phone": YORK}) as suite:
        suite.control.do("register", auth_method="firebase",
                         auth_token="oauth-alice")
        mark = lab.admin.mark()
        lab.admin.revoke()
        suite.protect("tv", "de")       # not asked for before
        traffic.await_seen(lab, "tv", expected_exit(BERLIN))
        asked = lab.admin.await_call("login", mark)["params"]
        assert asked["auth_method"] == "firebase"
