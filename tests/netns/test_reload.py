# SPDX-License-Identifier: ISC
"""SIGHUP: the differences of the file are done, and nothing else."""

import json
import os
import signal

import pytest

from lab import traffic
from lab.capture import no_leak
from lab.rest import RestSuite
from lab.suite import Suite, expected_exit
from lab.util import wait_for

BERLIN, YORK = "de-berlin", "us-new-york"


@pytest.fixture
def suite(product, lab):
    with Suite(lab, {"phone": BERLIN, "tv": YORK}) as started:
        traffic.await_seen(lab, "phone", expected_exit(BERLIN))
        yield started
        troubles = started.trouble()
    assert not troubles, troubles


def write(suite, config):
    """As an editor does it: the file is another one afterwards."""
    text = config if isinstance(config, str) else json.dumps(config)
    with open(suite.config_path + ".edited", "w", encoding="utf-8") as f:
        f.write(text)
    os.chmod(suite.config_path + ".edited", 0o600)
    os.replace(suite.config_path + ".edited", suite.config_path)


def reload(suite, config=None):
    """What was logged of it."""
    if config is not None:
        write(suite, config)
    before = suite.log()
    suite.process.send_signal(signal.SIGHUP)

    def done():
        new = suite.log()[len(before):]
        return new if "keys need a restart" in new or \
            "everything stays as it was" in new else None
    return wait_for(done, 10, suite.log_tail)


def rules(suite):
    return {tuple(v for k, v in sorted(r.items()))
            for r in suite.status()["rules"]}


def edited(suite, **changes):
    config = json.loads(json.dumps(suite.config))
    config.update(changes)
    return config


def test_nothing_has_changed(lab, suite):
    before, routes = rules(suite), suite.status()["routes"]
    family = suite.family()
    told = reload(suite)
    assert "0 rules set, 0 removed, 0 failed; 0 keys" in told
    assert rules(suite) == before
    assert suite.family() == family
    assert [r["connects"] for r in suite.status()["routes"]] == \
        [r["connects"] for r in routes]
    for request in ("NET_RULE_SET", "NET_RULE_DEL", "PROTECT"):
        assert request not in told


def test_rules_are_added_removed_and_changed(lab, suite):
    """The phone moves, the tv is let go, the laptop comes in."""
    connects = {r["location"]: r["connects"]
                for r in suite.status()["routes"]}
    ips = [{"ip_addr": a, "vl": YORK} for a in suite.addresses("phone")] + \
        [{"ip_addr": a, "vl": BERLIN} for a in suite.addresses("laptop")]
    mac = [{"mac_addr": "02-00-00-00-00-77", "vl": YORK}]
    iface = [{"iface": "eth7", "vl": BERLIN}]
    told = reload(suite, edited(suite, protected_ip_addrs=ips,
                                protected_mac_addrs=mac,
                                protected_ifaces=iface))
    assert "6 rules set, 2 removed, 0 failed; 0 keys" in told
    traffic.await_seen(lab, "phone", expected_exit(YORK))
    traffic.await_seen(lab, "laptop", expected_exit(BERLIN))
    traffic.await_seen(lab, "tv", expected_exit(None))
    assert ("02:00:00:00:00:77", YORK) in rules(suite)
    assert ("eth7", BERLIN) in rules(suite)
    for r in suite.status()["routes"]:
        if r["location"] == BERLIN:     # it was up, and stays up
            assert r["connects"] == connects[BERLIN]
    told = reload(suite)
    assert "0 rules set, 0 removed, 0 failed; 0 keys" in told


def test_the_same_rule_in_another_spelling(suite):
    config = edited(suite)
    for r in config["protected_ip_addrs"]:
        if ":" in r["ip_addr"]:
            r["ip_addr"] = r["ip_addr"].replace("::", ":0:0:0:0:0:").upper() \
                if r["ip_addr"].count(":") == 3 else r["ip_addr"].upper()
    config["protected_ip_addrs"].reverse()
    told = reload(suite, config)
    assert "0 rules set, 0 removed, 0 failed; 0 keys" in told


def test_what_came_by_the_interface_stays(suite):
    suite.control.do("protect_ip", ip_addr="192.168.50.99", vl=YORK)
    phone = suite.addresses("phone")[0]
    suite.control.do("protect_ip", ip_addr=phone, vl=YORK)
    told = reload(suite, edited(suite, protected_mac_addrs=[
        {"mac_addr": "02:00:00:00:00:77", "vl": YORK}]))
    assert "1 rules set, 0 removed" in told
    assert ("192.168.50.99", YORK) in rules(suite)
    assert (phone, YORK) in rules(suite)


def test_what_was_dumped_can_be_removed(suite):
    suite.control.do("protect_ip", ip_addr="192.168.50.99", vl=YORK)
    suite.control.do("dump_config")
    with open(suite.config_path, encoding="utf-8") as f:
        config = json.load(f)
    assert "0 rules set, 0 removed" in reload(suite)
    config["protected_ip_addrs"] = [r for r in config["protected_ip_addrs"]
                                    if r["ip_addr"] != "192.168.50.99"]
    assert "0 rules set, 1 removed" in reload(suite, config)
    assert ("192.168.50.99", YORK) not in rules(suite)


