# SPDX-License-Identifier: ISC
"""The programs in examples/: built with pkg-config alone, run in the router;
each protects a device, and nothing of that device is on the WAN."""

import contextlib
import json
import os
import shutil
import signal
import subprocess

import pytest

from lab import names, traffic
from lab.capture import no_leak
from lab.suite import Suite, expected_exit
from lab.util import end, tail, wait_for

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
EXAMPLES = os.path.join(TOP, "examples")
BERLIN, YORK = names.NODES
PACKAGES = {"libevent": ("libevent_core",)}


def sanitized(product):
    with open(os.path.join(product, "lib/libafwrt-client.so.1"), "rb") as f:
        return b"__asan_init" in f.read()


def compile_example(product, name, folder):
    env = dict(os.environ, PKG_CONFIG_PATH=os.path.join(
        product, "lib/pkgconfig"))
    flags = subprocess.run(
        ["pkg-config", "--cflags", "--libs", "afwrt-client",
         *PACKAGES.get(name, ())], env=env, check=True,
        capture_output=True, text=True).stdout.split()
    if sanitized(product):
        flags.append("-fsanitize=address,undefined")
    program = os.path.join(folder, name)
    subprocess.run(["cc", "-Wall", "-Wextra",
                    "-Werror", "-o", program,
                    os.path.join(EXAMPLES, name + ".c"), *flags], check=True)
    return program


class Running:
    """A program in the router with the suite's users; its output."""

    def __init__(self, lab, *argv, config=None, compiled=None):
        self.lab, self.suite = lab, Suite(lab)
        settings = {k: v for k, v in self.suite.config.items()
                    if not k.startswith("ci_") and k != "protected_ip_addrs"}
        settings.update(config or {})
        with open(self.suite.config_path, "w", encoding="utf-8") as f:
            json.dump(settings, f)
        command = [self.suite.config_path if a == "CONFIG" else a
                   for a in argv]
        if compiled:
            command[0] = compile_example(compiled, argv[0],
                                         self.suite.folder)
        with open(self.suite.log_path, "wb") as log:
            self.process = lab.router.popen(
                self.suite.command(*command), stdin=subprocess.PIPE,
                stdout=log, stderr=log, env=self.suite.environment())

    def said(self):
        with open(self.suite.log_path, encoding="utf-8") as f:
            return f.read()

    def say(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def await_captured(self, what):
        def there():
            assert self.process.poll() is None, self.said()
            return what in self.lab.router.run(
                "nft", "list", "table", "inet", "afwrt", check=False).stdout
        wait_for(there, 15, lambda: "the rule is in force\n" + self.said())

    def await_said(self, text, count=1):
        wait_for(lambda: self.said().count(text) >= count, 15,
                 lambda: "%r in %s" % (text, self.said()))

    def finish(self):
        """It ends in order and leaves nothing."""
        assert self.process.wait(20) == 0, self.said()
        wait_for(lambda: not self.suite.family(), 15, "the suite ends")
        assert "afwrt" not in self.lab.router.run(
            "nft", "list", "ruleset").stdout

    def close(self):
        self.process.stdin.close()
        self.process.stdin = None
        end(self.process)
        for pid in self.suite.family().values():
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        print(tail(self.suite.log_path, 40))


@pytest.fixture
def run(lab, product):
    with contextlib.ExitStack() as stack:
        def start(*argv, **options):
            running = Running(lab, *argv, **options)
            stack.callback(running.close)
            return running
        yield start


def test_blocking(lab, product, run):
    phone = lab.host("phone")
    running = run("blocking", "CONFIG", phone.lan4, YORK, compiled=product)
    running.await_captured(phone.lan4)
    with no_leak(lab, "phone"):
        traffic.await_seen(lab, "phone", expected_exit(YORK))
        running.await_said('"route_connected"')
        running.process.send_signal(signal.SIGTERM)
        running.finish()


def test_poll(lab, product, run):
    phone = lab.host("phone")
    running = run("poll", "CONFIG", phone.lan4, compiled=product)
    running.say(YORK)
    running.await_captured(phone.lan4)
    with no_leak(lab, "phone"):
        traffic.await_seen(lab, "phone", expected_exit(YORK))
        running.say(BERLIN)
        traffic.await_seen(lab, "phone", expected_exit(BERLIN))
        running.say("a location that cannot be")
        running.await_said("a location that cannot be: ")
        assert traffic.seen_address(lab, "phone") == expected_exit(BERLIN)
    running.say("off")
    traffic.await_seen(lab, "phone", expected_exit(None))
    running.process.stdin.close()
    running.finish()
    running.process.stdin = open(os.devnull, "wb")


def test_libevent(lab, product, run):
    phone = lab.host("phone")
    running = run("libevent", "CONFIG", phone.mac, YORK, compiled=product)
    running.await_captured(phone.mac)
    with no_leak(lab, "phone"):
        for family in (4, 6):
            traffic.await_seen(lab, "phone", expected_exit(YORK, family),
                               family)
        running.await_said('"schema_version"', 2)
        running.process.send_signal(signal.SIGINT)
        running.finish()


@pytest.fixture
def python(product):
    if sanitized(product):
        pytest.skip("Python cannot load a library with AddressSanitizer")
    return ("/usr/bin/python3", "-B",
            os.path.join(EXAMPLES, "bindings/afwrt.py"), "CONFIG")


def test_python(lab, run, python):
    phone = lab.host("phone")
    running = run(*python, phone.lan4, YORK)
    running.await_captured(phone.lan4)
    with no_leak(lab, "phone"):
        traffic.await_seen(lab, "phone", expected_exit(YORK))
        running.await_said("'event': 'route_connected'")
        running.process.send_signal(signal.SIGTERM)
        running.finish()


def test_python_says_why(run, python):
    running = run(*python, "not an address", YORK)
    assert running.process.wait(20) == 1
    assert "OSError: [Errno 22]" in running.said()
    assert "not an address" in running.said()


@pytest.mark.skipif(shutil.which("cc") is None, reason="no compiler")
@pytest.mark.parametrize("name", ("blocking", "poll", "libevent"))
def test_wrong_usage(product, tmp_path, name):
    program = compile_example(product, name, str(tmp_path))
    done = subprocess.run([program], env=dict(os.environ, LD_LIBRARY_PATH=(
        product + "/lib")), capture_output=True, text=True, timeout=20,
        check=False)
    assert done.returncode == 2 and done.stderr.startswith("usage: ")
