# SPDX-License-Identifier: ISC
"""SIGHUP: the differences of the file are done, and nothing else."""

import contextlib
import json
import os
import signal
import socket
import stat

import pytest

from lab import traffic
from lab.capture import no_leak
from lab.control import Control
from lab.rest import TOKEN, Rest, RestSuite
from lab.suite import Suite, expected_exit
from lab.util import LabError, wait_for

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
    config = edited(suite, tun_mtu=1400, default_gateway=1)
    del config["data_report_interval"]
    for _ in range(2):      # it says so until it is done
        told = reload(suite, config)
        for key in ("tun_mtu", "default_gateway",
                    "data_report_interval"):
            assert '"%s" has changed: needs a restart' % key in told
        assert "3 keys need a restart" in told
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


def unix(suite, **changes):
    config = edited(suite)
    config["ci_unix_domain"].update(changes)
    return config


def is_quiet(told):
    assert "0 failed; 0 keys need a restart" in told
    return told


def mode_of(path):
    st = os.stat(path)
    return stat.S_IMODE(st.st_mode), st.st_gid


def group_of(suite):
    with open(os.path.join(suite.folder, "group"), encoding="ascii") as f:
        return [int(line.split(":")[2]) for line in f
                if line.startswith("afwrt:")][0]


def test_the_log_level(suite):
    """In the service's own log, of every process; and back."""
    is_quiet(reload(suite, edited(suite, log_level="error")))
    before = suite.log()
    suite.kill_helper("afwrt-tun")
    wait_for(lambda: suite.pid("afwrt-tun"), 10, "a new afwrt-tun")
    suite.control.do("protect_mac", mac_addr="02:00:00:00:00:77", vl=YORK)
    wait_for(lambda: suite.control.do("ping"), 5, "an answer")
    new = suite.log()[len(before):]
    assert "net: " not in new and "tun: " not in new, new
    is_quiet(reload(suite, suite.config))       # "debug"
    before = suite.log()
    suite.control.do("unprotect_mac", mac_addr="02:00:00:00:00:77")
    wait_for(lambda: "net: " in suite.log()[len(before):], 5, suite.log_tail)
    config = edited(suite)
    del config["log_level"]
    assert '"log_level": changed' in is_quiet(reload(suite, config))
    assert '"log_level"' not in is_quiet(reload(suite, config))
    assert "log_level" in reload(suite, edited(suite, log_level="loud"))


def test_su_only(suite):
    """Mode and group; who has lost the right to it is gone, root is not."""
    ours = suite.control
    inode = os.stat(suite.sock).st_ino
    is_quiet(reload(suite, unix(suite, su_only=0)))
    gid = group_of(suite)
    assert mode_of(suite.sock) == (0o660, gid)
    member = connect_as(suite.sock, gid)
    member.send(b'{"request": "ping"}')
    assert b'"status":0' in member.recv(65536)
    is_quiet(reload(suite, unix(suite, su_only=1)))
    assert mode_of(suite.sock) == (0o600, 0)
    assert member.recv(65536) == b""
    member.close()
    assert ours.do("ping")
    assert os.stat(suite.sock).st_ino == inode


def connect_as(path, gid):
    """A connection that a user of that group has made."""
    mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setresgid(gid, gid, gid)
            os.setresuid(65534, 65534, 65534)
            s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            s.connect(path)
            socket.send_fds(theirs, [b"x"], [s.fileno()])
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    theirs.close()
    with mine:
        _, fds, _, _ = socket.recv_fds(mine, 1, 1)
    s = socket.socket(fileno=fds[0])
    s.settimeout(5)
    return s


def test_another_sock(suite):
    """Old connections live, the old file is gone; and back again."""
    ours, old = suite.control, suite.sock
    new = os.path.join(suite.folder, "other.sock")
    is_quiet(reload(suite, unix(suite, sock=new)))
    assert not os.path.exists(old)
    assert mode_of(new) == (0o600, 0)
    assert ours.do("ping")
    with contextlib.closing(Control(new)) as c:
        assert c.do("ping")
    is_quiet(reload(suite, suite.config))
    assert not os.path.exists(new)
    with contextlib.closing(Control(old)) as c:
        assert c.do("ping")
    assert ours.do("ping")
    is_quiet(reload(suite, unix(suite, sock=new)))
    assert suite.stop() == 0
    wait_for(lambda: not os.path.exists(new), 5, "its removal")


