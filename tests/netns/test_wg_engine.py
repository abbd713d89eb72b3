# SPDX-License-Identifier: ISC
"""The WireGuard engine with wireguard-go at the other end."""

import base64
import hashlib
import json
import os
import subprocess
import threading
import time

import pytest

from lab.util import run, wait_for
from lab.wireguard import (INNER, MTU, OUTER, PORT, Keys, Middle, Node, Stub,
                           Wire, missing)

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))


@pytest.fixture
def wire():
    with Wire() as made:
        yield made


@pytest.fixture(scope="module")
def keys():
    """Ours, the node's, a preshared one."""
    return Keys(), Keys(), run(["wg", "genpsk"]).stdout.strip()


def endpoint(family=4):
    return "%s,%d" % (OUTER[family][1], PORT)


def pair(wire, keys, family=4, psk=True, **options):
    """A node, and our side that knows where it is."""
    ours, node, shared = keys
    shared = shared if psk else None
    there = Node(wire, node, ours.public, shared)
    options.setdefault("endpoint", endpoint(family))
    return there, Stub(wire, ours, node.public, psk=shared, **options)


def both_ways(wire, count=1):
    for side in ("ours", "node"):
        for family in (4, 6):
            for size in (80, MTU):
                assert wire.ping(side, family, size, count) == count


@pytest.mark.parametrize("psk", [False, True], ids=["plain", "psk"])
@pytest.mark.parametrize("family", [4, 6])
def test_we_begin(wire, keys, family, psk):
    node, stub = pair(wire, keys, family, psk)
    stub.say("connect")
    stub.wait("connected")
    assert int(node.show("latest-handshakes")[0]) > time.time() - 60
    both_ways(wire, 3)
    stats = stub.stats()
    assert stats["connected"] == 1
    assert stats["up"] == 1
    assert stats["dropped_in"] == 0
    rx, tx = map(int, node.show("transfer"))
    assert (rx, tx) == (stats["tx"], stats["rx"])


@pytest.mark.parametrize("psk", [False, True], ids=["plain", "psk"])
@pytest.mark.parametrize("family", [4, 6])
def test_node_begins(wire, keys, family, psk):
    node, stub = pair(wire, keys, psk=psk, endpoint=None, listen=PORT)
    address = OUTER[family][0]
    node.set_peer("endpoint", "%s:%d" % (
        "[%s]" % address if family == 6 else address, PORT))
    assert wire.ping("node") == 1
    stub.wait("roamed")
    assert stub.stats()["connected"] == 1
    both_ways(wire)


def test_first_packet_begins_and_waits(wire, keys):
    _, stub = pair(wire, keys)
    assert wire.ping("ours", count=5) == 5
    assert stub.stats()["connected"] == 1


@pytest.mark.parametrize("wrong", ["our key", "node's key", "psk", "no psk"])
def test_wrong_key_never_connects(wire, keys, wrong):
    ours, node, psk = keys
    there = Node(wire, node, ours.public, psk)
    stub = Stub(wire, Keys() if wrong == "our key" else ours,
                Keys().public if wrong == "node's key" else node.public,
                psk={"psk": run(["wg", "genpsk"]).stdout.strip(),
                     "no psk": None}.get(wrong, psk),
                endpoint=endpoint(), fail_ms=3000, rekey_ms=1000)
    stub.say("connect")
    stub.wait("failed", seconds=10)
    assert wire.ping("ours", wait=1) == 0
    stats = stub.stats()
    assert (stats["connected"], stats["up"], stats["in"]) == (0, 0, 0)
    assert stats["tx"] >= 2 * 148
    assert int(there.show("transfer")[1]) == 0 or "psk" in wrong


def test_renewals_under_load(wire, keys):
    """Four connections; none is lost, nor any datagram that reached us.

    Slow enough that the node's small socket buffer is no matter.
    """
    _, stub = pair(wire, keys, rekey_ms=2500)
    stub.say("connect")
    stub.wait("connected")
    server = wire.ns["node"].popen(["iperf3", "-s", "-1"],
                                   stdout=subprocess.DEVNULL)
    wire.ns["node"].await_port(5201, process=server)
    done = wire.ns["ours"].run("iperf3", "-c", INNER[4][1], "-t", "15", "-P",
                               "2", "--bidir", "-b", "4M", "-l", "4K", "-J",
                               timeout=40)
    stats = stub.stats()
    report = json.loads(done.stdout)
    print(stats, report["end"]["sum_sent"]["bits_per_second"] / 1e6)
    assert "error" not in report
    moved = {}
    for second in report["intervals"]:
        for flow in second["streams"]:
            moved.setdefault(flow["socket"], []).append(flow["bytes"])
    assert len(moved) == 4
    for seconds in moved.values():
        # while keys change each 2.5 s, none stands still for two seconds
        assert all(map(sum, zip(seconds, seconds[1:]))), moved
    assert stats["connected"] >= 6
    assert stats["dropped_in"] == stats["dropped_out"] == 0
    assert stats["expired"] == stats["failed"] == 0


def test_node_begins_again(wire, keys):
    """Restarted it knows nothing of the session, which we still have."""
    node, stub = pair(wire, keys, endpoint=None, listen=PORT)
    node.set_peer("endpoint", "%s:%d" % (OUTER[4][0], PORT))
    assert wire.ping("node") == 1
    node.stop()
    node.start()
    node.set_peer("endpoint", "%s:%d" % (OUTER[4][0], PORT))
    assert wire.ping("node") == 1
    stub.wait("connected", 2)
    both_ways(wire)


