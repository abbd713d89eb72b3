# SPDX-License-Identifier: ISC
"""A WireGuard node: wireguard-go, or the kernel's, in a node's namespace.

A suite is a peer of it either by a wg-quick file (peer_file), or with the key
pair that it makes itself and tells the backend, which runs `wg_command`.
"""

import itertools
import os
import subprocess

from . import names, wggo
from .util import run, wait_for

PORT = 51820
_serial = itertools.count()


def genkey():
    return run(["wg", "genkey"]).stdout.strip()


def pubkey(private):
    return run(["wg", "pubkey"], input=private + "\n").stdout.strip()


class WgNode:
    """index: the node's part of the inner addresses, 10.98.INDEX.0/24."""

    def __init__(self, ns, name, folder, index, kernel=False, mtu=1420,
                 ipv6=True):
        self.ns, self.name, self.folder = ns, name, folder
        self.index, self.kernel, self.mtu, self.ipv6 = \
            index, kernel, mtu, ipv6
        self.private = genkey()
        self.public = pubkey(self.private)
        # wireguard-go's sockets lie in a folder that is everybody's
        self.card = "wn%dx%d" % (os.getpid() % 100000, next(_serial))
        self.process = None
        self.peers = {}             # public key -> words of wg set
        self.lent = itertools.count(2)
        os.mkdir(folder)

    # Life

    def start(self):
        if self.kernel:
            self.ns.ip("link add %s type wireguard" % self.card)
        else:
            self.process = wggo.start(self.ns, self.card, os.path.join(
                self.folder, "log"))
        self.set("private-key", self.secret("node", self.private),
                 "listen-port", str(PORT))
        for public, words in self.peers.items():
            self.set("peer", public, *words)
        lines = ["addr add 10.98.%d.1/24 dev %s" % (self.index, self.card)]
        if self.ipv6:
            lines.append("addr add fd98:%d::1/64 dev %s nodad" %
                         (self.index, self.card))
        self.ns.ip(*lines, "link set %s up mtu %d" % (self.card, self.mtu))

    def stop(self):
        """It is gone, without a word to its peers."""
        if self.kernel:
            self.ns.ip("link del " + self.card)
        elif self.process is not None:
            wggo.kill(self.process, self.card)
            self.ns.children.remove(self.process)
            self.process = None
            self.ns.run("ip", "link", "del", self.card, check=False)
            wait_for(lambda: self.ns.run(
                "ip", "link", "show", self.card, check=False).returncode,
                5, "the node's card is gone")

    # Peers

    def secret(self, name, text):
        path = os.path.join(self.folder, "%s%d" % (name, next(_serial)))
        with open(path, "w", encoding="ascii",
                  opener=lambda p, f: os.open(p, f, 0o600)) as f:
            f.write(text + "\n")
        return path

    def set(self, *words):
        self.ns.run("wg", "set", self.card, *words)

    def lend(self):
        """Inner addresses that nobody has yet."""
        n = next(self.lent)
        found = ["10.98.%d.%d" % (self.index, n)]
        if self.ipv6:
            found.append("fd98:%d::%d" % (self.index, n))
        return found

    def add_peer(self, public, addresses, psk=None):
        words = ["allowed-ips", ",".join(addresses)]
        if psk:
            words = ["preshared-key", self.secret("psk", psk)] + words
        self.peers[public] = words
        self.set("peer", public, *words)

    def peer_file(self, path, psk=None, endpoint=None, more="", dns=None,
                  private=None):
        """A new peer, and the wg-quick file that it gets."""
        private = private or genkey()
        addresses = self.lend()
        self.add_peer(pubkey(private), addresses, psk)
        prefixes = ["%s/%d" % (a, 128 if ":" in a else 32)
                    for a in addresses]
        allowed = "0.0.0.0/0, ::/0" if self.ipv6 else "0.0.0.0/0"
        text = ("[Interface]\nPrivateKey = %s\nAddress = %s\nMTU = %d\n" %
                (private, ", ".join(prefixes), self.mtu))
        if dns:
            text += "DNS = %s\n" % ", ".join(dns)
        text += ("\n[Peer]\nPublicKey = %s\nEndpoint = %s\n"
                 "AllowedIPs = %s\n" %
                 (self.public, endpoint or "%s:%d" % (
                     names.NODE4[self.name], PORT), allowed))
        if psk:
            text += "PresharedKey = %s\n" % psk
        with open(path, "w", encoding="ascii",
                  opener=lambda p, f: os.open(p, f, 0o600)) as f:
            f.write(text + more)
        return pubkey(private)

    def backend_location(self, labels=None):
        """For the reference backend; one suite may use it."""
        addresses = self.lend()
        command = ["wg", "set", self.card, "peer", "{key}", "allowed-ips",
                   ",".join(addresses)]
        if self.kernel:
            command = self.ns.argv(command)
        country, _, city = self.name.partition("-")
        return {"name": self.name, "type": "wireguard",
                "labels": labels or {"country": country,
                                     "city": city.title()},
                "servers": [{"name": names.tls_name(self.name),
                             "address": names.NODE4[self.name],
                             "port": PORT, "public_key": self.public}],
                "wireguard": {"addresses": addresses, "mtu": self.mtu,
                              "allowed_ips": ["0.0.0.0/0", "::/0"],
                              "dns": [names.RESOLVER4]},
                "wg_command": command}

    def show(self, what, public=None):
        """{public key: [values]} of `wg show`, or those of one peer."""
        text = self.ns.run("wg", "show", self.card, what).stdout
        found = {line.split()[0]: line.split()[1:]
                 for line in text.splitlines() if line.split()}
        return found.get(public, []) if public else found

    def handshakes(self):
        """Unix seconds of the latest one of any peer, 0 none."""
        return max([int(v[0]) for v in self.show(
            "latest-handshakes").values()] or [0])


def file_backend(lab, folder, confs, more=()):
    """A file: backend; confs: {location: file beside it}; its URL."""
    import json
    path = os.path.join(folder, "locations.json")
    places = [{"name": name, "labels": {"country": name[:2]},
               "config": conf} for name, conf in confs.items()]
    with open(path, "w", encoding="utf-8") as f:
        json.dump({"locations": places + list(more),
                   "optimal": [p["name"] for p in places][:1]}, f)
    return "file:" + path


def why_not():
    """Why there can be no node by wireguard-go here, or None."""
    for program in ("wireguard-go", "wg"):
        if subprocess.run(["sh", "-c", "command -v " + program],
                          stdout=subprocess.DEVNULL,
                          check=False).returncode != 0:
            return "no " + program
    return None


def kernel_has_it():
    """This machine's kernel has WireGuard; nothing stays behind."""
    probe = "wnprobe%d" % (os.getpid() % 10000)
    done = subprocess.run(["ip", "link", "add", probe, "type", "wireguard"],
                          stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, check=False)
    if done.returncode == 0:
        subprocess.run(["ip", "link", "del", probe], check=False)
    return done.returncode == 0
