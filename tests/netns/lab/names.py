# SPDX-License-Identifier: ISC
"""Names and addresses of the laboratory, in one place."""

import collections
import itertools
import os

HOSTS = ("phone", "tv", "laptop")
NODES = ("de-berlin", "us-new-york")
WG_NODES = ("fr-paris", "jp-tokyo")
NODE_USER, NODE_PASSWORD = "router", "node secret <&> 1"

LAN4, LAN6 = "192.168.50.0/24", "fd00:50::/64"
LAN_GATEWAY4, LAN_GATEWAY6 = "192.168.50.1", "fd00:50::1"
WAN4, WAN6 = "203.0.113.0/24", "2001:db8:1::/64"
GATEWAY4, GATEWAY6 = "203.0.113.1", "2001:db8:1::1"
ROUTER4, ROUTER6 = "203.0.113.2", "2001:db8:1::2"
BACKEND4, BACKEND6 = "203.0.113.40", "2001:db8:1::40"
BACKEND_NAME = "backend.test"
NODE4 = {"de-berlin": "203.0.113.21", "us-new-york": "203.0.113.22",
         "fr-paris": "203.0.113.23", "jp-tokyo": "203.0.113.24"}
NODE6 = {"de-berlin": "2001:db8:1::21", "us-new-york": "2001:db8:1::22",
         "fr-paris": "2001:db8:1::23", "jp-tokyo": "2001:db8:1::24"}
# What the internet sees of a node's clients.
EXIT = {"de-berlin": ("203.0.113.121", "2001:db8:1::121"),
        "us-new-york": ("203.0.113.122", "2001:db8:1::122"),
        "fr-paris": ("203.0.113.123", "2001:db8:1::123"),
        "jp-tokyo": ("203.0.113.124", "2001:db8:1::124")}
DIRECT = (ROUTER4, ROUTER6)
DEAD4 = "203.0.113.250"             # nobody has these addresses
DEAD6 = "2001:db8:1::250"
# Internet addresses that belong to no host: web, resolver, the router's own.
SHARED4 = ("198.51.100.80", "198.51.100.53", "198.51.100.2")
SHARED6 = ("2001:db8:2::80", "2001:db8:2::53", "2001:db8:2::2")
RESOLVER4, RESOLVER6 = SHARED4[1], SHARED6[1]

HTTP, BULK, UDP_ECHO, DISCARD, IPERF = 80, 7001, 7002, 7003, 5201

Host = collections.namedtuple("Host", "name lan4 lan6 net4 net6 mac")
_runs = itertools.count()


def run_prefix():
    """afw<pid>- for the first lab of this process, then afw<pid>b-, ..."""
    n = next(_runs)
    return "afw%d%s-" % (os.getpid(), "" if n == 0 else "x%d" % n)


def host(name, order=HOSTS):
    """Addresses of a LAN host: its own, and its own part of the internet."""
    i = order.index(name)
    return Host(name, "192.168.50.%d" % (11 + i), "fd00:50::%d" % (11 + i),
                "198.51.100.%d" % (11 + i), "2001:db8:2::%d" % (11 + i),
                "02:00:02:00:00:%02x" % (i + 1))


def wan_addresses(name):
    """With prefix lengths, as `ip addr add` takes them."""
    if name == "internet":
        found = [GATEWAY4, GATEWAY6]
    elif name == "router":
        found = [ROUTER4, ROUTER6]
    elif name == "backend":
        found = [BACKEND4, BACKEND6]
    else:
        found = [NODE4[name], NODE6[name], *EXIT[name]]
    return [a + ("/64" if ":" in a else "/24") for a in found]


def tls_name(node):
    return node + ".vpn.test"


def dns_table():
    """What the resolver knows: {name: [IPv4, IPv6]}"""
    table = {tls_name(n): [NODE4[n], NODE6[n]] for n in NODE4}
    table[BACKEND_NAME] = [BACKEND4, BACKEND6]
    return table


def server(node, port=443, address=None):
    """An element of servers[] in the backend's answer."""
    return {"name": tls_name(node), "address": address or NODE4[node],
            "port": port, "country": node[:2]}


def location(node):
    country, _, city = node.partition("-")
    return {"name": node, "type": "hydra-tcp",
            "labels": {"country": country,
                       "city": city.replace("-", " ").title()},
            "servers": [server(node)]}
