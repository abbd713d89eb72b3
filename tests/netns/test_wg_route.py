# SPDX-License-Identifier: ISC
"""A WireGuard route of afwrt-tun with wireguard-go at the other end."""

import socket
import subprocess
import time

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


@pytest.mark.parametrize("family", [4, 6])
def test_by_both_families(wire, keys, family):
    _, tun = up(wire, keys, servers=["%s,%d" % (OUTER[family][1], PORT)])
    assert tun.lines("socket") == ["socket %d udp 1" % family]
    both_ways(wire)


def test_device_comes_late(wire, keys):
    """Route first, then the uplink, then the interface."""
    _, tun = pair(wire, keys, setup=False)
    tun.say("route manual")
    tun.wait("answer route 0")
    assert not tun.lines("session_get")
    tun.say("wan w0")
    tun.say("device")
    tun.wait("event connected")
    both_ways(wire)


def test_a_rule_s_route_waits_for_the_run(wire, keys):
    _, tun = pair(wire, keys)
    tun.say("route lazy")
    tun.wait("answer route 0")
    assert wire.ping("ours", wait=1) == 0
    assert not tun.lines("session_get")
    tun.say("route manual")
    tun.wait("event connected")


def test_no_server_answers(wire, keys):
    """15 s each; then the node comes up, and traffic brings it back."""
    ours, node, psk = keys
    tun = Tun(wire, ours, node.public, psk=psk, servers=[
        "192.0.2.77,9", "%s,%d" % (OUTER[4][1], PORT)])
    began = time.monotonic()
    tun.say("route manual")
    tun.wait("event failed", seconds=40)
    assert 29 < time.monotonic() - began < 34
    assert tun.events() == ["failed no server available"]
    assert tun.lines("session_get") == [
        "session_get why 1", "session_get why 4", "session_get why 4"]
    Node(wire, node, ours.public, psk)
    wire.ping("ours", wait=1)
    tun.wait("event connected", seconds=10)
    both_ways(wire)


def test_wrong_type_of_session(wire, keys):
    _, tun = pair(wire, keys, wrong_type=1)
    tun.say("route manual")
    tun.wait("event failed")
    assert tun.events() == ["failed protocol error"]
    assert "session of another type: SESSION" in tun.text()


def test_allowed_both_ways(wire, keys):
    """Nothing else goes out, and nothing else is believed."""
    node, tun = up(wire, keys, allowed=["10.77.0.0/24", "fd77::/64"])
    both_ways(wire)
    node.ns.ip("addr add 10.88.0.1/32 dev lo")
    tun.ns.ip("route add 10.88.0.1 dev " + tun.name)
    before = tun.stats()
    assert tun.ns.run("ping", "-c1", "-W1", "10.88.0.1",
                      check=False).returncode != 0
    after = tun.stats()
    assert after["dropped"] == before["dropped"] + 1
    assert after["up_packets"] == before["up_packets"]
    assert node.ns.run("ping", "-c1", "-W1", "-I", "10.88.0.1", INNER[4][0],
                       check=False).returncode != 0
    last = tun.stats()
    assert last["dropped"] == after["dropped"] + 1
    assert last["down_packets"] == after["down_packets"]


def test_streams(wire, keys):
    """TCP with segmentation offload on both sides of us."""
    _, tun = up(wire, keys)
    server = wire.ns["node"].popen(["iperf3", "-s"],
                                   stdout=subprocess.DEVNULL)
    wire.ns["node"].await_port(5201, process=server)
    for words in ([], ["-R"], ["-6"], ["-6", "-R"], ["-u", "-b", "20M"]):
        far = INNER[6 if "-6" in words else 4][1]
        done = tun.ns.run("iperf3", "-c", far, "-t", "1", "-J",
                          *[w for w in words if w != "-6"], timeout=20)
        assert '"error"' not in done.stdout
    print(tun.stats())
    assert tun.stats()["connects"] == 1


def test_killed_and_back(wire, keys):
    """A new process: a new handshake, with a later timestamp."""
    node, tun = up(wire, keys)
    both_ways(wire)
    assert tun.lines("state_get") == ["state_get 2 place"]
    saved = tun.lines("state_save")
    assert len(saved) == 1
    tun.say("kill")
    tun.wait("ready", 2)
    tun.say("wan w0")
    tun.say("device")
    tun.say("route manual")
    tun.wait("event connected", 2)
    both_ways(wire)
    again = tun.lines("state_save")[1:]
    assert again
    # 60 s later than what was saved, and behind it in every case
    assert int(again[0].split()[1][:16], 16) >= \
        int(saved[0].split()[1][:16], 16) + 60


