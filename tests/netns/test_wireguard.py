# SPDX-License-Identifier: ISC
"""Type wireguard as the document has it: an interface a location, no routing.

The nodes are wireguard-go.  The engine by itself is tested in
test_wg_engine.py, managed routing in test_managed.py.
"""

import json
import os

import pytest

from lab import names, traffic, wgnode
from lab.capture import no_leak
from lab.state import difference, snapshot
from lab.suite import Suite, expected_exit
from lab.topology import Lab
from lab.util import wait_for

PARIS, TOKYO = names.WG_NODES
CARD = "wgtest0"

pytestmark = pytest.mark.skipif(wgnode.why_not() is not None,
                                reason=str(wgnode.why_not()))


@pytest.fixture(scope="module")
def lab():
    with Lab(nodes=(), wireguard=names.WG_NODES, backend=False) as made:
        yield made


class Tunnels(Suite):
    """A suite of type wireguard with a file: backend of wg-quick files.

    files: {location: options of peer_file}
    """

    def __init__(self, lab, files=None, impl="userspace", **config):
        super().__init__(lab, type="wireguard", wireguard_impl=impl,
                         vl_default="", **config)
        confs = {}
        self.keys = {}
        for name, options in (files or {PARIS: {}, TOKYO: {}}).items():
            options = dict(options)
            node = lab.wg[options.pop("node", name)]
            broken = options.pop("broken", None)
            path = os.path.join(self.folder, name + ".conf")
            self.keys[name] = node.peer_file(path, **options)
            if broken:
                with open(path, encoding="ascii") as f:
                    text = f.read()
                with open(path, "w", encoding="ascii") as f:
                    f.write(broken(text))
            confs[name] = name + ".conf"
        self.config["backend"] = wgnode.file_backend(
            lab, self.folder, confs)

    def up(self, location, card=CARD):
        since = self.datagrams.mark()
        self.control.do("setup_tunnel", vl=location, iface=card)
        return since

    def down(self, location):
        self.control.do("teardown_tunnel", vl=location)

    def connected(self, location, since, seconds=15):
        return self.datagrams.wait("route_connected", since, seconds,
                                route_name=location)


def links(lab):
    found = json.loads(lab.router.run("ip", "-j", "addr").stdout)
    return {l["ifname"]: l for l in found if l}


def addresses(lab, card):
    return sorted("%s/%d" % (a["local"], a["prefixlen"])
                  for a in links(lab)[card]["addr_info"]
                  if a["scope"] == "global")


# The document's words

def test_ready_is_the_only_event_without_a_default_location(product, lab):
    """"This event added since wireguard can be started without default
    location and no route_connected event is emitted in this case.\""""
    before = snapshot(lab.router)
    with Tunnels(lab) as suite:
        suite.datagrams.wait("ready", 0, 15)
        assert suite.datagrams.find("route_connected") is None
        assert not difference(before, snapshot(lab.router))
    assert not suite.trouble()


def test_a_tunnel_is_connected_at_once(product, lab):
    """"Initiates connection immediately": no packet has to come first."""
    before = snapshot(lab.router)
    with Tunnels(lab) as suite:
        since = suite.up(PARIS)
        suite.connected(PARIS, since)
        assert lab.wg[PARIS].show("latest-handshakes",
                                  suite.keys[PARIS])[0] != "0"
        assert links(lab)[CARD]["mtu"] == 1420
        found = addresses(lab, CARD)
        assert len(found) == 2 and found[0].startswith("10.98.1.") and \
            found[1].startswith("fd98:1:")
        # its addresses and their routes, and nothing else
        left = [l for l in difference(before, snapshot(lab.router))
                if CARD not in l and "10.98.1." not in l and
                "fd98:1:" not in l]
        assert not left, left
        suite.down(PARIS)
        wait_for(lambda: CARD not in links(lab), 5, "the interface is gone")
        assert not difference(before, snapshot(lab.router))


def test_the_default_location_has_tun_ifname(product, lab):
    suite = Tunnels(lab)
    suite.config["vl_default"] = PARIS
    with suite:
        suite.datagrams.wait("ready", 0, 15)
        suite.connected(PARIS, 0)
        assert "wrt0" in links(lab)


