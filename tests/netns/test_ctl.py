# SPDX-License-Identifier: ISC
"""What afwrt-ctl does with files: check, dump, the sockets, unblock."""

import json
import os
import signal
import socket
import stat

import pytest

from lab import traffic
from lab.control import datagrams
from lab.state import difference, snapshot
from lab.suite import Suite, expected_exit
from lab.util import wait_for

RULES = {"phone": "de-berlin"}


@pytest.fixture
def dumped(product, lab):
    """A suite with rules of every kind, and a registration."""
    with Suite(lab, RULES) as suite:
        suite.control.do("protect_mac", mac_addr=lab.host("tv").mac,
                         vl="us-new-york")
        suite.control.do("protect_iface", iface="br-lan", vl="de-berlin")
        suite.protect("laptop", "us-new-york")
        suite.control.do("register", auth_method="firebase",
                         auth_token="oauth-alice")
        yield suite


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def test_a_dump_is_what_is_in_force(lab, dumped):
    dumped.control.do("dump_config")
    assert stat.S_IMODE(os.stat(dumped.config_path).st_mode) == 0o600
    found = json.loads(read(dumped.config_path))
    assert found["protected_mac_addrs"] == [
        {"mac_addr": lab.host("tv").mac, "vl": "us-new-york"}]
    assert found["protected_ifaces"] == [
        {"iface": "br-lan", "vl": "de-berlin"}]
    assert {r["ip_addr"]: r["vl"] for r in found["protected_ip_addrs"]} == {
        **{a: "de-berlin" for a in dumped.addresses("phone")},
        **{a: "us-new-york" for a in dumped.addresses("laptop")}}
    assert found["auth_method"] == "firebase"
    assert found["auth_token"] == "oauth-alice"
    assert found["access_token"]
    assert found["ci_unix_domain"] == dumped.config["ci_unix_domain"]
    assert os.listdir(dumped.folder).count(".afwrt-dump") == 0


def test_a_dump_started_again_gives_the_same(lab, dumped):
    dumped.ctl("dump-config")
    first = read(dumped.config_path)
    assert dumped.stop() == 0
    second = Suite(lab)
    second.config = json.loads(first)
    second.config["ci_unix_domain"] = {
        "sock": second.sock, "async_sock": second.folder + "/events.sock"}
    with second:
        traffic.await_seen(lab, "phone", expected_exit("de-berlin"))
        second.control.do("dump_config",
                          config_path=second.folder + "/one")
        second.control.do("dump_config",
                          config_path=second.folder + "/two")
        one = json.loads(read(second.folder + "/one"))
        assert read(second.folder + "/one") == read(second.folder + "/two")
        one["ci_unix_domain"] = json.loads(first)["ci_unix_domain"]
        assert one == json.loads(first)
        assert not second.events.find("auth_success")


@pytest.mark.parametrize("path", [
    "/tmp/afwrt-dump-test", "relative", "/etc/afwrt/../passwd", "link/file",
    "../escape", "", "folder/"])
def test_a_dump_stays_in_its_folder(lab, dumped, path):
    os.symlink("/tmp", os.path.join(dumped.folder, "link"))
    where = path if path.startswith("/") or path in ("relative", "") else \
        os.path.join(dumped.folder, path)
    answer = dumped.control.request("dump_config", config_path=where)
    assert answer["status"] == 1, answer
    assert answer["message"]
    for escaped in ("/tmp/afwrt-dump-test", "/tmp/file",
                    os.path.join(dumped.folder, "../escape")):
        assert not os.path.exists(escaped)


