# SPDX-License-Identifier: ISC
"""OpenWrt: /etc/config/afwrt as JSON, and the init scripts; under busybox's
ash, with stubs of what a router has (openwrt/root)."""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest

from debs import TOP

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(TOP, "tests/check"))
import manual  # noqa: E402

PROCD = os.path.join(TOP, "init/procd")
CONVERT = os.path.join(PROCD, "uci-to-json")
BUSYBOX = shutil.which("busybox")
APPLETS = ("sed", "mkdir", "mv", "rm", "cat", "ash", "ls")

pytestmark = pytest.mark.skipif(BUSYBOX is None,
                                reason="busybox is not installed")

MAIN = """
config afwrt 'main'
	option enabled '1'
	option tun_ifname 'wrt0'
	option wan_ifname 'auto'
"""


class Router:
    """A folder with busybox's tools, and a configuration."""

    def __init__(self, folder):
        self.folder = str(folder)
        self.uci = os.path.join(self.folder, "afwrt")
        os.mkdir(self.path("bin"))
        for name in APPLETS:
            os.symlink(BUSYBOX, self.path("bin/" + name))

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text, mode=0o644):
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(self.path(name), mode)

    def ash(self, *argv):
        return subprocess.run(
            (BUSYBOX, "ash") + argv, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, timeout=30, check=False,
            env={"PATH": self.path("bin"), "UCI_FILE": self.uci,
                 "AFWRT_FUNCTIONS": os.path.join(HERE, "openwrt/root",
                                                 "functions.sh")})

    def convert(self, text, *words):
        self.write("afwrt", text)
        return self.ash(CONVERT, *words)

    def json(self, text):
        done = self.convert(text)
        assert (done.returncode, done.stderr) == (0, ""), done
        return json.loads(done.stdout)


@pytest.fixture
def router(tmp_path):
    return Router(tmp_path)


def example():
    with open(os.path.join(PROCD, "afwrt.config"), encoding="utf-8") as f:
        return f.read()


def test_the_file_that_is_installed(router):
    assert router.json(example()) == {
        "tun_ifname": "wrt0", "wan_ifname": "auto", "killswitch": 1,
        "backend": ["file:/etc/afwrt/locations.json"],
        "protected_ip_addrs": [], "protected_mac_addrs": [],
        "protected_ifaces": [], "ci_unix_domain": {"su_only": 1}}
    assert router.ash(CONVERT, "enabled").returncode == 1
    assert router.ash(CONVERT, "killswitch").returncode == 1


def test_its_examples(router, stage):
    text = re.sub(r"^#(config|\toption|\tlist)", r"\1", example(),
                  flags=re.MULTILINE)
    text = text.replace("option enabled '0'", "option enabled '1'")
    router.write("rest.token", SECRET + "\n", 0o600)
    text = text.replace("option su_only '1'", "option disabled '1'")
    text = text.replace("/etc/afwrt/rest.token", router.path("rest.token"))
    made = router.json(text)
    assert made["ci_rest"]["token"] == SECRET
    assert made["protected_ip_addrs"] == [
        {"ip_addr": "192.168.1.20", "vl": "de-berlin"},
        {"ip_addr": "fd00::20", "vl": "de-berlin"}]
    assert made["protected_mac_addrs"] == [
        {"mac_addr": "02:00:5e:10:00:07", "vl": "us-new-york"}]
    assert made["protected_ifaces"] == [
        {"iface": "br-guest", "vl": "de-berlin"}]
    router.write("made.json", json.dumps(made))
    done = subprocess.run((stage + "/sbin/afwrt-ctl", "check-config",
                           router.path("made.json")), timeout=30, text=True,
                          stdout=subprocess.PIPE, check=False)
    assert done.stdout == "the configuration is good\n"


def test_every_kind_of_value(router):
    made = router.json(MAIN + """
	option connections '4'
	option rcvbuf '-1'
	option tun_mtu '0'
	option no_iptables 'off'
	option default_gateway 'yes'
	option fwmark '0x10'
	option auth_token 'a"b\\c $(x) `y` ü'
	option backend 'https://one.example'
config device
	option location 'us'
	option ip '10.0.0.1'
config device 'off'
	option enabled '0'
config control 'control'
	option sock '/tmp/ci.sock'
	option disabled '0'
""")
    assert made["connections"] == 4 and made["rcvbuf"] == -1
    assert made["tun_mtu"] == 0 and made["no_iptables"] == 0
    assert made["default_gateway"] == 1 and made["fwmark"] == "0x10"
    assert made["auth_token"] == 'a"b\\c $(x) `y` ü'
    assert made["backend"] == ["https://one.example"]
    assert made["protected_ip_addrs"] == [{"ip_addr": "10.0.0.1",
                                           "vl": "us"}]
    assert made["ci_unix_domain"] == {"sock": "/tmp/ci.sock", "disabled": 0}


