# SPDX-License-Identifier: ISC
"""README.md and afwrt-tutorial(7), done as they say, on the lab's router.

README marks a block in its fence, ```json file=PATH or ```sh run; the manual
page by a comment before the display, .\\" test: file PATH, run, compile NAME.
A section's blocks are done in order, in one shell with an /etc/afwrt of its
own.  The names and addresses of the text become those of the lab.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess

import pytest

from lab import names, traffic, wgnode
from lab.capture import no_leak
from lab.suite import Suite, expected_exit
from lab.topology import Lab
from lab.util import end, wait_for

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
BERLIN, YORK = names.NODES
PARIS, TOKYO = names.WG_NODES
PHONE, TV = (names.host(n) for n in ("phone", "tv"))
LAB = {"192.168.1.20": PHONE.lan4, "192.168.1.21": TV.lan4,
       "02:00:5e:10:00:07": PHONE.mac,
       "02:00:5e:10:00:08": TV.mac, "eth1": "wan0",
       '"wan_ifname": "auto"': '"wan_ifname": "wan0"',
       "alice": names.NODE_USER, "backend.example.net": names.BACKEND_NAME,
       "vpn.example.net": names.tls_name(BERLIN),
       "berlin.example.net": names.tls_name(BERLIN),
       "new-york.example.net": names.tls_name(YORK)}


def translate(text):
    return re.sub("|".join(map(re.escape, LAB)), lambda m: LAB[m[0]], text)


# The texts

def readme():
    """[(section, kind, argument, text)]"""
    with open(os.path.join(TOP, "README.md"), encoding="utf-8") as f:
        text = f.read()
    section, found = "", []
    for m in re.finditer(r"^## ([^\n]*)$|^```(\w+) (file|run)=?(\S*)\n(.*?)^```$",
                         text, re.M | re.S):
        if m[1]:
            section = m[1]
        else:
            found.append((section, m[3], m[4], m[5]))
    return found


def tutorial():
    with open(os.path.join(TOP, "man/afwrt-tutorial.7"),
              encoding="utf-8") as f:
        text = f.read()
    section, found = "", []
    for m in re.finditer(
            r'^\.Sh ([^\n]*)$|^\.\\" test: (file|run|compile) ?(\S*)\n'
            r"\.Bd[^\n]*\n(.*?)^\.Ed$", text, re.M | re.S):
        if m[1]:
            section = m[1]
            continue
        body = m[4].replace("\\e", "\\")
        if m[2] == "run":
            # what is typed, with the lines that go on
            body = "".join(re.findall(r"^# ((?:.*\\\n)*.*\n)", body, re.M))
        kind, where = ("file", m[3] + ".c") if m[2] == "compile" \
            else (m[2], m[3])
        found.append((section, kind, where, body))
    return found


def blocks(document, section):
    found = [b[1:] for b in document() if b[0] == section]
    assert found, section
    return found


# The router

class Shell:
    """A root shell on the router, with an /etc/afwrt and a home of its own."""

    def __init__(self, lab, product):
        self.lab, self.suite = lab, Suite(lab)
        self.home = os.path.join(self.suite.folder, "home")
        os.mkdir(self.home)
        self.etc = self.make_etc()
        env = dict(self.suite.environment(), HOME=self.home,
                   PATH=product + "/sbin:" + os.environ["PATH"],
                   PKG_CONFIG_PATH=product + "/lib/pkgconfig")
        with open(self.suite.log_path, "wb") as log:
            self.process = lab.router.popen(
                ["sh", "-ec", "mount -t tmpfs -o mode=755 afwrt /run; "
                 'mount --bind "$1" /etc; cd "$2"; exec sh', "sh",
                 os.path.dirname(self.etc), self.home],
                stdin=subprocess.PIPE, stdout=log, stderr=log, env=env)
        self.done = 0
        self.type(":")

    def make_etc(self):
        """What programs here need of /etc, the suite's users, and a folder
        for its configuration."""
        etc = os.path.join(self.suite.folder, "etc")
        os.makedirs(os.path.join(etc, "afwrt"))
        for name in ("ld.so.cache", "nsswitch.conf", "hosts"):
            if os.path.exists("/etc/" + name):
                shutil.copy("/etc/" + name, etc)
        for name in ("alternatives", "ssl"):
            if os.path.isdir("/etc/" + name):
                shutil.copytree("/etc/" + name, os.path.join(etc, name),
                                symlinks=True)
        for path in self.suite.accounts():
            shutil.copy(path, etc)
        with open(os.path.join(etc, "resolv.conf"), "w",
                  encoding="ascii") as f:
            f.write("nameserver %s\n" % names.RESOLVER4)
        return os.path.join(etc, "afwrt")

    def said(self):
        return self.suite.log()

    def type(self, line):
        """A line as a person types it; it must succeed."""
        before = len(self.said())
        self.done += 1
        mark = "== %d: " % self.done
        self.process.stdin.write(
            ("%s\necho '%s'$?\n" % (line, mark)).encode())
        self.process.stdin.flush()
        wait_for(lambda: mark in self.said(), 30,
                 lambda: "%s ends\n%s" % (line, self.said()))
        text = self.said()[before:]
        assert mark + "0\n" in text, "%s\n%s" % (line, self.said())
        return text.partition(mark)[0]

    def write(self, path, text):
        where = os.path.join(self.etc, os.path.basename(path)) \
            if path.startswith("/etc/afwrt/") else \
            os.path.join(self.home, path)
        with open(where, "w", encoding="utf-8", opener=lambda p, f: os.open(
                p, f, 0o600)) as f:
            f.write(text)

    def do(self, kind, argument, text):
        """A block; what the last of its lines said."""
        text, said = translate(text), ""
        if kind == "file":
            if argument.endswith(".conf") or argument.endswith(".json"):
                json.loads(text)
            return self.write(argument, text)
        for line in re.findall(r"(?:.*\\\n)*.+\n", text):
            said = self.type(line.rstrip("\n"))
            if line.rstrip().endswith("&"):
                self.await_service()
        return said

    def await_service(self):
        wait_for(lambda: self.type(
            "afwrt-ctl --json status >/dev/null 2>&1 && echo up || true")
            == "up\n", 20, lambda: "the service answers\n" + self.said())

    def stop(self):
        """The service, in order."""
        self.type("kill $! && wait $!")
        wait_for(lambda: not self.suite.family(), 20, self.said)

    def close(self):
        self.process.stdin.close()
        self.process.stdin = None
        for pid in self.suite.family().values():
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        end(self.process)
        print(self.said()[-6000:])


@pytest.fixture(scope="module")
def lab():
    why = wgnode.why_not()
    if why:
        pytest.skip(why)
    with Lab(wireguard=names.WG_NODES) as made:
        yield made


@pytest.fixture
def shell(lab, product):
    made = Shell(lab, product)
    with open(lab.pki.ca, encoding="ascii") as f:
        ca = f.read()
    for name in ("de-ca.pem", "vpn-ca.pem", "backend-ca.pem"):
        made.write("/etc/afwrt/" + name, ca)
    for name in ("de.pass", "vpn.pass"):
        made.write("/etc/afwrt/" + name, names.NODE_PASSWORD + "\n")
    for name in names.WG_NODES:
        lab.wg[name].peer_file(os.path.join(
            made.home, name.partition("-")[2] + ".conf"))
    yield made
    made.close()


def seen(lab, host, location, *families):
    for family in families or (4,):
        traffic.await_seen(lab, host, expected_exit(location, family),
                           family)


def follow(shell, document, section):
    """Does the blocks of a section; gives (text, what it said) of each that
    ran."""
    for kind, argument, text in blocks(document, section):
        said = shell.do(kind, argument, text)
        if kind == "run":
            yield text, said


# README

def test_readme_wireguard_and_account(lab, shell):
    steps = follow(shell, readme, "A configuration")
    assert "import" in next(steps)[0]
    assert "unprotect" in next(steps)[0]
    with no_leak(lab, "phone"):
        seen(lab, "phone", PARIS, 4, 6)
        seen(lab, "tv", None, 4, 6)
    shell.stop()
    assert "protect ip" in next(steps)[0]
    with no_leak(lab, "phone"):
        seen(lab, "phone", BERLIN, 4, 6)
        seen(lab, "tv", BERLIN)
        seen(lab, "laptop", None)
    shell.stop()
    assert next(steps, None) is None


def test_readme_ten_lines(lab, shell):
    """They are those of tests/install/tenlines.c, which make check builds."""
    (_, name, source), (_, _, commands) = blocks(readme, "Ten lines of C")
    with open(os.path.join(TOP, "tests/install/tenlines.c"),
              encoding="utf-8") as f:
        assert f.read().partition("*/\n")[2].strip() == source.strip()
    for _, where, text in blocks(readme, "A configuration"):
        if where.endswith("locations.json") or "de-berlin" in text and where:
            shell.do("file", where, text)
    shell.do("file", name, source)
    compiling, running = translate(commands).splitlines()
    shell.type(compiling + " " + sanitizers())
    with program(lab, shell, running, PHONE.lan4), no_leak(lab, "phone"):
        seen(lab, "phone", BERLIN)
    seen(lab, "phone", None)


@contextlib.contextmanager
def program(lab, shell, command, captured):
    """It runs, and the rule about that address is in force."""
    shell.type(command + " &")
    wait_for(lambda: captured in lab.router.run(
        "nft", "list", "table", "inet", "afwrt", check=False).stdout,
        15, shell.said)
    yield
    shell.type("kill $!; wait $! || :")
    wait_for(lambda: not shell.suite.family(), 20, shell.said)


def sanitizers():
    library = os.path.join(os.environ["AFWRT_STAGE"],
                           "lib/libafwrt-client.so.1")
    with open(library, "rb") as f:
        return "-fsanitize=address,undefined" \
            if b"__asan_init" in f.read() else ""


# The tutorial

def test_tutorial_account(lab, shell):
    steps = follow(shell, tutorial, "A ROUTER AND AN ANYCONNECT ACCOUNT")
    _, said = next(steps)
    assert PHONE.mac in said and YORK in said
    with no_leak(lab, "phone", "tv"):
        seen(lab, "phone", BERLIN, 4, 6)
        seen(lab, "tv", YORK, 4, 6)
        seen(lab, "laptop", None)
    assert "unprotect" in next(steps)[0]
    with no_leak(lab, "phone"):
        seen(lab, "phone", BERLIN, 4, 6)
        seen(lab, "tv", None)
    assert "dump-config" in next(steps)[0]
    with open(os.path.join(shell.etc, "afwrt-ci.conf"),
              encoding="utf-8") as f:
        kept = json.load(f)
    assert [r["mac_addr"].lower() for r in kept["protected_mac_addrs"]] == [
        PHONE.mac]
    shell.stop()


def test_tutorial_wireguard(lab, shell):
    steps = follow(shell, tutorial, "A ROUTER AND TWO WIREGUARD FILES")
    _, said = next(steps)
    assert "wrt0-1" in said and "wrt0-2" in said
    with no_leak(lab, "phone", "tv"):
        seen(lab, "phone", PARIS, 4, 6)
        seen(lab, "tv", TOKYO, 4, 6)
        seen(lab, "laptop", None)
    assert next(steps, None) is None
    shell.stop()


def test_tutorial_accounts_and_files_both(lab, shell):
    """What the second section says at its end."""
    (kind, where, text), *_ = blocks(
        tutorial, "A ROUTER AND AN ANYCONNECT ACCOUNT")
    shell.do(kind, where, text)
    (kind, where, text), *_ = blocks(
        tutorial, "A ROUTER AND TWO WIREGUARD FILES")
    shell.do(kind, where, text.replace(' "type": "wireguard",', "").replace(
        TOKYO, YORK))
    shell.do("run", "", "afwrt-ctl import paris.conf fr-paris\n"
             "afwrt-ctl run &\n")
    with no_leak(lab, "phone", "tv"):
        seen(lab, "phone", PARIS, 4, 6)
        seen(lab, "tv", YORK, 4, 6)
    shell.stop()


def test_tutorial_fleet(lab, shell):
    steps = follow(shell, tutorial, "A FLEET OF ROUTERS")
    _, said = next(steps)
    assert "de" in said
    with no_leak(lab, "phone", "laptop"):
        seen(lab, "phone", BERLIN, 4, 6)
        seen(lab, "laptop", BERLIN, 4, 6)
    said = next(steps)[1]
    assert json.loads(said)["result"] == "OK"
    assert json.loads(said)["access_token"]
    shell.stop()
    for host in ("phone", "laptop"):    # the killswitch
        assert traffic.seen_address(lab, host, timeout=0.5) is None
    shell.type("afwrt-ctl unblock")
    seen(lab, "phone", None)


def test_tutorial_program(lab, shell):
    for kind, where, text in blocks(
            tutorial, "A ROUTER AND AN ANYCONNECT ACCOUNT"):
        if where.endswith("locations.json"):
            shell.do(kind, where, text)
    (kind, name, source), = blocks(tutorial, "A PROGRAM OF YOUR OWN")
    shell.do(kind, name, source)
    shell.type("cc -Wall -Wextra -Werror -o mine mine.c "
               "$(pkg-config --cflags --libs afwrt-client) " + sanitizers())
    with program(lab, shell, "./mine", PHONE.mac), no_leak(lab, "phone"):
        seen(lab, "phone", BERLIN, 4, 6)
    seen(lab, "phone", None)
