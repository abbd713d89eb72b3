# SPDX-License-Identifier: ISC
"""The reference backend on loopback: every call, every way to go wrong."""

import base64
import contextlib
import http.client
import json
import os
import sys
import time
import urllib.parse

import pytest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from fakebackend import faults as faults_mod  # noqa: E402
from fakebackend.main import Backend  # noqa: E402

SERVERS = [{"name": "n%d" % i, "address": "192.0.2.%d" % i, "port": 443,
            "country": "de", "sni": "front"} for i in range(1, 8)]


def configuration(**more):
    return dict({
        "listen": "127.0.0.1:0",
        "node_user": {"username": "router", "password": "secret"},
        "users": [
            {"name": "alice", "method": "firebase", "token": "t-alice",
             "password": "pw", "max_devices": 1, "traffic_limit": 100,
             "traffic_used": 40},
            {"name": "bob", "method": "firebase", "token": "t-bob",
             "suspended": True, "password": "pw"}],
        "locations": [
            {"name": "de-berlin", "labels": {"country": "de"},
             "servers": SERVERS},
            {"name": "us-new-york", "labels": {"country": "us"},
             "servers": SERVERS[:1]},
            {"name": "us-empty", "labels": {"country": "us"},
             "servers": []},
            {"name": "wg", "type": "wireguard", "servers": SERVERS[:1],
             "labels": {"country": "fr"}, "wireguard": {"mtu": 1420}}],
        "optimal": ["us-new-york"]}, **more)


@pytest.fixture
def backend():
    made = Backend(configuration())
    made.start()
    yield made
    made.stop()


def raw(backend, path, body=None, timeout=5, **params):
    port = backend.server.server_address[1]
    connection = http.client.HTTPConnection("127.0.0.1", port,
                                            timeout=timeout)
    text = urllib.parse.urlencode(params)
    with contextlib.closing(connection):
        if body is None:
            connection.request("GET", "/user/%s?%s" % (path, text))
        else:
            connection.request("POST", "/user/" + path,
                               urllib.parse.urlencode(body))
        answer = connection.getresponse()
        return answer.status, answer.read()


def call(backend, path, body=None, **params):
    status, text = raw(backend, path, body, **params)
    assert status == 200
    return json.loads(text)


def login(backend, method="anonymous", device="d1", token=None):
    body = {"carrier_id": "c", "device_id": device, "auth_method": method}
    if token:
        body["access_token"] = token
    return call(backend, "login", body)


@pytest.fixture
def token(backend):
    return login(backend)["access_token"]


def test_login(backend):
    assert login(backend)["result"] == "OK"
    assert login(backend, "firebase", token="wrong")["result"] == \
        "OAUTH_ERROR"
    assert login(backend, "firebase", token="t-alice")["result"] == "OK"
    assert login(backend, "firebase", "d2", "t-alice")["result"] == \
        "DEVICES_EXCEED"
    assert login(backend, "firebase", token="t-bob")["result"] == \
        "USER_SUSPENDED"
    assert call(backend, "login", {})["result"] == "BAD_REQUEST"
    assert raw(backend, "login")[0] == 405


def test_lists(backend, token):
    found = call(backend, "locations", access_token=token)
    assert [l["name"] for l in found["locations"]] == \
        ["de-berlin", "us-new-york", "us-empty"]
    found = call(backend, "locations", access_token=token, type="wireguard")
    assert [l["name"] for l in found["locations"]] == ["wg"]
    found = call(backend, "countries", access_token=token)
    assert found["countries"] == [{"country": "de", "servers": 7},
                                  {"country": "us", "servers": 1}]


def test_provide(backend, token):
    def give(**params):
        return call(backend, "provide", access_token=token, **params)
    found = give(location="de-berlin")
    assert found["servers"] == SERVERS[:5]
    assert (found["username"], found["password"]) == ("router", "secret")
    assert found["expire_time"] == found["create_time"] + 86400
    assert abs(found["create_time"] - time.time()) < 5
    assert give(country="DE")["location"] == "de-berlin"
    assert give()["location"] == "us-new-york"
    key = base64.b64encode(bytes(range(32))).decode()
    assert give(type="wireguard", location="wg", wg_public_key=key)[
        "wireguard"]["mtu"] == 1420
    for bad in ("", "abc", base64.b64encode(b"short").decode()):
        assert give(type="wireguard", location="wg",
                    wg_public_key=bad)["result"] == "BAD_REQUEST"
    assert give(location="nowhere")["result"] == "SERVER_UNAVAILABLE"
    assert give(location="us-empty")["result"] == "SERVER_UNAVAILABLE"
    assert give(location="wg")["result"] == "SERVER_UNAVAILABLE"


