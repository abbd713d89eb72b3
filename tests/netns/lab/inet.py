#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""The services of the "internet" host, one process, IPv4 and IPv6.

HTTP 80: GET /anything answers JSON {"you", "port", "me"}: the addresses that
         it sees, and the TCP segment size.
TCP 7001: commands, one line each:
    "get N"   sends N bytes of the pattern, then closes
    "put N"   reads N bytes, answers their SHA-256 in hex and closes
    "echo"    every line comes back (the ticker)
UDP 7002: echo.   TCP 7003: discard.
UDP 53:   answers every A and AAAA question (see dns_answer); the names come
         as JSON in the first argument: {name: [IPv4, IPv6]}
"""

import hashlib
import json
import socket
import socketserver
import struct
import sys
import threading

DEFAULT = ("198.51.100.80", "2001:db8:2::80")
BLOCK = bytes(range(256)) * 256         # 64 KiB


def pattern(total):
    """The bytes of "get": blocks that differ by a leading counter."""
    sent = 0
    number = 0
    while sent < total:
        block = struct.pack("!Q", number) + BLOCK[8:]
        block = block[:total - sent]
        yield block
        sent += len(block)
        number += 1


def pattern_sha256(total):
    digest = hashlib.sha256()
    for block in pattern(total):
        digest.update(block)
    return digest.hexdigest()


def plain(address):
    """An IPv4 address that came through a dual-stack socket, as IPv4."""
    return address[7:] if address.startswith("::ffff:") else address


class Dual(socketserver.ThreadingTCPServer):
    address_family = socket.AF_INET6
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 512

    def server_bind(self):
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()

    def handle_error(self, request, client_address):
        pass


class Web(socketserver.StreamRequestHandler):
    timeout = 120

    def handle(self):
        while True:
            line = self.rfile.readline(8192)
            while line and self.rfile.readline(8192).strip():
                pass
            if not line:
                return
            body = json.dumps({
                "you": plain(self.client_address[0]),
                "port": self.client_address[1],
                "me": plain(self.connection.getsockname()[0]),
                "mss": self.connection.getsockopt(
                    socket.IPPROTO_TCP, socket.TCP_MAXSEG)}).encode()
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/"
                             b"json\r\nContent-Length: %d\r\n\r\n%s" %
                             (len(body), body))


class Bulk(socketserver.StreamRequestHandler):
    timeout = 300

    def handle(self):
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        words = self.rfile.readline(200).split()
        if words[:1] == [b"get"]:
            for block in pattern(int(words[1])):
                self.wfile.write(block)
        elif words[:1] == [b"put"]:
            self.put(int(words[1]))
        elif words[:1] == [b"echo"]:
            for line in self.rfile:
                self.wfile.write(line)

    def put(self, left):
        digest = hashlib.sha256()
        while left:
            data = self.rfile.read1(min(left, 1 << 18))
            if not data:
                return
            digest.update(data)
            left -= len(data)
        self.wfile.write(digest.hexdigest().encode() + b"\n")


class Discard(socketserver.BaseRequestHandler):
    def handle(self):
        while self.request.recv(1 << 18):
            pass


def dns_name(question):
    """(name, where the question's name ends)"""
    labels, at = [], 12
    while at < len(question) and question[at]:
        labels.append(question[at + 1:at + 1 + question[at]])
        at += question[at] + 1
    return b".".join(labels).decode("ascii", "replace").lower(), at


def dns_answer(question, me, table):
    """A and AAAA from the table; "whoami" is the address that was asked."""
    name, end = dns_name(question)
    kind = question[end + 1:end + 3]
    body = question[12:end + 5]
    known = (me, me) if name == "whoami" else table.get(name, DEFAULT)
    family = {b"\0\x01": socket.AF_INET,
              b"\0\x1c": socket.AF_INET6}.get(kind)
    data = b""
    if family is not None:
        try:
            data = socket.inet_pton(family, known[family != socket.AF_INET])
        except OSError:
            pass
    head = question[:2] + b"\x81\x80\0\x01\0" + \
        (b"\x01" if data else b"\0") + b"\0\0\0\0"
    if not data:
        return head + body
    return head + body + b"\xc0\x0c" + kind + b"\0\x01\0\0\0\x3c" + \
        struct.pack("!H", len(data)) + data


def udp_server(port, reply):
    """Answers from the very address that was asked, as a router needs it."""
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    s.bind(("::", port))

    def serve():
        while True:
            data, extra, _, peer = s.recvmsg(65535, 256)
            info = [(level, kind, value[:16] + b"\0\0\0\0")
                    for level, kind, value in extra]
            me = plain(socket.inet_ntop(socket.AF_INET6, info[0][2][:16]))
            try:
                s.sendmsg([reply(data, me)], info, 0, peer)
            except OSError as e:
                print("udp:", e, file=sys.stderr, flush=True)

    threading.Thread(target=serve, daemon=True).start()


def main():
    servers = [Dual(("::", 80), Web), Dual(("::", 7001), Bulk),
               Dual(("::", 7003), Discard)]
    table = json.loads(sys.argv[1]) if len(sys.argv) > 1 else {}
    udp_server(7002, lambda data, me: data)
    udp_server(53, lambda data, me: dns_answer(data, me, table))
    for server in servers[1:]:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print("ready", flush=True)
    servers[0].serve_forever()


if __name__ == "__main__":
    main()