@pytest.mark.parametrize("text,words", [
    ("option connections 'four'", "main.connections: \"four\""),
    ("option connections '07'", "main.connections: \"07\""),
    ("option connections '1,\"x\":1'", "main.connections"),
    ("option rcvbuf '-'", "main.rcvbuf: \"-\""),
    ("option killswitch '2'", "main.killswitch: \"2\""),
    ("option auth_token 'a\tb'", "main.auth_token: has a control"),
    ("config device 'tv'\n\toption ip '10.0.0.2'", "tv: has no location"),
    ("config device 'tv'\n\toption location 'us'", "tv: has no ip, mac or"),
    ("config device 'tv'\n\toption enabled 'maybe'", "tv.enabled: \"maybe\""),
])
def test_what_is_wrong_is_named(router, text, words):
    done = router.convert(MAIN + "\t" + text + "\n")
    assert done.returncode == 1
    assert words in done.stderr
    json.loads(done.stdout)         # and nothing got out of its string


SECRET = "0123456789abcdef-secret"


@pytest.mark.parametrize("section,option", [
    ("main", "auth_token"), ("main", "access_token"), ("rest", "token")])
def test_a_secret_in_a_file(router, section, option):
    def conf(options):
        return MAIN + "\toption auth_method 'x'\n" + (
            "config ci_rest 'rest'\n" if section == "rest" else "") + options

    path = router.path("secret")
    router.write("secret", SECRET + "\nnot this\n", 0o600)
    named = conf("\toption %s_file '%s'\n" % (option, path))
    made = router.json(named)
    assert made.get("ci_rest", made)[option] == SECRET
    assert option + "_file" not in str(made)
    where = "%s.%s_file: %s: " % (section, option, path)
    for text, mode, why in ((SECRET, 0o640, "must have mode 0600"),
                            (SECRET, 0o604, "must have mode 0600"),
                            ("\n" + SECRET, 0o600, "first line is empty")):
        router.write("secret", text, mode)
        done = router.convert(named)
        assert done.returncode == 1 and where in done.stderr, done
        assert why in done.stderr
        assert SECRET not in done.stdout + done.stderr
    os.unlink(path)
    done = router.convert(named)
    assert done.returncode == 1
    assert where + "no file that can be read" in done.stderr
    done = router.convert(named + "\toption %s '%s'\n" % (option, SECRET))
    assert done.returncode == 1 and SECRET not in done.stderr
    assert "%s: has %s and %s_file" % (section, option, option) in done.stderr


@pytest.mark.parametrize("sections,there", [
    ("", {"ci_unix_domain"}), ("control", {"ci_unix_domain"}),
    ("rest", {"ci_rest"}), ("control rest", {"ci_unix_domain", "ci_rest"})])
def test_which_interface(router, sections, there):
    text = {"control": "config control 'control'\n\toption disabled '1'\n",
            "rest": "config ci_rest 'rest'\n\toption port '80'\n"
                    "\toption token 'x'\n\toption disabled '0'\n"}
    made = router.json(MAIN + "".join(text[s] for s in sections.split()))
    assert {k for k in made if k.startswith("ci_")} == there
    if "ci_rest" in there:
        assert made["ci_rest"] == {"port": 80, "token": "x", "disabled": 0}


# Every key there is: of the library's table and of the service's sections

NOT_BY_UCI = {
    "hydra_tun_fd": "a descriptor of the application's; procd passes none"}
OF_DEVICES = {"protected_ip_addrs": "list ip '10.9.9.9'",
              "protected_mac_addrs": "list mac '02:00:00:00:00:09'",
              "protected_ifaces": "list iface 'br-nine'"}
SECTIONS = {"ci_unix_domain": ("control", "control", "control_unix.c"),
            "ci_rest": ("ci_rest", "rest", "control_rest.c")}
OF_KIND = {"STRING": "text", "PATH": "/a/path",
           "LOCATION": "us", "TOKEN": "t0ken", "SECRET": "s3cret",
           "METHOD": "anonymous", "ADDRESS": "100.99.0.1", "FLAG": "1",
           "MASK": "0x10"}
