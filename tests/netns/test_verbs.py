# SPDX-License-Identifier: ISC
"""The command line: each verb's answer, exit code and secrecy."""

import json
import os
import shutil
import subprocess

import pytest

from lab import names, schema, traffic
from lab.suite import Suite, expected_exit
from lab.util import wait_for
from lab.verbs import answer, fails, put

COMPLETE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(
    __file__))), "unit", "complete.sh")
BERLIN, YORK = "de-berlin", "us-new-york"
LOCATIONS = ("xx-dead",)
PASSWORD = "pw-of-bob-31415"
WGCONF = """[Interface]
PrivateKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=
Address = 10.2.0.2/32
[Peer]
PublicKey = xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=
PresharedKey = TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0=
Endpoint = vpn.example.net:51820
AllowedIPs = 0.0.0.0/0
"""


@pytest.fixture
def ready(lab, suite):
    traffic.await_seen(lab, "phone", expected_exit(BERLIN))
    return suite


# Schemas


def test_each_answer_is_as_its_schema_says(product, lab, ready):
    done = set()

    def ask(verb, *words, **kw):
        done.add(verb)
        return answer(product, ready, verb, *words, **kw)
    assert ask("version")["version"]
    assert {r["request"] for r in ask("requests")["requests"]} >= {
        "explain", "history", "metrics"}
    assert len(ask("status")["processes"]) == 4
    assert {l["name"] for l in ask("locations")["locations"]} >= {BERLIN}
    assert ask("countries")["countries"]
    ask("protect", "mac", lab.host("laptop").mac, YORK)
    assert {"mac_addr": lab.host("laptop").mac, "vl": YORK} in \
        ask("rules")["rules"]
    ask("unprotect", "mac", lab.host("laptop").mac)
    ask("up", "xx-dead")
    ask("down", "xx-dead")
    ask("login", "firebase", "--token-file",
        put(ready, "token", "oauth-alice\n"))
    assert "afwrt_build_info" in ask("metrics")["metrics"]
    ask("explain", lab.host("phone").lan4)
    ask("dump-config", ready.folder + "/dumped")
    ask("check-config", ready.config_path)
    ask("import", put(ready, "given/wg.conf", WGCONF), "--config", put(
        ready, "wg.json", json.dumps({
            "tun_ifname": "wrt0", "wan_ifname": "wan0",
            "backend": "file:%s/list.json" % ready.folder})))
    ask("support", ready.folder + "/bug-schema")
    others = {"events", "verify-user", "guard", "unblock"}  # below
    assert done | others == {
        f[:-5] for f in os.listdir(product + "/share/afwrt/schema")}


def test_events_one_a_line(product, lab, ready):
    process = lab.router.popen(
        ready.command(ready.ctl_path, "--socket", ready.sock, "--json",
                      "events"),
        stdout=subprocess.PIPE, text=True, env=ready.environment())
    found = json.loads(process.stdout.readline())
    process.terminate()
    assert schema.errors(found, schema.load(product, "events")) == []
    assert found["event"]


# Exit codes


@pytest.mark.parametrize("words, says", [
    ((), "usage"), (("frobnicate",), "frobnicate"),
    (("status", "more"), "usage: afwrt-ctl status"),
    (("protect", "ip"), "usage: afwrt-ctl protect"),
    (("protect", "dog", "rex", BERLIN), "usage: afwrt-ctl protect"),
    (("explain",), "usage: afwrt-ctl explain"),
    (("login",), "usage: afwrt-ctl login"),
    (("verify-user",), "usage: afwrt-ctl verify-user"),
    (("metrics", "x"), "usage: afwrt-ctl metrics"),
    (("support", "a", "b"), "usage: afwrt-ctl support"),
    (("up", BERLIN, "--wait", "0"), '"0" is not a number of seconds'),
    (("up", BERLIN, "--wait", "-1"), '"-1"'),
    (("up", BERLIN, "--wait", "soon"), '"soon"'),
    (("rules", "--wait", "1"), "rules: there is no --wait"),
    (("up", BERLIN, "--token-file", "x"), "up: there is no --token-file"),
    (("status", "--password-file", "x"), "there is no --password-file"),
    (("--frobnicate", "status"), "frobnicate")])
def test_wrong_usage_is_2(suite, words, says):
    fails(suite, 2, *words, says=says)


