# SPDX-License-Identifier: ISC
"""What a newcomer does first, as the README has it.

The ten-line program, compiled against the installed copy with pkg-config
alone; and the `file:` backend, which needs no account anywhere.
"""

import contextlib
import json
import os
import re
import signal
import subprocess

import pytest

from lab import names, traffic
from lab.capture import no_leak
from lab.suite import Suite, expected_exit
from lab.util import end, wait_for

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
BERLIN, YORK = names.NODES


def private_file(path, text):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    os.chmod(path, 0o600)


@pytest.fixture
def accounts(lab):
    """A locations.json as in the README, for the lab's two nodes."""
    folder = lab.path("accounts")
    os.makedirs(folder, exist_ok=True)
    private_file(os.path.join(folder, "node.pass"),
                 names.NODE_PASSWORD + "\n")
    with open(lab.pki.ca, encoding="ascii") as f:
        private_file(os.path.join(folder, "ca.pem"), f.read())
    locations = [
        {"name": node, "labels": {"country": node[:2]}, "type": "hydra-tcp",
         "servers": [{"address": names.tls_name(node), "port": 443}],
         "username": names.NODE_USER, "password_file": "node.pass",
         "ca_file": "ca.pem"} for node in names.NODES]
    path = os.path.join(folder, "locations.json")
    private_file(path, json.dumps({"locations": locations,
                                   "optimal": [BERLIN]}))
    return path


def test_a_file_is_all_the_backend_it_needs(product, lab, accounts):
    with Suite(lab, {"phone": BERLIN, "tv": YORK},
               backend="file:" + accounts) as suite:
        with no_leak(lab, "phone", "tv"):
            for family in (4, 6):
                traffic.await_seen(lab, "phone",
                                   expected_exit(BERLIN, family), family)
                traffic.await_seen(lab, "tv", expected_exit(YORK, family),
                                   family)
        listed = suite.control.do("get_locations")["locations"]
        assert BERLIN in json.dumps(listed)
        assert names.NODE_PASSWORD not in json.dumps(listed)
        assert names.NODE_PASSWORD not in suite.log()
        assert not suite.trouble()


def test_a_secret_that_others_may_read_is_refused(product, lab, accounts):
    os.chmod(os.path.join(os.path.dirname(accounts), "node.pass"), 0o644)
    with Suite(lab, {"phone": BERLIN}, backend="file:" + accounts) as suite:
        with no_leak(lab, "phone"):
            traffic.seen_address(lab, "phone", timeout=0.5)
            suite.events.wait("route_failed", 0, 10, route_name=BERLIN)
            assert traffic.seen_address(lab, "phone", timeout=0.5) is None
            traffic.await_seen(lab, "laptop", expected_exit(None))
        assert re.search(r"node\.pass.*(read|mode|0?644|others)",
                         suite.log()), suite.log_tail()


class Terminal:
    """Where puts() writes each line at once, as it does for a person."""

    def __init__(self):
        self.master, self.slave = os.openpty()
        os.set_blocking(self.master, False)
        self.text = b""

    def lines(self):
        with contextlib.suppress(BlockingIOError):
            while True:
                self.text += os.read(self.master, 65536)
        return self.text.decode(errors="replace").splitlines()

    def close(self):
        os.close(self.master)
        os.close(self.slave)


def compile_ten_lines(product, folder):
    program = os.path.join(folder, "tenlines")
    env = dict(os.environ, PKG_CONFIG_PATH=os.path.join(
        product, "lib/pkgconfig"))
    flags = subprocess.run(
        ["pkg-config", "--cflags", "--libs", "afwrt-client"], env=env,
        check=True, capture_output=True, text=True).stdout.split()
    sanitized = b"__asan_init" in open(os.path.join(
        product, "lib/libafwrt-client.so.1"), "rb").read()
    subprocess.run(
        ["cc", "-Wall", "-Wextra", "-Werror", "-o", program,
         os.path.join(TOP, "tests/install/tenlines.c"), *flags] +
        (["-fsanitize=address,undefined"] if sanitized else []), check=True)
    return program


def test_ten_lines_of_c_do_the_main_job(product, lab):
    suite = Suite(lab)          # for its folder, users and environment
    program = compile_ten_lines(product, suite.folder)
    config = {k: v for k, v in suite.config.items()
              if not k.startswith("ci_") and k != "protected_ip_addrs"}
    phone = lab.host("phone")
    said = Terminal()
    process = lab.router.popen(
        suite.command(program, json.dumps(config), phone.lan4, YORK),
        stdout=said.slave, stderr=said.slave, env=suite.environment())
    try:
        with no_leak(lab, "phone"):
            def captured():
                assert process.poll() is None, said.lines()
                rules = lab.router.run("nft", "list", "table", "inet",
                                       "afwrt", check=False).stdout
                return phone.lan4 in rules
            wait_for(captured, 10, "the rule is in force")
            traffic.await_seen(lab, "phone", expected_exit(YORK))
        wanted = {"event": "route_connected", "route_name": YORK}
        wait_for(lambda: wanted in [json.loads(line) for line in said.lines()
                                    if line.startswith("{")],
                 5, lambda: "%r in %r" % (wanted, said.lines()))
    finally:
        process.send_signal(signal.SIGTERM)
        end(process)
        wait_for(lambda: not suite.family(), 15, "the suite ends with it")
        said.close()
    left = lab.router.run("nft", "list", "ruleset").stdout
    assert "afwrt" not in left