def test_node_restarted(wire, keys):
    node, stub = pair(wire, keys)
    assert wire.ping("ours") == 1
    node.stop()
    assert wire.ping("ours", wait=1) == 0
    node.start()
    # silence for 15 s, then a handshake
    stub.wait("connected", 2, seconds=25)
    both_ways(wire)
    assert stub.stats()["failed"] == 0


@pytest.mark.parametrize("what", ["port", "address"])
def test_node_roams(wire, keys, what):
    node, stub = pair(wire, keys)
    assert wire.ping("ours") == 1
    if what == "address":
        node.ns.ip("addr del %s/24 dev w0" % OUTER[4][1],
                   "addr add 192.0.2.9/24 dev w0")
    # a new port in both cases: else it goes on with its old source address
    node.set("listen-port", str(PORT + 1))
    assert wire.ping("node") == 1
    stub.wait("roamed")
    assert stub.lines("roamed")[-1].split()[1:] == [
        "::ffff:192.0.2.9" if what == "address" else "::ffff:192.0.2.1",
        str(PORT + 1)]
    both_ways(wire)
    assert stub.stats()["connected"] == 1


@pytest.mark.parametrize("what", ["port", "address", "family"])
def test_we_roam(wire, keys, what):
    node, stub = pair(wire, keys)
    assert wire.ping("ours") == 1
    before = node.show("endpoints")
    if what == "port":
        stub.say("rebind 40000")
    elif what == "family":
        stub.say("endpoint " + endpoint(6))
    else:
        stub.ns.ip("addr add 192.0.2.8/24 dev w0",
                   "addr del %s/24 dev w0" % OUTER[4][0])
        stub.ns.ip("addr replace 192.0.2.8/24 dev w0")
    stub.stats()    # the command before it was carried out
    assert wire.ping("ours") == 1
    wait_for(lambda: node.show("endpoints") != before, 3, "the node saw it")
    both_ways(wire)
    assert stub.stats()["connected"] == 1


class Flood:
    """A stranger's initiations, right but for what needs a key of a peer."""

    def __init__(self, ns, public):
        key = hashlib.blake2s(b"mac1----" + base64.b64decode(public)).digest()
        self.messages = []
        for _ in range(64):
            m = b"\1\0\0\0" + os.urandom(112)
            mac1 = hashlib.blake2s(m, digest_size=16, key=key).digest()
            self.messages.append(m + mac1 + bytes(16))
        self.socket = ns.socket(kind=2)
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        while not self.over.wait(0.02):
            for message in self.messages * 16:
                self.socket.sendto(message, (OUTER[4][1], PORT))

    def __enter__(self):
        self.thread.start()

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
        self.socket.close()


def test_node_is_flooded(wire, keys):
    """The node asks for cookies; ours come with the next initiations."""
    _, stub = pair(wire, keys, rekey_ms=1000, keepalive=1)
    with Flood(wire.ns["ours"], keys[1].public):
        stub.say("connect")
        wait_for(lambda: stub.stats()["challenged"] > 0, 20,
                 "a cookie", every=0.2)
        before = stub.stats()["connected"]
        wait_for(lambda: stub.stats()["connected"] > before, 20,
                 "a handshake with a cookie", every=0.2)
    both_ways(wire)


def test_strangers_datagrams_change_nothing(wire, keys):
    """Junk from the node's host to our port, while packets go both ways."""
    _, stub = pair(wire, keys, listen=PORT)
    assert wire.ping("ours") == 1
    junk = wire.ns["node"].socket(kind=2)
    with junk:
        for i in range(2000):
            head = bytes([i % 6, 0, 0, 0])
            junk.sendto(head + b"\xa5" * (i % 200), (OUTER[4][0], PORT))
    both_ways(wire)
    stats = stub.stats()
    assert stats["dropped_in"] > 0
    assert (stats["connected"], stats["roamed"]) == (1, 0)


def replayed_and_reordered(wire, keys, junk=None):
    box = Middle(wire, junk)
    _, stub = pair(wire, keys, endpoint="%s,%d" % (OUTER[4][1], box.PORT))
    stub.say("connect")
    stub.wait("connected")
    for side in ("ours", "node"):
        other = INNER[4][1 if side == "ours" else 0]
        done = wire.ns[side].run("ping", "-n", "-c", "40", "-i", "0.01",
                                 "-W", "5", other, check=False, timeout=60)
        # each came, and none of them twice
        assert " 40 received" in done.stdout, done.stdout
        assert "DUP!" not in done.stdout and "duplicates" not in done.stdout
    stats = stub.stats()
    assert stats["connected"] == 1 and stats["roamed"] == 0
    # the copies: of the data packets at least
    assert stats["dropped_in"] >= 80
    assert box.passed >= 160
    return stub


def test_replayed_and_reordered(wire, keys):
    """A box in the middle sends everything twice, and the later first."""
    replayed_and_reordered(wire, keys)
    server = wire.ns["node"].popen(["iperf3", "-s", "-1"],
                                   stdout=subprocess.DEVNULL)
    wire.ns["node"].await_port(5201, process=server)
    done = wire.ns["ours"].run("iperf3", "-c", INNER[4][1], "-n", "2M", "-J",
                               timeout=60)
    assert "error" not in json.loads(done.stdout)


def test_wrong_mac1_and_forged_tags(wire, keys):
    """The box adds a copy of each datagram with one byte changed: MAC1 of a
    handshake, the tag of a packet."""
    def change(data):
        at = len(data) - (20 if data[0] in (1, 2) else 1)
        return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]
    replayed_and_reordered(wire, keys, change)
