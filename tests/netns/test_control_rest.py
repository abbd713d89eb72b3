# SPDX-License-Identifier: ISC
"""The REST interface: the document's requests, and everybody else's."""

import json
import os
import socket
import threading
import time

import pytest

from lab import traffic
from lab.procs import status as proc_status
from lab.rest import TOKEN, Rest, RestSuite, parse, read_all
from lab.suite import Suite, expected_exit
from lab.util import wait_for

BERLIN, YORK = "de-berlin", "us-new-york"
CONNECTIONS = 32        # as rest_conn.c has it
TABLE = [("POST", "/api/ping"), ("POST", "/api/protected_ip"),
         ("PUT", "/api/protected_ip"), ("POST", "/api/protected_mac"),
         ("PUT", "/api/protected_mac"), ("POST", "/api/protected_iface"),
         ("PUT", "/api/protected_iface"), ("POST", "/api/dump_config"),
         ("POST", "/api/countries"), ("POST", "/api/locations"),
         ("POST", "/api/tunnel"), ("PUT", "/api/tunnel"),
         ("POST", "/api/status"), ("POST", "/api/register"),
         ("GET", "/metrics"), ("POST", "/api/explain"),
         ("POST", "/api/history")]


@pytest.fixture(scope="module")
def suite(product, lab):
    with RestSuite(lab, {"phone": BERLIN}) as started:
        yield started
        troubles = started.trouble()
        log = started.log()
    assert not troubles, troubles
    assert TOKEN not in log


@pytest.fixture
def rest(suite):
    return suite.rest


def rules(rest, key):
    return {r[key]: r["vl"] for r in rest.do("POST", "/api/status")["rules"]
            if key in r}


def refused(answer, code, status):
    assert (answer.code, answer.status) == (code, status), answer
    assert answer.json()["message"]
    assert answer.headers["content-type"] == "application/json"


# What the document has


def test_ping(rest):
    answer = rest.curl("POST", "/api/ping", b'{ "token" : "%s" }' %
                       TOKEN.encode())
    assert answer.code == 200
    assert answer.status == 0
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize("path, key, device", [
    ("/api/protected_ip", "ip_addr", "192.168.50.149"),
    ("/api/protected_mac", "mac_addr", "08:00:27:aa:d7:17"),
    ("/api/protected_iface", "iface", "eth2")])
@pytest.mark.parametrize("location", ["vl", "country_code"])
def test_protect_and_unprotect(rest, path, key, device, location):
    rest.do("POST", path, **{key: device, location: BERLIN})
    assert rules(rest, key)[device] == BERLIN
    rest.do("POST", path, **{key: device, location: YORK})
    assert rules(rest, key)[device] == YORK
    rest.do("PUT", path, **{key: device})
    assert device not in rules(rest, key)
    refused(rest.ask("PUT", path, **{key: device}), 500, 4)


def test_traffic_follows(lab, suite, rest):
    traffic.await_seen(lab, "phone", expected_exit(BERLIN))
    for address in suite.addresses("phone"):
        rest.do("POST", "/api/protected_ip", ip_addr=address, vl=YORK)
    traffic.await_seen(lab, "phone", expected_exit(YORK))


def test_dump_config(suite, rest):
    rest.do("POST", "/api/protected_ip", ip_addr="192.168.50.77", vl=YORK)
    rest.do("POST", "/api/dump_config", config_path=suite.config_path)
    with open(suite.config_path, encoding="utf-8") as f:
        found = json.load(f)
    assert {"ip_addr": "192.168.50.77", "vl": YORK} in \
        found["protected_ip_addrs"]
    assert found["ci_rest"] == {"token": TOKEN}
    refused(rest.ask("POST", "/api/dump_config", config_path="/tmp/x"),
            500, 1)


def test_countries_and_locations(rest):
    found = rest.do("POST", "/api/countries")["countries"]
    assert {c["country"] for c in found} == {"de", "us"}
    found = rest.do("POST", "/api/locations")["locations"]
    assert {l["name"] for l in found} == {BERLIN, YORK}


# Ours