def test_every_error_of_a_configuration(product, lab):
    suite = Suite(lab, RULES)
    path = os.path.join(suite.folder, "bad")
    with open(path, "w", encoding="utf-8") as f:
        json.dump({"tun_ifname": "wrt0", "rule_priority": 0, "colour": 1,
                   "protected_ip_addrs": [{"ip_addr": "x", "vl": "us"},
                                          {"ip_addr": "10.0.0.1"}],
                   "ci_unix_domain": {"sock": 1, "sok": 2}}, f)
    done = suite.ctl("--json", "check-config", path, check=False)
    assert done.returncode == 1
    found = json.loads(done.stdout)
    for key in ("wan_ifname", "rule_priority", "protected_ip_addrs\"[0]",
                "protected_ip_addrs\"[1]", "sock"):
        assert any(key in line for line in found["errors"]), key
    for key in ("colour", "sok"):
        assert any(key in line for line in found["warnings"]), key
    with open(path, "w", encoding="utf-8") as f:
        json.dump(suite.config, f)
    assert suite.ctl("check-config", path).returncode == 0
    with open(path, "w", encoding="utf-8") as f:
        json.dump(dict(suite.config, protected_mac_adrs=[]), f)
    said = suite.ctl("check-config", path).stdout
    assert 'unknown key "protected_mac_adrs"' in said
    assert "but for the warnings" in said


def test_a_killed_service_leaves_no_socket(product, lab):
    with Suite(lab, RULES) as suite:
        suite.process.send_signal(signal.SIGKILL)
        wait_for(lambda: not os.path.exists(suite.sock), 5,
                 "the control socket is removed")


def test_a_stale_socket_is_replaced(product, lab):

    suite = Suite(lab, RULES)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
        s.bind(suite.sock)
    with suite:
        assert suite.control.request("ping")["status"] == 0
    assert not os.path.exists(suite.sock)


def test_events_reach_a_socket_that_only_root_can(product, lab):
    """As it was when the service stayed root; and a socket made anew."""
    suite = Suite(lab, RULES)
    where = suite.config["ci_unix_domain"]["async_sock"]
    suite.datagrams = datagrams(where)
    os.chmod(where, 0o700)
    with suite:
        suite.datagrams.wait("route_connected", 0, 10)
        suite.datagrams.close()
        os.unlink(where)
        suite.datagrams = datagrams(where)
        os.chmod(where, 0o700)
        suite.control.do("setup_tunnel", vl="us-new-york")
        suite.datagrams.wait("bandwidth_info", 0, 5)


def test_unblock_where_nothing_is(product, lab):
    before = snapshot(lab.router)
    suite = Suite(lab, RULES)
    with open(suite.config_path, "w", encoding="utf-8") as f:
        json.dump(suite.config, f)
    for _ in range(2):
        assert suite.ctl("unblock").returncode == 0
        assert difference(before, snapshot(lab.router)) == []
    os.unlink(suite.config_path)
    assert suite.ctl("unblock", check=False).returncode == 1


def test_unblock_needs_a_stopped_service(product, lab):
    with Suite(lab, RULES) as suite:
        traffic.await_seen(lab, "phone", expected_exit("de-berlin"))
        assert suite.ctl("unblock", check=False).returncode == 1
        assert traffic.seen_address(lab, "phone") == \
            expected_exit("de-berlin")


def test_an_unknown_location_blocks_only_its_device(product, lab):
    """It is told after the start; every other rule is in force."""
    with Suite(lab, {"phone": "xx-nowhere", "tv": "us-new-york"}) as suite:
        told = suite.datagrams.wait("route_failed", 0, 15,
                                    route_name="xx-nowhere")
        assert told["reason_details"] == "unknown location"
        traffic.await_seen(lab, "tv", expected_exit("us-new-york"))
        assert traffic.seen_address(lab, "phone", timeout=1) is None
        suite.protect("phone", "de-berlin")
        traffic.await_seen(lab, "phone", expected_exit("de-berlin"))


def test_the_name_that_the_backend_chose(product, lab):
    """A rule for the same location has its own tunnel and its own events."""
    with Suite(lab, {"phone": "de-berlin"}, vl_default="") as suite:
        suite.datagrams.wait("route_connected", 0, 15, route_name="optimal")
        traffic.await_seen(lab, "phone", expected_exit("de-berlin"))
        suite.datagrams.wait("route_connected", 0, 15, route_name="de-berlin")
        routes = {r["location"]: r for r in suite.status()["routes"]}
        assert sorted(routes) == ["de-berlin", "optimal"]
        assert routes["optimal"]["default"]
        assert routes["optimal"]["chosen"] == "de-berlin"
        assert not routes["de-berlin"]["default"]
