# SPDX-License-Identifier: ISC
"""All that a host does goes through each location, whole and not in clear."""

import socket

import pytest

from lab import traffic
from lab.capture import no_leak
from lab.suite import expected_exit
from lab.ticker import Ticker
from lab.util import wait_for

SIZE = 50_000_000
THROUGH = [("phone", "de-berlin"), ("tv", "us-new-york")]


@pytest.fixture(scope="module", autouse=True)
def up(lab, suite):
    for name, location in THROUGH:
        for family in (4, 6):
            traffic.await_seen(lab, name, expected_exit(location, family),
                               family, 15)


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("host", [h for h, _ in THROUGH])
@pytest.mark.parametrize("move", [traffic.download, traffic.upload])
def test_bulk_data_arrives_whole(lab, suite, move, host, family):
    with no_leak(lab, "phone", "tv"):
        done = move(lab, host, SIZE, family)
    assert done.bytes == SIZE
    assert done.sha256 == done.expected
    print("%.0f Mbit/s" % done.mbit_s)


@pytest.mark.parametrize("family", [4, 6])
def test_many_connections_at_once(lab, suite, family):
    with no_leak(lab, "phone", "tv"):
        assert traffic.many_connections(lab, "phone", 200, family) == 200


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("size", [40, 1200])
def test_udp(lab, suite, family, size):
    with no_leak(lab, "phone", "tv"):
        assert traffic.udp_echo(lab, "phone", size, 20, family) == 20


@pytest.mark.parametrize("family", [4, 6])
def test_large_datagrams_are_fragmented(lab, suite, family):
    with no_leak(lab, "phone", "tv"):
        # Only senders fragment IPv6: the first ones teach both the MTU.
        wait_for(lambda: traffic.udp_echo(lab, "phone", 4000, 1, family,
                                          timeout=1) == 1,
                 10, "a large datagram comes back")
        assert traffic.udp_echo(lab, "phone", 4000, 5, family) == 5


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("size", [56, 1000, 3000])
def test_ping(lab, suite, family, size):
    with no_leak(lab, "phone", "tv"):
        assert traffic.ping(lab, "phone", size, 3, family).received == 3


@pytest.mark.parametrize("family", [4, 6])
def test_path_mtu(lab, suite, family):
    """Too big with DF: told the tunnel's MTU, and that size goes through."""
    headers = 28 if family == 4 else 48
    lab.ns["phone"].run("ip", "-%d" % family, "route", "flush", "cache")
    with no_leak(lab, "phone", "tv"):
        big = traffic.ping(lab, "phone", 1500 - headers, 2, family, df=True)
        assert big.received == 0
        assert big.mtu is not None, big.text
        assert 1200 <= big.mtu < 1500
        fits = traffic.ping(lab, "phone", big.mtu - headers, 2, family,
                            df=True)
        assert fits.received == 2, fits.text


@pytest.mark.parametrize("family", [4, 6])
def test_the_segment_size_is_clamped(lab, suite, family):
    """The server's segments fit the tunnel, by the SYN alone."""
    headers = 40 if family == 4 else 60
    mtu = traffic.ping(lab, "tv", 1500 - headers, 1, family, df=True).mtu \
        or 1500
    seen = traffic.http_get(lab, "tv", family)
    assert 500 < seen["mss"] <= mtu - headers
    direct = traffic.http_get(lab, "laptop", family)["mss"]
    assert seen["mss"] < direct


def test_an_unreachable_port_is_told(lab, suite):
    """An ICMP error from outside reaches the host, translated."""
    with no_leak(lab, "phone", "tv"):
        with pytest.raises(ConnectionRefusedError):
            traffic.connect(lab, "phone", 9)
        with lab.phone.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(3)
            s.connect((lab.host("phone").net4, 9))
            s.send(b"anybody?")
            with pytest.raises(ConnectionRefusedError):
                s.recv(100)


def test_a_busy_host_does_not_stall_another(lab, suite):
    with no_leak(lab, "phone", "tv"), Ticker(lab, "tv") as ticker:
        ticker.mark()
        done = traffic.download(lab, "phone", SIZE)
        assert ticker.survived
        assert ticker.pause_ms() < 1000
    assert done.sha256 == done.expected


def test_bandwidth_reports_count_the_bytes(lab, suite):
    start = suite.events.mark()
    traffic.download(lab, "tv", 5_000_000)
    seen = 0

    def enough():
        nonlocal seen
        seen = sum(
            row["points_downstream"] for event in suite.events.seen[start:]
            if event.get("event") == "bandwidth_info"
            for row in event["bandwidth_info"]
            if row["route_name"] == "us-new-york")
        return seen >= 5_000_000
    wait_for(enough, 5, lambda: "the reports count 5 MB, not %d" % seen)
    assert seen < 6_500_000
