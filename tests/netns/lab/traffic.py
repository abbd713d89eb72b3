# SPDX-License-Identifier: ISC
"""What a host of the LAN does: web, bulk data, UDP, pings, many connections.

Every function takes the lab and a host's name; the destination is the host's
own internet address of the given family (4 or 6), unless said otherwise.
"""

import collections
import contextlib
import errno
import hashlib
import json
import re
import selectors
import socket
import time

from . import inet, names
from .pcap import mark
from .util import LabError, Timeout

Bulk = collections.namedtuple("Bulk", "bytes seconds sha256 expected mbit_s")
Ping = collections.namedtuple("Ping", "sent received rtt_ms mtu text")


def target(lab, name, family=4):
    host = lab.host(name)
    return host.net4 if family == 4 else host.net6


def connect(lab, name, port, family=4, timeout=5, address=None, source=None):
    s = lab.ns[name].socket(
        socket.AF_INET if family == 4 else socket.AF_INET6)
    try:
        s.settimeout(timeout)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if source:
            s.bind((source, 0))
        s.connect((address or target(lab, name, family), port))
    except BaseException:
        s.close()
        raise
    return s


def http_get(lab, name, family=4, timeout=5, address=None, source=None):
    """What the internet saw: {"you", "port", "me", "mss"}."""
    deadline = time.monotonic() + timeout
    with connect(lab, name, names.HTTP, family, timeout, address,
                 source) as s:
        s.sendall(b"GET /" + mark(name) + b" HTTP/1.1\r\nHost: lab\r\n"
                  b"Connection: close\r\n\r\n")
        data = b""
        while True:
            head, gap, body = data.partition(b"\r\n\r\n")
            length = re.search(rb"Content-Length: (\d+)", head)
            if gap and length and len(body) >= int(length.group(1)):
                return json.loads(body)
            s.settimeout(max(0.01, deadline - time.monotonic()))
            got = s.recv(65536)
            if not got:
                raise ConnectionError("the answer ended early")
            data += got


def seen_address(lab, name, family=4, timeout=5):
    """The address that the internet sees, or None if nothing gets through."""
    try:
        return http_get(lab, name, family, timeout)["you"]
    except OSError:
        return None


def await_seen(lab, name, wanted, family=4, seconds=10):
    """Until the internet sees that address; None: nothing gets through."""
    await_value(lambda: seen_address(lab, name, family, 1.5), wanted,
                seconds, "%s over IPv%d" % (name, family))


def await_value(look, wanted, seconds, what):
    deadline = time.monotonic() + seconds
    while True:
        seen = look()
        if seen == wanted:
            return
        if time.monotonic() >= deadline:
            raise Timeout("%s: the internet sees %s, not %s" %
                          (what, seen, wanted))
        if seen is not None:
            time.sleep(0.02)


def download(lab, name, size, family=4, timeout=60, address=None,
             progress=None):
    digest = hashlib.sha256()
    got = 0
    start = time.monotonic()
    with connect(lab, name, names.BULK, family, timeout, address) as s:
        s.sendall(b"get %d %s\n" % (size, mark(name)))
        while True:
            _within(start, timeout)
            data = s.recv(1 << 18)
            if not data:
                break
            digest.update(data)
            got += len(data)
            if progress:
                progress(got)
    return _bulk(got, start, digest.hexdigest(), inet.pattern_sha256(size))


def upload(lab, name, size, family=4, timeout=60, address=None):
    """sha256 is what the server counted."""
    digest = hashlib.sha256()
    start = time.monotonic()
    with connect(lab, name, names.BULK, family, timeout, address) as s:
        s.sendall(b"put %d\n" % size)
        head = mark(name)[:size]
        digest.update(head)
        s.sendall(head)
        left = size - len(head)
        for block in inet.pattern(left):
            _within(start, timeout)
            digest.update(block)
            s.sendall(block)
        answer = b""
        while not answer.endswith(b"\n"):
            data = s.recv(200)
            if not data:
                break
            answer += data
    return _bulk(size, start, answer.decode().strip(), digest.hexdigest())


def _within(start, timeout):
    if time.monotonic() - start > timeout:
        raise Timeout("the transfer took more than %g s" % timeout)


def _bulk(size, start, seen, expected):
    seconds = time.monotonic() - start
    return Bulk(size, seconds, seen, expected,
                size * 8 / 1e6 / max(seconds, 1e-6))


