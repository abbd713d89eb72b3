# SPDX-License-Identifier: ISC
"""Core-level routing: what no rule is about goes by the default location, in
the clear never, and rules come first. (What is not answered in time is dropped:
tests/unit/check_source.c and tests/ipc/check_hydra.c have that.)"""

import pytest

from lab import names, traffic
from lab.capture import no_leak
from lab.suite import Suite, expected_exit
from lab.topology import Lab

BERLIN, YORK = "de-berlin", "us-new-york"
OWN = names.SHARED4[2], names.SHARED6[2]


@pytest.fixture(scope="module")
def everything(product):
    """The phone has a rule; the tv, the laptop and the router have none."""
    with Lab() as lab, Suite(lab, {"phone": YORK}, default_gateway=1,
                             vl_default=BERLIN) as suite:
        for family in (4, 6):
            traffic.await_seen(lab, "phone", expected_exit(YORK, family),
                               family, 15)
            traffic.await_seen(lab, "tv", expected_exit(BERLIN, family),
                               family, 15)
        yield lab, suite


@pytest.mark.parametrize("family", [4, 6])
def test_a_new_source_while_net_dies(everything, family):
    """Nobody is there to be asked: the packets wait or are dropped, and the
    next afwrt-net says where they belong."""
    lab, suite = everything
    with no_leak(lab, "phone", "tv", "laptop"):
        suite.kill_helper("afwrt-net")
        for host, location in (("laptop", BERLIN), ("tv", BERLIN),
                               ("phone", YORK)):
            traffic.await_seen(lab, host, expected_exit(location, family),
                               family)


@pytest.mark.parametrize("family", [4, 6])
def test_a_rule_takes_a_source_from_the_default(everything, family):
    lab, suite = everything
    with no_leak(lab, "tv"):
        traffic.await_seen(lab, "tv", expected_exit(BERLIN, family), family)
        suite.protect("tv", YORK)
        traffic.await_seen(lab, "tv", expected_exit(YORK, family), family, 3)
        suite.unprotect("tv")
        traffic.await_seen(lab, "tv", expected_exit(BERLIN, family), family)


@pytest.mark.parametrize("family", [4, 6])
def test_the_router_itself(everything, family):
    """Connections, large packets and pings of its own, long enough for its
    word as a source to be renewed."""
    lab, _ = everything
    with no_leak(lab, "phone", router=True):
        for _ in range(3):
            seen = traffic.http_get(lab, "router", family, timeout=5,
                                    address=OWN[family == 6])["you"]
            assert seen == expected_exit(BERLIN, family)
        assert traffic.ping(lab, "router", family=family, count=3,
                            address=OWN[family == 6]).received == 3
        speed = traffic.iperf3(lab, "router", 7, True, family=family,
                               address=OWN[family == 6])
        assert speed > 1


def test_two_protected_hosts_talk(everything):
    """To each other's address behind the tunnel: there and back or nowhere,
    and everybody lives."""
    lab, suite = everything
    before = suite.family()
    for there in lab.host("tv").lan4, lab.host("tv").net4, "10.99.1.1":
        traffic.ping(lab, "phone", count=2, timeout=1, address=there)
    for there in lab.host("tv").lan6, lab.host("tv").net6, "fd99:1::1":
        traffic.ping(lab, "phone", count=2, timeout=1, family=6,
                     address=there)
    assert suite.family() == before
    traffic.await_seen(lab, "phone", expected_exit(YORK))
