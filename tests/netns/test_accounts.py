# SPDX-License-Identifier: ISC
"""Tokens, credentials and families: each test starts a suite of its own."""

import os
import re
import time

import pytest

from lab import names, procs, traffic
from lab.suite import Suite, expected_exit
from lab.ticker import Ticker
from lab.util import Timeout, wait_for

BERLIN = "de-berlin"
# No word of a log is as long as a token or a cookie.
LONG = re.compile(r"[A-Za-z0-9+/=_-]{32,}")


@pytest.fixture(autouse=True)
def whole(product, lab):
    """After each test the backend is as it was before."""
    yield
    lab.admin.clear()
    lab.admin.set(credential_life=86400)
    lab.admin.location(BERLIN, servers=[names.server(BERLIN)])


@pytest.fixture
def start(product, lab):
    """start(rules, without=..., **config): a suite; its log has no secret."""
    made = []

    def begin(rules, without=(), **config):
        suite = Suite(lab, rules, **config)
        for key in without:
            suite.config.pop(key, None)
        made.append(suite)
        return suite.start()
    yield begin
    for suite in made:
        suite.stop()
        no_secrets(suite)
        assert not suite.trouble()


def no_secrets(suite):
    log = suite.log()
    known = [e["access_token"] for e in suite.datagrams.seen
             if e["event"] == "auth_success"]
    for secret in known + [names.NODE_PASSWORD, "oauth-alice", "webvpn",
                           suite.config.get("access_token")]:
        assert secret is None or secret not in log, secret
    words = log.replace(suite.folder, "").replace(suite.prefix, "")
    found = [w for w in LONG.findall(words) if "/" not in w]
    assert not found, found


def provides(lab, since):
    return [e for e in lab.admin.log(since) if e["call"] == "provide"]


def outer(lab, node=BERLIN):
    """Where the node sees the router: its sessions' remote addresses."""
    return {u["Remote IP"] for u in lab.nodes[node].sessions()}


# ---- tokens ---------------------------------------------------------------

@pytest.mark.parametrize("code", [
    "OAUTH_ERROR", "DEVICES_EXCEED", "USER_SUSPENDED", "CARRIER_DISABLED",
    "BAD_REQUEST"])
def test_a_refused_login_is_invalid_auth(product, lab, code):
    lab.admin.fault("login", "code", code)
    suite = Suite(lab, {"phone": "de-berlin"})
    try:
        suite.start(wait=False)
        told = suite.datagrams.wait("invalid_auth", 0, 20)
        assert told["reason_details"]
    finally:
        suite.kill()
        lab.admin.clear()


def test_revoked_tokens_are_replaced(product, lab):
    with Suite(lab, {"phone": "de-berlin"}) as suite:
        traffic.await_seen(lab, "phone", expected_exit("de-berlin"))
        mark = lab.admin.mark()
        lab.admin.revoke()
        suite.protect("laptop", "us-new-york")
        traffic.await_seen(lab, "laptop", expected_exit("us-new-york"))
        assert lab.admin.await_call("login", mark, result="OK")



def test_a_given_token_is_used_and_kept(lab, start):
    first = start({"phone": BERLIN})
    token = first.datagrams.wait("auth_success", 0, 10)["access_token"]
    traffic.await_seen(lab, "phone", expected_exit(BERLIN))
    assert first.stop() == 0
    mark = lab.admin.mark()
    second = start({"phone": BERLIN}, access_token=token)
    traffic.await_seen(lab, "phone", expected_exit(BERLIN))
    assert provides(lab, mark)
    assert [e["call"] for e in lab.admin.log(mark)
            if e["call"] == "login" or e["result"] != "OK"] == []
    told = second.datagrams.find("auth_success")
    assert told is None or told["access_token"] == token


def test_a_dead_token_without_a_method_is_invalid_auth(lab, start):
    mark = lab.admin.mark()
    suite = start({"phone": BERLIN}, ("auth_method",), access_token="dead")
    traffic.seen_address(lab, "phone", timeout=1)
    suite.datagrams.wait("invalid_auth", 0, 15)
    assert [e for e in lab.admin.log(mark) if e["call"] == "login"] == []


# ---- the life of credentials ----------------------------------------------

