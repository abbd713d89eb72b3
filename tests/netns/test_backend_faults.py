# SPDX-License-Identifier: ISC
"""Everything the backend can do wrong: the errors of the contract, no hang.

The faults of `provide` all happen at once: each has a location and one of the
laptop's extra addresses of its own, and each test looks at its part.
"""

import contextlib
import time

import pytest

from lab import names, traffic
from lab.control import Control
from lab.suite import expected_exit

# name -> (mode, argument, times), then what must come of it:
# "up": connected all the same; a reason, or None for any of the list.
CASES = {
    "strings": (("strings", None, None), "up"),
    "milliseconds": (("milliseconds", None, None), "up"),
    "lower": (("lower", None, None), "up"),
    "bare": (("bare", None, None), "up"),
    "delay": (("delay", 3, None), "up"),
    "trickle": (("trickle", 0.002, None), "up"),
    "reset-once": (("reset", None, 1), "up"),
    "close-once": (("close", None, 1), "up"),
    "busy-twice": (("http", 429, 2), "up"),
    "error-twice": (("http", 503, 2), "up"),
    "unauthorized-once": (("http", 401, 1), "up"),
    "forbidden-once": (("http", 403, 1), "up"),
    "expired-token": (("code", "NOT_AUTHORIZED", 1), "up"),
    "unavailable-once": (("code", "SERVER_UNAVAILABLE", 1), "up"),
    "invalid-once": (("code", "invalid", 1), "up"),
    "reset": (("reset", None, None), None),
    "close": (("close", None, None), None),
    "http400": (("http", 400, None), None),
    "http429": (("http", 429, None), None),
    "http500": (("http", 500, None), None),
    "garbage": (("garbage", None, None), "protocol error"),
    "not-object": (("not_object", None, None), "protocol error"),
    "truncated": (("truncated", None, None), None),
    "huge": (("huge", None, None), "protocol error"),
    "redirect": (("redirect", None, None), None),
    "redirect-here": (("redirect", "same", 1), "up"),
    "redirect-loop": (("redirect", "same", None), "protocol error"),
    "hang": (("hang", None, None), "timed out"),
    "slow": (("trickle", 1, None), "timed out"),
    "traffic": (("code", "TRAFFIC_EXCEED", None), "limit exceeded"),
    "sessions": (("code", "SESSIONS_EXCEED", None), "limit exceeded"),
    "suspended": (("code", "USER_SUSPENDED", None), None),
    "carrier": (("code", "CARRIER_DISABLED", None), None),
    "unavailable": (("code", "SERVER_UNAVAILABLE", None),
                    "no server available"),
    "unknown-code": (("code", "WHAT_IS_THIS", None), None),
}
NO_RETRY = ("traffic", "sessions", "suspended", "carrier")
REASONS = ("connection failed", "unreachable", "timed out",
           "authentication failed", "no server available", "limit exceeded",
           "protocol error", "unknown location")


def location(case):
    return "de-" + case


LOCATIONS = [location(case) for case in CASES]


@pytest.fixture(scope="module")
def outcome(lab, suite):
    """{case: (event, calls of provide)}: every case once, all at a time."""
    found, extra, first = {}, {}, {}
    addresses = {case: "192.168.50.%d" % (100 + i)
                 for i, case in enumerate(CASES)}
    lab.laptop.ip(*["addr add %s/24 dev eth0" % a
                    for a in addresses.values()])
    for case, ((mode, argument, times), _) in CASES.items():
        lab.admin.location(location(case),
                           servers=[names.server("de-berlin")])
        lab.admin.fault("provide", mode, argument, times,
                        location=location(case))
    before = suite.family()
    mark, requests = suite.events.mark(), lab.admin.mark()
    capture = lab.capture().protect(*lab.host_names)
    for case, address in addresses.items():
        suite.control.do("protect_ip", ip_addr=address, vl=location(case))
    deadline = time.monotonic() + 60

    def event(case):
        return suite.events.find(
            "route_connected", mark, route_name=location(case)) or \
            suite.events.find("route_failed", mark,
                              route_name=location(case))

    while len(found) < len(CASES) and time.monotonic() < deadline:
        for case, address in addresses.items():
            if case in found:
                continue
            if event(case):
                found[case] = event(case)
                continue
            with contextlib.suppress(OSError):
                traffic.connect(lab, "laptop", names.HTTP, timeout=0.05,
                                source=address).close()
    skew = time.time() - time.monotonic()
    for entry in lab.admin.log(requests):
        if entry["call"] == "provide":
            name = entry["params"].get("location", "")
            extra[name] = extra.get(name, 0) + 1
            told = found.get(name.removeprefix("de-"))
            if told and entry["time"] < told["_at"] + skew:
                first[name] = first.get(name, 0) + 1
    result = {"events": found, "provides": extra, "before": before,
              "first": first,
              "after": suite.family(), "report": capture.report(),
              "logins": [e for e in lab.admin.log(requests)
                         if e["call"] == "login"]}
    lab.admin.clear()
    result["mark"] = suite.events.mark()
    yield result
    for address in addresses.values():
        suite.control.request("unprotect_ip", ip_addr=address)