def test_tokens_end(backend, token):
    assert call(backend, "current", access_token=token)["subscriber"]
    assert call(backend, "logout", access_token=token)["result"] == "OK"
    for path in ("current", "logout", "locations", "countries", "provide",
                 "remainingTraffic"):
        assert call(backend, path, access_token=token)["result"] == \
            "NOT_AUTHORIZED"
    backend.calls.accounts.token_life = 1e-9
    short = login(backend)["access_token"]
    assert call(backend, "current", access_token=short)["result"] == \
        "NOT_AUTHORIZED"


def test_verify(backend):
    def verify(name, password):
        return call(backend, "verify", username=name,
                    password=password)["result"]
    assert verify("alice", "pw") == "OK"
    assert verify("alice", "no") == "INVALID"
    assert verify("bob", "pw") == "USER_SUSPENDED"
    assert verify("router", "secret") == "OK"
    assert verify("nobody", "") == "INVALID"


def test_traffic(backend, token):
    assert call(backend, "remainingTraffic", access_token=token)[
        "result"] == "UNLIMITED"
    alice = login(backend, "firebase", token="t-alice")["access_token"]
    assert call(backend, "remainingTraffic", access_token=alice)[
        "traffic_remaining"] == 60
    backend.calls.accounts.users["alice"]["traffic_used"] = 100
    assert call(backend, "provide", access_token=alice)["result"] == \
        "TRAFFIC_EXCEED"


def test_the_log_has_no_secrets(backend, token):
    call(backend, "verify", username="alice", password="pw-very-secret")
    text = json.dumps(backend.log.lines)
    assert "pw-very-secret" not in text and token not in text
    call(backend, "current", access_token=token)
    assert token not in json.dumps(backend.log.lines)
    assert [l["call"] for l in backend.log.lines] == ["login", "verify",
                                                     "current"]


EXPECTED = {
    "delay": "OK", "lower": "ok", "strings": "OK", "milliseconds": "OK",
    "bare": "OK", "trickle": "OK", "huge": "OK", "http": 503,
    "redirect": 302, "garbage": ValueError, "not_object": list,
    "truncated": http.client.IncompleteRead, "reset": ConnectionResetError,
    "close": http.client.RemoteDisconnected, "hang": TimeoutError,
    "code": "SESSIONS_EXCEED"}


def test_every_mode_has_an_expectation():
    assert set(EXPECTED) | {"wrong_certificate"} == set(faults_mod.MODES)


@pytest.mark.parametrize("mode", EXPECTED)
def test_fault(backend, token, mode):
    argument = {"delay": 0.2, "trickle": 0.001,
                "code": "SESSIONS_EXCEED"}.get(mode)
    backend.faults.add({"call": "provide", "mode": mode, "arg": argument,
                        "times": 1, "match": {"location": "de-berlin"}})
    wanted = EXPECTED[mode]
    # Another call and other parameters do not take it.
    assert call(backend, "current", access_token=token)["result"] == "OK"
    assert call(backend, "provide", access_token=token)["result"] == "OK"
    start = time.monotonic()

    def ask():
        return raw(backend, "provide", access_token=token, timeout=0.5
                   if mode == "hang" else 5, location="de-berlin")
    if isinstance(wanted, type) and issubclass(wanted, Exception) and \
            wanted is not ValueError:
        with pytest.raises(wanted):
            ask()
    else:
        status, body = ask()
        check(mode, wanted, status, body)
    if mode in ("delay", "trickle"):
        assert time.monotonic() - start > 0.2
    assert json.loads(ask()[1])["result"] == "OK"       # used up


def check(mode, wanted, status, body):
    if isinstance(wanted, int):
        assert status == wanted
        return
    assert status == 200
    if wanted is ValueError:
        with pytest.raises(ValueError):
            json.loads(body)
        return
    value = json.loads(body)
    if wanted is list:
        assert isinstance(value, list)
        return
    assert value["result"] == wanted
    if mode == "huge":
        assert len(body) > 1 << 20
    if mode == "strings":
        assert value["servers"][0]["port"] == "443"
    if mode == "milliseconds":
        assert value["expire_time"] > 1e11
    if mode == "bare":
        assert "location" not in value and "sni" not in value["servers"][0]


def test_an_unknown_mode_is_refused(backend):
    with pytest.raises(ValueError):
        backend.faults.add({"mode": "no-such-thing"})


def test_plain_http_only_on_loopback():
    with pytest.raises(ValueError):
        Backend(configuration(listen="0.0.0.0:0"))
