# SPDX-License-Identifier: ISC
"""Whatever somebody does to managed routing, nothing is seen on the WAN.

Two protected devices talk all the time, in both families, by old flows and
new ones; meanwhile processes are killed, rules, routes and interfaces of ours
are removed, the uplink comes and goes.
"""

import contextlib
import json
import os
import re
import signal
import time

import pytest

from lab import names, traffic, wgnode
from lab.capture import Capture
from lab.stream import Stream
from lab.suite import Suite, expected_exit
from lab.topology import Lab
from lab.util import alive, wait_for

BERLIN = names.NODES[0]
PARIS, TOKYO = names.WG_NODES

pytestmark = pytest.mark.skipif(wgnode.why_not() is not None,
                                reason=str(wgnode.why_not()))


@pytest.fixture(scope="module")
def lab():
    with Lab(nodes=(BERLIN,), wireguard=names.WG_NODES) as made:
        made.admin.set(mixed=True)
        yield made


class Managed(Suite):
    """impl in userspace; mixed: the locations of the HTTPS backend."""

    def __init__(self, lab, mixed=False, rules=None, **config):
        config.setdefault("vl_default", "")
        super().__init__(
            lab, rules, type="hydra-tcp" if mixed else "wireguard",
            wireguard_routing="managed", wireguard_impl="userspace",
            reconnect="auto", **config)
        self.mixed = mixed
        confs = {}
        for name in names.WG_NODES:
            node = lab.wg[name]
            if mixed:
                lab.admin.location(**node.backend_location())
            else:
                node.peer_file(os.path.join(self.folder, name + ".conf"))
                confs[name] = name + ".conf"
        if not mixed:
            self.config["backend"] = wgnode.file_backend(
                lab, self.folder, confs)

    def seen(self, host, location, families=(4, 6), seconds=20):
        for family in families:
            wanted = location and expected_exit(location, family)
            traffic.await_seen(self.lab, host, wanted, family, seconds)


@contextlib.contextmanager
def no_leak(lab, *hosts, router=False):
    """As lab.capture's, but from the WAN's end: the uplink may go away."""
    lab.serial += 1
    capture = Capture(lab, lab.path("wan%d.pcap" % lab.serial), "p-router",
                      "wan")
    lab.captures.append(capture)
    capture.protect(*hosts, router=router)
    try:
        yield capture
    finally:
        report = capture.report()
        print(report)
    assert report.clean, report


def nothing_left(lab):
    """Of ours; the lab's own came and went in these tests."""
    router = lab.router
    left = [router.run(*argv).stdout for argv in (
        ("nft", "list", "tables"), ("ip", "-br", "link"),
        ("ip", "rule"), ("ip", "-6", "rule"),
        ("ip", "route", "show", "table", "all", "proto", "97"),
        ("ip", "-6", "route", "show", "table", "all", "proto", "97"))]
    assert "afwrt" not in left[0] and "wrt0" not in left[1], left
    assert not any("fwmark" in text for text in left[2:4]), left
    assert not "".join(left[4:]).strip(), left


def tables(lab):
    """[(table, interface)] of our defaults."""
    found = lab.router.run("ip", "-j", "route", "show", "table", "all",
                           "proto", "97").stdout
    return sorted({(r["table"], r["dev"]) for r in json.loads(found)
                   if r.get("dev") and r["dst"] == "default"})


# What others do to what is ours

HANDS = {
    "flush ruleset": "nft list table inet lab >/tmp/$$; nft flush ruleset;"
                     "nft -f /tmp/$$; rm /tmp/$$",
    "delete table": "nft delete table inet afwrt",
    "ip rule": "ip rule del pref {pref}; ip -6 rule del pref {pref}",
    "all rules": "while ip rule del pref {pref}; do :; done;"
                 "while ip -6 rule del pref {pref}; do :; done",
    "route flush": "ip route flush table {table};"
                   "ip -6 route flush table {table}",
    "link del": "ip link del {dev}",
    "link down": "ip link set {dev} down",
    "addr flush": "ip addr flush dev {dev}",
    "addr moved": "ip addr add 10.77.0.1/24 dev {dev}",
    "mtu": "ip link set {dev} mtu 1280",
}


