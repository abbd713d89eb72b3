# SPDX-License-Identifier: ISC
"""HTTP and TLS around the calls, with the faults in between.

One thread a connection; the TLS handshake is done in that thread, so a slow
client holds up nobody.  Every request is one JSON line of the log, without
the values of secret parameters.
"""

import http.server
import json
import socket
import socketserver
import ssl
import struct
import threading
import time
import urllib.parse

from . import faults as faults_mod
from .accounts import Refused
from .calls import SECRET_PARAMS

MAX_BODY = 64 * 1024


class RequestLog:
    """The requests so far, in memory and as JSON lines in a file."""

    def __init__(self, path=None):
        self.changed = threading.Condition()
        self.lines = []
        self.file = open(path, "a", encoding="utf-8") if path else None

    def add(self, **entry):
        entry["time"] = round(time.time(), 3)
        with self.changed:
            entry["n"] = len(self.lines) + 1
            self.lines.append(entry)
            if self.file:
                self.file.write(json.dumps(entry) + "\n")
                self.file.flush()
            self.changed.notify_all()

    def since(self, n, wait=0.0):
        """Entries after the n-th; waits up to `wait` seconds for the first."""
        with self.changed:
            self.changed.wait_for(lambda: len(self.lines) > n, wait)
            return self.lines[n:]


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address, tls, calls, faults, log):
        self.calls = calls
        self.table = calls.table()
        self.faults = faults
        self.log = log
        self.stopping = threading.Event()
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, Handler)
        self.tls = self._context(tls, "cert", "key") if tls else None
        self.wrong_tls = self._context(tls, "wrong_cert", "wrong_key") \
            if tls and "wrong_cert" in tls else None

    def server_bind(self):
        # HTTPServer would ask the resolver for the host's name here.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]

    @staticmethod
    def _context(tls, cert, key):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(tls[cert], tls[key])
        return context

    def finish_request(self, request, client_address):
        if self.tls is not None:
            context = self.tls
            if self.wrong_tls and self.faults.take_certificate():
                context = self.wrong_tls
            request.settimeout(30)
            try:
                request = context.wrap_socket(request, server_side=True)
            except (OSError, ValueError) as e:
                self.log.add(call="(tls)", peer=client_address[0],
                             error=str(e))
                return
        try:
            self.RequestHandlerClass(request, client_address, self)
        finally:
            if self.tls is not None:
                request.close()

    def handle_error(self, request, client_address):
        pass        # a client that goes away in the middle is no news


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "reference-backend"
    timeout = 60

    def log_message(self, *args):
        pass

    def do_GET(self):
        parts = urllib.parse.urlsplit(self.path)
        self.serve("GET", parts.path, parts.query)

    def do_POST(self):
        length = int(self.headers.get("Content-Length") or 0)
        if length > MAX_BODY:
            self.close_connection = True
            self.put(413, b"too long")
            return
        body = self.rfile.read(length).decode("utf-8", "replace")
        self.serve("POST", urllib.parse.urlsplit(self.path).path, body)

    def serve(self, method, path, text):
        server = self.server
        params = dict(urllib.parse.parse_qsl(text, keep_blank_values=True))
        call = path.rsplit("/", 1)[-1]
        fault = server.faults.take(call, params) or {}
        shown = {k: "***" if k in SECRET_PARAMS else v
                 for k, v in params.items()}
        note = {"call": call, "method": method, "path": path,
                "params": shown, "peer": self.client_address[0]}
        if fault:
            note["fault"] = fault["mode"]
        known = server.table.get(path)
        if known is None or known[0] != method:
            server.log.add(**note, status=404 if known is None else 405)
            self.put(404 if known is None else 405, b"{}")
            return
        try:
            answer = dict({"result": "OK"}, **known[1](params))
        except Refused as e:
            answer = {"result": e.code, "error": e.text}
        if fault.get("mode") == "code":
            answer = {"result": fault["arg"], "error": "as the fault says"}
        server.log.add(**note, result=answer["result"])
        self.answer(answer, fault)

    def answer(self, answer, fault):
        mode, arg = fault.get("mode"), fault.get("arg")
        special = getattr(self, "fault_" + mode, None) if mode else None
        if special:
            special(answer, arg)
            return
        answer = faults_mod.distort(answer, mode)
        self.put(200, json.dumps(answer).encode())

    def put(self, status, body, kind="application/json", length=None,
            headers=()):
        self.head(status, kind, len(body) if length is None else length,
                  headers)
        self.wfile.write(body)

    def head(self, status, kind, length, headers=()):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()

    # Faults that replace the answer; named fault_MODE.

    def fault_delay(self, answer, arg):
        self.server.stopping.wait(2 if arg is None else float(arg))
        self.put(200, json.dumps(answer).encode())

    def fault_hang(self, answer, arg):
        self.close_connection = True
        self.connection.settimeout(120)
        while self.rfile.read(1):
            pass

    def fault_reset(self, answer, arg):
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                   struct.pack("ii", 1, 0))
        # Below TLS, so that no close_notify comes before the RST.
        socket.socket(fileno=self.connection.detach()).close()

    def fault_close(self, answer, arg):
        self.close_connection = True

    def fault_http(self, answer, arg):
        status = int(arg or 503)
        self.put(status, b"<html><body>status %d</body></html>" % status,
                 "text/html")

    def fault_garbage(self, answer, arg):
        self.put(200, b"\x00\xff{\"result\": \"OK\", not JSON at all")

    def fault_not_object(self, answer, arg):
        self.put(200, b"[\"OK\"]")

    def fault_truncated(self, answer, arg):
        body = json.dumps(answer).encode()
        self.close_connection = True
        self.put(200, body[:len(body) // 2], length=len(body))

    def fault_huge(self, answer, arg):
        body = json.dumps(dict(answer, filler="x" * int(arg or 2 << 20)))
        self.put(200, body.encode())

    def fault_redirect(self, answer, arg):
        if arg == "same":
            arg = self.path
        self.put(302, b"{}", headers=[
            ("Location", arg or "https://elsewhere.example/user/login")])

    def fault_trickle(self, answer, arg):
        body = json.dumps(answer).encode()
        pause = 0.5 if arg is None else float(arg)
        self.head(200, "application/json", len(body))
        for i in range(len(body)):
            self.wfile.write(body[i:i + 1])
            if self.server.stopping.wait(pause):
                return
