# SPDX-License-Identifier: ISC
"""vl_default and default_gateway: where traffic without a rule goes."""

import pytest

from lab import names, traffic
from lab.capture import no_leak
from lab.state import difference, snapshot
from lab.suite import Suite, expected_exit
from lab.util import wait_for

BERLIN, YORK = names.NODES
OWN = names.SHARED4[2], names.SHARED6[2]
FAMILIES = (4, 6)


def routers_own(lab, family=4, timeout=2):
    """What the internet sees of the router's own traffic."""
    try:
        return traffic.http_get(lab, "router", family, timeout,
                                OWN[family == 6])["you"]
    except OSError:
        return None


def await_own(lab, wanted, family=4, seconds=20):
    wait_for(lambda: routers_own(lab, family) == wanted, seconds,
             "the router's own IPv%d traffic is seen as %s" %
             (family, wanted))


@pytest.mark.parametrize("chosen,location", [
    (None, BERLIN), ("", BERLIN), (YORK, YORK), ("us", YORK)],
    ids=["absent", "empty", "name", "country"])
def test_everybody_goes_to_the_default_location(product, lab, chosen,
                                                location):
    """None and "": the backend's optimal one, which is Berlin here."""
    suite = Suite(lab, default_gateway=1)
    suite.config.pop("vl_default")
    if chosen is not None:
        suite.config["vl_default"] = chosen
    with suite, no_leak(lab, *lab.host_names, router=True):
        for family in FAMILIES:
            traffic.await_seen(lab, "laptop",
                               expected_exit(location, family), family)
            await_own(lab, expected_exit(location, family), family)


def test_rules_are_for_some_and_the_rest_goes_to_the_default(product, lab):
    """"the core is always ready to do selective routing": both at once."""
    with Suite(lab, {"phone": YORK}, default_gateway=1) as suite, \
            no_leak(lab, *lab.host_names, router=True):
        for family in FAMILIES:
            traffic.await_seen(lab, "phone", expected_exit(YORK, family),
                               family)
            traffic.await_seen(lab, "tv", expected_exit(BERLIN, family),
                               family)
        suite.protect("tv", YORK)
        traffic.await_seen(lab, "tv", expected_exit(YORK))
        suite.unprotect("tv")
        traffic.await_seen(lab, "tv", expected_exit(BERLIN))


def test_everything_waits_while_the_default_location_is_down(product, lab):
    """Nodes and backend are outside of it, so that it comes up again."""
    with Suite(lab, {"phone": YORK}, default_gateway=1,
               hydra_default_vl_reconnect_interval=2) as suite, \
            no_leak(lab, *lab.host_names, router=True):
        traffic.await_seen(lab, "tv", expected_exit(BERLIN))
        mark = suite.events.mark()
        lab.nodes[BERLIN].stop(hard=True)
        try:
            suite.events.wait("route_disconnected", mark, 20,
                              route_name=BERLIN)
            for family in FAMILIES:
                assert traffic.seen_address(lab, "tv", family, 1) is None
                assert routers_own(lab, family, 1) is None
                # The other location does not care.
                assert traffic.seen_address(lab, "phone", family) == \
                    expected_exit(YORK, family)
        finally:
            lab.nodes[BERLIN].start()
        traffic.await_seen(lab, "tv", expected_exit(BERLIN), seconds=20)
        await_own(lab, expected_exit(BERLIN))


def test_everything_waits_for_the_first_connection(product, lab):
    lab.nodes[BERLIN].stop(hard=True)
    try:
        with Suite(lab, default_gateway=1,
                   hydra_default_vl_reconnect_interval=2), \
                no_leak(lab, *lab.host_names, router=True):
            for family in FAMILIES:
                assert traffic.seen_address(lab, "tv", family, 1) is None
                assert routers_own(lab, family, 1) is None
            lab.nodes[BERLIN].start()
            traffic.await_seen(lab, "tv", expected_exit(BERLIN), seconds=20)
    finally:
        if lab.nodes[BERLIN].process is None:
            lab.nodes[BERLIN].start()


def test_an_ordered_stop_opens_it_again(product, lab):
    before = snapshot(lab.router)
    with Suite(lab, default_gateway=1) as suite:
        traffic.await_seen(lab, "tv", expected_exit(BERLIN))
        assert suite.stop() == 0
    for family in FAMILIES:
        await_own(lab, expected_exit(None, family), family)
        traffic.await_seen(lab, "tv", expected_exit(None, family), family)
    assert difference(before, snapshot(lab.router)) == []


def test_the_default_location_is_tried_in_its_interval(product, lab):
    """hydra_default_vl_reconnect_interval, with reconnect manual too."""
    lab.nodes[BERLIN].stop(hard=True)
    try:
        with Suite(lab, {"tv": BERLIN}, reconnect="manual",
                   hydra_default_vl_reconnect_interval=3) as suite:
            traffic.seen_address(lab, "tv", timeout=0.5)
            at = [suite.events.wait("route_failed", 0, 20,
                                    route_name=BERLIN)]
            for _ in range(2):
                since = suite.events.seen.index(at[-1]) + 1
                at.append(suite.events.wait("route_failed", since, 15,
                                            route_name=BERLIN))
            gaps = [b["_at"] - a["_at"] for a, b in zip(at, at[1:])]
            assert all(2 < gap < 6 for gap in gaps), gaps
            lab.nodes[BERLIN].start()
            traffic.await_seen(lab, "tv", expected_exit(BERLIN), seconds=15)
    finally:
        if lab.nodes[BERLIN].process is None:
            lab.nodes[BERLIN].start()


def test_other_locations_are_the_applications_business(product, lab):
    """reconnect manual: after the event it is afwrt_setup_tunnel's turn."""
    with Suite(lab, {"tv": YORK}, reconnect="manual",
               hydra_default_vl_reconnect_interval=1) as suite, \
            no_leak(lab, "tv"):
        traffic.await_seen(lab, "tv", expected_exit(YORK))
        mark = suite.events.mark()
        lab.nodes[YORK].disconnect_user(names.NODE_USER)
        suite.events.wait("route_disconnected", mark, 15, route_name=YORK)
        mark = suite.events.mark()
        for _ in range(3):
            assert traffic.seen_address(lab, "tv", timeout=1) is None
        assert not suite.events.find("route_connected", mark,
                                     route_name=YORK)
        assert traffic.seen_address(lab, "phone") == expected_exit(None)
        suite.control.do("setup_tunnel", vl=YORK)
        traffic.await_seen(lab, "tv", expected_exit(YORK))