class TestStanding:
    """One suite for all of them."""

    @pytest.fixture(scope="class")
    def standing(self, product, lab):
        """phone to Paris, tv to Tokyo, under steady traffic."""
        with Managed(lab, rules={"phone": PARIS, "tv": TOKYO}) as suite, \
                Stream(lab, "phone", "tv") as stream:
            stream.alive(seconds=20)
            yield suite, stream
            trouble = suite.trouble()
        assert not trouble, trouble
        nothing_left(lab)

    @pytest.mark.parametrize("what", HANDS)
    def test_other_hands(self, lab, standing, what):
        suite, stream = standing
        table, dev = tables(lab)[0]
        rules = json.loads(lab.router.run("ip", "-j", "rule").stdout)
        pref = [r["priority"] for r in rules if r.get("table") == str(table)][0]
        with no_leak(lab, "phone", "tv"):
            lab.router.shell("{ " + HANDS[what].format(
                table=table, dev=dev, pref=pref) + "; } 2>&1 || true")
            stream.alive()
            suite.seen("phone", PARIS)
            suite.seen("tv", TOKYO)
        assert traffic.seen_address(lab, "laptop") == expected_exit(None)
        if what == "addr moved":
            lab.router.run("ip", "addr", "del", "10.77.0.1/24", "dev", dev)

    @pytest.mark.parametrize("process", ["afwrt-net", "afwrt-tun", "afwrt-auth"])
    def test_a_helper_dies(self, lab, standing, process):
        suite, stream = standing
        with no_leak(lab, "phone", "tv"):
            suite.kill_helper(process, seconds=5)
            suite.seen("phone", PARIS)
            suite.seen("tv", TOKYO)
            stream.alive()

    def test_the_uplink_goes_and_comes(self, lab, standing):
        suite, stream = standing
        with no_leak(lab, "phone", "tv"):
            lab.router.ip("link set wan0 down")
            lab.router.ip("link set wan0 up")
            lab.router.ip(
                "addr replace %s/64 dev wan0 nodad" % names.ROUTER6,
                "route replace default via " + names.GATEWAY4,
                "route replace ::/0 via " + names.GATEWAY6)
            stream.alive(seconds=30)
            lab.router.ip("route del default", "route add default via %s "
                          "metric 50" % names.GATEWAY4)
            stream.alive(seconds=30)
            lab.router.ip("route del default", "route add default via " +
                          names.GATEWAY4)

    def test_moved_to_nowhere_and_back(self, lab, standing):
        """Under the stream: to a location that cannot be, and back."""
        suite, stream = standing
        with no_leak(lab, "phone", "tv"):
            for _ in range(3):
                suite.protect("phone", TOKYO)
                suite.protect("phone", PARIS)
            suite.seen("phone", PARIS)
            assert suite.control.request(
                "protect_ip", vl="xx-none", ip_addr=lab.host(
                    "phone").lan4)["status"] != 0
            suite.seen("phone", PARIS)
            stream.alive("tv")


# What ends as a whole