@pytest.mark.parametrize("case", CASES)
def test_provide(outcome, case):
    event = outcome["events"].get(case)
    wanted = CASES[case][1]
    assert event is not None, "nothing was told about " + location(case)
    if wanted == "up":
        assert event["event"] == "route_connected", event
        return
    assert event["event"] == "route_failed", event
    reason = event["reason_details"]
    assert reason in REASONS or reason.startswith("tls: ")
    if wanted:
        assert reason == wanted


def test_one_new_login_for_a_dead_token(outcome):
    assert outcome["logins"]


def test_at_most_three_tries(outcome):
    """A call is tried three times; by the first failure that is all."""
    for case in ("http500", "http429", "reset"):
        assert outcome["first"].get(location(case), 0) == 3, case
    assert outcome["first"].get(location("hang"), 0) == 1
    assert outcome["provides"].get(location("unavailable"), 0) >= 2


def test_a_refusal_is_not_repeated(outcome):
    for case in NO_RETRY:
        assert outcome["provides"].get(location(case)) == 1, case


def test_nobody_died_and_nothing_leaked(outcome):
    assert outcome["before"] == outcome["after"]
    assert outcome["report"].clean, outcome["report"]


def test_the_healthy_routes_never_noticed(lab, suite, outcome):
    for name, where in (("phone", "de-berlin"), ("tv", "us-new-york")):
        traffic.await_seen(lab, name, expected_exit(where))
        assert not suite.events.find("route_disconnected", 0,
                                     route_name=where)


@pytest.mark.parametrize("mode,argument", [
    ("reset", None), ("http", 400), ("http", 500), ("garbage", None),
    ("huge", None), ("wrong_certificate", None)])
def test_register_fails_and_says_so(lab, suite, outcome, mode, argument):
    """No answer is no refusal: an error, but not invalid_auth."""
    mark = suite.events.mark()
    before = suite.family()
    lab.admin.fault("login" if mode != "wrong_certificate" else "*", mode,
                    argument)
    control = Control(suite.sock, timeout=60)
    try:
        answer = control.request("register", auth_method="anonymous",
                                 auth_token="")
    finally:
        control.close()
        lab.admin.clear()
    assert answer["status"] != 0, answer
    assert not suite.events.find("invalid_auth", mark)
    assert suite.family() == before
    assert traffic.seen_address(lab, "phone") == expected_exit("de-berlin")


def test_a_new_registration(lab, suite, outcome):
    mark = suite.events.mark()
    suite.control.do("register", auth_method="firebase",
                     auth_token="oauth-alice")
    told = suite.events.wait("auth_success", mark)
    assert len(told["access_token"]) > 20
    for secret in (told["access_token"], "oauth-alice", names.NODE_PASSWORD):
        assert secret not in suite.log()


def test_events_come_to_the_datagram_socket_too(suite, outcome):
    told = [e["route_name"] for e in suite.events.seen
            if e["event"] == "route_failed"]
    assert told
    for name in told[-3:]:
        suite.datagrams.wait("route_failed", 0, 2, route_name=name)
