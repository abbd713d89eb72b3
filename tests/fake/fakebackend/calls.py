# SPDX-License-Identifier: ISC
"""The calls of the contract: parameters in, the answer's fields out.

A server with "ipv6_exit": false is kept back from who asks for ipv6_exit,
unless its location is "careless".  With "mixed" in the configuration the
list has locations of every type, and says of each which it is.  A
WireGuard location's "wg_command" is run for each peer, {key} being its key.

Nothing here knows HTTP.  A refusal is an accounts.Refused; the server turns
it into {"result": CODE, "error": TEXT}.
"""

import base64
import binascii
import subprocess
import threading
import time

from .accounts import Accounts, Refused

SECRET_PARAMS = frozenset(("access_token", "password", "auth_token"))


class Calls:
    def __init__(self, config):
        self.lock = threading.RLock()
        self.config = config
        self.accounts = Accounts(config)
        self.locations = {l["name"]: l for l in config.get("locations", [])}
        self.optimal = list(config.get("optimal", []))
        self.life = config.get("credential_life", 86400)
        self.node_user = config.get("node_user", {})
        self.pem = {}

    def table(self):
        """path -> (HTTP method, handler)"""
        return {
            "/user/login": ("POST", self.login),
            "/user/locations": ("GET", self.list_locations),
            "/user/countries": ("GET", self.list_countries),
            "/user/provide": ("GET", self.provide),
            "/user/verify": ("GET", self.verify),
            "/user/current": ("GET", self.current),
            "/user/logout": ("GET", self.logout),
            "/user/remainingTraffic": ("GET", self.remaining_traffic),
        }

    def login(self, p):
        session = self.accounts.login(p.get("carrier_id"), p.get("device_id"),
                                      p.get("auth_method"),
                                      p.get("access_token"))
        return {"access_token": session.token,
                "subscriber": self.accounts.describe(session)}

    def current(self, p):
        session = self.accounts.session(p.get("access_token"))
        return {"subscriber": self.accounts.describe(session)}

    def logout(self, p):
        self.accounts.logout(p.get("access_token"))
        return {}

    def verify(self, p):
        name, password = p.get("username"), p.get("password")
        node = self.node_user
        if node and (name, password) == (node.get("username"),
                                         node.get("password")):
            return {}
        self.accounts.verify(name, password)
        return {}

    def remaining_traffic(self, p):
        session = self.accounts.session(p.get("access_token"))
        traffic = self.accounts.traffic(session.user)
        if traffic is None:
            raise Refused("UNLIMITED")
        limit, used = traffic
        return {"traffic_start": session.user.get("registration_time", 1),
                "traffic_limit": limit, "traffic_used": used,
                "traffic_remaining": max(0, limit - used)}

    def _of_type(self, p):
        kind = p.get("type", "hydra-tcp")
        with self.lock:
            return [l for l in self.locations.values()
                    if (l.get("type", "hydra-tcp") == kind or
                        self.config.get("mixed")) and not l.get("hidden")]

    def list_locations(self, p):
        self.accounts.session(p.get("access_token"))
        found = []
        for l in self._of_type(p):
            found.append({"name": l["name"], "labels": l.get("labels", {})})
            if self.config.get("mixed"):
                found[-1]["type"] = l.get("type", "hydra-tcp")
        return {"locations": found}

    def list_countries(self, p):
        self.accounts.session(p.get("access_token"))
        count = {}
        for location in self._of_type(p):
            country = location.get("labels", {}).get("country", "")
            count[country] = count.get(country, 0) + \
                len(location.get("servers", []))
        return {"countries": [{"country": c, "servers": n}
                              for c, n in sorted(count.items())]}

    def provide(self, p):
        session = self.accounts.session(p.get("access_token"))
        self.accounts.may_connect(session.user)
        with self.lock:
            location = self._choose(p)
            if location.get("type") == "wireguard":
                self._check_key(p.get("wg_public_key", ""))
                self._tell_node(location, p["wg_public_key"])
            servers = [dict(s) for s in location.get("servers", [])
                       if p.get("ipv6_exit") != "1" or
                       s.get("ipv6_exit", True) or
                       location.get("careless")][:5]
            if not servers:
                raise Refused("SERVER_UNAVAILABLE")
            now = int(time.time())
            answer = {
                "username": location.get("username",
                                         self.node_user.get("username", "")),
                "password": location.get("password",
                                         self.node_user.get("password", "")),
                "create_time": now,
                "expire_time": now + location.get("credential_life",
                                                  self.life),
                "country": location.get("labels", {}).get("country", ""),
                "location": location["name"],
                "servers": servers,
            }
            trust = location.get("hydra_cert", self.config.get("hydra_cert"))
            if trust:
                answer["hydra_cert"] = self._pem(trust)
            if "wireguard" in location:
                answer["wireguard"] = location["wireguard"]
            return answer

    @staticmethod
    def _check_key(text):
        try:
            key = base64.b64decode(text, validate=True)
        except binascii.Error:
            key = b""
        if len(key) != 32 or not any(key):
            raise Refused("BAD_REQUEST", "wg_public_key is no key")

    @staticmethod
    def _tell_node(location, key):
        """A backend knows how its nodes hear of a peer; ours by a program."""
        argv = [w.replace("{key}", key)
                for w in location.get("wg_command", ())]
        if argv and subprocess.run(argv, stdin=subprocess.DEVNULL,
                                   timeout=10, check=False).returncode:
            raise Refused("INTERNAL_SERVER_ERROR", "the node was not told")

    def _choose(self, p):
        usable = {l["name"]: l for l in self.locations.values()
                  if l.get("type", "hydra-tcp") == p.get("type", "hydra-tcp")}
        name, country = p.get("location"), p.get("country")
        if name:
            if name not in usable:
                raise Refused("SERVER_UNAVAILABLE", "no such location")
            return usable[name]
        order = [usable[n] for n in self.optimal if n in usable]
        order += [l for l in usable.values() if l not in order]
        if country:
            order = [l for l in order if l.get("labels", {}).get(
                "country", "").lower() == country.lower()]
        if not order:
            raise Refused("SERVER_UNAVAILABLE")
        return order[0]

    def _pem(self, path):
        if path not in self.pem:
            with open(path, encoding="ascii") as f:
                self.pem[path] = f.read()
        return self.pem[path]

    def set_location(self, location):
        """Add or replace a location at run time; only given keys change."""
        with self.lock:
            old = dict(self.locations.get(location["name"], {}))
            old.update(location)
            self.locations[location["name"]] = old

    def drop_location(self, name):
        with self.lock:
            self.locations.pop(name, None)