def test_tunnel(rest):
    rest.do("POST", "/api/tunnel", vl="us")
    refused(rest.ask("POST", "/api/tunnel", vl="us"), 500, 4)
    rest.do("PUT", "/api/tunnel", vl="us")
    refused(rest.ask("PUT", "/api/tunnel", vl="us"), 500, 4)


def test_register(rest):
    token = rest.do("POST", "/api/register", auth_method="firebase",
                    auth_token="oauth-alice")["access_token"]
    assert token


def test_the_token_in_the_header(rest):
    right = "Authorization: Bearer " + TOKEN
    assert rest.curl("POST", "/api/ping", headers=[right]).code == 200
    assert rest.curl("POST", "/api/ping", b"{}", [right]).code == 200
    answer = rest.curl("GET", "/metrics", headers=[right])
    assert answer.code == 200
    assert answer.headers["content-type"].startswith(
        "text/plain; version=0.0.4")
    assert "afwrt_build_info{" in answer.body


# Codes


def test_every_path_of_the_table(lab, suite, rest):
    """And of no other: the program's own list says so too."""
    listed = json.loads(suite.ctl("--json", "requests").stdout)["requests"]
    assert {(r["method"], r["path"]) for r in listed if "path" in r} == \
        set(TABLE)
    for method, path in TABLE:
        answer = rest.curl(method, path, b"{}")
        refused(answer, 401, 3)
        for other in {"GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"}:
            if (other, path) not in TABLE:
                answer = rest.curl(other, path)
                refused(answer, 405, 2)
                assert method in answer.headers["allow"]
    refused(rest.raw(b"FETCH /api/ping HTTP/1.1\r\nHost: x\r\n\r\n"), 405, 2)


@pytest.mark.parametrize("path", [
    "/", "/api", "/api/", "/api/pin", "/api/ping/", "//api/ping", "/API/PING",
    "/api/../api/ping", "/api/./ping", "/api/%70ing", "/api/ping%00",
    "/api/status;x", "/etc/passwd", "/../../etc/passwd"])
def test_unknown_paths(rest, path):
    refused(rest.ask("POST", path), 404, 2)


def test_a_query_is_no_parameter(rest):
    refused(rest.curl("POST", "/api/ping?token=" + TOKEN, b"{}"), 401, 3)


@pytest.mark.parametrize("body", [
    b"", b"x", b"{", b"[]", b"null", b"\"token\"", b"{\"a\":1,}",
    b"{\"token\":\"%s\"" % TOKEN.encode(), b"\xff\xfe", b"[" * 60000,
    b"{\"a\":1,\"a\":2}", b"{\"a\":\"\\u0000\"}", b"{} {}"])
def test_bad_json(rest, body):
    answer = rest.curl("POST", "/api/ping", body, headers=[
        "Authorization: Bearer " + TOKEN])
    if body:
        refused(answer, 400, 3)
    else:
        assert answer.code == 200
    assert rest.curl("POST", "/api/ping", body).code in (400, 401)


@pytest.mark.parametrize("parameters", [
    {}, {"ip_addr": "192.168.50.9"}, {"vl": BERLIN},
    {"ip_addr": 7, "vl": BERLIN}, {"ip_addr": "192.168.50.9", "vl": None},
    {"ip_addr": ["192.168.50.9"], "vl": BERLIN},
    {"mac_addr": "192.168.50.9", "vl": BERLIN}])
def test_missing_parameters(rest, parameters):
    refused(rest.ask("POST", "/api/protected_ip", **parameters), 400, 3)


@pytest.mark.parametrize("value", ["x", "1.2.3.4.5", "224.0.0.1", "::", "é",
                                   "1.1.1.1\n", "A" * 5000])
def test_values_that_the_suite_refuses(rest, value):
    refused(rest.ask("POST", "/api/protected_ip", ip_addr=value, vl=BERLIN),
            500, 4)


# Hostile


def test_too_long(rest):
    answer = rest.curl("POST", "/api/ping", b" " * (10 << 20))
    refused(answer, 413, 3)
    answer = rest.curl("POST", "/api/ping", b" " * 65537)
    refused(answer, 413, 3)
    answer = rest.curl("POST", "/api/ping", b" " * (1 << 20),
                       ["Transfer-Encoding: chunked"])
    refused(answer, 413, 3)
    body = json.dumps({"token": TOKEN}).encode()
    whole = body + b" " * (65536 - len(body))
    assert rest.curl("POST", "/api/ping", whole).code == 200


