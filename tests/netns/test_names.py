# SPDX-License-Identifier: ISC
"""Names: of the backend, of nodes, and the resolver of a protected host."""

import socket

import pytest

from lab import names, traffic
from lab.capture import no_leak
from lab.suite import Suite, expected_exit

TUNNEL4 = "100.73.0.53"             # where queries go, on the router


def test_backend_and_node_by_name(product, lab):
    lab.admin.location("us-new-york", servers=[names.server(
        "us-new-york", address=names.tls_name("us-new-york"))])
    try:
        with Suite(lab, {"phone": "us-new-york"},
                   backend="https://" + names.BACKEND_NAME):
            traffic.await_seen(lab, "phone", expected_exit("us-new-york"))
    finally:
        lab.admin.location(**names.location("us-new-york"))


def test_the_next_backend_is_asked(product, lab):
    with Suite(lab, {"phone": "de-berlin"}, backend=[
            "https://%s:9" % names.BACKEND4, lab.backend_url]):
        traffic.await_seen(lab, "phone", expected_exit("de-berlin"),
                           seconds=20)


def test_the_resolver_is_the_hosts_own_choice(product, lab):
    asked = lab.host("phone").net4
    with Suite(lab, {"phone": "de-berlin"}), no_leak(lab, "phone"):
        traffic.await_seen(lab, "phone", expected_exit("de-berlin"))
        assert traffic.resolve(lab, "phone", "whoami", asked) == asked


def test_dns_tunnel_asks_the_locations_resolver(product, lab):
    asked = lab.host("phone").net4
    with Suite(lab, {"phone": "de-berlin"}, dns="tunnel"), \
            no_leak(lab, "phone"):
        traffic.await_seen(lab, "phone", expected_exit("de-berlin"))
        assert traffic.resolve(lab, "phone", "whoami", asked) == \
            names.RESOLVER4


def router_resolver(lab):
    """Something on the router's port 53, as dnsmasq would be; it is mute."""
    s = lab.ns["router"].socket(socket.AF_INET6, socket.SOCK_DGRAM)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    s.bind(("::", 53))
    s.settimeout(3)
    return s


def asked(resolver):
    """The address that a question came from."""
    return resolver.recvfrom(2048)[1][0].removeprefix("::ffff:")


def test_dns_tunnel_takes_queries_to_the_router_too(product, lab):
    """Of protected devices only: another one gets to the router's own."""
    with router_resolver(lab) as resolver, \
            Suite(lab, {"phone": "de-berlin"}, dns="tunnel"), \
            no_leak(lab, "phone", router=True):
        traffic.await_seen(lab, "phone", expected_exit("de-berlin"))
        assert traffic.resolve(lab, "phone", "whoami",
                               names.LAN_GATEWAY4) == names.RESOLVER4
        with pytest.raises(TimeoutError):
            traffic.resolve(lab, "tv", "whoami", names.LAN_GATEWAY4,
                            timeout=1)
        assert asked(resolver) == lab.host("tv").lan4
        # The location has no server of this family: that is said at once.
        with pytest.raises(OSError) as refused:
            traffic.resolve(lab, "phone", "whoami", names.LAN_GATEWAY6)
        assert not isinstance(refused.value, TimeoutError)
        resolver.settimeout(0)
        with pytest.raises(BlockingIOError):
            resolver.recvfrom(2048)


def test_dns_tunnel_with_default_gateway(product, lab):
    with router_resolver(lab) as resolver, \
            Suite(lab, dns="tunnel", default_gateway=1):
        traffic.await_seen(lab, "phone", expected_exit("de-berlin"))
        for server in names.LAN_GATEWAY4, lab.host("phone").net4:
            assert traffic.resolve(lab, "phone", "whoami",
                                   server) == names.RESOLVER4
        resolver.settimeout(0)
        with pytest.raises(BlockingIOError):
            resolver.recvfrom(2048)


def test_dns_tunnel_address_is_nobody_elses(product, lab):
    """An uplink whose network has that address in it changes nothing."""
    router = lab.ns["router"]
    router.run("ip", "addr", "add", "100.73.0.1/24", "dev", "wan0")
    try:
        with Suite(lab, {"phone": "de-berlin"}, dns="tunnel",
                   lan_bypass=1), no_leak(lab, "phone"):
            traffic.await_seen(lab, "phone", expected_exit("de-berlin"))
            assert traffic.resolve(lab, "phone", "whoami",
                                   names.GATEWAY4) == names.RESOLVER4
    finally:
        router.run("ip", "addr", "del", "100.73.0.1/24", "dev", "wan0")


def test_dns_tunnel_leaves_nothing_behind(product, lab):
    """A life without the key, after one with it that was killed."""
    at = lab.host("phone").net4
    suite = Suite(lab, {"phone": "de-berlin"}, dns="tunnel")
    with suite:
        traffic.await_seen(lab, "phone", expected_exit("de-berlin"))
        suite.kill()
    with Suite(lab, {"phone": "de-berlin"}), no_leak(lab, "phone"):
        traffic.await_seen(lab, "phone", expected_exit("de-berlin"))
        assert traffic.resolve(lab, "phone", "whoami", at) == at
    assert TUNNEL4 not in lab.ns["router"].run(
        "ip", "route", "show", "table", "all").stdout


def link_local(lab, space, card):
    found = lab.ns[space].run("ip", "-6", "-o", "addr", "show", "dev", card,
                              "scope", "link").stdout
    return found.split()[3].split("/")[0]


def ask_link_local(lab, name, at):
    with lab.ns[name].entered():
        card = socket.if_nametoindex("eth0")
    with lab.ns[name].socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
        s.settimeout(1)
        s.connect((at, 53, 0, card))
        s.send(b"a question")
        s.recv(1500)


def test_dns_tunnel_and_the_routers_link_local_address(product, lab):
    """Nothing is forwarded from such an address: nobody gets the query."""
    at = link_local(lab, "router", "br-lan")
    with router_resolver(lab) as resolver, \
            Suite(lab, dns="tunnel", protected_mac_addrs=[
                {"mac_addr": lab.host("phone").mac, "vl": "de-berlin"}]):
        traffic.await_seen(lab, "phone", expected_exit("de-berlin"))
        with pytest.raises(OSError):
            ask_link_local(lab, "phone", at)
        with pytest.raises(TimeoutError):   # one that is not protected
            ask_link_local(lab, "tv", at)
        assert asked(resolver).split("%")[0] == \
            link_local(lab, "tv", "eth0")
        resolver.settimeout(0)
        with pytest.raises(BlockingIOError):
            resolver.recvfrom(2048)
