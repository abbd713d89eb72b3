# SPDX-License-Identifier: ISC
"""`afwrt-ctl guard`: blocked before the network and the service come up."""

import json
import os

import pytest

from lab import names, traffic
from lab.capture import no_leak
from lab.state import difference, snapshot
from lab.suite import Suite, expected_exit

RULES = {"phone": "de-berlin"}


@pytest.fixture
def make(product, lab):
    """A suite's configuration that is written and not started."""
    made = []

    def one(rules=None, **config):
        suite = Suite(lab, rules, **config)
        with open(suite.config_path, "w", encoding="utf-8") as f:
            json.dump(suite.config, f)
        made.append(suite)
        return suite
    before = snapshot(lab.router)
    yield one
    for suite in made:
        suite.stop()
    made[-1].ctl("unblock")
    assert difference(before, snapshot(lab.router)) == []


def direct(lab, name, family=4):
    return traffic.seen_address(lab, name, family, 1)


def wan_speaks(lab):
    """A capture that saw nothing proves nothing."""
    lab.internet.run("ping", "-c", "1", "-W", "2", names.ROUTER4,
                     check=False)


def test_blocked_from_guard_to_the_tunnel(lab, make):
    suite = make(RULES, killswitch=1)
    with no_leak(lab, "phone"):
        assert json.loads(suite.ctl("--json", "guard", suite.config_path)
                          .stdout)["guarded"] is True
        assert suite.family() == {}
        for family in (4, 6):
            assert direct(lab, "phone", family) is None
            assert direct(lab, "tv", family) == expected_exit(None, family)
        suite.start()
        for family in (4, 6):
            traffic.await_seen(lab, "phone", expected_exit(
                "de-berlin", family), family)


def test_twice_is_as_once(lab, make):
    suite = make(RULES, killswitch=1)
    suite.ctl("guard", suite.config_path)
    once = snapshot(lab.router)
    suite.ctl("guard", suite.config_path)
    assert difference(once, snapshot(lab.router)) == []


def test_without_a_killswitch_nothing_is_touched(lab, make):
    suite = make(RULES)
    before = snapshot(lab.router)
    done = suite.ctl("guard", suite.config_path)
    assert "killswitch" in done.stdout + (done.stderr or "")
    assert difference(before, snapshot(lab.router)) == []


@pytest.mark.parametrize("config", [{}, {"default_gateway": 1}],
                         ids=["selective", "default-gateway"])
def test_the_uplink_comes_after_it(lab, make, config):
    """No interface of the configuration has to be there."""
    suite = make(RULES, killswitch=1, **config)
    lab.router.ip("link set wan0 down", "link set wan0 name later0")
    try:
        suite.ctl("guard", suite.config_path)
    finally:
        lab.router.ip("link set later0 name wan0", "link set wan0 up",
                      "addr replace 2001:db8:1::2/64 dev wan0 nodad",
                      "route replace default via 203.0.113.1",
                      "route replace ::/0 via 2001:db8:1::1")
    everybody = lab.host_names if config else ("phone",)
    with no_leak(lab, *everybody):
        wan_speaks(lab)
        for name in everybody:
            for family in (4, 6):
                assert direct(lab, name, family) is None
    if not config:
        traffic.await_seen(lab, "tv", expected_exit(None))


def test_a_port_that_joins_its_bridge_later(lab, make):
    port = "l-phone"
    suite = make(killswitch=1, protected_ifaces=[
        {"iface": port, "vl": "de-berlin"}])
    lab.router.ip("link set %s down" % port, "link set %s nomaster" % port,
                  "link set %s name early0" % port)
    try:
        suite.ctl("guard", suite.config_path)
    finally:
        lab.router.ip("link set early0 name " + port,
                      "link set %s master br-lan" % port,
                      "link set %s up" % port)
    with no_leak(lab, "phone"):
        traffic.await_seen(lab, "tv", expected_exit(None))
        for family in (4, 6):
            assert direct(lab, "phone", family) is None


def test_not_beside_a_running_service(lab, make):
    suite = make(RULES, killswitch=1)
    suite.start()
    traffic.await_seen(lab, "phone", expected_exit("de-berlin"))
    assert suite.ctl("guard", suite.config_path,
                     check=False).returncode == 1
    assert traffic.seen_address(lab, "phone") == expected_exit("de-berlin")


@pytest.mark.parametrize("text", ["{", "[]", '{"killswitch": 7}', None])
def test_bad_files_are_refused(lab, make, text):
    suite = make(RULES, killswitch=1)
    if text is None:
        os.unlink(suite.config_path)
    else:
        with open(suite.config_path, "w", encoding="utf-8") as f:
            f.write(text)
    before = snapshot(lab.router)
    done = suite.ctl("guard", suite.config_path, check=False)
    assert done.returncode == 1
    assert difference(before, snapshot(lab.router)) == []
    with open(suite.config_path, "w", encoding="utf-8") as f:
        json.dump(suite.config, f)


def test_of_a_wireguard_configuration(lab, make):
    """The same guard: it only blocks, so its mark and table do for all."""
    suite = make(RULES, killswitch=1, type="wireguard",
                 wireguard_routing="managed", vl_default="")
    suite.ctl("guard", suite.config_path)
    with no_leak(lab, "phone"):
        wan_speaks(lab)
        for family in (4, 6):
            assert direct(lab, "phone", family) is None
            assert direct(lab, "tv", family) == expected_exit(None, family)
        suite.start()
        for family in (4, 6):
            assert direct(lab, "phone", family) is None
