# SPDX-License-Identifier: ISC
"""Rules of every kind from the configuration, few and twenty thousand."""

import json

from lab import names, traffic
from lab.capture import no_leak
from lab.suite import Suite, expected_exit

BERLIN, YORK = names.NODES
FAMILIES = (4, 6)


def addresses(count):
    return ["10.%d.%d.%d" % (64 + i // 62500, i // 250 % 250, i % 250 + 1)
            for i in range(count)]


def macs(count):
    return ["02:aa:00:%02x:%02x:%02x" % (i >> 16, i >> 8 & 255, i & 255)
            for i in range(count)]


def configured(ips=(), hardware=(), cards=(), location=YORK):
    """The three lists of the configuration."""
    return {
        "protected_ip_addrs": [{"ip_addr": a, "vl": location} for a in ips],
        "protected_mac_addrs": [{"mac_addr": a, "vl": location}
                                for a in hardware],
        "protected_ifaces": [{"iface": a, "vl": location} for a in cards]}


def test_rules_of_the_configuration(product, lab):
    """One of each kind, in force from the start, and changed by calls."""
    phone, laptop = lab.host("phone"), lab.host("laptop")
    lists = configured([phone.lan4, phone.lan6], [laptop.mac], [])
    lists["protected_ifaces"] = [{"iface": "br-lan", "vl": BERLIN}]
    with Suite(lab, **lists) as suite, no_leak(lab, *lab.host_names):
        for name, location in (("phone", YORK), ("laptop", YORK),
                               ("tv", BERLIN)):
            for family in FAMILIES:
                traffic.await_seen(lab, name, expected_exit(
                    location, family), family)
        suite.control.do("protect_mac", mac_addr=laptop.mac, vl=BERLIN)
        suite.control.do("protect_iface", iface="br-lan", vl=YORK)
        for name, location in (("laptop", BERLIN), ("tv", YORK)):
            traffic.await_seen(lab, name, expected_exit(location))


def elements(lab):
    """How many addresses, MACs and interfaces the nftables table has."""
    listed = json.loads(lab.router.run(
        "nft", "-j", "list", "table", "inet", "afwrt", timeout=60).stdout)
    found = {}
    for entry in listed["nftables"]:
        for kind in ("set", "map"):
            if kind in entry:
                found[entry[kind]["name"]] = len(entry[kind].get("elem", []))
    return found


def test_twenty_thousand_rules(product, lab):
    """10,000 addresses, 10,000 MACs, 100 interfaces; the last ones count."""
    phone, tv = lab.host("phone"), lab.host("tv")
    suite = Suite(lab, log_level="info", **configured(
        addresses(9998) + [phone.lan4, phone.lan6], macs(9999) + [tv.mac],
        ["eth%d" % i for i in range(100, 200)], "us"))
    with suite, no_leak(lab, "phone", "tv"):
        for name in ("phone", "tv"):
            for family in FAMILIES:
                traffic.await_seen(lab, name, expected_exit(YORK, family),
                                   family, 20)
        assert traffic.seen_address(lab, "laptop") == expected_exit(None)
        found = elements(lab)
        assert found["mac"] == 10000
        assert found["ip4"] + found["ip6"] == 10000
        assert found["iface"] >= 100
        for address in addresses(10):
            suite.control.do("unprotect_ip", ip_addr=address)
        suite.control.do("protect_ip", ip_addr="10.1.1.1", vl=BERLIN)
        found = elements(lab)
        assert found["ip4"] + found["ip6"] == 9991
        old, new = suite.kill_helper("afwrt-net", seconds=5)
        assert old != new
        for name in ("phone", "tv"):
            traffic.await_seen(lab, name, expected_exit(YORK))
        assert elements(lab) == found
