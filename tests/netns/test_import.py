# SPDX-License-Identifier: ISC
"""afwrt-ctl import: a wg-quick file becomes a location; nothing is lost."""

import json
import os
import subprocess

import pytest

CONF = """[Interface]
PrivateKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=
Address = 10.2.0.2/32
PostUp = true

[Peer]
PublicKey = xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=
Endpoint = vpn.example.net:51820
AllowedIPs = 0.0.0.0/0, ::/0
"""


@pytest.fixture
def ctl(product, tmp_path):
    config = tmp_path / "afwrt.conf"
    config.write_text(json.dumps({
        "tun_ifname": "wrt0", "wan_ifname": "eth1",
        "backend": "file:%s/locations.json" % tmp_path}))

    def run(*words, text=CONF, name="us-east.conf"):
        given = tmp_path / "given"
        given.mkdir(exist_ok=True)
        (given / name).write_text(text)
        return subprocess.run(
            [os.path.join(product, "sbin", "afwrt-ctl"), "--config",
             str(config), "import", str(given / name), *words],
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=20, check=False)
    return run


def locations(tmp_path):
    with open(tmp_path / "locations.json", encoding="utf-8") as f:
        return json.load(f)["locations"]


def test_a_file_becomes_a_location(ctl, tmp_path):
    done = ctl()
    assert done.returncode == 0, done.stderr
    assert "PostUp is left out" in done.stderr
    assert locations(tmp_path) == [
        {"name": "us-east", "labels": {}, "type": "wireguard",
         "config": "us-east.conf"}]
    copy = tmp_path / "us-east.conf"
    assert copy.read_text() == CONF
    assert copy.stat().st_mode & 0o777 == 0o600


def test_others_stay_as_they_are(ctl, tmp_path):
    before = {"name": "de", "username": "alice", "labels": {"x": "y"},
              "servers": [{"address": "192.0.2.1"}]}
    path = tmp_path / "locations.json"
    path.write_text(json.dumps({"locations": [before], "optimal": ["de"]}))
    path.chmod(0o640)
    assert ctl("second").returncode == 0
    assert [place["name"] for place in locations(tmp_path)] == [
        "de", "second"]
    assert locations(tmp_path)[0] == before
    assert json.loads(path.read_text())["optimal"] == ["de"]
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_name_is_taken_once(ctl, tmp_path):
    assert ctl().returncode == 0
    done = ctl()
    assert done.returncode == 1
    assert "us-east" in done.stderr and "already" in done.stderr
    assert len(locations(tmp_path)) == 1


def test_a_file_beside_it_is_not_replaced(ctl, tmp_path):
    (tmp_path / "us-east.conf").write_text("mine")
    done = ctl()
    assert done.returncode == 1 and "us-east.conf" in done.stderr
    assert (tmp_path / "us-east.conf").read_text() == "mine"
    assert not (tmp_path / "locations.json").exists()


@pytest.mark.parametrize("text, why", [
    (CONF.replace("AllowedIPs", "AllowedIP"), "line 9"),
    (CONF.replace("PrivateKey", "PublicKey"), "line 2"),
    (CONF + CONF, "second [Peer]"),
    ("", "PrivateKey")])
def test_a_broken_file_is_refused(ctl, tmp_path, text, why):
    done = ctl(text=text)
    assert done.returncode == 1 and why in done.stderr
    assert sorted(os.listdir(tmp_path)) == ["afwrt.conf", "given"]


def test_a_bad_name_is_refused(ctl):
    assert "no name" in ctl(name="us east.conf").stderr
    assert "no name" in ctl("a/b").stderr
    assert ctl("fine", name="us east.conf").returncode == 0


def test_a_broken_list_is_left_alone(ctl, tmp_path):
    (tmp_path / "locations.json").write_text('{"locations": [')
    done = ctl()
    assert done.returncode == 1 and "locations.json" in done.stderr
    assert (tmp_path / "locations.json").read_text() == '{"locations": ['
    assert not (tmp_path / "us-east.conf").exists()
