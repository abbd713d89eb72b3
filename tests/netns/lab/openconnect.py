# SPDX-License-Identifier: ISC
"""Debian's openconnect as the client: proves a node without the product.

It runs in the router and routes only the router's own internet addresses
into the tunnel.
"""

import contextlib
import os
import subprocess

from . import names
from .util import end, tail, wait_for

SCRIPT = """#!/bin/sh
[ "$reason" = connect ] || exit 0
ip addr add "$INTERNAL_IP4_ADDRESS/32" dev "$TUNDEV"
ip link set "$TUNDEV" mtu "$INTERNAL_IP4_MTU" up
ip route add {net4}/32 dev "$TUNDEV" src "$INTERNAL_IP4_ADDRESS"
if [ -n "$INTERNAL_IP6_ADDRESS" ]; then
    ip addr add "$INTERNAL_IP6_ADDRESS/128" dev "$TUNDEV" nodad
    ip route add {net6}/128 dev "$TUNDEV" src "$INTERNAL_IP6_ADDRESS"
fi
echo "$INTERNAL_IP4_ADDRESS $INTERNAL_IP6_ADDRESS $INTERNAL_IP4_MTU" >{up}
"""
NET4, NET6 = names.SHARED4[2], names.SHARED6[2]


class Openconnect:
    def __init__(self, lab, node, port=443, password=names.NODE_PASSWORD,
                 user=names.NODE_USER, cafile=None):
        lab.serial += 1
        base = lab.path("openconnect%d" % lab.serial)
        self.lab, self.up, self.log_path = lab, base + ".up", base + ".log"
        script = base + ".script"
        with open(script, "w", encoding="ascii") as f:
            f.write(SCRIPT.format(net4=NET4, net6=NET6, up=self.up))
        os.chmod(script, 0o755)
        with open(self.log_path, "wb") as log:
            self.process = lab.router.popen(
                ["openconnect", "--no-dtls",
                 "--non-inter", "--reconnect-timeout", "10",
                 "--cafile", cafile or lab.pki.ca, "-u", user,
                 "--passwd-on-stdin", "--interface", "oc%d" % lab.serial,
                 "--script", script,
                 "--resolve", "%s:%s" % (names.tls_name(node),
                                         names.NODE4[node]),
                 "https://%s:%d" % (names.tls_name(node), port)],
                stdin=subprocess.PIPE, stdout=log, stderr=log)
        self.process.stdin.write(password.encode() + b"\n")
        self.process.stdin.close()
        self.process.stdin = None

    def await_up(self, seconds=10):
        """(IPv4 address, IPv6 address, MTU), or None if it gave up."""
        def there():
            with contextlib.suppress(OSError), open(self.up) as f:
                return f.read().endswith("\n")
            return self.process.poll() is not None
        wait_for(there, seconds, lambda: "openconnect is up\n" + self.log())
        if not os.path.exists(self.up):
            return None
        with open(self.up, encoding="ascii") as f:
            return tuple(f.read().split(" "))

    def log(self):
        return tail(self.log_path, 60)

    def stop(self):
        end(self.process)
        self.lab.router.children.remove(self.process)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