@pytest.mark.parametrize("killswitch", [0, 1])
@pytest.mark.parametrize("gateway", [0, 1])
def test_all_of_it_dies(product, lab, killswitch, gateway):
    config = {"default_gateway": 1, "vl_default": PARIS} if gateway else {}
    rules = {"phone": PARIS, "tv": TOKYO}
    suite, second = [Managed(lab, rules=rules, killswitch=killswitch,
                             **config) for _ in range(2)]
    with Stream(lab, "phone", "tv") as stream, contextlib.ExitStack() as s:
        s.callback(suite.kill)
        suite.start()
        stream.alive(seconds=20)
        with no_leak(lab, "phone", "tv", router=bool(gateway)):
            family = suite.family()
            # the supervisor first: none of the others may end in order
            for pid in [family["afwrtd"], *family.values(),
                        suite.process.pid]:
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            wait_for(lambda: not any(alive(p) for p in family.values()), 10,
                     "all of it is dead")
            suite.seen("phone", None, seconds=5)
            suite.kill()
            s.callback(second.kill)
            second.start()
            stream.alive(seconds=20)
            second.seen("phone", PARIS)
            second.seen("tv", TOKYO)
            if killswitch:
                assert second.stop() == 0
                second.seen("phone", None)
        if killswitch:
            second.ctl("unblock")
        else:
            assert second.stop() == 0
        traffic.await_seen(lab, "phone", expected_exit(None))
    nothing_left(lab)


def test_the_supervisor_dies(product, lab):
    with Managed(lab, rules={"phone": PARIS}) as suite, \
            Stream(lab, "phone") as stream:
        stream.alive(seconds=20)
        family = suite.family()
        with no_leak(lab, "phone"):
            os.kill(family["afwrtd"], signal.SIGKILL)
            wait_for(lambda: not any(alive(p) for p in family.values()), 10,
                     "the helpers end with their supervisor")
            suite.seen("phone", None, seconds=5)
            suite.kill()
            assert traffic.seen_address(lab, "laptop") == expected_exit(None)
        suite.ctl("unblock")
        traffic.await_seen(lab, "phone", expected_exit(None))
    nothing_left(lab)


def test_the_uplink_gets_another_name(product, lab):
    with Managed(lab, rules={"phone": PARIS}, wan_ifname="auto") as suite, \
            Stream(lab, "phone") as stream:
        stream.alive(seconds=20)
        default = ("route replace default via " + names.GATEWAY4,
                   "route replace ::/0 via " + names.GATEWAY6)
        try:
            with no_leak(lab, "phone"):
                lab.router.ip("link set wan0 down", "link set wan0 name wan9",
                              "link set wan9 up", "addr replace %s/64 dev "
                              "wan9 nodad" % names.ROUTER6, *default)
                stream.alive(seconds=30)
                suite.seen("phone", PARIS)
        finally:
            lab.router.run("ip", "link", "set", "wan9", "down", check=False)
            lab.router.run("ip", "link", "set", "wan9", "name", "wan0",
                           check=False)
            lab.router.ip("link set wan0 up", "addr replace %s/64 dev wan0 "
                          "nodad" % names.ROUTER6, *default)
        stream.alive(seconds=30)


# First packets

@pytest.mark.parametrize("mixed", [False, True])
@pytest.mark.parametrize("kind", ["mac", "iface"])
def test_first_packets(product, lab, kind, mixed):
    """Of a device that was never seen: the right way, or none."""
    key = {"mac": {"mac_addr": lab.host("phone").mac},
           "iface": {"iface": "br-lan"}}[kind]
    lab.router.ip("neigh flush dev br-lan nud all")
    with Managed(lab, mixed) as suite, no_leak(lab, *lab.host_names
                                               if kind == "iface"
                                               else ("phone",)):
        suite.control.do("protect_" + kind, vl=TOKYO, **key)
        suite.seen("phone", TOKYO)
        traffic.forget_connections(lab, "phone")


# Mixed

def test_moves_between_the_types(product, lab):
    with Managed(lab, True, rules={"phone": BERLIN, "tv": PARIS}) as suite, \
            Stream(lab, "phone", "tv") as stream:
        stream.alive(seconds=20)
        with no_leak(lab, "phone", "tv"):
            for location in (TOKYO, BERLIN, PARIS, BERLIN, TOKYO):
                suite.protect("phone", location)
                suite.seen("phone", location)
            stream.alive()
            # MAC over IP, of different types
            suite.control.do("protect_mac", vl=BERLIN,
                             mac_addr=lab.host("phone").mac)
            suite.seen("phone", BERLIN)
            suite.control.do("protect_mac", vl=PARIS,
                             mac_addr=lab.host("phone").mac)
            suite.protect("phone", BERLIN)
            suite.seen("phone", PARIS)
            suite.control.do("unprotect_mac",
                             mac_addr=lab.host("phone").mac)
            suite.seen("phone", BERLIN)
            stream.alive()
            for process in ("afwrt-net", "afwrt-tun"):
                suite.kill_helper(process, seconds=5)
                suite.seen("phone", BERLIN)
                suite.seen("tv", PARIS)
        assert not suite.trouble()
    nothing_left(lab)