def test_credentials_are_renewed_and_nobody_notices(lab, start):
    """Lives of 4 s: over four of them, one TCP connection, one login."""
    lab.admin.set(credential_life=4)
    suite = start({"phone": BERLIN})
    traffic.await_seen(lab, "phone", expected_exit(BERLIN))
    before = outer(lab), len(lab.nodes[BERLIN].sessions())
    with Ticker(lab, "phone") as line:
        mark = lab.admin.mark()
        wait_for(lambda: len(provides(lab, mark)) >= 4, 25,
                 "the credentials are renewed four times")
        line.mark()
        assert line.await_progress(50)
        assert line.pause_ms() < 1000
    times = [e["time"] for e in provides(lab, mark)]
    for a, b in zip(times, times[1:]):
        assert 2.9 < b - a < 4.5, times
    assert not suite.datagrams.find("credentials_expire")
    assert not suite.datagrams.find("route_disconnected")
    assert before == (outer(lab), len(lab.nodes[BERLIN].sessions()))
    assert suite.log().count("logged in to") == 1


def expire(lab, suite, since):
    suite.datagrams.wait("credentials_expire", since, 30)
    mark = suite.datagrams.mark()
    with pytest.raises(Timeout):
        suite.datagrams.wait("credentials_expire", mark, 4)
    return mark


def test_credentials_expire_is_told_once_a_life(lab, start):
    """The backend is down for a life; the tunnel outlives it, twice."""
    lab.admin.set(credential_life=5)
    suite = start({"phone": BERLIN})
    traffic.await_seen(lab, "phone", expected_exit(BERLIN))
    with Ticker(lab, "phone") as line:
        lab.stop_backend()
        try:
            mark = expire(lab, suite, 0)
        finally:
            lab.start_backend()
        # It forgot every token: one new login, then it goes on.
        lab.admin.set(credential_life=5)
        lab.admin.await_call("provide", 0, 30, result="OK")
        assert not suite.datagrams.find("credentials_expire", mark)
        lab.admin.fault("provide", "http", 500)
        expire(lab, suite, mark)
        assert line.await_progress()
    assert not suite.datagrams.find("route_disconnected")
    assert not suite.datagrams.find("invalid_auth")


def test_a_rekey_needs_no_fresh_credentials(lab, start):
    """The node wants a new tunnel when those of the login are long over."""
    node = lab.start_node(BERLIN, key="rekey", port=4439, rekey=6,
                          net4="10.98.39.0/24", net6="fd98:39::/64")
    try:
        lab.admin.set(credential_life=3)
        lab.admin.location(BERLIN, servers=[names.server(BERLIN, 4439)])
        suite = start({"phone": BERLIN})
        traffic.await_seen(lab, "phone", expected_exit(BERLIN))
        with Ticker(lab, "phone") as line:
            wait_for(lambda: suite.log().count("packets are held") >= 2, 25,
                     "two rekeys")
            assert line.await_progress(50)
        assert not suite.datagrams.find("route_disconnected")
        assert suite.log().count("logged in to") == 1
    finally:
        node.stop(hard=True)


def test_a_refusal_at_renewal_is_not_repeated(lab, start):
    lab.admin.set(credential_life=4)
    suite = start({"phone": BERLIN})
    traffic.await_seen(lab, "phone", expected_exit(BERLIN))
    mark = lab.admin.mark()
    lab.admin.fault("provide", "code", "TRAFFIC_EXCEED")
    suite.datagrams.wait("credentials_expire", 0, 15)
    assert traffic.seen_address(lab, "phone") == expected_exit(BERLIN)
    assert len(provides(lab, mark)) == 1


def test_a_router_starts_while_its_backend_is_down(product, lab):
    """From what it kept in config_dir of the run before."""
    with Suite(lab, {"phone": "de-berlin"}) as suite:
        traffic.await_seen(lab, "phone", expected_exit("de-berlin"))
        kept = suite.config["config_dir"]
    for base, _, files in os.walk(kept):
        for name in files:
            path = os.path.join(base, name)
            assert os.stat(path).st_mode & 0o077 == 0, path
            with open(path, "rb") as f:
                assert names.NODE_PASSWORD.encode() not in f.read(), path
    lab.stop_backend()
    try:
        with Suite(lab, {"phone": "de-berlin"}, config_dir=kept) as suite:
            assert set(procs.HELPERS) < set(suite.family())
            assert traffic.seen_address(lab, "phone", timeout=1) is None
    finally:
        lab.start_backend()


# ---- backends -------------------------------------------------------------

def test_the_next_backend_is_asked(lab, start):
    """Nobody listens at the first, the second has a wrong name."""
    started = time.monotonic()
    suite = start({"phone": BERLIN}, backend=[
        "https://%s:9" % names.BACKEND4, "https://[%s]" % names.BACKEND6,
        lab.backend_url])
    traffic.await_seen(lab, "phone", expected_exit(BERLIN))
    assert time.monotonic() - started < 10
    suite.datagrams.wait("auth_success", 0, 5)


