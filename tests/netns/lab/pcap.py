# SPDX-License-Identifier: ISC
"""What may be seen on the WAN, and a reader for capture files.

A whitelist: an address of the WAN itself may talk to another one, or to the
internet address of a host that is not protected.  Whatever else carries IP
is a leak: LAN and tunnel addresses, and the internet addresses that only a
protected host talks to, also where they stand in an ICMP error's inner
header or in IP within IP.  So is the clear-text mark of a protected host
(traffic.MARK) in any payload.
"""

import ipaddress
import re
import struct

from . import names

MARKER_TYPE = 0x88b5            # IEEE 802: local experimental
ICMP4_ERRORS = frozenset((3, 4, 5, 11, 12))
ICMP6_ERRORS = frozenset((1, 2, 3, 4))


class Leak:
    def __init__(self, number, when, why):
        self.number, self.when, self.why = number, when, why

    def __repr__(self):
        return "packet %d at %.6f: %s" % (self.number, self.when, self.why)


class Rules:
    """protected: names of hosts; router: the router's own traffic too.

    direct: hosts that had a rule and have none any more.  The last packets of
    the connections that they had then find no entry of conntrack, so that no
    NAT is done for them: they may be seen as they left the host.
    """

    def __init__(self, lab, protected, router=False, direct=()):
        self.owner = {}
        self.as_left = set()
        for name in direct:
            host = lab.host(name)
            for pair in ((host.lan4, host.net4), (host.lan6, host.net6)):
                self.as_left.add(tuple(
                    ipaddress.ip_address(a).packed for a in pair))
        allowed = set()
        for name in lab.host_names:
            host = lab.host(name)
            for address in (host.net4, host.net6):
                packed = ipaddress.ip_address(address).packed
                self.owner[packed] = name
                if name not in protected:
                    allowed.add(packed)
        if not router:
            allowed |= {ipaddress.ip_address(a).packed
                        for a in names.SHARED4 + names.SHARED6}
        self.allowed = frozenset(allowed)
        self.marks = re.compile(b"|".join(
            re.escape(mark(name)) for name in protected) or b"(?!)")

    def judge(self, frame):
        """None if the frame may be there, else the reason."""
        kind = frame[12:14]
        start = 14
        if kind == b"\x81\x00":
            kind, start = frame[16:18], 18
        if kind == b"\x08\x00":
            why = self.judge4(frame, start)
        elif kind == b"\x86\xdd":
            why = self.judge6(frame, start)
        else:
            return None
        if why is None:
            found = self.marks.search(frame, start)
            if found:
                why = "clear text of a protected host: %r" % found.group()
        return why

    def judge4(self, frame, at):
        source, target = frame[at + 12:at + 16], frame[at + 16:at + 20]
        if len(target) < 4:
            return "a cut IPv4 header"
        wan_source = source[:3] == WAN4
        if not wan_source or target[:3] != WAN4:
            if not (wan_source and target in self.allowed or
                    target[:3] == WAN4 and source in self.allowed or
                    target >= b"\xe0" and (wan_source or
                                           source == b"\0\0\0\0")):
                return self.explain(source, target)
        protocol = frame[at + 9]
        body = at + (frame[at] & 15) * 4
        if frame[at + 6] & 0x1f or frame[at + 7]:
            return None             # a later fragment has no header
        return self.judge_body(frame, protocol, body)

    def judge6(self, frame, at):
        source, target = frame[at + 8:at + 24], frame[at + 24:at + 40]
        if len(target) < 16:
            return "a cut IPv6 header"
        wan_source = source[:8] == WAN6 or source[:2] == b"\xfe\x80"
        wan_target = target[:8] == WAN6 or target[:2] == b"\xfe\x80"
        if not (wan_source and wan_target or
                wan_source and target in self.allowed or
                wan_target and source in self.allowed or
                target[0] == 0xff and (wan_source or not any(source))):
            return self.explain(source, target)
        return self.judge_body(frame, frame[at + 6], at + 40)

    def judge_body(self, frame, protocol, at):
        if len(frame) <= at:
            return None
        if protocol == 1 and frame[at] in ICMP4_ERRORS:
            return inner(self.judge4(frame, at + 8))
        if protocol == 58 and frame[at] in ICMP6_ERRORS:
            return inner(self.judge6(frame, at + 8))
        if protocol == 4:
            return inner(self.judge4(frame, at))
        if protocol == 41:
            return inner(self.judge6(frame, at))
        if protocol in (0, 43, 44, 60) and len(frame) > at + 1:
            if protocol == 44:
                if len(frame) < at + 4 or frame[at + 2] or \
                        frame[at + 3] & 0xf8:
                    return None
                return self.judge_body(frame, frame[at], at + 8)
            return self.judge_body(frame, frame[at],
                                   at + 8 + frame[at + 1] * 8)
        return None

    def explain(self, source, target):
        if (source, target) in self.as_left:
            return None
        text = "%s > %s" % (ipaddress.ip_address(source),
                            ipaddress.ip_address(target))
        owner = self.owner.get(target) or self.owner.get(source)
        return text + (" (only %s talks to that)" % owner if owner else "")


WAN4 = ipaddress.ip_network(names.WAN4).network_address.packed[:3]
WAN6 = ipaddress.ip_network(names.WAN6).network_address.packed[:8]


def inner(why):
    return "inside: " + why if why else None


def mark(name):
    """The clear-text mark in everything that a host says in the lab."""
    return b"lab-clear:" + name.encode() + b":"


class Reader:
    """Reads a growing pcap file; frames() gives what is new and whole."""

    def __init__(self, path):
        self.file = open(path, "rb")
        self.rest = b""
        self.order = None
        self.fraction = 1e-6

    def close(self):
        self.file.close()

    def frames(self):
        """Yields (time, frame)."""
        data = self.rest + self.file.read()
        at = 0
        if self.order is None:
            if len(data) < 24:
                self.rest = data
                return
            at = self._head(data)
        unpack = struct.Struct(self.order + "IIII").unpack_from
        size = len(data)
        while size - at >= 16:
            seconds, parts, kept, _ = unpack(data, at)
            if size - at - 16 < kept:
                break
            yield (seconds + parts * self.fraction,
                   data[at + 16:at + 16 + kept])
            at += 16 + kept
        self.rest = data[at:]

    def _head(self, data):
        magics = {b"\xd4\xc3\xb2\xa1": ("<", 1e-6),
                  b"\x4d\x3c\xb2\xa1": ("<", 1e-9),
                  b"\xa1\xb2\xc3\xd4": (">", 1e-6),
                  b"\xa1\xb2\x3c\x4d": (">", 1e-9)}
        if data[:4] not in magics:
            raise ValueError("not a pcap file")
        self.order, self.fraction = magics[data[:4]]
        if struct.unpack_from(self.order + "I", data, 20)[0] != 1:
            raise ValueError("not Ethernet")
        return 24
