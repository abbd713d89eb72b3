# SPDX-License-Identifier: ISC
"""The C programs of tests/conformance, built against the installed library and
run in the lab's router; what they ask of the lab is done here.

A request is a line on a socket, `kick de-berlin`; the answer is a line too.
"""

import glob
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import threading

from . import names, procs, traffic
from .state import difference, snapshot
from .suite import Suite, expected_exit
from .topology import TESTS
from .util import LabError, run, tail, wait_for

FOLDER = os.path.join(TESTS, "conformance")
CASE = re.compile(r"^\tCONFORM\((\w+), (\d+)\);$", re.M)


def cases():
    """(program, test, seconds), as the programs' main() lists them."""
    found = []
    for path in sorted(glob.glob(os.path.join(FOLDER, "api_*.c"))):
        with open(path, encoding="utf-8") as f:
            for test, seconds in CASE.findall(f.read()):
                found.append((os.path.basename(path)[:-2], test,
                              int(seconds)))
    return found


def build(prefix, folder):
    """Every program into the folder, linked with the staged library."""
    flags = ["-I" + os.path.join(prefix, "include"),
             "-L" + os.path.join(prefix, "lib"), "-lafwrt-client"]
    flags += run(["pkg-config", "--cflags", "--libs", "check", "jansson",
                  "libevent_core"]).stdout.split()
    library = os.path.join(prefix, "lib", "libafwrt-client.so.1")
    if "__asan_init" in run(["nm", "-D", library]).stdout:
        flags.append("-fsanitize=address,undefined")
    for program in sorted({c[0] for c in cases()}):
        run([os.environ.get("CC", "cc"), "-std=c11", "-D_GNU_SOURCE", "-g",
             "-Wall", "-Wextra", "-Werror",
             os.path.join(FOLDER, program + ".c"),
             os.path.join(FOLDER, "conform.c"),
             "-o", os.path.join(folder, program)] + flags + ["-lpthread"])
    shutil.copy(library, os.path.join(folder, "conform-plugin.so"))