def test_the_routing_of_the_document(product, lab):
    """Masquerade, table 142, a rule by source: typed in by the user."""
    suite = Tunnels(lab)
    suite.config["vl_default"] = PARIS
    host = lab.host("phone")
    with suite:
        suite.connected(PARIS, 0)
        lab.router.run("nft", "-f", "-", input=(
            "table inet user {\n chain post {\n"
            "  type nat hook postrouting priority srcnat;\n"
            "  oifname \"wrt0\" masquerade\n }\n}\n"))
        ip = lab.router.run
        ip("ip", "route", "add", "table", "142", "default", "dev", "wrt0")
        ip("ip", "-6", "route", "add", "table", "142", "default", "dev",
           "wrt0")
        ip("ip", "rule", "add", "from", host.lan4, "lookup", "142")
        ip("ip", "-6", "rule", "add", "from", host.lan6, "lookup", "142")
        try:
            with no_leak(lab, "phone"):
                for family in (4, 6):
                    traffic.await_seen(lab, "phone",
                                       expected_exit(PARIS, family), family)
                done = traffic.download(lab, "phone", 3_000_000)
                assert done.sha256 == done.expected
                done = traffic.upload(lab, "phone", 1_000_000, 6)
                assert done.sha256 == done.expected
            assert traffic.seen_address(lab, "tv") == expected_exit(None)
            counted = [r for r in suite.status()["routes"]
                       if r["location"] == PARIS][0]
            assert counted["down_bytes"] > 3_000_000
            assert (counted["type"], counted["iface"]) == (
                "wireguard", "wrt0")
        finally:
            lab.router.run("nft", "delete", "table", "inet", "user")
            ip("ip", "rule", "del", "from", host.lan4, "lookup", "142")
            ip("ip", "-6", "rule", "del", "from", host.lan6, "lookup", "142")


def test_rules_are_refused_in_manual_routing(product, lab):
    with Tunnels(lab) as suite:
        suite.datagrams.wait("ready", 0, 15)
        answer = suite.control.request("protect_ip", vl=PARIS,
                                       ip_addr="192.168.50.11")
        assert answer["status"] == 4 and "manual" in answer["message"]


def test_names_that_cannot_be(product, lab):
    with Tunnels(lab) as suite:
        suite.datagrams.wait("ready", 0, 15)
        ask = suite.control.request
        assert ask("setup_tunnel", vl=PARIS, iface="wan0")["status"] == 4
        assert "wan0" in links(lab)
        assert ask("setup_tunnel", vl=PARIS)["status"] != 0
        assert ask("setup_tunnel", vl="xx-none", iface=CARD)["status"] == 4
        suite.connected(PARIS, suite.up(PARIS))
        assert ask("setup_tunnel", vl=PARIS, iface="other0")["status"] == 4
        assert ask("setup_tunnel", vl=TOKYO, iface=CARD)["status"] == 4
        assert ask("teardown_tunnel", vl=TOKYO)["status"] == 4
        suite.connected(TOKYO, suite.up(TOKYO, "other0"))


@pytest.mark.parametrize("what", ["dead", "key", "psk"])
def test_route_failed_comes_soon(product, lab, what):
    """Nobody there, another key, another preshared key: no handshake."""
    options = {
        "dead": {"endpoint": names.DEAD4 + ":51820"},
        "key": {"broken": lambda text: text.replace(
            lab.wg[PARIS].public, lab.wg[TOKYO].public)},
        "psk": {"psk": wgnode.genkey(), "broken": lambda text: text.replace(
            text.partition("PresharedKey = ")[2][:44], wgnode.genkey())},
    }[what]
    with Tunnels(lab, {PARIS: options}) as suite:
        since = suite.up(PARIS)
        failed = suite.datagrams.wait("route_failed", since, 40,
                                   route_name=PARIS)
        assert failed["reason_details"] in ("timed out",
                                            "connection failed")
        assert suite.datagrams.find("route_connected", since) is None


def test_preshared_key_and_ipv6_outside(product, lab):
    files = {PARIS: {"psk": wgnode.genkey(), "endpoint": "[%s]:%d" % (
        names.NODE6[PARIS], wgnode.PORT)}}
    with Tunnels(lab, files) as suite:
        suite.connected(PARIS, suite.up(PARIS))
        endpoint = lab.wg[PARIS].show("endpoints", suite.keys[PARIS])[0]
        assert endpoint.startswith("[%s]:" % names.ROUTER6)


# The configuration socket

