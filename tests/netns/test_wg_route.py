# SPDX-License-Identifier: ISC
"""A WireGuard route of afwrt-tun with wireguard-go at the other end."""

import pytest

from lab.util import run, wait_for
from lab.wg_route import Tun, program
from lab.wireguard import INNER, MTU, OUTER, PORT, Keys, Node, Wire, missing

pytestmark = pytest.mark.skipif(
    missing() is not None or program("tests/ipc/wg_route_stub") is None,
    reason=str(missing() or "tests/ipc/wg_route_stub is not built"))


@pytest.fixture
def wire():
    with Wire() as made:
        yield made


@pytest.fixture(scope="module")
def keys():
    """Ours, the node's, a preshared one."""
    return Keys(), Keys(), run(["wg", "genpsk"]).stdout.strip()


def pair(wire, keys, **options):
    ours, node, shared = keys
    there = Node(wire, node, ours.public, shared)
    return there, Tun(wire, ours, node.public, psk=shared, **options)


def up(wire, keys, policy="manual", **options):
    node, tun = pair(wire, keys, **options)
    tun.say("route " + policy)
    tun.wait("event connected")
    return node, tun


def both_ways(wire, count=1):
    for side in ("ours", "node"):
        for family in (4, 6):
            for size in (80, MTU):
                assert wire.ping(side, family, size, count) == count


def test_connects_at_once(wire, keys):
    node, tun = up(wire, keys)
    assert tun.lines("wg_set") == [
        "wg_set mtu 1420 addrs 2 allowed 2 keepalive 0 port %d bare" % PORT]
    assert tun.lines("socket") == ["socket 4 udp 1"]
    assert tun.lines("session_get") == ["session_get why 1"]
    before = tun.stats()
    both_ways(wire, 3)
    after = tun.stats()
    assert after["up_packets"] - before["up_packets"] == 24
    assert after["down_packets"] - before["down_packets"] == 24
    assert after["down_bytes"] - before["down_bytes"] == 12 * (80 + MTU)
    assert after["connects"] == 1
    assert tun.events() == ["connected"]