class Requests:
    """What a program may ask; each method is a request."""

    def __init__(self, lab):
        self.lab = lab
        self.notes = []
        self.before = snapshot(lab.router)
        self.stopped = set()
        self.added = []
        self.away = False

    def answer(self, line):
        name, *words = line.split()
        method = getattr(self, "do_" + name, None)
        if method is None:
            return "error: no request " + name
        try:
            done = method(*words)
        except Exception as e:      # the program fails with it
            return "error: " + " ".join(str(e).split())
        return "ok" if done is None else str(done)

    def undo(self):
        """The lab as it was, whatever the program left out."""
        self.lab.admin.clear()
        self.lab.admin.set(credential_life=86400, token_life=0)
        for node in sorted(self.stopped):
            self.lab.nodes[node].start()
        for name in self.added:
            self.lab.admin.drop_location(name)
        if self.away:
            self.do_wan("back")
        for name in self.lab.host_names:
            self.lab.ns[name].run("nft", "destroy", "table", "inet",
                                  "conform", check=False)

    # Hosts

    def do_seen(self, host):
        seen = traffic.seen_address(self.lab, host, timeout=1)
        if seen is None:
            return "none"
        for location in (None,) + self.lab.node_names:
            if seen == expected_exit(location):
                return location or "direct"
        return seen

    def do_await(self, host, where):
        traffic.await_seen(self.lab, host, expected_exit(
            None if where == "direct" else where), seconds=25)

    def do_counter(self, host):
        """Count what the host itself sends to the internet and gets."""
        far = self.lab.host(host).net4
        self.lab.ns[host].run("nft", "-f", "-", input=(
            "table inet conform {\n"
            " counter sent { }\n counter got { }\n"
            " chain out { type filter hook postrouting priority 300;\n"
            "  ip daddr %s counter name sent; }\n"
            " chain in { type filter hook prerouting priority -400;\n"
            "  ip saddr %s counter name got; }\n}\n" % (far, far)))

    def do_counted(self, host):
        listed = json.loads(self.lab.ns[host].run(
            "nft", "-j", "list", "counters").stdout)
        found = {c["counter"]["name"]: c["counter"]["bytes"]
                 for c in listed["nftables"] if "counter" in c}
        return "%d %d" % (found["sent"], found["got"])

    def do_udp(self, host, count, size):
        """One at a time, so that none is lost for want of room."""
        return sum(traffic.udp_echo(self.lab, host, int(size), 20)
                   for _ in range(int(count) // 20))

    def do_download(self, host, size):
        done = traffic.download(self.lab, host, int(size), timeout=40)
        assert done.sha256 == done.expected

    # Nodes

    def do_sessions(self, node):
        return len(self.lab.nodes[node].sessions())

    def do_kick(self, node):
        self.lab.nodes[node].disconnect_user(names.NODE_USER)

    def do_node(self, node, what):
        if what == "stop":
            self.lab.nodes[node].stop(hard=True)
            self.stopped.add(node)
        else:
            self.lab.nodes[node].start()
            self.stopped.discard(node)

    def do_wan(self, what):
        router = self.lab.router
        if what == "away":
            router.ip("link set wan0 down", "link set wan0 name wan-off")
        else:
            router.ip("link set wan-off name wan0", "link set wan0 up",
                      "addr replace %s dev wan0 nodad" %
                      names.wan_addresses("router")[1],
                      "route add default via " + names.GATEWAY4,
                      "route add ::/0 via " + names.GATEWAY6)
        self.away = what == "away"

    # Backend

    def do_fault(self, call, mode, argument=None):
        self.lab.admin.fault(call, mode, argument)

    def do_clear(self):
        self.lab.admin.clear()

    def do_life(self, seconds):
        self.lab.admin.set(credential_life=int(seconds))

    def do_locations(self, count):
        for i in range(1, int(count) + 1):
            name = "many-%d" % i
            self.lab.admin.location(
                name, labels={"country": "zz"},
                servers=[names.server("de-berlin")])
            self.added.append(name)

    def do_wireguard(self, name):
        """A WireGuard location whose servers have no key: it cannot connect."""
        self.lab.admin.location(
            name, type="wireguard", labels={"country": "zz"},
            servers=[names.server("de-berlin")], wireguard={"mtu": 1420})
        self.added.append(name)

    def do_locations_text(self):
        return json.dumps({"result": "OK", "locations": [
            {"name": l["name"], "labels": l["labels"]}
            for l in map(names.location, self.lab.node_names)]})

    # The router

    def do_leftovers(self):
        return "; ".join(difference(self.before, snapshot(
            self.lab.router))) or "none"

    def do_note(self, *words):
        self.notes.append(" ".join(words))


class Program:
    """One test of one program, to its end."""

    def __init__(self, lab, folder, name, test):
        self.requests = Requests(lab)
        self.suite = Suite(lab, reconnect="manual", log_level="info")
        self.suite.config.pop("ci_unix_domain")
        self.lab, self.test = lab, test
        self.path = os.path.join(folder, name)
        self.plugin = os.path.join(folder, "conform-plugin.so")

    def _serve(self, end):
        with end, end.makefile("r", encoding="utf-8") as lines:
            for line in lines:
                end.sendall(self.requests.answer(line).encode() + b"\n")

    def _etc(self):
        """An /etc with the suite's users, the lab's anchors, and a backend
        in the place where it is looked for when no configuration says so."""
        folder = os.path.join(self.suite.folder, "etc")
        os.makedirs(os.path.join(folder, "ssl", "certs"))
        os.mkdir(os.path.join(folder, "afwrt"))
        for name in ("ld.so.cache", "nsswitch.conf", "hosts"):
            if os.path.exists("/etc/" + name):
                shutil.copy("/etc/" + name, folder)
        for path in self.suite.accounts():
            shutil.copy(path, folder)
        shutil.copy(self.lab.pki.ca, os.path.join(
            folder, "ssl", "certs", "ca-certificates.crt"))
        with open(os.path.join(folder, "resolv.conf"), "w",
                  encoding="ascii") as f:
            f.write("nameserver %s\n" % names.RESOLVER4)
        with open(os.path.join(folder, "afwrt", "locations.json"), "w",
                  encoding="utf-8") as f:
            os.fchmod(f.fileno(), 0o600)
            json.dump({"locations": [dict(
                names.location(n), username=names.NODE_USER,
                password=names.NODE_PASSWORD, ca_file=self.lab.pki.ca)
                for n in self.lab.node_names],
                "optimal": [self.lab.node_names[0]]}, f)
        return folder

    def argv(self):
        with open(self.suite.config_path, "w", encoding="utf-8") as f:
            json.dump(self.suite.config, f)
        return ["sh", "-ec", "mount -t tmpfs -o mode=755 afwrt /run; "
                'mount --bind "$1" /etc; shift; exec "$@"', "sh",
                self._etc(), self.path]

    def run(self, seconds):
        """(exit status, what it said)"""
        ours, theirs = socket.socketpair()
        environment = dict(
            self.suite.environment(), CK_RUN_CASE=self.test,
            GLIBC_TUNABLES="glibc.malloc.tcache_count=0",
            CK_VERBOSITY="normal", CONFORM_CONFIG=self.suite.config_path,
            CONFORM_LAB=str(theirs.fileno()), CONFORM_PLUGIN=self.plugin)
        with open(self.suite.log_path, "ab") as log, theirs:
            process = self.lab.router.popen(
                self.argv(), stdout=log, stderr=log, env=environment,
                pass_fds=(theirs.fileno(),))
        server = threading.Thread(target=self._serve, args=(ours,),
                                  daemon=True)
        server.start()
        try:
            status = process.wait(seconds + 10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            status = process.wait()
        finally:
            self.lab.router.children.remove(process)
            self.requests.undo()
        self._await_end()
        return status, tail(self.suite.log_path, 60)

    def _await_end(self):
        """The suite of a program that failed ends by itself, or is ended."""
        try:
            wait_for(lambda: not procs.find(self.lab.router.inode), 12,
                     "the helpers end with their application")
        except LabError:
            for pid in procs.find(self.lab.router.inode).values():
                os.kill(pid, signal.SIGKILL)
            raise

    def repair(self):
        """Take away what a killed suite has left, by a new one."""
        if self.requests.do_leftovers() != "none":
            with Suite(self.lab):
                pass
