# SPDX-License-Identifier: ISC
"""A firewall that forwards nothing by itself, as on OpenWrt: the document's
two rules are all that it needs for the tunnel."""

import pytest

from lab import names, traffic
from lab.capture import no_leak
from lab.suite import Suite, expected_exit

YORK = names.NODES[1]

POLICY = """\
table inet firewall {
 chain forward {
  type filter hook forward priority filter; policy drop;
  ct state established,related accept
  iifname "br-lan" oifname "wan0" accept
 }
}
"""
RULES = ('iifname "br-lan" oifname "wrt0" accept',
         'iifname "wrt0" oifname "br-lan" accept')


@pytest.fixture
def firewall(lab):
    lab.router.run("nft", "-f", "-", input=POLICY)
    yield
    lab.router.run("nft", "delete", "table", "inet", "firewall")


def test_the_documents_two_rules_are_enough(product, lab, firewall):
    with Suite(lab, {"phone": YORK}), no_leak(lab, "phone"):
        assert traffic.seen_address(lab, "phone", timeout=1) is None
        assert traffic.seen_address(lab, "tv") == expected_exit(None)
        for rule in RULES:
            lab.router.run("nft", "add rule inet firewall forward " + rule)
        for family in (4, 6):
            traffic.await_seen(lab, "phone", expected_exit(YORK, family),
                               family)