def test_a_sock_that_cannot_be_had(suite):
    """A folder that is not there, a file in the way: the old one stays."""
    precious = os.path.join(suite.folder, "precious")
    with open(precious, "w", encoding="ascii") as f:
        f.write("precious")
    for where in ("/nowhere/at/all.sock", precious):
        for _ in range(2):      # said until it is done
            told = reload(suite, unix(suite, sock=where))
            assert '"ci_unix_domain": "sock" %s: ' % where in told
            assert "the former one stays" in told
            assert "1 failed" in told
        assert suite.control.do("ping")
        with contextlib.closing(Control(suite.sock)) as c:
            assert c.do("ping")
    with open(precious, encoding="ascii") as f:
        assert f.read() == "precious"
    is_quiet(reload(suite, suite.config))


def test_async_sock(suite):
    """Events go to the other one, then nowhere, then to the first."""
    first = suite.config["ci_unix_domain"]["async_sock"]
    other = os.path.join(suite.folder, "other-events.sock")
    with contextlib.closing(socket.socket(
            socket.AF_UNIX, socket.SOCK_DGRAM)) as s:
        s.bind(other)
        s.settimeout(10)
        is_quiet(reload(suite, unix(suite, async_sock=other)))
        assert b"event" in s.recv(65536)        # data_report, each 0.5 s
        is_quiet(reload(suite, unix(suite, async_sock="")))
        s.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                s.recv(65536)
        is_quiet(reload(suite, unix(suite, async_sock=first)))
        with pytest.raises(BlockingIOError):
            s.recv(65536)


def rest_config(suite, **section):
    config = edited(suite)
    del config["ci_unix_domain"]
    config["ci_rest"] = {"token": TOKEN, **section}
    return config


def test_from_one_interface_to_the_other(lab, suite):
    config = rest_config(suite)
    with no_leak(lab, "phone"):
        is_quiet(reload(suite, config))
        rest = Rest(lab)
        assert rest.ask("POST", "/api/ping").code == 200
        assert not os.path.exists(suite.sock)
        is_quiet(reload(suite, suite.config))
        with contextlib.closing(Control(suite.sock)) as c:
            assert c.do("ping")
        with pytest.raises((LabError, OSError)):
            rest.ask("POST", "/api/ping")
        config = edited(suite)
        config["ci_unix_domain"]["disabled"] = 1
        is_quiet(reload(suite, config))
        assert not os.path.exists(suite.sock)
        is_quiet(reload(suite, suite.config))
    suite.control.close()
    suite.events.close()
    suite.await_control()


def test_with_rest(product, lab):
    """Token, port and host; an open connection goes on."""
    with RestSuite(lab, {"phone": BERLIN}) as suite:
        held = suite.rest.connect()
        config = edited(suite)
        config["ci_rest"]["token"] = "another-token-of-length"
        told = is_quiet(reload(suite, config))
        assert "the control interface: changed" in told
        assert suite.rest.ask("POST", "/api/ping").code == 401
        suite.rest.token = "another-token-of-length"
        assert suite.rest.ask("POST", "/api/ping").code == 200
        assert "another-token-of-length" not in suite.log()
        config["ci_rest"]["port"] = 61500
        is_quiet(reload(suite, config))
        moved = Rest(lab, port=61500, token=suite.rest.token)
        assert moved.ask("POST", "/api/ping").code == 200
        with pytest.raises((LabError, OSError)):
            suite.rest.ask("POST", "/api/ping")
        body = json.dumps({"token": suite.rest.token}).encode()
        held.sendall(b"POST /api/ping HTTP/1.1\r\nHost: x\r\n"
                     b"Content-Length: %d\r\n\r\n" % len(body) + body)
        assert b" 200 " in held.recv(65536)
        held.close()
        for host in ("0.0.0.0", "127.0.0.1"):   # the same port, twice
            config["ci_rest"]["host"] = host
            is_quiet(reload(suite, config))
            assert moved.ask("POST", "/api/ping").code == 200
        for host, port in (("192.0.2.77", 61500), ("127.0.0.1", 80)):
            config["ci_rest"].update(host=host, port=port)
            told = reload(suite, config)
            assert '"ci_rest": "host" %s, "port" %d: ' % (host, port) in told
            assert "the former one stays" in told
            assert moved.ask("POST", "/api/ping").code == 200
        assert "needs a restart" in told
        is_quiet(reload(suite, suite.config))
        suite.rest.token = TOKEN
        assert suite.rest.ask("POST", "/api/ping").code == 200
