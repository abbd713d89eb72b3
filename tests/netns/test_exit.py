# SPDX-License-Identifier: ISC
"""Which exit a host has: rules, locations, changes; nothing in the clear."""

import threading

import pytest

from lab import names, traffic
from lab.capture import no_leak
from lab.suite import Suite, expected_exit
from lab.topology import Lab

BERLIN, YORK = names.NODES


@pytest.mark.parametrize("family", [4, 6])
def test_each_host_has_its_exit(lab, suite, family):
    with no_leak(lab, "phone", "tv"):
        for name, location in (("phone", BERLIN), ("tv", YORK),
                               ("laptop", None)):
            traffic.await_seen(lab, name, expected_exit(location, family),
                               family)


def test_two_locations_at_once_with_the_same_inner_address(lab, suite):
    """Both nodes lend 10.99.1.0/24 and derive the address from the user."""
    with no_leak(lab, "phone", "tv"):
        for _ in range(10):
            for name, location in (("phone", BERLIN), ("tv", YORK)):
                assert traffic.seen_address(lab, name) == \
                    expected_exit(location)
        leases = [[u["IPv4"] for u in lab.nodes[n].sessions()]
                  for n in names.NODES]
        assert leases[0] and leases[0] == leases[1], \
            "the lab does not make the inner addresses collide"


def test_a_change_of_location_under_traffic(lab, suite):
    results = {}

    def phone_downloads():
        results["phone"] = traffic.download(lab, "phone", 40_000_000)

    with no_leak(lab, "phone", "tv"):
        traffic.await_seen(lab, "tv", expected_exit(YORK))
        thread = threading.Thread(target=phone_downloads)
        thread.start()
        for location in (BERLIN, YORK, BERLIN, YORK):
            suite.protect("tv", location)
            # The answer has come: from here on there is no other exit.
            seen = traffic.http_get(lab, "tv", timeout=15)["you"]
            assert seen == expected_exit(location)
        thread.join(60)
    assert results["phone"].sha256 == results["phone"].expected


def test_unprotect_and_protect_again(lab, suite):
    try:
        suite.unprotect("phone")
        for family in (4, 6):
            traffic.await_seen(lab, "phone", expected_exit(None, family),
                               family)
            assert traffic.seen_address(lab, "tv", family) == \
                expected_exit(YORK, family)
    finally:
        suite.protect("phone", BERLIN)
    with no_leak(lab, "phone", "tv"):
        for family in (4, 6):
            traffic.await_seen(lab, "phone", expected_exit(BERLIN, family),
                               family)


def test_a_rule_that_does_not_exist_is_refused(lab, suite):
    answer = suite.control.request("unprotect_ip", ip_addr="192.168.50.99")
    assert answer["status"] != 0
    answer = suite.control.request("protect_ip", ip_addr="192.168.50.99",
                                   vl="xx-nowhere")
    assert answer["status"] != 0
    for bad in ("192.168.50", "224.0.0.1", "0.0.0.0", "ff02::1", ""):
        assert suite.control.request("protect_ip", ip_addr=bad,
                                     vl=BERLIN)["status"] != 0, bad
    assert traffic.seen_address(lab, "phone") == expected_exit(BERLIN)


def test_a_country_code_is_a_location(lab, suite):
    with no_leak(lab, "phone", "tv"):
        suite.protect("tv", "de")
        traffic.await_seen(lab, "tv", expected_exit(BERLIN))
        suite.protect("tv", YORK)
        traffic.await_seen(lab, "tv", expected_exit(YORK))


def test_mac_before_ip_before_interface(lab, suite):
    mac = lab.host("laptop").mac
    do = suite.control.do
    do("protect_iface", iface="br-lan", vl=BERLIN)
    try:
        with no_leak(lab, *lab.host_names):
            for family in (4, 6):
                traffic.await_seen(lab, "laptop",
                                   expected_exit(BERLIN, family), family)
            suite.protect("laptop", YORK)
            traffic.await_seen(lab, "laptop", expected_exit(YORK))
            do("protect_mac", mac_addr=mac, vl=BERLIN)
            traffic.await_seen(lab, "laptop", expected_exit(BERLIN))
            assert traffic.seen_address(lab, "tv") == expected_exit(YORK)
            do("unprotect_mac", mac_addr=mac)
            traffic.await_seen(lab, "laptop", expected_exit(YORK))
            suite.unprotect("laptop")
            traffic.await_seen(lab, "laptop", expected_exit(BERLIN))
    finally:
        do("unprotect_iface", iface="br-lan")
    traffic.forget_connections(lab, "laptop")
    traffic.await_seen(lab, "laptop", expected_exit(None))


def test_the_lan_stays_reachable(lab, suite):
    """lan_bypass: a protected host and its neighbours, the router too."""
    with no_leak(lab, "phone", "tv"):
        traffic.await_seen(lab, "phone", expected_exit(BERLIN))
        for family, address in ((4, names.LAN_GATEWAY4),
                                (6, names.LAN_GATEWAY6)):
            assert traffic.ping(lab, "phone", family=family,
                                address=address).received == 3
        assert traffic.ping(lab, "phone",
                            address=lab.host("tv").lan4).received == 3


def test_different_inner_addresses_and_a_strict_router(product):
    """A router with rp_filter=1 would drop what comes from the tunnel."""
    with Lab(hosts=("phone", "tv"), same_inner=False, rp_filter=1) as lab, \
            Suite(lab, {"phone": BERLIN, "tv": YORK}), \
            no_leak(lab, "phone", "tv"):
        for family in (4, 6):
            traffic.await_seen(lab, "phone", expected_exit(BERLIN, family),
                               family)
            traffic.await_seen(lab, "tv", expected_exit(YORK, family),
                               family)


def test_default_gateway_takes_the_router_too(product):
    with Lab(hosts=("phone",)) as lab, \
            Suite(lab, {"phone": YORK}, default_gateway=1,
                  vl_default=BERLIN):
        own = names.SHARED4[2], names.SHARED6[2]
        with no_leak(lab, "phone", router=True):
            for family in (4, 6):
                traffic.await_seen(lab, "phone",
                                   expected_exit(YORK, family), family)
                seen = traffic.http_get(lab, "router", family, timeout=15,
                                        address=own[family == 6])["you"]
                assert seen == expected_exit(BERLIN, family)