# ---- families -------------------------------------------------------------

def both(address4=None, address6=names.NODE6[BERLIN]):
    return dict(names.server(BERLIN, address=address4), address6=address6)


def by_name():
    return names.server(BERLIN, address=names.tls_name(BERLIN))


@pytest.mark.parametrize("policy,seen", [
    ("legacy", names.ROUTER4), ("ipv4_only", names.ROUTER4),
    ("ipv6_only", names.ROUTER6), ("both", names.ROUTER6)])
@pytest.mark.parametrize("server", [both, by_name])
def test_the_policy_chooses_the_family(lab, start, server, policy, seen):
    mark = lab.admin.mark()
    lab.admin.location(BERLIN, servers=[server()])
    start({"phone": BERLIN}, v4v6_policy=policy,
          backend="https://" + names.BACKEND_NAME)
    traffic.await_seen(lab, "phone", expected_exit(BERLIN))
    traffic.await_seen(lab, "phone", expected_exit(BERLIN, 6), 6)
    assert outer(lab) == {seen}
    asked = provides(lab, mark)[0]
    assert asked["params"]["v4v6_policy"] == policy
    six = policy in ("ipv6_only", "both")
    assert asked["peer"] == (names.ROUTER6 if six else names.ROUTER4)


@pytest.mark.parametrize("policy,server,seen", [
    ("legacy", both(names.DEAD4), names.ROUTER6),
    ("both", both(None, names.DEAD6), names.ROUTER4)])
def test_a_dead_family_is_no_obstacle(lab, start, policy, server, seen):
    lab.admin.location(BERLIN, servers=[server])
    start({"phone": BERLIN}, v4v6_policy=policy)
    began = time.monotonic()
    traffic.await_seen(lab, "phone", expected_exit(BERLIN), seconds=20)
    assert outer(lab) == {seen}
    if policy == "both":
        assert time.monotonic() - began < 3


@pytest.mark.parametrize("policy,server", [
    ("ipv6_only", names.server(BERLIN)),
    ("ipv4_only", names.server(BERLIN, address=names.NODE6[BERLIN]))])
def test_no_address_of_the_family(lab, start, policy, server):
    lab.admin.location(BERLIN, servers=[server])
    suite = start({"phone": BERLIN}, v4v6_policy=policy)
    traffic.seen_address(lab, "phone", timeout=0.5)
    failed = suite.datagrams.wait("route_failed", 0, 15, route_name=BERLIN)
    assert failed["reason_details"] in ("no server available", "unreachable")


@pytest.mark.parametrize("careless", [False, True])
def test_ipv6_output_only(lab, start, careless):
    """The first server has no IPv6 exit; the backend may forget to look."""
    mark = lab.admin.mark()
    lab.admin.location(BERLIN, careless=careless, servers=[
        dict(names.server(BERLIN, 9), ipv6_exit=False),
        dict(names.server(BERLIN), ipv6_exit=True)])
    suite = start({"phone": BERLIN}, ipv6_output_only=1)
    traffic.await_seen(lab, "phone", expected_exit(BERLIN, 6), 6)
    assert provides(lab, mark)[0]["params"]["ipv6_exit"] == "1"
    assert "connection refused" not in suite.log()


def test_no_server_has_an_ipv6_exit(lab, start):
    lab.admin.location(BERLIN, careless=True, servers=[
        dict(names.server(BERLIN), ipv6_exit=0)])
    suite = start({"phone": BERLIN}, ipv6_output_only=1)
    traffic.seen_address(lab, "phone", timeout=0.5)
    failed = suite.datagrams.wait("route_failed", 0, 15, route_name=BERLIN)
    assert failed["reason_details"] == "no server available"


# ---- optimal --------------------------------------------------------------

def test_the_backend_chooses_the_location(lab, start):
    """Without a default location; a renewal stays where it chose."""
    lab.admin.set(credential_life=4)
    mark = lab.admin.mark()
    suite = start({"phone": "optimal"}, ("vl_default",))
    traffic.await_seen(lab, "phone", expected_exit(BERLIN))
    wait_for(lambda: len(provides(lab, mark)) >= 2, 15, "a renewal")
    asked = [e["params"].get("location") for e in provides(lab, mark)]
    assert asked[:2] == [None, BERLIN]
    assert not suite.datagrams.find("route_disconnected")
