# SPDX-License-Identifier: ISC
"""Verbs that need a service of their own, or none."""

import json
import os
import stat
import subprocess

from lab import names, traffic
from lab.rest import TOKEN as REST_TOKEN
from lab.suite import Suite, expected_exit
from lab.verbs import answer, fails, put

BERLIN = "de-berlin"


def test_guard_and_unblock(product, lab):
    stopped = Suite(lab, {"phone": BERLIN}, killswitch=1)
    put(stopped, "afwrt-ci.conf", json.dumps(stopped.config))
    assert answer(product, stopped, "guard")["guarded"]
    assert answer(product, stopped, "unblock")["unblocked"]


def test_wait_for_the_service(lab, product):
    late = Suite(lab, {"phone": BERLIN})
    waiting = lab.router.popen(
        late.command(late.ctl_path, "--socket", late.sock, "status",
                     "--wait", "25"),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env=late.environment())
    with late:
        said = waiting.communicate(timeout=30)[0]
    assert waiting.returncode == 0, said
    assert BERLIN in said


def test_the_support_file_has_no_secret(product, lab):
    """Each secret that was anywhere in this scenario."""
    suite = Suite(lab, {"phone": BERLIN})
    users = put(suite, "list.json", json.dumps({"locations": [
        {"name": "x", "username": "u", "password": "file-pw-27182"}]}))
    with suite:
        suite.ctl("login", "firebase", input="oauth-alice\n")
        traffic.await_seen(lab, "phone", expected_exit(BERLIN))
        suite.ctl("dump-config")
        with open(suite.config_path, encoding="utf-8") as f:
            config = json.load(f)
        secrets = [config["access_token"], config["auth_token"],
                   names.NODE_PASSWORD, "oauth-alice", REST_TOKEN,
                   "url-pw-16180", "psk-14142", "file-pw-27182"]
        config["ci_rest"] = {"token": REST_TOKEN, "disabled": 1}
        config["backend"] = [config["backend"],
                             "https://u:url-pw-16180@203.0.113.9/",
                             "file:" + users]
        config["wg"] = {"preshared_key": "psk-14142"}
        # where no key gives it away
        config["device_name"] = "mine: " + config["access_token"]
        config["project_id"] = "file-pw-27182"
        put(suite, "afwrt-ci.conf", json.dumps(config))
        path = suite.folder + "/bug.txt"
        found = answer(product, suite, "support", path)
        assert found["file"] == path
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
        with open(path, encoding="utf-8") as f:
            text = f.read()
        assert found["bytes"] == len(text.encode())
        assert all(s and len(s) > 4 for s in secrets)
        for secret in secrets:
            assert secret not in text, secret
        for part in ("==== configuration", '"rules_total": 2',
                     '"route_connected"', "afwrt_build_info",
                     "table 47: unreachable default", "fwmark 0x8",
                     "chain inet afwrt afwrt_chain type filter",
                     "rule inet afwrt afwrt_chain: protected ip4:", "wrt0: 100.73.", "==== log"):
            assert part in text, part
        fails(suite, 1, "support", path, says="File exists")
    # without the service
    text = suite.ctl("support", "-").stdout
    assert "not running" in text and "==== configuration" in text
    assert not [s for s in secrets if s in text]
