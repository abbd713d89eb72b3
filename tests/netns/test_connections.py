# SPDX-License-Identifier: ISC
"""Several connections of one route: "connections" above 1."""

import contextlib
import re
import signal
import time

import pytest

from lab import names, traffic
from lab.capture import no_leak
from lab.suite import Suite, expected_exit
from lab.ticker import Ticker
from lab.util import wait_for

BERLIN = "de-berlin"
HOSTS = names.HOSTS


@contextlib.contextmanager
def connected(lab, count, rules=HOSTS, **config):
    """A suite that protects these hosts, all connections up."""
    with Suite(lab, {host: BERLIN for host in rules}, connections=count,
               **config) as suite:
        traffic.await_seen(lab, rules[0], expected_exit(BERLIN), seconds=15)
        await_up(suite, count)
        yield suite
        troubles = suite.trouble()
    assert not troubles, troubles


def route(suite, location=BERLIN):
    return next(r for r in suite.status()["routes"]
                if r["location"] == location)


def await_up(suite, count, seconds=15):
    wait_for(lambda: route(suite)["connections"] == count, seconds,
             lambda: "%d connections: %r\n%s" % (count, route(suite),
                                                 suite.log_tail()))


class Watch:
    """Which inner address of the node each flow to a server has."""

    def __init__(self, lab, node=BERLIN):
        self.space = lab.nodes[node].ns

    def __enter__(self):
        self.space.run("nft", "-f", "-", input=(
            "table inet watch {\n"
            " set four { type ipv4_addr . ipv4_addr . inet_service; flags dynamic; }\n"
            " set six { type ipv6_addr . ipv6_addr . inet_service; flags dynamic; }\n"
            " chain forward { type filter hook forward priority -200;\n"
            "  iifname \"vpn*\" update @four { ip saddr . ip daddr . th sport }\n"
            "  iifname \"vpn*\" update @six { ip6 saddr . ip6 daddr . th sport }\n"
            " }\n}\n"))
        return self

    def __exit__(self, *_):
        self.space.run("nft", "delete", "table", "inet", "watch")

    def forget(self):
        for name in "four", "six":
            self.space.run("nft", "flush", "set", "inet", "watch", name)

    def flows(self, family=4):
        """[(inner, server, port)]"""
        text = self.space.run("nft", "list", "set", "inet", "watch",
                              "four" if family == 4 else "six").stdout
        return re.findall(r"([0-9a-f.:]+) \. ([0-9a-f.:]+) \. (\d+)", text)

    def inner_of(self, server, family=4, port=None):
        """port: the host's own, which NAT keeps while it is free."""
        return {i for i, s, p in self.flows(family)
                if s == server and port in (None, int(p))}


def servers(lab, family=4):
    return [traffic.target(lab, host, family) for host in HOSTS] + \
        list(names.SHARED4 if family == 4 else names.SHARED6)[:1]


@pytest.mark.parametrize("family", [4, 6])
def test_flows_are_spread(lab, product, family):
    since = lab.admin.mark()
    with connected(lab, 2), Watch(lab) as watch, no_leak(lab, *HOSTS):
        calls = [e["call"] for e in lab.admin.log(since)]
        assert calls.count("provide") == 1, calls
        sessions = lab.nodes[BERLIN].sessions()
        assert len(sessions) == 2
        assert len({s["IPv4"] for s in sessions}) == 2
        used = set()
        for host in HOSTS:
            for server in servers(lab, family):
                watch.forget()
                for _ in range(3):      # one exit address for all of them
                    assert traffic.http_get(
                        lab, host, family, address=server)["you"] == \
                        expected_exit(BERLIN, family)
                inner = watch.inner_of(server, family)
                assert len(inner) == 1, inner
                used |= inner
        assert len(used) == 2, used


def tickers_on_both(lab, watch, stack):
    """{inner address: [ticker]}, of several hosts, on two connections."""
    found = {}
    for host in HOSTS:
        for server in servers(lab):
            ticker = stack.enter_context(Ticker(lab, host, address=server))
            inner, = watch.inner_of(
                server, port=ticker.socket.getsockname()[1])
            found.setdefault(inner, []).append(ticker)
    assert len(found) > 1, found
    return found