# Corners of the configuration

def edit(suite, place, change):
    path = os.path.join(suite.folder, place + ".conf")
    with open(path, encoding="ascii") as f:
        text = f.read()
    assert change(text) != text
    with open(path, "w", encoding="ascii") as f:
        f.write(change(text))


def test_a_node_with_ipv4_only(product, lab):
    """The device's IPv6 is refused at once, and is not seen elsewhere."""
    suite = Managed(lab, rules={"laptop": PARIS})
    edit(suite, PARIS, lambda text: re.sub(
        r"(Address = [^,]*),.*", r"\1", text).replace(", ::/0", ""))
    with suite, no_leak(lab, "laptop"):
        suite.seen("laptop", PARIS, families=(4,))
        start = time.monotonic()
        assert traffic.seen_address(lab, "laptop", 6, 5) is None
        # on a veth the answer is there before connect() can take it: then
        # the one to the second SYN ends it
        assert time.monotonic() - start < 2
        with Stream(lab, "laptop") as stream:
            stream.alive(families=(4,), fresh=50)
            assert stream.echoes["laptop", 6] == 0


def test_another_key(product, lab):
    """No handshake: the device is blocked, in both families."""
    suite = Managed(lab)
    edit(suite, PARIS, lambda text: text.replace(lab.wg[PARIS].public,
                                                 lab.wg[TOKYO].public))
    with suite:
        suite.protect("phone", PARIS)
        with no_leak(lab, "phone"), Stream(lab, "phone") as stream:
            suite.datagrams.wait("route_failed", 0, 30, route_name=PARIS)
            assert not any(stream.echoes.values())
            suite.protect("phone", TOKYO)
            stream.alive()
            suite.seen("phone", TOKYO)


def reload(suite):
    before = len(suite.log())
    with open(suite.config_path + ".new", "w", encoding="utf-8") as f:
        json.dump(suite.config, f)
    os.chmod(suite.config_path + ".new", 0o600)
    os.replace(suite.config_path + ".new", suite.config_path)
    suite.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "keys need a restart" in suite.log()[before:], 15,
             suite.log_tail)
    return suite.log()[before:]


def test_all_rules_are_replaced(product, lab):
    with Managed(lab, rules={"phone": PARIS, "tv": TOKYO}) as suite, \
            Stream(lab, "phone", "tv") as stream:
        stream.alive(seconds=20)
        with no_leak(lab, "phone", "tv"):
            suite.config["protected_ip_addrs"] = [
                {"ip_addr": a, "vl": where}
                for host, where in (("phone", TOKYO), ("tv", PARIS))
                for a in suite.addresses(host)]
            assert " 0 failed" in reload(suite)
            suite.seen("phone", TOKYO)
            suite.seen("tv", PARIS)
            suite.config["protected_ip_addrs"] = []
            suite.config["protected_mac_addrs"] = [
                {"mac_addr": lab.host(h).mac, "vl": PARIS}
                for h in ("phone", "tv")]
            assert " 0 failed" in reload(suite)
            suite.seen("phone", PARIS)
            suite.seen("tv", PARIS)
            stream.alive()
        assert not suite.trouble()


class Many(Managed):
    """Many locations, all of them the same node."""

    def __init__(self, lab, count, **config):
        super().__init__(lab, **config)
        confs = {}
        self.places = ["n%02d" % n for n in range(count)]
        for name in self.places:
            lab.wg[PARIS].peer_file(os.path.join(self.folder,
                                                 name + ".conf"))
            confs[name] = name + ".conf"
        self.config["backend"] = wgnode.file_backend(
            lab, self.folder, confs)


