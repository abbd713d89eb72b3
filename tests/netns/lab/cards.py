# SPDX-License-Identifier: ISC
"""More networks at the router than the one of the lab's LAN."""

import contextlib

FAR4, FAR6 = "192.168.60.13", "fd00:60::13"


@contextlib.contextmanager
def second_card(lab, host="laptop"):
    """The host's traffic comes in by eth2 of the router instead."""
    router, space = lab.router, lab.ns[host]
    far = lab.host(host)
    router.ip("link add eth2 address 02:00:03:00:00:ff type veth peer name "
              "eth1 netns %s" % space.full_name,
              "addr add 192.168.60.1/24 dev eth2",
              "addr add fd00:60::1/64 dev eth2 nodad", "link set eth2 up")
    router.sysctl(net__ipv4__conf__eth2__rp_filter=0)
    space.ip("addr add 192.168.60.13/24 dev eth1",
             "addr add fd00:60::13/64 dev eth1 nodad", "link set eth1 up",
             "route add %s/32 via 192.168.60.1" % far.net4,
             "route add %s/128 via fd00:60::1" % far.net6)
    try:
        yield
    finally:
        router.ip("link del eth2")