def session_of(lab, inner):
    return next(s for s in lab.nodes[BERLIN].sessions()
                if s["IPv4"] == inner)


@pytest.mark.parametrize("which", [0, 1])
def test_one_is_lost(lab, product, which):
    """The flows of the other do not notice; it is made again, no event."""
    with connected(lab, 2) as suite, Watch(lab) as watch, \
            no_leak(lab, *HOSTS), contextlib.ExitStack() as stack:
        found = tickers_on_both(lab, watch, stack)
        lost = sorted(found)[which]
        came = time.monotonic()     # soon after that it would be crowded out
        wait_for(lambda: time.monotonic() > came + 1.5, 5, "the time")
        kept = [t for inner, on in found.items() if inner != lost for t in on]
        since = suite.events.mark()
        for ticker in kept:
            ticker.mark()
        lab.nodes[BERLIN].occtl("disconnect", "id",
                                str(session_of(lab, lost)["ID"]))
        wait_for(lambda: "1 of 2 are up" in suite.log(), 5, "the loss")
        await_up(suite, 2)
        for ticker in kept:
            assert ticker.await_progress(10) and ticker.survived
            assert ticker.pause_ms() < 300
        for host in HOSTS:
            traffic.await_seen(lab, host, expected_exit(BERLIN))
        for event in "route_disconnected", "route_failed":
            assert suite.events.find(event, since) is None


def test_a_node_that_ends_the_older(lab, product):
    """Its session is not brought back to end the newer one in turn."""
    node = lab.nodes[BERLIN]
    with Suite(lab, {"phone": BERLIN}, connections=2) as suite:
        traffic.await_seen(lab, "phone", expected_exit(BERLIN), seconds=15)
        wait_for(lambda: "(connection 2): connected" in suite.log(), 15,
                 "the second connection", every=0.005)
        first, = [s for s in node.sessions() if s["IPv4"] in
                  suite.log().split("as ")[1].split()]
        node.occtl("disconnect", "id", str(first["ID"]))
        wait_for(lambda: "next attempt in 300000 ms" in suite.log(), 5,
                 lambda: "patience\n" + suite.log_tail(60))
        assert route(suite)["connections"] == 1
        traffic.await_seen(lab, "phone", expected_exit(BERLIN))
        assert suite.events.find("route_disconnected") is None


def test_tun_dies(lab, product):
    with connected(lab, 3) as suite, Watch(lab) as watch, \
            no_leak(lab, *HOSTS), contextlib.ExitStack() as stack:
        found = tickers_on_both(lab, watch, stack)
        tickers = [t for on in found.values() for t in on]
        before = {s["IPv4"] for s in lab.nodes[BERLIN].sessions()}
        suite.kill_helper("afwrt-tun", signal.SIGKILL, 5)
        for ticker in tickers:
            assert ticker.await_progress(25), ticker.error
            assert ticker.survived, ticker.error
        await_up(suite, 3)
        wait_for(lambda: {s["IPv4"] for s in lab.nodes[BERLIN].sessions()} ==
                 before, 10, "the same sessions")


def test_the_node_allows_one(product):
    from lab.topology import Lab
    options = {"extra": "max-same-clients = 1"}
    with Lab(nodes=(BERLIN,), node_options=options) as lab, \
            Suite(lab, {"phone": BERLIN}, connections=2,
                  log_level="info") as suite:
        traffic.await_seen(lab, "phone", expected_exit(BERLIN), seconds=15)
        wait_for(lambda: "not to be had" in suite.log(), 20,
                 lambda: "the refusal\n" + suite.log_tail(60))
        with Ticker(lab, "phone") as ticker:
            assert ticker.await_progress(10), ticker.error
        assert route(suite)["connections"] == 1
        assert route(suite)["state"] == "connected"
        assert suite.events.find("route_failed") is None
        assert suite.events.find("route_disconnected") is None
        assert suite.log().count("not to be had") == 1


def test_one_connection_is_one(lab, product):
    with connected(lab, 1, ("phone",)):
        assert len(lab.nodes[BERLIN].sessions()) == 1
