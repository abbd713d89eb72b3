# SPDX-License-Identifier: ISC
"""Nodes that refuse, lie, die or hang: what is told, and never a leak.

The laptop is the host that tries; each test has a location of its own, which
may lead to an ocserv on a port of its own.
"""

import itertools
import signal

import pytest

from lab import names, traffic
from lab.capture import no_leak
from lab.suite import expected_exit
from lab.util import wait_for

REASONS = ("connection failed", "unreachable", "timed out",
           "authentication failed", "no server available", "limit exceeded",
           "protocol error", "unknown location")
LOCATIONS = ["de-test%d" % i for i in range(1, 21)]
unused = LOCATIONS[::-1]
ports = itertools.count(4431)


@pytest.fixture
def place(lab, suite):
    """place(servers, ...): a fresh location; its rules are removed after."""
    made = []

    def make(servers, **values):
        made.append(unused.pop())
        lab.admin.location(made[-1], servers=servers, **values)
        return made[-1]
    yield make
    for address in suite.addresses("laptop"):
        suite.control.request("unprotect_ip", ip_addr=address)
    for name in made:
        suite.control.request("teardown_tunnel", vl=name)


@pytest.fixture
def extra_node(lab):
    """extra_node(variant, ...): another ocserv in Berlin, on its own port.

    It shares the node's kernel with the first one, so its clients need
    addresses of their own.
    """
    made = []

    def make(variant="valid", **options):
        port = next(ports)
        options.setdefault("net4", "10.98.%d.0/24" % (port % 250))
        options.setdefault("net6", "fd98:%x::/64" % port)
        node = lab.start_node("de-berlin", variant, key="extra%d" % port,
                              port=port, **options)
        made.append(node)
        return node
    yield make
    for node in made:
        node.signal_all(signal.SIGCONT)
        node.stop(hard=True)


def berlin(port=443, address=None):
    return names.server("de-berlin", port, address)


def try_it(lab, suite, location):
    """The laptop gets the rule and sends; from then on the mark."""
    mark = suite.events.mark()
    suite.protect("laptop", location)
    traffic.seen_address(lab, "laptop", timeout=0.5)
    return mark


def test_wrong_password(lab, suite, place):
    location = place([berlin()], password="wrong")
    with no_leak(lab, *lab.host_names):
        mark = try_it(lab, suite, location)
        failed = suite.events.wait("route_failed", mark, 15,
                                   route_name=location)
        assert failed["reason_details"] == "authentication failed"
        assert traffic.seen_address(lab, "laptop", timeout=1) is None
        assert traffic.seen_address(lab, "laptop", 6, timeout=1) is None
    assert traffic.seen_address(lab, "phone") == expected_exit("de-berlin")


@pytest.mark.parametrize("variant", ["wrong-ca", "wrong-name", "expired"])
def test_a_bad_certificate_is_never_accepted(lab, suite, place, extra_node,
                                             variant):
    node = extra_node(variant)
    location = place([berlin(node.port)])
    with no_leak(lab, *lab.host_names):
        mark = try_it(lab, suite, location)
        failed = suite.events.wait("route_failed", mark, 15,
                                   route_name=location)
        assert failed["reason_details"].startswith("tls: ")
        assert len(failed["reason_details"]) > len("tls: ")
        assert traffic.seen_address(lab, "laptop", timeout=1) is None
    assert node.sessions() == []
    assert names.NODE_USER not in node.log()    # not even a name was sent
    assert suite.events.find("route_connected", mark,
                             route_name=location) is None


@pytest.mark.parametrize("dead", ["refused", "absent", "bad certificate"])
def test_the_next_server_is_tried(lab, suite, place, extra_node, dead):
    first = {"refused": lambda: berlin(9),
             "absent": lambda: berlin(443, names.DEAD4),
             "bad certificate": lambda: berlin(extra_node("expired").port)}
    location = place([first[dead](), berlin()])
    with no_leak(lab, *lab.host_names):
        mark = try_it(lab, suite, location)
        suite.events.wait("route_connected", mark, 30, route_name=location)
        traffic.await_seen(lab, "laptop", expected_exit("de-berlin"))