def test_wg_show_and_wg_set(product, lab):
    with Tunnels(lab) as suite:
        suite.connected(PARIS, suite.up(PARIS))

        def show(what):
            return suite.inside("wg", "show", CARD, what).stdout.split()
        node = lab.wg[PARIS]
        assert show("public-key") == [suite.keys[PARIS]]
        assert show("peers") == [node.public]
        assert show("endpoints") == [node.public, "%s:%d" % (
            names.NODE4[PARIS], wgnode.PORT)]
        assert show("allowed-ips") == [node.public, "0.0.0.0/0", "::/0"]
        assert int(show("latest-handshakes")[1]) > 0
        assert int(show("transfer")[1]) > 0
        text = suite.inside("wg", "showconf", CARD).stdout
        assert "PrivateKey" in text and node.public in text
        suite.inside("wg", "set", CARD, "peer", node.public,
                     "persistent-keepalive", "7")
        assert show("persistent-keepalive") == [node.public, "7"]
        # a second peer is not possible, and wg says so
        done = suite.inside("wg", "set", CARD, "peer", lab.wg[TOKYO].public,
                            check=False)
        assert done.returncode != 0
        assert show("peers") == [node.public]
        mode = suite.inside("stat", "-c", "%a %u",
                            "/run/wireguard/%s.sock" % CARD).stdout.split()
        assert mode == ["600", "0"]
        suite.down(PARIS)
        assert suite.inside("ls", "/run/wireguard").stdout.split() == []


# What dies, what moves

def test_tun_dies_and_the_interface_stays(product, lab):
    with Tunnels(lab) as suite:
        suite.connected(PARIS, suite.up(PARIS))
        index = links(lab)[CARD]["ifindex"]
        since = suite.datagrams.mark()
        suite.kill_helper("afwrt-tun", seconds=5)
        suite.connected(PARIS, since)
        assert links(lab)[CARD]["ifindex"] == index


def test_net_dies_and_nothing_happens(product, lab):
    with Tunnels(lab) as suite:
        suite.connected(PARIS, suite.up(PARIS))
        link = links(lab)[CARD]
        before = snapshot(lab.router)
        since = suite.datagrams.mark()
        suite.kill_helper("afwrt-net", seconds=5)
        wait_for(lambda: all(p["pid"] for p in suite.status()["processes"]),
                 10, "all processes run")
        assert links(lab)[CARD] == link
        assert not difference(before, snapshot(lab.router))
        assert suite.datagrams.find("route_disconnected", since) is None


def test_the_uplink_gets_another_address(product, lab):
    """The session goes on from there, without a new handshake."""
    node = lab.wg[PARIS]
    with Tunnels(lab) as suite:
        suite.connected(PARIS, suite.up(PARIS))
        key = suite.keys[PARIS]
        shaken = node.show("latest-handshakes", key)
        since = suite.datagrams.mark()
        lab.router.ip("addr del %s/24 dev wan0" % names.ROUTER4,
                      "addr add 203.0.113.77/24 dev wan0",
                      "route replace default via " + names.GATEWAY4)
        try:
            wait_for(lambda: node.show("endpoints", key)[0].startswith(
                "203.0.113.77:"), 15, "the node sees the new address")
            assert node.show("latest-handshakes", key) == shaken
            assert suite.datagrams.find("route_disconnected", since) is None
        finally:
            lab.router.ip("addr del 203.0.113.77/24 dev wan0",
                          "addr add %s/24 dev wan0" % names.ROUTER4,
                          "route replace default via " + names.GATEWAY4)


def test_the_node_comes_back(product, lab):
    """Restarted with the same keys: packets pass again by themselves."""
    with Tunnels(lab, reconnect="auto") as suite:
        suite.connected(PARIS, suite.up(PARIS))

        def reaches():
            return lab.router.run("ping", "-c1", "-W1", "-I", CARD,
                                  "10.98.1.1", check=False).returncode == 0
        wait_for(reaches, 10, "the node answers")
        lab.wg[PARIS].stop()
        assert not reaches()
        lab.wg[PARIS].start()
        wait_for(reaches, 40, "the node answers again")


# Keys

def test_own_key_pair_is_kept(product):
    """Of a backend that gives none; only root can read it."""
    with Lab(nodes=(names.NODES[0],), wireguard=(PARIS,),
             start_nodes=False) as lab:
        lab.admin.location(**lab.wg[PARIS].backend_location())
        lab.admin.set(mixed=True)
        suite = Suite(lab, type="wireguard", vl_default=PARIS,
                      wireguard_impl="userspace")
        seen = set()
        for _ in range(2):
            suite.start()
            suite.await_route(PARIS)
            path = os.path.join(suite.config["config_dir"],
                                "wg-%s.key" % PARIS)
            assert os.stat(path).st_mode & 0o777 == 0o600
            with open(path, "rb") as f:
                assert len(f.read()) == 32
            seen |= set(lab.wg[PARIS].show("latest-handshakes"))
            assert suite.stop() == 0
        assert len(seen) == 1