OF_MEMBER = {"sock": "/run/s", "async_sock": "/run/a", "host": "127.0.0.9",
             "port": "61439", "token": SECRET}


def options():
    """{key: value} of all that is one option of `main`."""
    source = manual.read("lib/conf.c")
    table = source[source.index("struct key keys[]"):]
    found = {}
    for key, need in manual.keys().items():
        kind = re.search(r'\{"%s", (\w+)' % key, table)[1]
        if key in NOT_BY_UCI or key in OF_DEVICES:
            continue
        if kind == "CHOICE":
            found[key] = need[0]
        elif kind == "IFNAME":
            found[key] = key[:3] + "9"
        elif kind == "NUMBER":
            low = re.search(r'"%s",[^{]*RANGE\((\d+)' % key, table, re.S)[1]
            found[key] = "1500" if key == "tun_mtu" else str(int(low) + 1)
        else:
            found[key] = OF_KIND.get(kind, "file:/x.json")
    return found


def members():
    """{section: the keys that the service reads in it}"""
    return {section: re.findall(r'"(\w+)"', re.search(
        r"const keys\[\] = \{([^}]*)\}",
        manual.read("afwrt-ctl/" + file))[1])
        for section, (_, _, file) in SECTIONS.items()}


def test_every_key(router, stage):
    """What is new in afwrt.conf(5) is here too, or in NOT_BY_UCI."""
    main, sections = options(), members()
    assert len(main) > 30
    text = "config afwrt 'main'\n" + "".join(
        "\toption %s '%s'\n" % item for item in main.items())
    text += "config device\n\toption location 'us'\n" + "".join(
        "\t%s\n" % line for line in OF_DEVICES.values())
    for section, keys in sections.items():
        text += "config %s '%s'\n" % SECTIONS[section][:2] + "".join(
            "\toption %s '%s'\n" % (key, OF_MEMBER.get(key, "1"))
            for key in keys)
    made = router.json(text)
    assert set(made) == (set(manual.keys()) | manual.service_keys()) - set(
        NOT_BY_UCI)
    for section, keys in sections.items():
        assert set(made[section]) == set(keys)
    router.write("made.json", json.dumps(made))
    done = subprocess.run((stage + "/sbin/afwrt-ctl", "check-config",
                           router.path("made.json")), timeout=30, text=True,
                          stdout=subprocess.PIPE, check=False)
    assert done.stdout == "the configuration is good\n"


def test_what_is_not_by_uci_is_not(router):
    for key in NOT_BY_UCI:
        done = router.convert(MAIN + "\toption %s '3'\n" % key)
        assert 'unknown option "%s"' % key in done.stderr
        assert key not in json.loads(done.stdout)


def test_what_is_unknown_is_named(router):
    done = router.convert(MAIN + "\toption colour 'red'\n"
                          "config cake 'x'\n\toption y '1'\n")
    assert done.returncode == 0
    assert 'unknown option "colour"' in done.stderr
    assert 'unknown section type "cake"' in done.stderr


def test_enabled_and_killswitch(router):
    for text, enabled, killswitch in (
            (MAIN, 0, 1), (MAIN + "\toption killswitch '1'\n", 0, 0),
            (example(), 1, 1)):
        assert router.convert(text, "enabled").returncode == enabled
        assert router.convert(text, "killswitch").returncode == killswitch
    assert router.convert(MAIN, "both").returncode == 2


# The init scripts

STUBS = """
procd_open_instance() { echo open; }
procd_set_param() { echo "$*"; }
procd_close_instance() { echo close; }
procd_add_reload_trigger() { echo "trigger $*"; }
. %(script)s
PROG=%(folder)s/ctl CONVERT=%(folder)s/convert FOLDER=%(folder)s/run
CONFIG=$FOLDER/afwrt-ci.conf
%(call)s
"""


@pytest.fixture
def init(router):
    """call(script, function): what a router's rc.common would do."""
    router.write("convert", '#!%s\nexec ash %s "$@"\n' % (
        router.path("bin/ash"), CONVERT), 0o755)
    router.write("ctl", '#!%s\n'
                 'echo "ctl $*" >>%s\n'
                 'case $1 in check-config) ! grep -q bad "$2" ;; esac\n' % (
                     router.path("bin/ash"), router.path("calls")), 0o755)
    os.symlink(BUSYBOX, router.path("bin/grep"))

    def call(script, function):
        router.write("stubs", STUBS % {
            "script": os.path.join(PROCD, script), "call": function,
            "folder": router.folder})
        return router.ash(router.path("stubs"))
    return call


