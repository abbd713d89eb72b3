# SPDX-License-Identifier: ISC
"""The laboratory: hosts, a router, a WAN with nodes, backend and internet.

  phone .11  tv .12  laptop .13 ...         192.168.50.0/24, fd00:50::/64
        \\      |      /
         br-lan  router  wan0 .2
                          |
    wan (a bridge, 203.0.113.0/24, 2001:db8:1::/64, MTU 1500)
      |            |              |            |
  de-berlin .21  us-new-york .22  backend .40  internet .1 (the gateway)
  exit .121      exit .122

internet answers on one address per LAN host and family (198.51.100.11 is the
phone's), so that the destination alone tells whose packet it is.  Both nodes
lend the same inner addresses (10.99.1.0/24) unless the lab is told otherwise.
Every name carries a prefix of this run; close() removes everything.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile

from . import names
from .capture import Capture
from .fakeclient import BackendAdmin
from .namespace import Namespace, kill_all
from .ocserv import Ocserv
from .pki import Pki
from .util import LabError, end, need_root
from .wgnode import WgNode

TESTS = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") \
    else sys.executable


class Lab:
    """Options:
    hosts         names of LAN hosts (phone, tv, laptop)
    same_inner    both nodes lend the same client network (True)
    nodes         node names to build (both)
    rp_filter     the router's reverse-path filter (0)
    start_nodes   start an ocserv on each node (True)
    node_options  options of those ocserv instances
    wireguard     names of WireGuard nodes to build as well (none)
    kernel_nodes  they are the kernel's, not wireguard-go's (False)
    backend       build the HTTPS backend, and what needs certificates (True)
    """

    def __init__(self, hosts=names.HOSTS, same_inner=True, nodes=None,
                 rp_filter=0, start_nodes=True, node_options=None,
                 wireguard=(), kernel_nodes=False, backend=True,
                 prefix=None):
        need_root()
        self.prefix = prefix or names.run_prefix()
        self.host_names = tuple(hosts)
        self.node_names = tuple(names.NODES if nodes is None else nodes)
        self.wg_names = tuple(wireguard)
        self.kernel_nodes = kernel_nodes
        self.has_backend = backend
        self.same_inner = same_inner
        self.rp_filter = rp_filter
        self.start_nodes = start_nodes
        self.node_options = node_options or {}
        self.ns = {}
        self.nodes = {}
        self.wg = {}
        self.captures = []
        self.closers = []
        self.serial = 0
        self.folder = None
        self.keep = False

    # Life

    def __enter__(self):
        self.open()
        return self

    def __exit__(self, *_):
        if not self.keep:
            self.close()

    def open(self):
        try:
            self._open()
        except BaseException:
            self.close()
            raise
        return self

    def _open(self):
        self.folder = tempfile.mkdtemp(prefix=self.prefix)
        os.chmod(self.folder, 0o755)
        if self.has_backend:
            self.pki = Pki(self.path("pki"))
        for name in ("wan", "internet", "router", "backend") + \
                self.node_names + self.wg_names + self.host_names:
            self.ns[name] = Namespace(self.prefix + name, name)
        self._wan()
        self._lan()
        self._internet()
        if self.has_backend:
            self._backend()
        for name in self.node_names:
            self._node_network(name)
            if self.start_nodes:
                self.start_node(name, wait=False)
        for name in self.wg_names:
            self._node_network(name)
            self.start_wireguard(name)
        for node in self.nodes.values():
            node.await_ready()
        self.internet.await_port(80, process=self.internet_process)
        self.internet.await_port(5201, process=self.iperf_process)
        if self.has_backend:
            self.backend.await_port(443, process=self.backend_process)

    def close(self):
        """Remove all of it; safe to call twice and half-way."""
        for closer in reversed(self.closers):
            with contextlib.suppress(Exception):
                closer()
        self.closers.clear()
        for capture in self.captures:
            with contextlib.suppress(Exception):
                capture.kill()
        problems = []
        try:
            kill_all({space.inode for space in self.ns.values()})
        except LabError as e:
            problems.append(str(e))
        for name in list(self.ns):
            try:
                self.ns.pop(name).close()
            except Exception as e:     # go on: remove the rest
                problems.append("%s: %s" % (name, e))
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder = None
        if problems:
            raise LabError("left behind: " + "; ".join(problems))

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def __getattr__(self, name):
        spaces = self.__dict__.get("ns", {})
        if name in spaces:
            return spaces[name]
        raise AttributeError(name)

    # Network

    def _wan(self):
        self.wan.sysctl(net__ipv6__conf__all__disable_ipv6=1,
                        net__ipv6__conf__default__disable_ipv6=1)
        self.wan.ip("link set lo up",
                    "link add br-wan type bridge mcast_snooping 0",
                    "link set br-wan up")
        for i, name in enumerate(("internet", "router", "backend") +
                                 self.node_names + self.wg_names):
            inside = "wan0" if name == "router" else "eth0"
            self._plug(name, inside, "wan", "br-wan", "p-" + name[:12], i)
            lines = ["link set lo up"]
            for address in names.wan_addresses(name):
                lines.append("addr add %s dev %s nodad" % (address, inside))
            lines.append("link set %s up" % inside)
            self.ns[name].ip(*lines)
            if name != "internet":
                self.ns[name].ip(
                    "route add default via " + names.GATEWAY4,
                    "route add ::/0 via " + names.GATEWAY6)

    def _plug(self, name, inside, bridge_ns, bridge, port, number):
        """A veth from a namespace to a bridge in another."""
        space, far = self.ns[name], self.ns[bridge_ns]
        with space.entered():
            _no_autoconf()
        space.ip("link add %s address 02:00:%02x:00:00:%02x type veth "
                 "peer name %s netns %s" %
                 (inside, 1 if bridge == "br-wan" else 2, number + 1, port,
                  far.full_name))
        far.ip("link set %s master %s" % (port, bridge),
               "link set %s up" % port)

    def _lan(self):
        router = self.router
        router.ip("link add br-lan address 02:00:02:00:00:ff type bridge "
                  "mcast_snooping 0",
                  "addr add %s/24 dev br-lan" % names.LAN_GATEWAY4,
                  "addr add %s/64 dev br-lan nodad" % names.LAN_GATEWAY6,
                  "link set br-lan up")
        for i, name in enumerate(self.host_names):
            self._plug(name, "eth0", "router", "br-lan", "l-" + name[:12], i)
            host = names.host(name, self.host_names)
            self.ns[name].ip(
                "link set lo up",
                "addr add %s/24 dev eth0" % host.lan4,
                "addr add %s/64 dev eth0 nodad" % host.lan6,
                "link set eth0 up",
                "route add default via " + names.LAN_GATEWAY4,
                "route add ::/0 via " + names.LAN_GATEWAY6)
        router.sysctl(net__ipv4__ip_forward=1,
                      net__ipv6__conf__all__forwarding=1,
                      net__ipv4__conf__all__rp_filter=self.rp_filter,
                      net__ipv4__conf__default__rp_filter=self.rp_filter)
        for card in ("wan0", "br-lan"):
            router.sysctl(**{"net__ipv4__conf__%s__rp_filter" % card:
                             self.rp_filter})
        router.run("nft", "-f", "-", input=(
            "table inet lab {\n chain post {\n"
            "  type nat hook postrouting priority srcnat;\n"
            "  oifname \"wan0\" masquerade\n }\n}\n"))

    def _internet(self):
        lines = []
        for name in self.host_names:
            host = names.host(name, self.host_names)
            lines += ["addr add %s/32 dev lo" % host.net4,
                      "addr add %s/128 dev lo nodad" % host.net6]
        for address in names.SHARED4:
            lines.append("addr add %s/32 dev lo" % address)
        for address in names.SHARED6:
            lines.append("addr add %s/128 dev lo nodad" % address)
        self.internet.ip(*lines)
        with open(self.path("internet.log"), "wb") as log:
            self.internet_process = self.internet.popen(
                [PYTHON, "-B", os.path.join(TESTS, "netns", "lab", "inet.py"),
                 json.dumps(names.dns_table())],
                stdout=log, stderr=subprocess.STDOUT)
            self.iperf_process = self.internet.popen(
                ["iperf3", "-s"], stdout=log, stderr=subprocess.STDOUT)

    # Nodes

    def _node_network(self, name):
        space = self.ns[name]
        exit4, exit6 = names.EXIT[name]
        space.sysctl(net__ipv4__ip_forward=1,
                     net__ipv6__conf__all__forwarding=1)
        space.run("nft", "-f", "-", input=(
            "table inet lab {{\n chain post {{\n"
            "  type nat hook postrouting priority srcnat;\n"
            "  oifname eth0 ip saddr 10.0.0.0/8 snat ip to {}\n"
            "  oifname eth0 ip6 saddr fd00::/8 snat ip6 to {}\n"
            " }}\n}}\n").format(exit4, exit6))

    def start_node(self, name, variant="valid", key=None, users=None,
                   wait=True, **options):
        """Start an ocserv on node `name`; several if ports differ.

        It is kept as nodes[key], by default under the node's name.
        """
        self.serial += 1
        given = dict(self.node_options)
        if not self.same_inner:
            index = self.node_names.index(name) + 1
            given.setdefault("net4", "10.99.%d.0/24" % index)
            given.setdefault("net6", "fd99:%d::/64" % index)
        given.update(options)
        certificate = self.pki.issue(name, names.tls_name(name),
                                     names.NODE4[name], variant)
        node = Ocserv(self.ns[name], self.path("ocserv%d" % self.serial),
                      self.serial, certificate,
                      users or {names.NODE_USER: names.NODE_PASSWORD},
                      **given)
        self.nodes[key or name] = node
        node.start(wait=wait)
        return node

    def start_wireguard(self, name, **options):
        """A WireGuard node there, wg[name]; its options as of WgNode."""
        self.serial += 1
        options.setdefault("kernel", self.kernel_nodes)
        node = WgNode(self.ns[name], name, self.path("wg%d" % self.serial),
                      names.WG_NODES.index(name) + 1, **options)
        self.wg[name] = node
        node.start()
        return node

    # Backend

    def _backend(self):
        cert, key = self.pki.issue("backend", names.BACKEND_NAME,
                                   names.BACKEND4)
        wrong = self.pki.issue("backend", names.BACKEND_NAME, names.BACKEND4,
                               "wrong-name")
        config = {
            "listen": [names.BACKEND4 + ":443",
                       "[%s]:443" % names.BACKEND6],
            "tls": {"cert": cert, "key": key,
                    "wrong_cert": wrong[0], "wrong_key": wrong[1]},
            "admin": "unix:" + self.path("backend.admin"),
            "log": self.path("backend.jsonl"),
            "hydra_cert": self.pki.ca,
            "node_user": {"username": names.NODE_USER,
                          "password": names.NODE_PASSWORD},
            "users": [{"name": "alice", "method": "firebase",
                       "token": "oauth-alice", "password": "wonderland"}],
            "locations": [names.location(n) for n in self.node_names],
            "optimal": [self.node_names[0]]}
        path = self.path("backend.json")
        with open(path, "w", encoding="utf-8") as f:
            json.dump(config, f, indent=1)
        self.backend_url = "https://" + names.BACKEND4
        self.admin = BackendAdmin(self.path("backend.admin"))
        self.backend_log = open(self.path("backend.log"), "ab")
        self.closers.append(self.backend_log.close)
        self.start_backend(wait=False)

    def start_backend(self, wait=True):
        self.backend_process = self.backend.popen(
            [PYTHON, os.path.join(TESTS, "fake", "backend"),
             self.path("backend.json")], stdout=self.backend_log,
            stderr=subprocess.STDOUT)
        if wait:
            self.backend.await_port(443, process=self.backend_process)

    def stop_backend(self):
        end(self.backend_process)
        self.backend.children.remove(self.backend_process)

    # Captures

    def capture(self):
        """Capture everything on the router's WAN link from now on."""
        self.serial += 1
        capture = Capture(self, self.path("wan%d.pcap" % self.serial))
        self.captures.append(capture)
        return capture

    def host(self, name):
        return names.host(name, self.host_names)


def _no_autoconf():
    """No router advertisements, no duplicate address detection."""
    for scope in ("all", "default"):
        base = "/proc/sys/net/ipv6/conf/%s/" % scope
        for key in ("accept_ra", "accept_dad", "autoconf"):
            with open(base + key, "w", encoding="ascii") as f:
                f.write("0")