@pytest.mark.parametrize("data", [
    b"GET / HTTP/1.1\r\n" + b"X: " + b"y" * 20000 + b"\r\n\r\n",
    b"POST /" + b"a" * 20000 + b" HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 5000 + b"\r\n",
    b"POST /api/ping HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    b"POST /api/ping HTTP/1.1\r\nContent-Length: x\r\n\r\n",
    b"no http at all\r\n\r\n",
    b"POST /api/ping HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"])
def test_what_is_no_http(rest, data):
    answer = rest.raw(data)
    assert answer.code in (400, 413), answer
    assert answer.status == 3
    assert rest.ask("POST", "/api/ping").code == 200


def test_wrong_tokens_are_limited(lab, suite):
    """From one address; another one is heard."""
    suites = RestSuite(lab, rest={"host": "0.0.0.0", "port": 8899})
    suites.config["tun_ifname"] = "wrt0"
    suite.stop()
    try:
        with suites:
            rest = suites.rest
            for i in range(10):
                refused(rest.ask("POST", "/api/ping", token="wrong" * 4),
                        401, 3)
            answer = rest.ask("POST", "/api/ping")
            refused(answer, 429, 3)
            assert answer.headers["retry-after"] == "60"
            other = Rest(lab, "127.0.0.2", 8899)
            answer = other.curl(
                "POST", "/api/ping", json.dumps({"token": TOKEN}).encode(),
                words=["--interface", "127.0.0.2"])
            assert answer.code == 200, answer
            assert "not a loopback" in suites.log()
            assert TOKEN not in suites.log()
    finally:
        suite.start()