@pytest.mark.parametrize("words, says", [
    (("protect", "ip", "300.1.1.1", BERLIN), "300.1.1.1"),
    (("protect", "ip", "192.168.50.77", "xx-nowhere"), "xx-nowhere"),
    (("unprotect", "ip", "192.168.50.77"), "192.168.50.77"),
    (("explain", "300.1.1.1"), "300.1.1.1"),
    (("up", BERLIN), "set up already"),
    (("down", "xx-nowhere"), "no tunnel"),
    (("login", "firebase", "--token-file", "/nonexistent"), "/nonexistent"),
    (("dump-config", "/tmp/elsewhere"), "/tmp/elsewhere"),
    (("support", "/nonexistent/file"), "/nonexistent/file")])
def test_refused_is_1(ready, words, says):
    fails(ready, 1, *words, says=says)


def test_login_wants_a_token(suite):
    fails(suite, 1, "login", "firebase", says="standard input", input="")
    said = fails(suite, 1, "login", "firebase", input="wrong-token-4711\n")
    assert "4711" not in said
    fails(suite, 0, "login", "firebase", input="oauth-alice\n")


@pytest.mark.parametrize("words", [
    ("status",), ("rules",), ("locations",), ("countries",), ("metrics",),
    ("explain", "10.0.0.1"), ("up", BERLIN), ("down", BERLIN), ("events",),
    ("protect", "ip", "10.0.0.1", BERLIN), ("unprotect", "ip", "10.0.0.1"),
    ("login", "anonymous"), ("dump-config",), ("up", BERLIN, "--wait", "1"),
    ("status", "--wait", "1")])
def test_no_service_is_3(product, lab, words):
    fails(Suite(lab), 3, *words, says="not running")


@pytest.mark.parametrize("words", [
    ("status",), ("explain", "10.0.0.1"), ("verify-user", "bob"),
    ("unblock",), ("run",)])
def test_no_permission_is_4(suite, words):
    """As the user nobody."""
    done = suite.lab.router.run(
        *suite.command("setpriv", "--reuid", "65534", "--clear-groups",
                       suite.ctl_path, "--socket", suite.sock, *words),
        env=suite.environment(), check=False, input="x\n")
    assert done.returncode == 4, done.stdout


# Waiting


def test_wait_for_a_tunnel(lab, ready):
    """A device's packet connects it while protect waits."""
    laptop = lab.host("laptop")
    ping = lab.ns["laptop"].popen(
        ["ping", "-i", "0.2", "-q", names.RESOLVER4],
        stdout=subprocess.DEVNULL)
    try:
        ready.ctl("protect", "ip", laptop.lan4, YORK, "--wait", "20")
        states = {r["location"]: r["state"]
                  for r in ready.status()["routes"]}
        assert states[YORK] == "connected"
    finally:
        ping.terminate()
        ping.wait(5)
        ready.ctl("unprotect", "ip", laptop.lan4)


def test_wait_says_why_not(lab, ready):
    fails(ready, 1, "up", "xx-dead", "--wait", "1",
          says="xx-dead: not up within 1 s")
    ready.ctl("down", "xx-dead")


# Users


def verify(suite, user, password, code, *words, url=None):
    config = dict(suite.config, backend=url or suite.config["backend"])
    path = put(suite, "verify.conf", json.dumps(config))
    done = suite.lab.router.run(
        *suite.command(
            "sh", "-ec", 'mount --bind "$1" '
            '/etc/ssl/certs/ca-certificates.crt; shift; exec "$@"', "sh",
            suite.lab.pki.ca, suite.ctl_path, "--config", path,
            "verify-user", user, *words),
        env=suite.environment(), check=False, input=password + "\n")
    assert done.returncode == code, done.stdout
    assert password not in done.stdout
    return done.stdout


def test_verify_user(product, lab, suite):
    lab.admin.user("bob", password=PASSWORD)
    assert verify(suite, "bob", PASSWORD, 0).strip() == "valid"
    assert verify(suite, "bob", "guess-1234", 1).strip() == "not valid"
    assert verify(suite, "eve", PASSWORD, 1).strip() == "not valid"
    path = put(suite, "password", PASSWORD + "\nsecond line\n")
    found = json.loads(verify(suite, "bob", "unused", 0, "--json",
                              "--password-file", path))
    assert found["valid"] is True
    assert schema.errors(found, schema.load(product, "verify-user")) == []
    said = verify(suite, "bob", PASSWORD, 3, url="https://203.0.113.77:9")
    assert "could not be verified" in said and "203.0.113.77" in said


# Explain


