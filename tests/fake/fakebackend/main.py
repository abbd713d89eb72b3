# SPDX-License-Identifier: ISC
"""Configuration file and start-up.

{"listen": "203.0.113.40:443",            "[2001:db8::1]:443", or a list
 "tls": {"cert": PEM, "key": PEM, "wrong_cert": PEM, "wrong_key": PEM},
 "admin": "unix:/run/…/admin.sock", "log": "/…/requests.jsonl",
 "node_user": {"username": …, "password": …}, "hydra_cert": PEM,
 "credential_life": 86400, "token_life": 0, "anonymous": true,
 "users": […], "locations": [{"name", "labels", "servers": […]}],
 "faults": [{"call", "mode", …}], from the start, see faults.py
 "optimal": ["de-berlin"]}

Without "tls" it speaks plain HTTP, on loopback only.  Paths are relative to
the file's folder.  It prints "ready" once both sockets listen.
"""

import json
import os
import signal
import sys
import threading

from . import admin
from .calls import Calls
from .faults import Faults
from .server import RequestLog, Server


class Backend:
    def __init__(self, config):
        self.calls = Calls(config)
        self.faults = Faults()
        for fault in config.get("faults", []):
            self.faults.add(fault)
        self.log = RequestLog(config.get("log"))
        listen = config["listen"]
        self.servers = [self._server(a, config.get("tls")) for a in (
            [listen] if isinstance(listen, str) else listen)]
        self.server = self.servers[0]
        self.admin = admin.make_server(config["admin"], self) \
            if "admin" in config else None

    def _server(self, address, tls):
        host, port = address.rsplit(":", 1)
        host = host.strip("[]")
        if not tls and host not in ("127.0.0.1", "::1"):
            raise ValueError("without tls on loopback only")
        return Server((host, int(port)), tls, self.calls, self.faults,
                      self.log)

    def start(self):
        for server in filter(None, self.servers + [self.admin]):
            threading.Thread(target=server.serve_forever, args=(0.05,),
                             daemon=True).start()

    def stop(self):
        for server in self.servers:
            server.stopping.set()
        for server in filter(None, self.servers + [self.admin]):
            server.shutdown()
            server.server_close()


def load(path):
    with open(path, encoding="utf-8") as f:
        config = json.load(f)
    base = os.path.dirname(os.path.abspath(path))
    for holder in [config, config.get("tls", {})] + \
            config.get("locations", []):
        for key in ("cert", "key", "wrong_cert", "wrong_key", "hydra_cert",
                    "log"):
            if key in holder:
                holder[key] = os.path.join(base, holder[key])
    return config


def main(argv):
    if len(argv) != 1 or argv[0].startswith("-"):
        print("usage: backend CONFIG.json\n\n" + __doc__, file=sys.stderr)
        return 2
    try:
        backend = Backend(load(argv[0]))
    except (OSError, ValueError, KeyError) as e:
        print("backend: %s" % e, file=sys.stderr)
        return 1
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    backend.start()
    print("ready", flush=True)
    stop.wait()
    backend.stop()
    return 0
