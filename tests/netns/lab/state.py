# SPDX-License-Identifier: ISC
"""What a program can leave on a router, as text that can be compared.

Not what the tools say beside it: `ip` complains of a peer's namespace when
another laboratory goes away at that moment.
"""

import re

COMMANDS = {
    "links": ["ip", "-o", "link"],
    "addresses": ["ip", "-o", "addr"],
    "rules4": ["ip", "-4", "rule"],
    "rules6": ["ip", "-6", "rule"],
    "routes4": ["ip", "-4", "route", "show", "table", "all"],
    "routes6": ["ip", "-6", "route", "show", "table", "all"],
    "nftables": ["nft", "list", "ruleset"],
    "sysctl": ["sh", "-c", "grep -rs . /proc/sys/net/ipv4/conf "
               "/proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/*/"
               "forwarding | grep -v /wrt0/ | sort"],
}
_VOLATILE = re.compile(
    r" (expires|hoplimit|cache|valid_lft|preferred_lft|qlen|pref) \S+"
    r"|(NO-CARRIER|counter packets \d+ bytes \d+)")


def snapshot(space):
    """{topic: sorted lines} of a namespace."""
    found = {}
    for topic, argv in COMMANDS.items():
        text = space.run("sh", "-c", 'exec "$@" 2>/dev/null', "sh", *argv,
                         check=False).stdout
        found[topic] = sorted(
            _VOLATILE.sub("", line).rstrip() for line in text.splitlines())
    return found


def difference(before, after):
    """Readable lines, none if the two are the same."""
    lines = []
    for topic in before:
        gone = [l for l in before[topic] if l not in after[topic]]
        come = [l for l in after[topic] if l not in before[topic]]
        lines += ["%s: - %s" % (topic, l) for l in gone]
        lines += ["%s: + %s" % (topic, l) for l in come]
    return lines
