# SPDX-License-Identifier: ISC
"""The laboratory itself, so that its failure is never taken for another's."""

import os
import signal
import time

import pytest

from lab import names, openconnect, pcap, traffic
from lab.openconnect import Openconnect
from lab.ticker import Ticker
from lab.topology import Lab
from lab.util import alive, run, wait_for


def test_every_host_is_seen_as_the_router(lab):
    for name in lab.host_names:
        host = lab.host(name)
        for family, own in ((4, host.net4), (6, host.net6)):
            seen = traffic.http_get(lab, name, family)
            assert seen["you"] == names.DIRECT[family == 6]
            assert seen["me"] == own


def test_direct_traffic_of_every_kind(lab):
    for family in (4, 6):
        for move in (traffic.download, traffic.upload):
            done = move(lab, "tv", 5_000_000, family)
            assert (done.bytes, done.sha256) == (5_000_000, done.expected)
        assert traffic.many_connections(lab, "tv", 50, family) == 50
        assert traffic.udp_echo(lab, "tv", 1200, 20, family) == 20
        assert traffic.ping(lab, "tv", 3000, 2, family).received == 2
    assert traffic.ping(lab, "tv", 1473, 1, df=True).mtu == 1500
    assert traffic.iperf3(lab, "tv", 1) > 10


@pytest.mark.parametrize("node", names.NODES)
def test_openconnect_through_each_node(lab, node):
    exit4, exit6 = names.EXIT[node]
    with Openconnect(lab, node) as client:
        up = client.await_up()
        assert up, client.log()
        assert up[0].startswith("10.99.1.") and up[1].startswith("fd99:1:")
        assert 1200 <= int(up[2]) <= 1500
        for family, net, wanted in ((4, openconnect.NET4, exit4),
                                    (6, openconnect.NET6, exit6)):
            assert traffic.http_get(lab, "router", family,
                                    address=net)["you"] == wanted
            done = traffic.download(lab, "router", 5_000_000, family,
                                    address=net)
            assert done.sha256 == done.expected
        assert [u["Username"] for u in lab.nodes[node].sessions()] == \
            [names.NODE_USER]
        lab.nodes[node].disconnect_user(names.NODE_USER)
        wait_for(lambda: client.process.poll() is not None or
                 "econnect" in client.log(), 10,
                 "the client notices the disconnection")


def test_both_nodes_lend_the_same_address(lab):
    leases = []
    for node in names.NODES:
        with Openconnect(lab, node) as client:
            leases.append(client.await_up()[:2])
    assert leases[0] == leases[1]


def test_different_inner_addresses_on_demand():
    with Lab(hosts=("phone",), same_inner=False) as lab:
        leases = []
        for node in names.NODES:
            with Openconnect(lab, node) as client:
                leases.append(client.await_up()[0].rsplit(".", 1)[0])
        assert leases == ["10.99.1", "10.99.2"]


def test_a_wrong_password_is_refused(lab):
    with Openconnect(lab, "de-berlin", password="wrong") as client:
        assert client.await_up() is None, client.log()
    assert lab.nodes["de-berlin"].sessions() == []


@pytest.mark.parametrize("variant,text", [
    ("wrong-ca", "signer not found"), ("wrong-name", "does not match"),
    ("expired", "expired")])
def test_bad_certificates_are_bad(lab, variant, text):
    node = lab.start_node("de-berlin", variant, key=variant, port=8443)
    try:
        with Openconnect(lab, "de-berlin", 8443) as client:
            assert client.await_up() is None, client.log()
            assert text in client.log()
    finally:
        node.stop()


def test_a_node_restarts(lab):
    for hard in (False, True):
        lab.nodes["us-new-york"].restart(hard)
        with Openconnect(lab, "us-new-york") as client:
            assert client.await_up(), client.log()


def test_the_capture_sees_a_leak(lab):
    """A test of leaks that cannot fail would be worth nothing."""
    for family in (4, 6):
        capture = lab.capture().protect("phone")
        traffic.http_get(lab, "phone", family)
        report = capture.report()
        assert report.leaks and not report.dropped
        assert "phone" in report.leaks[0].why
    capture = lab.capture().protect("phone")
    traffic.http_get(lab, "laptop", 4)
    traffic.http_get(lab, "laptop", 6)
    report = capture.report()
    assert report.clean and report.inspected > 10, report


def test_the_capture_sees_lan_addresses_and_tunnel_addresses(lab):
    lab.router.run("nft", "flush", "table", "inet", "lab")
    try:
        capture = lab.capture().protect()
        assert traffic.seen_address(lab, "tv", timeout=0.3) is None
        assert any("192.168.50.12" in l.why for l in capture.report().leaks)
    finally:
        lab.router.run("nft", "-f", "-", input=(
            "table inet lab {\n chain post {\n"
            "  oifname \"wan0\" masquerade\n }\n}\n"))
    assert traffic.seen_address(lab, "tv") == names.DIRECT[0]


