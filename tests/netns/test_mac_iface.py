# SPDX-License-Identifier: ISC
"""Rules by MAC address and by interface: whichever address the device has."""

import contextlib
import itertools
import random
import socket
import struct

import pytest

from lab import names, traffic
from lab.capture import no_leak
from lab.cards import second_card
from lab.suite import expected_exit
from lab.ticker import Ticker
from lab.util import wait_for

BERLIN, YORK = names.NODES
FAMILIES = (4, 6)


@pytest.fixture
def rule(lab, suite):
    """rule("mac", mac_addr=..., vl=...): removed after the test."""
    made = []

    def make(kind, vl, **key):
        suite.control.do("protect_" + kind, vl=vl, **key)
        if (kind, key) not in made:
            made.append((kind, key))
    yield make
    for kind, key in made:
        suite.control.request("unprotect_" + kind, **key)
    traffic.forget_connections(lab, "laptop")


@contextlib.contextmanager
def more_addresses(lab, host, pairs):
    """The host has these (IPv4, IPv6) addresses too."""
    space = lab.ns[host]
    for four, six in pairs:
        space.ip("addr add %s/24 dev eth0" % four,
                 "addr add %s/64 dev eth0 nodad" % six)
    try:
        yield
    finally:
        for four, six in pairs:
            space.run("ip", "addr", "del", four + "/24", "dev", "eth0",
                      check=False)
            space.run("ip", "addr", "del", six + "/64", "dev", "eth0",
                      check=False)


def seen_from(lab, host, source, family):
    """What the internet sees of a connection from that source address."""
    return traffic.http_get(lab, host, family, source=source)["you"]


def forget(lab, card="br-lan"):
    """The router knows no neighbour there any more."""
    lab.router.ip("neigh flush dev %s nud all" % card)


# Rules by MAC


def test_a_mac_rule_is_for_both_families(lab, suite, rule):
    rule("mac", YORK, mac_addr=lab.host("laptop").mac)
    with no_leak(lab, *lab.host_names):
        for family in FAMILIES:
            traffic.await_seen(lab, "laptop", expected_exit(YORK, family),
                               family)
        rule("mac", BERLIN, mac_addr=lab.host("laptop").mac)
        for family in FAMILIES:
            assert traffic.seen_address(lab, "laptop", family) == \
                expected_exit(BERLIN, family)


def test_a_device_with_ten_addresses(lab, suite, rule):
    pairs = [("192.168.50.%d" % (200 + i), "fd00:50::2:%x" % i)
             for i in range(10)]
    rule("mac", YORK, mac_addr=lab.host("laptop").mac)
    with more_addresses(lab, "laptop", pairs), \
            no_leak(lab, *lab.host_names):
        for pair in pairs:
            for family in FAMILIES:
                assert seen_from(lab, "laptop", pair[family == 6],
                                 family) == expected_exit(YORK, family)


def test_an_address_changes(lab, suite, rule):
    """An address moves from one device to another: the MAC counts."""
    moving = [("192.168.50.222", "fd00:50::222")]
    rule("mac", YORK, mac_addr=lab.host("laptop").mac)
    rule("mac", BERLIN, mac_addr=lab.host("phone").mac)
    for host, location in (("laptop", YORK), ("phone", BERLIN),
                           ("laptop", YORK)):
        with more_addresses(lab, host, moving), \
                no_leak(lab, *lab.host_names):
            for family in FAMILIES:
                source = moving[0][family == 6]
                lab.router.run("ip", "neigh", "del", source, "dev", "br-lan",
                               check=False)
                assert seen_from(lab, host, source, family) == \
                    expected_exit(location, family)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_first_packet_of_a_fresh_device(lab, suite, rule, family):
    """Nobody has ever heard of its address: held, not sent elsewhere."""
    rule("mac", YORK, mac_addr=lab.host("laptop").mac)
    traffic.await_seen(lab, "laptop", expected_exit(YORK, family), family)
    for i in range(5):
        pair = ("192.168.50.%d" % (230 + i), "fd00:50::3:%x" % i)
        with more_addresses(lab, "laptop", [pair]), \
                no_leak(lab, *lab.host_names):
            forget(lab)
            assert seen_from(lab, "laptop", pair[family == 6], family) == \
                expected_exit(YORK, family)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_rule_comes_after_the_device(lab, suite, rule, family):
    traffic.await_seen(lab, "laptop", expected_exit(None, family), family)
    traffic.forget_connections(lab, "laptop")
    rule("mac", YORK, mac_addr=lab.host("laptop").mac)
    with no_leak(lab, *lab.host_names):
        seen = traffic.http_get(lab, "laptop", family, timeout=15)["you"]
        assert seen == expected_exit(YORK, family)


def test_the_device_comes_after_the_rule(lab, suite, rule):
    """Its cable is plugged in later."""
    lab.router.ip("link set l-laptop down")
    try:
        forget(lab)
        rule("mac", YORK, mac_addr=lab.host("laptop").mac)
    finally:
        lab.router.ip("link set l-laptop up")
    with no_leak(lab, *lab.host_names):
        for family in FAMILIES:
            traffic.await_seen(lab, "laptop", expected_exit(YORK, family),
                               family)


@pytest.mark.parametrize("state", ["reachable", "delay", "probe",
                                   "permanent", "stale"])
