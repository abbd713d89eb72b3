# SPDX-License-Identifier: ISC
"""The second door: HTTP on a Unix or loopback socket, for tests and people.

POST /fault {"call": "provide", "mode": "http", "arg": 503, "times": 2}
POST /clear [{"call": "provide"}]      all faults, or those of one call
POST /location {"name": ..., ...}      add or change a location
POST /drop_location {"name": ...}
POST /user {"name": ..., ...}          add or change a user
POST /set {"credential_life": 5, "token_life": 0, "node_user": {...},
            "mixed": true}
POST /revoke                           every access token becomes invalid
GET  /log?since=N&wait=SECONDS         requests after the N-th
GET  /state                            faults, modes, users, locations
curl --unix-socket SOCKET -d '{"mode": "reset"}' http://x/fault
"""

import http.server
import json
import os
import socket
import socketserver
import urllib.parse

from . import faults as faults_mod


class UnixServer(socketserver.ThreadingMixIn, socketserver.TCPServer):
    address_family = socket.AF_UNIX
    daemon_threads = True

    def server_bind(self):
        if os.path.exists(self.server_address):
            os.unlink(self.server_address)
        self.socket.bind(self.server_address)
        os.chmod(self.server_address, 0o600)

    def get_request(self):
        connection, _ = self.socket.accept()
        return connection, ("unix", 0)


class TcpServer(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True
    allow_reuse_address = True


def make_server(where, backend):
    """where: "unix:/path" or "127.0.0.1:port"."""
    if where.startswith("unix:"):
        server = UnixServer(where[5:], AdminHandler)
    else:
        host, port = where.rsplit(":", 1)
        if host not in ("127.0.0.1", "localhost"):
            raise ValueError("the admin socket is for loopback only")
        server = TcpServer(("127.0.0.1", int(port)), AdminHandler)
    server.backend = backend
    return server


class AdminHandler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def put(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        backend = self.server.backend
        parts = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(parts.query))
        if parts.path == "/log":
            self.put(200, backend.log.since(int(query.get("since", 0)),
                                            float(query.get("wait", 0))))
        elif parts.path == "/state":
            calls = backend.calls
            self.put(200, {
                "faults": backend.faults.list(), "modes": faults_mod.MODES,
                "users": sorted(calls.accounts.users),
                "sessions": len(calls.accounts.sessions),
                "locations": sorted(calls.locations)})
        else:
            self.put(404, {"error": "unknown"})

    def do_POST(self):
        length = int(self.headers.get("Content-Length") or 0)
        try:
            given = json.loads(self.rfile.read(length) or b"{}")
            self.change(self.path, given)
        except LookupError as e:
            self.put(404, {"error": str(e)})
        except (ValueError, TypeError) as e:
            self.put(400, {"error": str(e)})
        else:
            self.put(200, {"ok": True})

    def change(self, path, given):
        backend = self.server.backend
        calls = backend.calls
        if path == "/fault":
            backend.faults.add(given)
        elif path == "/clear":
            backend.faults.clear(given.get("call"))
        elif path == "/location":
            calls.set_location(given)
        elif path == "/drop_location":
            calls.drop_location(given["name"])
        elif path == "/user":
            accounts = calls.accounts
            with accounts.lock:
                accounts.users.setdefault(given["name"], {}).update(given)
        elif path == "/set":
            if "credential_life" in given:
                calls.life = given["credential_life"]
            if "token_life" in given:
                calls.accounts.token_life = given["token_life"]
            if "mixed" in given:
                calls.config["mixed"] = given["mixed"]
            if "node_user" in given:
                calls.node_user = given["node_user"]
        elif path == "/revoke":
            calls.accounts.forget_sessions()
        else:
            raise LookupError("unknown: " + path)