def test_no_server_answers(lab, suite, place):
    location = place([berlin(9), berlin(10)])
    with no_leak(lab, *lab.host_names):
        mark = try_it(lab, suite, location)
        failed = suite.events.wait("route_failed", mark, 20,
                                   route_name=location)
        assert failed["reason_details"] in REASONS
        assert traffic.seen_address(lab, "laptop", timeout=1) is None
        # It comes up by itself once there is a server.
        lab.admin.location(location, servers=[berlin()])
        traffic.await_seen(lab, "laptop", expected_exit("de-berlin"),
                           seconds=40)


@pytest.mark.parametrize("hard", [False, True], ids=["ordered", "killed"])
def test_a_node_restarts(lab, suite, hard):
    with no_leak(lab, "phone", "tv"):
        traffic.await_seen(lab, "phone", expected_exit("de-berlin"))
        lab.nodes["de-berlin"].restart(hard)
        traffic.await_seen(lab, "phone", expected_exit("de-berlin"),
                           seconds=40)
        assert traffic.seen_address(lab, "tv") == \
            expected_exit("us-new-york")


def test_the_server_ends_the_session(lab, suite):
    with no_leak(lab, "phone", "tv"):
        traffic.await_seen(lab, "phone", expected_exit("de-berlin"))
        mark = suite.events.mark()
        lab.nodes["de-berlin"].disconnect_user(names.NODE_USER)
        suite.events.wait("route_disconnected", mark, 10,
                          route_name="de-berlin")
        after = suite.events.mark() - 1
        traffic.await_seen(lab, "phone", expected_exit("de-berlin"),
                           seconds=30)
        assert suite.events.find("route_connected", after,
                                 route_name="de-berlin")


def test_a_dead_peer_is_noticed(lab, suite, place, extra_node):
    """Its TCP still answers, but ocserv itself is stopped."""
    node = extra_node(dpd=4)
    location = place([berlin(node.port)])
    with no_leak(lab, *lab.host_names):
        mark = try_it(lab, suite, location)
        traffic.await_seen(lab, "laptop", expected_exit("de-berlin"))
        node.signal_all(signal.SIGSTOP)
        suite.events.wait("route_disconnected", mark, 25,
                          route_name=location)
        assert traffic.seen_address(lab, "laptop", timeout=0.5) is None
        node.signal_all(signal.SIGCONT)
        traffic.await_seen(lab, "laptop", expected_exit("de-berlin"),
                           seconds=40)


def test_the_wan_goes_away_and_comes_back(lab, suite):
    with no_leak(lab, "phone", "tv"):
        traffic.await_seen(lab, "phone", expected_exit("de-berlin"))
        lab.wan.ip("link set p-router down")
        try:
            wait_for(lambda: traffic.seen_address(
                lab, "phone", timeout=0.5) is None, 5, "phone is cut off")
        finally:
            lab.wan.ip("link set p-router up")
        for name, location in (("phone", "de-berlin"),
                               ("tv", "us-new-york")):
            traffic.await_seen(lab, name, expected_exit(location),
                               seconds=20)


def test_a_location_without_ipv6_rejects_it_at_once(lab, suite, place,
                                                    extra_node):
    node = extra_node(net6=None)
    location = place([berlin(node.port)])
    with no_leak(lab, *lab.host_names):
        try_it(lab, suite, location)
        traffic.await_seen(lab, "laptop", expected_exit("de-berlin"))
        with pytest.raises(OSError) as refusal:
            traffic.connect(lab, "laptop", names.HTTP, 6, timeout=3)
        assert not isinstance(refusal.value, TimeoutError)