def test_a_state_that_counts(lab, suite, rule, state):
    """An entry of the neighbour table, set by hand, is enough to know it."""
    host = lab.host("laptop")
    rule("mac", YORK, mac_addr=host.mac)
    forget(lab)
    for address in (host.lan4, host.lan6):
        lab.router.ip("neigh replace %s lladdr %s dev br-lan nud %s" %
                      (address, host.mac, state))
    try:
        with no_leak(lab, *lab.host_names):
            for family in FAMILIES:
                assert traffic.seen_address(lab, "laptop", family) == \
                    expected_exit(YORK, family)
    finally:
        forget(lab)


# Rules by interface


def test_a_bridge(lab, suite, rule):
    rule("iface", YORK, iface="br-lan")
    with no_leak(lab, *lab.host_names):
        for family in FAMILIES:
            traffic.await_seen(lab, "laptop", expected_exit(YORK, family),
                               family)
            # Rules by address go before it.
            assert traffic.seen_address(lab, "phone", family) == \
                expected_exit(BERLIN, family)


def test_a_port_of_a_bridge(lab, suite, rule):
    """That port's devices, and nobody else of the bridge."""
    suite.unprotect("tv")
    try:
        rule("iface", YORK, iface="l-laptop")
        with no_leak(lab, "phone", "laptop"):
            for family in FAMILIES:
                traffic.await_seen(lab, "laptop",
                                   expected_exit(YORK, family), family)
                assert traffic.seen_address(lab, "tv", family) == \
                    expected_exit(None, family)
    finally:
        suite.protect("tv", YORK)


def test_two_interfaces(lab, suite, rule):
    rule("iface", BERLIN, iface="br-lan")
    with second_card(lab):
        rule("iface", YORK, iface="eth2")
        with no_leak(lab, *lab.host_names):
            for family in FAMILIES:
                traffic.await_seen(lab, "laptop",
                                   expected_exit(YORK, family), family)
    with no_leak(lab, *lab.host_names):
        for family in FAMILIES:
            traffic.await_seen(lab, "laptop", expected_exit(BERLIN, family),
                               family)


def test_an_interface_that_comes_after_its_rule(lab, suite, rule):
    rule("iface", YORK, iface="eth2")
    with second_card(lab):
        with no_leak(lab, *lab.host_names):
            for family in FAMILIES:
                traffic.await_seen(lab, "laptop",
                                   expected_exit(YORK, family), family)
    with second_card(lab), no_leak(lab, *lab.host_names):
        traffic.await_seen(lab, "laptop", expected_exit(YORK))


# Priority


@pytest.mark.parametrize("order", itertools.permutations(
    ("mac", "ip", "iface")), ids="-".join)
def test_mac_before_ip_before_interface_in_any_order(lab, suite, rule,
                                                     order):
    host = lab.host("laptop")
    key = {"mac": {"mac_addr": host.mac}, "iface": {"iface": "br-lan"}}

    def protect(kind, location):
        if kind == "ip":
            for address in suite.addresses("laptop"):
                rule("ip", location, ip_addr=address)
        else:
            rule(kind, location, **key[kind])

    for kind in order:
        protect(kind, BERLIN)
    with no_leak(lab, *lab.host_names):
        for winner, others in ((YORK, BERLIN), (BERLIN, YORK)):
            for kind in order:
                protect(kind, winner if kind == "mac" else others)
            for family in FAMILIES:
                traffic.await_seen(lab, "laptop",
                                   expected_exit(winner, family), family)
        suite.control.do("unprotect_mac", mac_addr=host.mac)
        for winner, others in ((YORK, BERLIN), (BERLIN, YORK)):
            for kind in order:
                if kind != "mac":
                    protect(kind, winner if kind == "ip" else others)
            for family in FAMILIES:
                traffic.await_seen(lab, "laptop",
                                   expected_exit(winner, family), family)


# Bounds


def flood(lab, host, count):
    """Datagrams from as many addresses of the LAN's /64, as fast as it goes."""
    far = socket.inet_pton(socket.AF_INET6, lab.host(host).net6)
    near = socket.inet_pton(socket.AF_INET6, names.LAN6.partition("/")[0])
    chance = random.Random(1)
    with lab.ns[host].entered():
        s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    with s:
        s.bind(("eth0", 0x86dd))
        own = bytes.fromhex(lab.host(host).mac.replace(":", ""))
        for i in range(count):
            source = near[:8] + chance.randbytes(8)
            udp = struct.pack("!HHHH", 1000, names.DISCARD, 8, 0xffff)
            s.send(b"\x02\x00\x02\x00\x00\xff" + own + b"\x86\xdd" +
                   struct.pack("!IHBB", 6 << 28, 8, 17, 64) + source + far +
                   udp)


def resident(pid):
    with open("/proc/%d/statm" % pid, encoding="ascii") as f:
        return int(f.read().split()[1]) * 4096


def test_a_scan_of_the_64_stays_bounded(lab, suite, rule):
    """20,000 addresses of one device: the others do not notice."""
    rule("iface", YORK, iface="br-lan")
    rule("mac", YORK, mac_addr=lab.host("laptop").mac)
    with no_leak(lab, *lab.host_names), Ticker(lab, "phone") as ticker:
        flood(lab, "laptop", 1000)
        before = suite.family()
        memory = {n: resident(p) for n, p in before.items()}
        ticker.mark()
        flood(lab, "laptop", 20000)
        assert ticker.await_progress(25), ticker.error
        assert ticker.pause_ms() < 2000
        assert suite.family() == before
        for name, pid in before.items():
            assert resident(pid) - memory[name] < 24 << 20, name
        traffic.await_seen(lab, "tv", expected_exit(YORK))
        wait_for(lambda: traffic.seen_address(lab, "laptop", 6) ==
                 expected_exit(YORK, 6), 20, "the scanner itself goes on")
