# SPDX-License-Identifier: ISC
"""Users, their devices and access tokens, and the limits of an account.

A user is an object of the configuration's "users": name, method, token (what
the OAuth provider would have given), password, and the optional max_devices,
max_sessions, suspended, traffic_limit and traffic_used.  Every anonymous
device is an account of its own.
"""

import secrets
import threading
import time


class Refused(Exception):
    """A business error: the code goes out as "result" with HTTP 200."""

    def __init__(self, code, text=""):
        super().__init__(code)
        self.code = code
        self.text = text or code.lower().replace("_", " ")


class Session:
    """One access token: who it is, on which device, until when."""

    def __init__(self, user, device, life):
        self.token = secrets.token_urlsafe(33)
        self.user = user
        self.device = device
        self.ends = time.time() + life if life else None

    def expired(self):
        return self.ends is not None and time.time() >= self.ends


class Accounts:
    def __init__(self, config):
        self.lock = threading.RLock()
        self.anonymous = config.get("anonymous", True)
        self.carriers = config.get("carriers")
        self.disabled_carriers = set(config.get("disabled_carriers", []))
        self.token_life = config.get("token_life", 0)
        self.users = {u["name"]: dict(u) for u in config.get("users", [])}
        self.devices = {}
        self.sessions = {}

    def login(self, carrier, device, method, token):
        with self.lock:
            if not carrier or not device or not method:
                raise Refused("BAD_REQUEST", "carrier_id, device_id and "
                              "auth_method are required")
            if carrier in self.disabled_carriers:
                raise Refused("CARRIER_DISABLED")
            if self.carriers is not None and carrier not in self.carriers:
                raise Refused("BAD_REQUEST", "no such carrier")
            user = self._who(device, method, token)
            self._check(user)
            known = self.devices.setdefault(user["name"], set())
            if device not in known and \
                    len(known) >= user.get("max_devices", 1 << 30):
                raise Refused("DEVICES_EXCEED")
            known.add(device)
            session = Session(user, device, self.token_life)
            self.sessions[session.token] = session
            return session

    def _who(self, device, method, token):
        if method == "anonymous":
            if not self.anonymous:
                raise Refused("OAUTH_ERROR", "anonymous is switched off")
            name = "anonymous:" + device
            return self.users.setdefault(name, {"name": name})
        for user in self.users.values():
            if user.get("method") == method and token and \
                    secrets.compare_digest(user.get("token", ""), token):
                return user
        raise Refused("OAUTH_ERROR")

    def _check(self, user):
        if user.get("suspended"):
            raise Refused("USER_SUSPENDED")

    def session(self, token):
        with self.lock:
            session = self.sessions.get(token or "")
            if session is None or session.expired():
                self.sessions.pop(token, None)
                raise Refused("NOT_AUTHORIZED")
            self._check(session.user)
            return session

    def logout(self, token):
        with self.lock:
            self.session(token)
            del self.sessions[token]

    def forget_sessions(self):
        """As if every token had been revoked."""
        with self.lock:
            self.sessions.clear()

    def verify(self, name, password):
        with self.lock:
            user = self.users.get(name or "")
            if user is None or not password or \
                    not secrets.compare_digest(user.get("password", ""),
                                               password):
                raise Refused("INVALID")
            self._check(user)

    def traffic(self, user):
        """(limit, used) or None without a limit."""
        with self.lock:
            limit = user.get("traffic_limit")
            if limit is None:
                return None
            return limit, user.get("traffic_used", 0)

    def may_connect(self, user):
        with self.lock:
            traffic = self.traffic(user)
            if traffic is not None and traffic[1] >= traffic[0]:
                raise Refused("TRAFFIC_EXCEED")
            live = sum(1 for s in self.sessions.values()
                       if s.user is user and not s.expired())
            if live > user.get("max_sessions", 1 << 30):
                raise Refused("SESSIONS_EXCEED")

    def describe(self, session):
        user = session.user
        return {"id": user["name"], "device_id": session.device,
                "registration_time": user.get("registration_time", 1),
                "connection_time": int(time.time()),
                "activated_devices": len(self.devices.get(user["name"], ())),
                "bundle": {"devices_total": user.get("max_devices", -1)}}