def test_the_judge(lab):
    """Frames that are hard to provoke, made by hand."""
    rules = pcap.Rules(lab, ["phone"])
    phone = lab.host("phone").net4
    laptop = lab.host("laptop").net4

    def ip4(source, target, protocol=17, body=b"\0" * 8):
        pack = lambda a: bytes(int(x) for x in a.split("."))
        return b"\x45" + b"\0" * 8 + bytes([protocol]) + b"\0\0" + \
            pack(source) + pack(target) + body

    def judge(packet):
        return rules.judge(b"\0" * 12 + b"\x08\0" + packet)

    router, node = names.ROUTER4, names.NODE4["de-berlin"]
    assert judge(ip4(router, node)) is None
    assert judge(ip4(router, laptop)) is None
    assert "phone" in judge(ip4(router, phone))
    assert "phone" in judge(ip4(phone, router))
    assert judge(ip4("192.168.50.11", node))
    assert judge(ip4("100.73.0.73", node))
    assert judge(ip4("10.99.1.50", laptop))
    error = b"\x03\x04" + b"\0" * 6
    assert "inside" in judge(ip4(names.GATEWAY4, router, 1,
                                 error + ip4(router, phone)))
    assert judge(ip4(names.GATEWAY4, router, 1,
                     error + ip4(router, laptop))) is None
    assert "inside" in judge(ip4(router, node, 4, ip4(router, phone)))
    assert "clear text" in judge(ip4(router, node, 6,
                                     b"\0" * 20 + pcap.mark("phone")))
    assert judge(ip4(router, node, 6, b"\0" * 20 + pcap.mark("tv"))) is None


def test_the_ticker_measures_a_pause(lab):
    with Ticker(lab, "tv") as ticker:
        assert ticker.await_progress(20)
        ticker.mark()
        before = time.monotonic()
        lab.wan.ip("link set p-router down")
        wait_for(lambda: ticker.pause_ms() > 300, 5, "the ticker notices")
        lab.wan.ip("link set p-router up")
        assert ticker.await_progress(5)
        # The pause began with the last echo, somewhat before `before`.
        assert 300 < ticker.pause_ms() < \
            1000 * (time.monotonic() - before) + 200
        ticker.mark()
        ticker.await_progress(20)
        assert ticker.pause_ms() < 300


def test_the_ticker_notices_a_dead_connection(lab):
    with Ticker(lab, "tv") as ticker:
        lab.internet.run("ss", "-K", "dst", names.ROUTER4, "dport", "gt",
                         "1024", check=False)
        if ticker.await_progress(50):
            pytest.skip("this kernel does not let ss -K close sockets")
        assert not ticker.survived and ticker.error


def test_backend_faults_are_seen_by_the_admin(lab):
    mark = lab.admin.mark()
    lab.admin.fault("login", "http", 503, times=1)
    curl = ["curl", "-s", "--cacert", lab.pki.ca, "-d",
            "carrier_id=c&device_id=d&auth_method=anonymous", "-w",
            "%{http_code}", lab.backend_url + "/user/login"]
    assert lab.router.run(*curl).stdout.endswith("503")
    assert lab.router.run(*curl).stdout.endswith("200")
    assert lab.admin.await_call("login", mark, fault="http")
    assert lab.admin.await_call("login", mark, result="OK")
    lab.admin.fault("*", "wrong_certificate", times=1)
    assert "000" in lab.router.run(*curl, check=False).stdout
    assert lab.router.run(*curl).stdout.endswith("200")


def test_nothing_is_left_behind():
    with Lab(hosts=("phone",)) as lab:
        folder, prefix = lab.folder, lab.prefix
        # A stranger: double-forked, ignores SIGTERM, stopped.
        lab.router.run("sh", "-c", "trap '' TERM; sleep 1000 >/dev/null 2>&1"
                       " & exit 0")
        pids = [p for ns in lab.ns.values() for p in ns.pids()]
        assert len(pids) > 5
        for pid in lab.router.pids():
            os.kill(pid, signal.SIGSTOP)
    assert prefix not in run(["ip", "netns", "list"]).stdout
    assert not os.path.exists(folder)
    assert not any(alive(p) for p in pids)


def test_the_resolver(lab):
    for server in (names.RESOLVER4, names.RESOLVER6):
        assert traffic.resolve(lab, "tv", names.BACKEND_NAME, server) == \
            names.BACKEND4
    own = lab.host("tv").net4
    assert traffic.resolve(lab, "tv", "whoami", own) == own