def many_connections(lab, name, count=200, family=4, timeout=20):
    """How many of `count` connections, all open at once, echo their line."""
    with contextlib.ExitStack() as stack:
        selector = stack.enter_context(selectors.DefaultSelector())
        kind = socket.AF_INET if family == 4 else socket.AF_INET6
        where = (target(lab, name, family), names.BULK)
        deadline = time.monotonic() + timeout
        lines = {}
        with lab.ns[name].entered():
            for i in range(count):
                s = stack.enter_context(socket.socket(kind))
                s.setblocking(False)
                code = s.connect_ex(where)
                if code not in (0, errno.EINPROGRESS):
                    raise OSError(code, "connect")
                lines[s] = [b"echo\n" + mark(name) + b"line %d\n" % i, b""]
                selector.register(s, selectors.EVENT_WRITE)
        connected = 0
        while connected < count and time.monotonic() < deadline:
            for key, _ in selector.select(0.2):
                code = key.fileobj.getsockopt(socket.SOL_SOCKET,
                                              socket.SO_ERROR)
                selector.unregister(key.fileobj)
                if code == 0:
                    connected += 1
                else:
                    raise OSError(code, "connection %d" % connected)
        if connected < count:
            return 0
        for s, pair in lines.items():       # all of them are open now
            s.send(pair[0])
            selector.register(s, selectors.EVENT_READ)
        good = 0
        while good < count and time.monotonic() < deadline:
            for key, _ in selector.select(0.2):
                pair = lines[key.fileobj]
                data = key.fileobj.recv(4096)
                pair[1] += data
                if not data or pair[1].endswith(b"\n"):
                    selector.unregister(key.fileobj)
                    good += pair[0] == b"echo\n" + pair[1]
        return good


def udp_echo(lab, name, size=500, count=20, family=4, timeout=3,
             address=None):
    """How many of `count` datagrams came back as they were sent."""
    kind = socket.AF_INET if family == 4 else socket.AF_INET6
    where = (address or target(lab, name, family), names.UDP_ECHO)
    wanted = set()
    with lab.ns[name].socket(kind, socket.SOCK_DGRAM) as s:
        s.connect(where)
        s.settimeout(timeout)
        for i in range(count):
            text = mark(name) + b"%d " % i
            text += b"." * (size - len(text))
            wanted.add(text)
            s.send(text)
        good = 0
        deadline = time.monotonic() + timeout
        while wanted and time.monotonic() < deadline:
            try:
                data = s.recv(65536)
            except OSError:
                break
            if data in wanted:
                wanted.remove(data)
                good += 1
    return good


def ping(lab, name, size=56, count=3, family=4, df=False, timeout=3,
         address=None):
    """ping(8): size is the data; mtu is what an error on the way told."""
    argv = ["ping", "-%d" % family, "-n", "-c", str(count), "-i", "0.1",
            "-s", str(size), "-w", str(timeout)]
    if df:
        argv += ["-M", "do"]
    done = lab.ns[name].run(*argv, address or target(lab, name, family),
                            check=False, timeout=timeout + 5)
    counts = re.search(r"(\d+) packets transmitted, (\d+) received",
                       done.stdout)
    if not counts:
        raise LabError("ping: " + done.stdout)
    rtt = re.search(r"= [\d.]+/([\d.]+)/", done.stdout)
    mtu = re.search(r"mtu ?= ?(\d+)", done.stdout)
    return Ping(int(counts.group(1)), int(counts.group(2)),
                float(rtt.group(1)) if rtt else None,
                int(mtu.group(1)) if mtu else None, done.stdout)


def iperf3(lab, name, seconds=2, reverse=False, parallel=1, family=4,
           address=None):
    """Mbit/s as the receiver counts them."""
    argv = ["iperf3", "-%d" % family, "-J", "-t", str(seconds), "-P",
            str(parallel), "-c", address or target(lab, name, family)]
    done = lab.ns[name].run(*(argv + (["-R"] if reverse else [])),
                            timeout=seconds + 15, check=False)
    try:
        answer = json.loads(done.stdout)
        return answer["end"]["sum_received"]["bits_per_second"] / 1e6
    except (ValueError, KeyError):
        raise LabError("iperf3: " + done.stdout[-400:]) from None


def resolve(lab, name, question, server, timeout=3):
    """The A record that the resolver `server` gives, over UDP."""
    packet = b"\x12\x34\1\0\0\1\0\0\0\0\0\0" + b"".join(
        bytes([len(l)]) + l.encode() for l in question.split(".")) + \
        b"\0\0\1\0\1"
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    with lab.ns[name].socket(family, socket.SOCK_DGRAM) as s:
        s.settimeout(timeout)
        s.connect((server, 53))
        s.send(packet)
        answer = s.recv(1500)
    if answer[:2] != packet[:2] or answer[6:8] != b"\0\1":
        raise LabError("no address for %s: %r" % (question, answer))
    return socket.inet_ntoa(answer[-4:])


def forget_connections(lab, name):
    """What one test left half closed must not be seen in the next one.

    A rule that goes takes the host's entries of conntrack along; the last
    packets of its old connections then leave by no NAT.
    """
    far = lab.host(name)
    for space in (lab.internet, lab.ns[name]):
        for address in (far.net4, "[%s]" % far.net6):
            for end in ("src", "dst"):
                space.run("ss", "-K", "-t", end, address, check=False)
