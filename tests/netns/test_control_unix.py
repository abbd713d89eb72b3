# SPDX-License-Identifier: ISC
"""The control socket: the document's requests as it has them, and others."""

import json
import os
import socket
import stat
import threading
import time

import pytest

from lab.control import Control, subscribe
from lab.suite import Suite
from lab.util import wait_for

BERLIN, YORK = "de-berlin", "us-new-york"

# Verbatim, with what the rule is about and its location.
DOCUMENT = [
    ('{ "request" : "protect_ip", "ip_addr" : "192.168.50.149", '
     '"country_code" : "de" }', "ip_addr", "192.168.50.149", "de"),
    ('{ "request" : "unprotect_ip", "ip_addr" : "192.168.50.149" }',
     "ip_addr", "192.168.50.149", None),
    ('{ "request" : "protect_mac", "mac_addr" : "08:00:27:aa:d7:17", '
     '"country_code" : "de" }', "mac_addr", "08:00:27:aa:d7:17", "de"),
    ('{ "request" : "unprotect_mac", "mac_addr" : "08:00:27:aa:d7:17" }',
     "mac_addr", "08:00:27:aa:d7:17", None),
    ('{ "request" : "protect_iface", "iface" : "eth2", '
     '"country_code" : "de" }', "iface", "eth2", "de"),
    ('{ "request" : "unprotect_iface", "iface" : "eth2" }',
     "iface", "eth2", None)]


@pytest.fixture
def control(suite):
    return suite.control


def rule(control, key, device):
    for r in control.do("status")["rules"]:
        if r.get(key) == device:
            return r["vl"]
    return None


@pytest.mark.parametrize("request_text, key, device, location", DOCUMENT)
def test_the_documents_requests(control, request_text, key, device, location):
    answer = control.raw(request_text.encode())
    assert answer["status"] == 0, answer
    assert isinstance(answer["message"], str)
    assert rule(control, key, device) == location


def test_ping_and_countries(control):
    assert control.raw(b'{ "request" : "ping" }')["status"] == 0
    answer = control.raw(b'{ "request" : "get_countries" }')
    assert answer["status"] == 0
    assert {c["country"] for c in answer["countries"]} == {"de", "us"}


def test_dump_config(suite, control):
    """The document's path, which is one of those that are allowed."""
    answer = control.raw(json.dumps({
        "request": "dump_config", "config_path": suite.config_path}).encode())
    assert answer["status"] == 0
    assert control.request("dump_config")["status"] == 0


def test_vl_goes_before_country_code(control):
    control.do("protect_ip", ip_addr="192.168.50.148", vl=YORK,
               country_code="de")
    assert rule(control, "ip_addr", "192.168.50.148") == YORK
    control.do("unprotect_ip", ip_addr="192.168.50.148")


def test_ours(control):
    assert control.do("get_locations")["locations"]
    control.do("setup_tunnel", vl="us")
    assert control.request("setup_tunnel", vl="us")["status"] == 4
    control.do("teardown_tunnel", vl="us")
    assert control.request("teardown_tunnel", vl="us")["status"] == 4
    assert "afwrt_build_info" in control.do("metrics")["metrics"]
    status = control.do("status")
    assert {"processes", "routes", "rules", "rules_total"} <= set(status)
    assert control.do("register", auth_method="firebase",
                      auth_token="oauth-alice")["access_token"]


@pytest.mark.parametrize("record, status", [
    (b"", None), (b"x", 3), (b"[]", 3), (b"null", 3), (b"{}", 3),
    (b'{"request": 1}', 3), (b'{"request": "reboot"}', 2),
    (b'{"request": "PING"}', 2), (b'{"request": "ping"} x', 3),
    (b'{"request": "ping", "request": "status"}', 3),
    (b'{"request": "protect_ip"}', 3),
    (b'{"request": "protect_ip", "ip_addr": "192.168.50.9"}', 3),
    (b'{"request": "protect_ip", "ip_addr": 1, "vl": "de"}', 3),
    (b'{"request": "protect_ip", "ip_addr": "x", "vl": "de"}', 4),
    (b'{"request": "unprotect_ip", "ip_addr": "10.9.9.9"}', 4),
    (b'{"request": "dump_config", "config_path": 7}', 3),
    (b'{"request": "dump_config", "config_path": "/tmp/x"}', 1),
    (b'{"request": "setup_tunnel", "vl": "de", "iface": 3}', 3),
    (b'{"request": "register"}', 3), (b"\xff\xff", 3), (b"[" * 9000, 3),
    (b"{" + b" " * 70000, 3)])
def test_status_codes(suite, control, record, status):
    if status is None:
        return
    answer = control.raw(record)
    assert answer["status"] == status, answer
    assert answer["message"]
    assert control.do("ping")


def test_every_request_of_the_table(suite, control):
    """The program's list is what the interface knows, the man page too."""
    listed = json.loads(suite.ctl("--json", "requests").stdout)["requests"]
    page = os.path.join(os.path.dirname(__file__), "../../man/afwrt-ctl.8")
    with open(page, encoding="utf-8") as f:
        manual = f.read()
    assert len(listed) == 18
    for r in listed:
        assert r["request"] in manual, r
        assert r.get("path", "") in manual, r
        for p in r["params"]:
            assert p["name"] in manual, p
            if not p["optional"] and len(r["params"]) == 1:
                answer = control.request(r["request"])
                assert answer["status"] == 3, answer
                assert p["name"] in answer["message"]