def test_a_thousand_rules_over_ten_locations(product, lab):
    suite = Many(lab, 10)
    suite.config["protected_ip_addrs"] = [
        {"ip_addr": "10.7.%d.%d" % (i // 200, 1 + i % 200),
         "vl": suite.places[i % 10]} for i in range(1000)] + [
        {"ip_addr": a, "vl": suite.places[9]}
        for a in suite.addresses("phone")]
    with suite, no_leak(lab, "phone"), Stream(lab, "phone") as stream:
        stream.alive(seconds=20)
        suite.seen("phone", PARIS)
        maps = lab.router.run("nft", "list", "map", "inet", "afwrt",
                              "wg_ip4").stdout
        assert maps.count("10.7.") == 1000
        for name in ("afwrt-net", "afwrt-tun"):
            suite.kill_helper(name, seconds=5)
            stream.alive(seconds=20)
        assert not suite.trouble()
    nothing_left(lab)


def test_sixty_four_locations(product, lab):
    suite = Many(lab, 65)
    with suite:
        suite.datagrams.wait("ready", 0, 20)
        for i, place in enumerate(suite.places[:64]):
            suite.control.do("protect_ip", vl=place,
                             ip_addr="10.7.0.%d" % (i + 1))
        answer = suite.control.request("protect_ip", vl=suite.places[64],
                                       ip_addr="10.7.0.200")
        assert answer["status"] != 0 and "64" in answer["message"], answer
        # and it still does what it should
        suite.protect("phone", suite.places[63])
        with no_leak(lab, "phone"), Stream(lab, "phone") as stream:
            stream.alive(seconds=20)
            for name in ("afwrt-net", "afwrt-tun"):
                suite.kill_helper(name, seconds=5)
                stream.alive(seconds=30)
        assert not suite.trouble()
    nothing_left(lab)


def held(suite, lab):
    """What could be lost little by little."""
    files = {name: len(os.listdir("/proc/%d/fd" % pid))
             for name, pid in suite.family().items()}
    return files, suite.inside("ls", "/run/wireguard").stdout, \
        lab.router.shell(
            "ip -o link | wc -l; ip rule; ip -6 rule; nft list ruleset |"
            "grep -v counter; ip route show table all; ss -Hanu").stdout


def test_up_and_down_fifty_times(product, lab):
    with Managed(lab, rules={"phone": TOKYO}) as suite, \
            Stream(lab, "phone") as stream:
        stream.alive(seconds=20)

        def once():
            since = suite.datagrams.mark()
            suite.control.do("setup_tunnel", vl=PARIS, iface="extra0")
            suite.datagrams.wait("route_connected", since, 10,
                                 route_name=PARIS)
            suite.control.do("teardown_tunnel", vl=PARIS)
            wait_for(lambda: "extra0" not in lab.router.run(
                "ip", "-br", "link").stdout, 5, "it is gone")
        once()
        before = held(suite, lab)
        for _ in range(50):
            once()
        wait_for(lambda: held(suite, lab) == before, 5, lambda: "%r\n%r" % (
            before, held(suite, lab)))
        stream.alive()
        assert not suite.trouble()


def test_a_default_location_that_cannot_be_routed(product, lab):
    """default_gateway through a WireGuard location in "manual"."""
    suite = Managed(lab, True, vl_default=PARIS, default_gateway=1)
    suite.config["wireguard_routing"] = "manual"
    with suite:
        wait_for(lambda: "wireguard_routing" in suite.log(), 10,
                 lambda: "a word about it\n" + suite.log_tail())
        with no_leak(lab, *lab.host_names):
            suite.seen("phone", None)
            # something that may be seen, so that the capture proves itself
            lab.internet.run("ping", "-c1", "-W2", names.ROUTER4,
                             check=False)
    nothing_left(lab)