def test_clock_was_ahead(wire, keys):
    """The last stamp lies in the future; the node has seen it."""
    ours, node, psk = keys
    there = Node(wire, node, ours.public, psk)
    ahead = "%016x%08x" % (2 ** 62 + 10 + int(time.time()) + 10 ** 6, 0)
    tun = Tun(wire, ours, node.public, psk=psk, stamp=ahead)
    tun.say("route manual")
    tun.wait("event connected")
    saved = tun.lines("state_save")[0].split()[1]
    assert int(saved[:16], 16) == int(ahead[:16], 16) + 60
    tun.close()
    # the same keys with the clock as it is: too old for the node
    early = Tun(wire, ours, node.public, psk=psk)
    early.say("route manual")
    time.sleep(2)
    assert not early.events()
    assert there.process.poll() is None


def test_moves_to_another_uplink(wire, keys):
    """A new socket, the same session: no handshake."""
    node, tun = up(wire, keys)
    tun.ns.ip("link add w1 type veth peer name w1 netns " +
              node.ns.full_name, "link set w1 up",
              "addr add 198.51.100.2/24 dev w1",
              "route add %s via 198.51.100.1 dev w1 metric 1" % OUTER[4][1])
    node.ns.ip("link set w1 up", "addr add 198.51.100.1/24 dev w1")
    before = node.show("endpoints")
    tun.say("wan w1")
    wait_for(lambda: node.show("endpoints") != before, 5,
             "the node learns of it by a keepalive")
    assert node.show("endpoints")[0].startswith("198.51.100.2:")
    both_ways(wire)
    assert tun.stats()["connects"] == 1
    assert tun.events() == ["connected"]
    assert len(tun.lines("socket")) == 2


def test_short_gap_is_no_loss(wire, keys):
    _, tun = up(wire, keys)
    tun.say("wan ")
    time.sleep(2)
    tun.say("wan w0")
    time.sleep(4)
    both_ways(wire)
    assert tun.events() == ["connected"]
    assert tun.stats()["connects"] == 1


@pytest.mark.parametrize("policy", ["manual", "auto"])
def test_uplink_gone(wire, keys, policy):
    _, tun = up(wire, keys, policy)
    tun.say("wan ")
    tun.wait("event disconnected", seconds=8)
    assert tun.events() == ["connected", "disconnected unreachable"]
    tun.say("wan w0")
    tun.wait("event connected", 2, seconds=10)
    both_ways(wire)


def test_deleted(wire, keys):
    node, tun = up(wire, keys)
    tun.say("del")
    tun.wait("answer del 0")
    assert tun.events() == ["connected", "disconnected"]
    tun.wait("session_end")
    assert wire.ping("ours", wait=1) == 0
    assert tun.wg("show", tun.name, check=False).returncode != 0
    tun.say("device")
    tun.say("route manual")
    tun.wait("event connected", 2)
    both_ways(wire)


def test_not_through_the_suite_s_tun(wire, keys):
    _, tun = up(wire, keys)
    tun.say("flow 192.168.1.5")
    tun.wait("answer flow 0")
    before = tun.stats()
    tun.say("suite 192.168.1.5")
    wait_for(lambda: tun.stats()["dropped"] == before["dropped"] + 1, 3,
             "it is counted")
    assert tun.stats()["up_packets"] == before["up_packets"]


def test_net_comes_back(wire, keys):
    """Another afwrt-net: the device again, addresses are told again."""
    _, tun = up(wire, keys)
    tun.say("netless")
    tun.say("device")
    tun.wait("wg_set", 2)
    both_ways(wire)
    assert tun.events() == ["connected"]


# ---- wg --------------------------------------------------------------------


def test_wg_show(wire, keys):
    ours, node_keys, psk = keys
    node, tun = up(wire, keys)
    both_ways(wire)
    text = tun.wg("show", tun.name).stdout
    print(text)
    assert "peer: " + node_keys.public in text
    assert "public key: " + ours.public in text
    assert "latest handshake:" in text
    assert tun.show("endpoints") == ["%s:%d" % (OUTER[4][1], PORT)]
    assert tun.show("allowed-ips") == ["0.0.0.0/0", "::/0"]
    assert tun.show("preshared-keys") == [psk]
    assert tun.show("persistent-keepalive") == ["off"]
    rx, tx = map(int, tun.show("transfer"))
    assert [tx, rx] == list(map(int, node.show("transfer")))
    assert abs(int(tun.show("latest-handshakes")[0]) - time.time()) < 60
    assert tun.wg("show", tun.name, "private-key").stdout.strip() == \
        ours.private


