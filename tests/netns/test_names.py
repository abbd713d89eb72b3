# SPDX-License-Identifier: ISC
"""Names: of the backend, of nodes, and the resolver of a protected host."""

from lab import names, traffic
from lab.capture import no_leak
from lab.suite import Suite, expected_exit


def test_backend_and_node_by_name(product, lab):
    lab.admin.location("us-new-york", servers=[names.server(
        "us-new-york", address=names.tls_name("us-new-york"))])
    try:
        with Suite(lab, {"phone": "us-new-york"},
                   backend="https://" + names.BACKEND_NAME):
            traffic.await_seen(lab, "phone", expected_exit("us-new-york"))
    finally:
        lab.admin.location(**names.location("us-new-york"))


def test_the_next_backend_is_asked(product, lab):
    with Suite(lab, {"phone": "de-berlin"}, backend=[
            "https://%s:9" % names.BACKEND4, lab.backend_url]):
        traffic.await_seen(lab, "phone", expected_exit("de-berlin"),
                           seconds=20)


def test_the_resolver_is_the_hosts_own_choice(product, lab):
    asked = lab.host("phone").net4
    with Suite(lab, {"phone": "de-berlin"}), no_leak(lab, "phone"):
        traffic.await_seen(lab, "phone", expected_exit("de-berlin"))
        assert traffic.resolve(lab, "phone", "whoami", asked) == asked


def test_dns_tunnel_asks_the_locations_resolver(product, lab):
    asked = lab.host("phone").net4
    with Suite(lab, {"phone": "de-berlin"}, dns="tunnel"), \
            no_leak(lab, "phone"):
        traffic.await_seen(lab, "phone", expected_exit("de-berlin"))
        assert traffic.resolve(lab, "phone", "whoami", asked) == \
            names.RESOLVER4