def test_keys_that_need_a_restart(lab, suite):
    config = edited(suite, tun_mtu=1400, log_level="info",
                    default_gateway=1)
    config["ci_unix_domain"]["su_only"] = 0
    del config["data_report_interval"]
    for _ in range(2):      # it says so until it is done
        told = reload(suite, config)
        for key in ("tun_mtu", "log_level", "default_gateway",
                    "ci_unix_domain", "data_report_interval"):
            assert '"%s" has changed: needs a restart' % key in told
        assert "5 keys need a restart" in told
    assert traffic.seen_address(lab, "phone") == expected_exit(BERLIN)
    # a dump does not undo the edit
    suite.control.do("dump_config")
    with open(suite.config_path, encoding="utf-8") as f:
        found = json.load(f)
    assert found["tun_mtu"] == 1400
    assert "data_report_interval" not in found


@pytest.mark.parametrize("text, word", [
    ("", "line 1"), ("{", "line 1"), ("[]", "not a JSON object"),
    ({"tun_ifname": 7}, "tun_ifname"), ({"rule_priority": 0},
                                        "rule_priority"),
    ({"protected_ip_addrs": [{"ip_addr": "x", "vl": "de"}]},
     "protected_ip_addrs"),
    ({"ci_unix_domain": {"sock": 1}}, "sock"),
    ({"ci_unix_domain": {"su_only": 0, "async_sock": 3}}, "async_sock"),
    ({"ci_rest": {"token": "short"}}, "token")])
def test_a_broken_file_changes_nothing(lab, suite, text, word):
    """And it may hold good news beside the bad."""
    before = rules(suite)
    with no_leak(lab, "phone"):
        config = text if isinstance(text, str) else edited(
            suite, **{"protected_ip_addrs": [], "protected_ifaces": [
                {"iface": "eth5", "vl": YORK}], **text})
        told = reload(suite, config)
        assert "everything stays as it was" in told
        assert word in told
        assert rules(suite) == before
        assert traffic.seen_address(lab, "phone") == expected_exit(BERLIN)
    assert os.stat(suite.sock).st_mode & 0o777 == 0o600
    suite.control.close()       # a client of before, and a new one
    suite.control = None
    suite.await_control()
    told = reload(suite, suite.config)
    assert "0 rules set, 0 removed, 0 failed; 0 keys" in told


@pytest.mark.parametrize("what", ["gone", "fifo", "folder", "long"])
def test_the_file_is_no_file(suite, what):
    before = rules(suite)
    os.unlink(suite.config_path)
    if what == "fifo":
        os.mkfifo(suite.config_path)
    elif what == "folder":
        os.mkdir(suite.config_path)
    elif what == "long":
        with open(suite.config_path, "w", encoding="ascii") as f:
            f.write("{}" + " " * (3 << 20))
    told = reload(suite)
    assert "everything stays as it was" in told
    assert rules(suite) == before
    assert suite.control.do("ping")


def test_a_refused_rule_is_tried_again(suite):
    """An unknown location: said, the others are in force."""
    ips = suite.config["protected_ip_addrs"] + [
        {"ip_addr": "192.168.50.61", "vl": "xx-nowhere"},
        {"ip_addr": "192.168.50.62", "vl": YORK}]
    config = edited(suite, protected_ip_addrs=ips)
    told = reload(suite, config)
    assert "1 failed" in told
    assert "xx-nowhere" in told
    assert ("192.168.50.62", YORK) in rules(suite)
    ips[-2]["vl"] = BERLIN
    assert " 0 failed" in reload(suite, edited(suite, protected_ip_addrs=ips))
    assert ("192.168.50.61", BERLIN) in rules(suite)


def test_an_access_token(suite):
    told = reload(suite, edited(suite, access_token="new-token-of-a-friend"))
    assert '"access_token": changed' in told
    assert "0 keys need a restart" in told
    assert "new-token-of-a-friend" not in suite.log()


def test_the_token_that_was_given_stays_in_dumps(suite):
    token = suite.control.do("register", auth_method="firebase",
                             auth_token="oauth-alice")["access_token"]
    reload(suite)
    suite.control.do("dump_config")
    with open(suite.config_path, encoding="utf-8") as f:
        found = json.load(f)
    assert found["access_token"] == token
    assert found["auth_method"] == "firebase"


def test_hangups_in_a_row(suite):
    for _ in range(20):
        suite.process.send_signal(signal.SIGHUP)
    reload(suite)
    assert suite.control.do("ping")


def test_with_rest(product, lab):
    with RestSuite(lab, {"phone": BERLIN}) as suite:
        config = edited(suite)
        config["ci_rest"]["token"] = "another-token-of-length"
        told = reload(suite, config)
        assert '"ci_rest" has changed: needs a restart' in told
        assert suite.rest.ask("POST", "/api/ping").code == 200
        assert "another-token-of-length" not in suite.log()