def test_wg_set(wire, keys):
    _, node_keys, _ = keys
    node, tun = up(wire, keys)
    peer = node_keys.public

    def change(*words, fails=None):
        done = tun.wg("set", tun.name, *words, check=False)
        assert (done.returncode != 0) == (fails is not None), done.stdout
        assert fails is None or fails in done.stdout

    change("peer", peer, "persistent-keepalive", "25", "allowed-ips",
           "10.77.0.0/24,fd77::/64")
    assert tun.show("persistent-keepalive") == ["25"]
    assert tun.show("allowed-ips") == ["10.77.0.0/24", "fd77::/64"]
    both_ways(wire)
    change("peer", peer, "endpoint", "[%s]:%d" % (OUTER[6][1], PORT))
    assert wire.ping("ours") == 1
    tun.wait("socket 6 udp")
    both_ways(wire)
    assert tun.stats()["connects"] == 1
    change("peer", Keys().public, "allowed-ips", "10.9.0.0/16",
           fails="not supported")
    change("listen-port", "4567", fails="not supported")
    change("fwmark", "0x10", fails="not supported")
    change("peer", peer, "remove")
    assert tun.show("endpoints") == []
    assert wire.ping("ours", wait=1) == 0
    change("peer", peer, "preshared-key", node.file(keys[2]), "endpoint",
           "%s:%d" % (OUTER[4][1], PORT), "allowed-ips", "0.0.0.0/0,::/0")
    assert wire.ping("ours") == 1
    both_ways(wire)
    other = Keys()
    node.set("peer", other.public, "preshared-key", node.file(keys[2]),
             "allowed-ips", "10.77.0.2/32,fd77::2/128")
    change("private-key", node.file(other.private))
    assert wire.ping("ours") == 1
    both_ways(wire)
    assert tun.events() == ["connected"]


def test_control_is_bounded(wire, keys):
    """Strange clients: too much, too many, too slow to read."""
    _, tun = up(wire, keys)

    def client(text=b""):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(5)
        s.connect(tun.socket)
        if text:
            s.sendall(text)
        return s

    with client(b"get=1\n\nget=1\n\n") as s:
        text = b""
        while text.count(b"errno=0\n\n") < 2:
            text += s.recv(65536)
    for bad in (b"hello\n\n", b"get=2\n\n", b"get=1\nx=1\n\n",
                b"set=1\nprivate_key=12\n\n", b"set=1\nfoo=1\n\n",
                b"set=1\nendpoint=1.2.3.4:5\n\n", b"get=1\0\n\n"):
        with client(bad) as s:
            assert s.recv(100) in (b"errno=-22\n\n", b""), bad
    with client() as s:
        try:
            s.sendall(b"set=1\n" + b"x" * 100000)
        except OSError:
            pass
        assert s.recv(100) == b"errno=-7\n\n"
    many = [client() for _ in range(8)]
    with client() as ninth:
        assert ninth.recv(1) == b""
    for s in many:
        s.close()
    wait_for(lambda: tun.wg("show", tun.name, check=False).returncode == 0,
             5, "there is room again")
    both_ways(wire)


# ---- the kernel's ----------------------------------------------------------


def kernel(wire, keys, **options):
    ours, node, _ = keys
    tun = Tun(wire, ours, node.public, kernel=1, **options)
    return tun


def test_kernel_connects(wire, keys):
    tun = kernel(wire, keys)
    tun.say("route manual")
    tun.wait("wg_set mtu 1420 addrs 2 allowed 2 keepalive 0 port %d keys" %
             PORT)
    time.sleep(1)
    assert not tun.events() and not tun.lines("socket")
    tun.say("kernel 0 10 10")
    tun.wait("event connected")
    assert len(tun.lines("wg_set")) == 1
    tun.say("kernel 0 20 30")
    wait_for(lambda: tun.stats()["down_packets"] == 20 and
             tun.stats()["up_packets"] == 30, 5, tun.text)
    assert tun.stats()["up_bytes"] == 30 * 100
    assert tun.stats()["connects"] >= 1


def test_kernel_found_connected(wire, keys):
    """After our restart: nothing to wait for."""
    tun = kernel(wire, keys, keepalive=25)
    tun.say("kernel 100 10 10")
    tun.say("route manual")
    tun.wait("event connected", seconds=3)
    assert len(tun.lines("wg_set")) == 1


def test_kernel_old_handshake_is_none(wire, keys):
    tun = kernel(wire, keys)
    tun.say("kernel 200 10 10")
    tun.say("route manual")
    tun.wait("event failed", seconds=20)
    tun.say("kernel 0 11 11")   # it goes on trying, and so do we
    tun.wait("event connected", seconds=5)


def test_kernel_s_session_is_over(wire, keys):
    """Nothing to send is no loss; what is not answered is."""
    tun = kernel(wire, keys)
    tun.say("kernel 176 5 5")
    tun.say("route manual")
    tun.wait("event connected", seconds=3)
    time.sleep(8)
    assert tun.events() == ["connected"]
    tun.say("sent 1")
    time.sleep(10)
    assert tun.events() == ["connected"]
    tun.wait("event disconnected timed out", seconds=12)
    tun.say("kernel 0 9 9")
    tun.wait("event connected", 2, seconds=5)