def test_start_under_procd(router, init):
    router.write("afwrt", MAIN)
    done = init("afwrt.init", "start_service")
    conf = router.path("run/afwrt-ci.conf")
    assert done.returncode == 0, done
    assert done.stdout.splitlines() == [
        "open", "command %s run %s" % (router.path("ctl"), conf),
        "file " + conf, "reload_signal HUP", "respawn 3600 5 0",
        "term_timeout 60", "env AFWRT_STDERR=syslog", "stderr 1", "close"]
    assert os.stat(conf).st_mode & 0o777 == 0o600
    with open(conf, encoding="utf-8") as f:
        assert json.load(f)["tun_ifname"] == "wrt0"
    assert init("afwrt.init", "service_triggers").stdout == "trigger afwrt\n"


# It ends at once: there are no users for its helpers here.
SERVICE = """
mount -t tmpfs tmpfs /run
mount --bind %(folder)s/passwd /etc/passwd
env %(env)s timeout 20 %(stage)s/sbin/afwrt-ctl run %(folder)s/conf
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_a_line_is_in_logread_once(router, init, stage):
    """procd puts standard error there, afwrtd by syslog the suite's lines:
    with what the init script sets, standard error has the others only."""
    router.write("afwrt", MAIN)
    env = re.search(r"^env (.*)$", init("afwrt.init", "start_service").stdout,
                    re.MULTILINE)[1]
    router.write("passwd", "root:x:0:0:root:/root:/bin/sh\n")
    router.write("conf", json.dumps({
        "tun_ifname": "wrt0", "wan_ifname": "lo", "colour": "red",
        "config_dir": router.folder,
        "ci_unix_domain": {"sock": router.path("sock")}}), 0o600)
    for value, suite in (("", True), (env, False)):
        done = subprocess.run(
            ("unshare", "--net", "--pid", "--fork", "--kill-child",
             "--mount-proc", "sh", "-ec", SERVICE % {
                 "env": value, "stage": stage, "folder": router.folder}),
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            timeout=60, check=False)
        assert done.returncode == 1, done
        assert bool(re.search(r"^\w+ +afwrtd: ", done.stderr,
                              re.MULTILINE)) == suite, done
        assert "lib: configuration: unknown key \"colour\"" in done.stderr
        assert "service: the configuration: afwrt-" in done.stderr
        assert "no user _afwrt-" in done.stderr


def test_start_when_it_is_not_enabled(router, init):
    router.write("afwrt", example())
    done = init("afwrt.init", "start_service")
    assert (done.returncode, done.stdout) == (0, "")
    assert not os.path.exists(router.path("run"))


@pytest.mark.parametrize("bad", ["\toption connections 'x'\n",
                                 "\toption type 'bad'\n"])
def test_a_broken_configuration(router, init, bad):
    """At first it starts nothing; later the last good one stays."""
    router.write("afwrt", MAIN + bad)
    done = init("afwrt.init", "start_service")
    assert (done.returncode, done.stdout) == (1, "")
    assert os.listdir(router.path("run")) == []
    router.write("afwrt", MAIN)
    assert init("afwrt.init", "start_service").returncode == 0
    router.write("afwrt", MAIN + bad)
    assert "command" in init("afwrt.init", "start_service").stdout
    with open(router.path("run/afwrt-ci.conf"), encoding="utf-8") as f:
        assert not {"type", "connections"} & set(json.load(f))


def test_the_guard_at_boot(router, init):
    with open(os.path.join(PROCD, "afwrt-guard.init"),
              encoding="utf-8") as f:
        text = f.read()
    assert re.search(r"^START=18$", text, re.MULTILINE)  # firewall is 19
    router.write("guard.init", text.replace("/usr/sbin/afwrt-ctl", "$PROG"))
    script = router.path("guard.init")
    router.write("afwrt", MAIN)
    assert init(script, "boot").returncode == 0
    assert not os.path.exists(router.path("calls"))
    router.write("afwrt", MAIN + "\toption killswitch '1'\n")
    assert init(script, "boot").returncode == 0
    assert init(script, "start").returncode == 0
    with open(router.path("calls"), encoding="utf-8") as f:
        assert f.read() == "ctl guard %s\n" % router.path("run/guard.conf")
    assert os.listdir(router.path("run")) == []