def test_explain_by_every_kind_of_rule(product, lab, ready):
    def explain(host):
        return answer(product, ready, "explain", lab.host(host).lan4)
    traffic.seen_address(lab, "laptop", timeout=1)
    found = explain("laptop")
    assert found["verdict"] == "direct" and found["rule"] is None
    assert found["neighbour"]["mac_addr"] == lab.host("laptop").mac
    assert found["neighbour"]["iface"] == "br-lan"
    found = explain("phone")
    assert found["rule"] == {"ip_addr": lab.host("phone").lan4, "vl": BERLIN}
    assert found["verdict"] == "tunnel" and found["mark"]
    assert found["route"]["state"] == "connected"
    assert found["last_event"]["event"] == "route_connected"
    mac = lab.host("laptop").mac
    ready.ctl("protect", "iface", "br-lan", BERLIN)
    assert explain("laptop")["rule"] == {"iface": "br-lan", "vl": BERLIN}
    ready.ctl("protect", "mac", mac, YORK)
    found = explain("laptop")
    assert found["rule"] == {"mac_addr": mac, "vl": YORK}
    text = ready.ctl("explain", lab.host("laptop").lan4).stdout
    assert mac in text and YORK in text and "because" in text
    ready.ctl("unprotect", "mac", mac)
    ready.ctl("unprotect", "iface", "br-lan")
    assert explain("laptop")["verdict"] == "direct"


def test_explain_what_is_blocked(product, lab, ready):
    address = lab.host("laptop").lan4
    since = ready.datagrams.mark()
    ready.ctl("protect", "ip", address, "xx-dead")
    found = answer(product, ready, "explain", address)
    assert found["verdict"] == "held"
    assert found["route"]["state"] == "idle"
    traffic.seen_address(lab, "laptop", timeout=1)
    event = ready.datagrams.wait("route_failed", since, 15,
                                 route_name="xx-dead")
    found = wait_for(
        lambda: [f for f in [answer(product, ready, "explain", address)]
                 if f["route"]["state"] in ("failed", "disconnected")],
        10, "the route has failed")[0]
    assert found["verdict"] == "blocked"
    assert found["last_event"]["reason_details"] == event["reason_details"]
    assert event["reason_details"] in found["why"]
    ready.ctl("unprotect", "ip", address)
    ready.ctl("down", "xx-dead")


# Completion


INSTALLED = {"afwrt-ctl.bash": "bash-completion/completions/afwrt-ctl",
             "_afwrt-ctl": "zsh/site-functions/_afwrt-ctl",
             "afwrt-ctl.fish": "fish/vendor_completions.d/afwrt-ctl.fish"}


@pytest.mark.parametrize("shell", ("bash", "fish", "zsh"))
def test_completion(product, lab, ready, tmp_path, shell):
    """As installed, of a service; the rest is in tests/unit/completion.sh."""
    if shutil.which(shell) is None:
        pytest.skip("%s is not installed" % shell)
    for name, where in INSTALLED.items():
        os.symlink(os.path.join(product, "share", where), tmp_path / name)
    environment = dict(ready.environment(), PATH=":".join(
        (os.path.join(product, "sbin"), os.environ["PATH"])))

    def complete(line):
        return lab.router.run(*ready.command(COMPLETE, shell, str(tmp_path),
                                             line),
                              env=environment).stdout.split()

    to = "afwrt-ctl --socket %s " % ready.sock
    assert complete("afwrt-ctl unpro") == ["unprotect"]
    assert set(complete("afwrt-ctl ")) >= {
        "run", "login", "explain", "support"}
    assert complete("afwrt-ctl protect m") == ["mac"]
    assert complete("afwrt-ctl up --w") == ["--wait"]
    assert "--wait" not in complete("afwrt-ctl rules --")
    assert complete(to + "up de-") == [BERLIN]
    assert set(complete(to + "down ")) >= {BERLIN}
    assert lab.host("phone").lan4 in complete(to + "unprotect ip ")
    assert complete(to + "explain " + lab.host("phone").lan4[:-1])
    # a name is never run
    trap = ready.folder + "/trapped"
    evil = "xx$(touch${IFS}%s)" % trap
    lab.admin.location(evil, labels={}, servers=[])
    assert evil in [l["name"] for l in answer(
        product, ready, "locations")["locations"]]
    assert complete(to + "up xx") == ["xx-dead"]
    assert not os.path.exists(trap)
    lab.admin.drop_location(evil)
    # no service: nothing, and soon
    assert complete("afwrt-ctl --socket /nonexistent up ") == []