def test_a_slow_backend_delays_nobody_else(lab, suite, control):
    """And the one who asked gets his answers in their order."""
    lab.admin.fault("locations", "delay", 3)
    other = Control(suite.sock)
    try:
        other.socket.send(b'{"request": "get_locations"}')
        other.socket.send(b'{"request": "ping"}')
        start = time.monotonic()
        for _ in range(20):
            control.do("status")
        assert time.monotonic() - start < 2.5
        assert "locations" in json.loads(other.socket.recv(1 << 20))
        assert json.loads(other.socket.recv(1 << 20))["message"] == "pong"
    finally:
        lab.admin.clear()
        other.close()


def test_the_asker_is_gone(lab, suite, control):
    lab.admin.fault("locations", "delay", 2)
    try:
        for _ in range(30):
            other = Control(suite.sock)
            other.socket.send(b'{"request": "get_locations"}')
            other.close()
        assert control.do("ping")
    finally:
        lab.admin.clear()
    wait_for(lambda: control.request("get_locations")["status"] == 0, 20,
             "the backend is asked again", every=0.5)


def test_many_clients_at_once(suite):
    failed = []

    def work(n):
        try:
            c = Control(suite.sock)
            for i in range(20):
                c.do("protect_ip", ip_addr="10.7.%d.%d" % (n, i), vl=YORK)
                c.do("unprotect_ip", ip_addr="10.7.%d.%d" % (n, i))
            c.close()
        except Exception as e:
            failed.append(e)
    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(30)
    assert not failed


def test_subscribers_hear_what_happens(suite, control):
    one, two = subscribe(suite.sock), subscribe(suite.sock)
    control.do("setup_tunnel", vl="us")
    for events in (one, two):
        assert events.wait("bandwidth_info", 0, 5)
        events.close()
    control.do("teardown_tunnel", vl="us")


def test_only_root(product, suite):
    found = os.stat(suite.sock)
    assert stat.S_IMODE(found.st_mode) == 0o600
    assert found.st_uid == 0
    assert as_user(suite.sock, 65534, [65534]) == "EACCES"
    os.chmod(suite.sock, 0o666)     # the file's mode is not all there is
    try:
        assert as_user(suite.sock, 65534, [65534]) == "closed"
    finally:
        os.chmod(suite.sock, 0o600)


def test_the_group(product, lab, suite):
    suite.stop()
    group = Suite(lab)
    group.config["ci_unix_domain"]["su_only"] = 0
    try:
        with group:
            gid = group_id(group, "afwrt")
            found = os.stat(group.sock)
            assert stat.S_IMODE(found.st_mode) == 0o660
            assert found.st_gid == gid
            assert as_user(group.sock, 65534, [gid]) == 0
            assert as_user(group.sock, 65534, [65534]) == "EACCES"
            os.chmod(group.sock, 0o666)
            assert as_user(group.sock, 65534, [65534]) == "closed"
    finally:
        suite.start()


def group_id(suite, name):
    with open(suite.accounts()[1], encoding="utf-8") as f:
        for line in f:
            if line.startswith(name + ":"):
                return int(line.split(":")[2])
    raise KeyError(name)


def as_user(path, uid, groups):
    """What a ping gives to a process of that user."""
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(r)
            os.setgroups(groups)
            os.setresgid(65534, 65534, 65534)
            os.setresuid(uid, uid, uid)
            found = ping(path)
            os.write(w, str(found).encode())
        finally:
            os._exit(0)
    os.close(w)
    with os.fdopen(r) as f:
        text = f.read()
    os.waitpid(pid, 0)
    return int(text) if text.lstrip("-").isdigit() else text


def ping(path):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.settimeout(5)
    try:
        s.connect(path)
        s.send(b'{"request": "ping"}')
        data = s.recv(4096)
    except PermissionError:
        return "EACCES"
    except (BrokenPipeError, ConnectionResetError):
        return "closed"
    return json.loads(data)["status"] if data else "closed"


def test_the_last_ten_events_are_kept(product, lab, suite):
    """Until the application has made its socket."""
    suite.stop()
    late = Suite(lab, {"phone": BERLIN}, data_report_interval=100)
    where = late.config["ci_unix_domain"]["async_sock"]
    del late.config["ci_unix_domain"]["async_sock"]
    late.config["ci_unix_domain"] = dict(late.config["ci_unix_domain"],
                                         async_sock="")
    try:
        with late:
            late.events.wait("route_connected", 0, 10)
            assert not os.path.exists(where)
        late = Suite(lab, {"phone": BERLIN}, data_report_interval=100)
        where = late.config["ci_unix_domain"]["async_sock"]
        late.datagrams = object()       # not yet
        late.start()
        late.datagrams = None
        for _ in range(15):
            late.events.wait("bandwidth_info", late.events.mark(), 5)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.bind(where)
            os.chmod(where, 0o777)
            s.settimeout(5)
            at_once = [json.loads(s.recv(1 << 16)) for _ in range(10)]
            assert all(e["event"] == "bandwidth_info" for e in at_once)
            assert json.loads(s.recv(1 << 16))["event"] == "bandwidth_info"
        assert late.stop() == 0
    finally:
        late.kill()
        suite.start()