def test_many_addresses_guess(rest):
    """The table of those who guessed is bounded: the oldest are forgotten."""
    body = json.dumps({"token": "wrong-wrong-wrong-wrong"}).encode()
    head = b"POST /api/ping HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body)
    for i in range(300):
        with rest.router.socket() as s:
            s.settimeout(5)
            s.bind(("127.0.%d.%d" % (1 + i // 250, 1 + i % 250), 0))
            s.connect((rest.host, rest.port))
            s.sendall(head + body)
            assert parse(read_all(s).decode()).code == 401
    assert rest.ask("POST", "/api/ping").code == 200


def test_slow_clients_do_not_stop_others(suite, rest):
    """A request that never ends; many of them; one that is not read."""
    start = time.monotonic()
    slow = [rest.connect() for _ in range(CONNECTIONS - 4)]
    for s in slow:
        s.sendall(b"POST /api/ping HTTP/1.1\r\n")
    assert rest.ask("POST", "/api/ping").code == 200

    def drip(s):
        try:
            while time.monotonic() - start < 40:
                s.sendall(b"X: y\r\n")
                time.sleep(1)
        except OSError:
            pass
    dripping = threading.Thread(target=drip, args=(slow[0],), daemon=True)
    dripping.start()
    slow[0].settimeout(30)
    while True:         # cut off, although it always has something to say
        try:
            if not slow[0].recv(4096):
                break
        except ConnectionResetError:
            break
    assert time.monotonic() - start < 25
    dripping.join(10)
    for s in slow:
        s.close()


def test_connections_are_bounded(lab, suite, rest):
    before = len(os.listdir("/proc/%d/fd" % suite.process.pid))
    crowd = [rest.connect() for _ in range(CONNECTIONS + 10)]
    wait_for(lambda: len(os.listdir("/proc/%d/fd" % suite.process.pid)) >=
             before + CONNECTIONS, 5, "the first are accepted")
    assert len(os.listdir("/proc/%d/fd" % suite.process.pid)) <= \
        before + CONNECTIONS + 1
    for s in crowd:
        s.close()
    assert rest.ask("POST", "/api/ping").code == 200
    wait_for(lambda: len(os.listdir("/proc/%d/fd" % suite.process.pid)) <=
             before, 5, "their descriptors are closed")


def test_one_that_goes_before_the_answer(lab, suite, rest):
    """While the backend is asked: nobody else waits, nothing breaks."""
    lab.admin.fault("locations", "delay", 3)
    try:
        body = json.dumps({"token": TOKEN}).encode()
        s = rest.connect()
        s.sendall(b"POST /api/locations HTTP/1.1\r\nContent-Length: %d"
                  b"\r\n\r\n%s" % (len(body), body))
        start = time.monotonic()
        assert rest.ask("POST", "/api/ping").code == 200
        assert time.monotonic() - start < 2
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                     b"\x01\0\0\0\0\0\0\0")
        s.close()
    finally:
        lab.admin.clear()
    assert rest.do("POST", "/api/locations")["locations"]


def test_the_end_does_not_wait_for_the_backend(lab, suite, rest):
    lab.admin.fault("locations", "delay", 30)
    try:
        waiting = []
        body = json.dumps({"token": TOKEN}).encode()
        for _ in range(3):
            s = rest.connect()
            s.sendall(b"POST /api/locations HTTP/1.1\r\nContent-Length: %d"
                      b"\r\n\r\n%s" % (len(body), body))
            waiting.append(s)
        assert rest.ask("POST", "/api/ping").code == 200
        start = time.monotonic()
        assert suite.stop() == 0
        assert time.monotonic() - start < 10
        for s in waiting:
            s.close()
    finally:
        lab.admin.clear()
        suite.start()


def test_it_is_not_root_that_speaks_http(suite):
    found = proc_status(suite.process.pid)
    assert found["Uid"].split() == [str(suite.user_id("_afwrt"))] * 4


# The section


@pytest.mark.parametrize("section, word", [
    ({}, "token"), ({"token": "short"}, "token"), ({"token": 7}, "token"),
    ({"token": "fifteen-chars-x"}, "16"), ({"token": "x y" * 8}, "token"),
    ({"token": TOKEN, "port": 0}, "port"),
    ({"token": TOKEN, "port": 65536}, "port"),
    ({"token": TOKEN, "port": "80"}, "port"),
    ({"token": TOKEN, "host": "localhost"}, "host"),
    ({"token": TOKEN, "host": 1}, "host"),
    ({"token": TOKEN, "host": "192.0.2.1"}, "ci_rest"),
    ({"token": TOKEN, "disabled": 2}, "disabled"),
    ([], "ci_rest")])
def test_what_is_refused_at_the_start(product, lab, section, word):
    suite = RestSuite(lab)
    suite.config["ci_rest"] = section
    try:
        suite.start(wait=False)
        assert suite.process.wait(10) == 1
        assert word in suite.log()
        if isinstance(section, dict) and section.get("host") != "192.0.2.1":
            done = suite.ctl("check-config", suite.config_path, check=False)
            assert done.returncode == 1
            assert word in done.stdout
    finally:
        suite.kill()


def test_the_unix_socket_goes_first(product, lab, suite):
    suite.stop()
    try:
        both = Suite(lab)
        both.config["ci_rest"] = {"token": TOKEN, "port": 7777}
        with both:
            assert "only one interface runs" in both.log()
            assert not lab.router.listening(7777)
            assert not both.control.request("status")["status"]
        both = RestSuite(lab)
        both.config["ci_unix_domain"] = {"disabled": 1}
        with both:
            assert both.rest.ask("POST", "/api/ping").code == 200
        none = Suite(lab)
        none.config["ci_unix_domain"]["disabled"] = 1
        none.config["ci_rest"] = {"token": TOKEN, "disabled": 1}
        none.start(wait=False)
        try:
            wait_for(lambda: "route de-berlin: connected" in none.log(), 10,
                     none.log_tail)
            assert not lab.router.listening(61438)
            assert not os.path.exists(none.sock)
            assert none.stop() == 0
        finally:
            none.kill()
    finally:
        suite.start()


def test_ipv6(product, lab, suite):
    suite.stop()
    try:
        with RestSuite(lab, rest={"host": "::1", "port": 4000}) as six:
            assert six.rest.ask("POST", "/api/ping").code == 200
            for _ in range(10):
                six.rest.ask("POST", "/api/ping", token="wrong" * 4)
            refused(six.rest.ask("POST", "/api/ping"), 429, 3)
    finally:
        suite.start()
