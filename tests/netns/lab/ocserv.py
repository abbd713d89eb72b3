# SPDX-License-Identifier: ISC
"""One real ocserv instance in a node's namespace, and what a test does to it.

Certificates come from pki.py (any variant), users from ocpasswd.  The login
ban and the rate limit are off, so that tests of wrong passwords do not
depend on each other.
"""

import json
import os
import signal
import subprocess

from . import names
from .util import LabError, end, run, tail, wait_for

CONFIG = """\
auth = "plain[passwd={folder}/passwd]"
tcp-port = {port}
{udp}
run-as-user = nobody
run-as-group = nogroup
socket-file = {folder}/s
occtl-socket-file = {folder}/occtl
use-occtl = true
pid-file = {folder}/pid
isolate-workers = false
server-cert = {cert}
server-key = {key}
tls-priorities = "NORMAL:%SERVER_PRECEDENCE"
device = vpn{index}
max-clients = 64
max-same-clients = 0
rate-limit-ms = 0
max-ban-score = 0
keepalive = 300
dpd = {dpd}
mobile-dpd = {dpd}
try-mtu-discovery = false
cookie-timeout = {cookie_timeout}
persistent-cookies = {persistent}
deny-roaming = false
rekey-time = {rekey}
rekey-method = new-tunnel
auth-timeout = 20
predictable-ips = true
ping-leases = false
cisco-client-compat = true
dtls-legacy = true
compression = false
default-domain = lab.test
ipv4-network = {net4}
ipv6-network = {net6}
ipv6-subnet-prefix = 128
dns = {dns}
route = default
log-level = {log_level}
{extra}
"""


class Ocserv:
    """Options: port, net4, net6 (None: no IPv6), dpd, udp, mtu, rekey, ..."""

    def __init__(self, ns, folder, index, certificate, users, **options):
        self.ns = ns
        self.folder = folder
        self.certificate = certificate
        self.process = None
        self.log_path = os.path.join(folder, "log")
        self.options = dict(
            port=443, net4="10.99.1.0/24", net6="fd99:1::/64", udp=False,
            dpd=60, cookie_timeout=300, persistent="true", rekey=86400,
            dns=names.RESOLVER4, log_level=2, mtu=None, extra="")
        self.options.update(options)
        self.options["index"] = index
        os.mkdir(folder)
        os.chmod(folder, 0o755)
        for name, password in users.items():
            self.set_user(name, password)

    @property
    def port(self):
        return self.options["port"]

    def set_user(self, name, password):
        run(["ocpasswd", "-c", os.path.join(self.folder, "passwd"), name],
            input="%s\n%s\n" % (password, password))

    def write_config(self):
        values = dict(self.options, folder=self.folder,
                      cert=self.certificate[0], key=self.certificate[1])
        values["udp"] = "udp-port = %d" % values["port"] \
            if values["udp"] else ""
        if values["mtu"]:
            values["extra"] += "\nmtu = %d" % values["mtu"]
        text = CONFIG.format(**values)
        if not values["net6"]:
            text = "\n".join(l for l in text.splitlines()
                             if not l.startswith("ipv6-"))
        path = os.path.join(self.folder, "conf")
        with open(path, "w", encoding="ascii") as f:
            f.write(text + "\n")
        return path

    def start(self, wait=True):
        config = self.write_config()
        with open(self.log_path, "ab") as log:
            self.process = self.ns.popen(
                ["ocserv", "-f", "-c", config], stdout=log,
                stderr=subprocess.STDOUT)
        if wait:
            self.await_ready()

    def await_ready(self):
        try:
            self.ns.await_port(self.port, process=self.process)
        except LabError as e:
            raise LabError("%s\n%s" % (e, tail(self.log_path))) from None

    def stop(self, hard=False):
        """End it; hard: every one of its processes at once, no goodbyes."""
        if self.process is None:
            return
        family = self.family()
        if hard:
            for pid in family:
                _kill(pid, signal.SIGKILL)
        end(self.process)
        for pid in family:
            _kill(pid, signal.SIGKILL)
        if self.process in self.ns.children:
            self.ns.children.remove(self.process)
        self.process = None
        wait_for(lambda: not self.ns.listening(self.port), 5,
                 "port %d is free again" % self.port)

    def restart(self, hard=False):
        self.stop(hard)
        self.start()

    def family(self):
        """The main process and all below it."""
        if self.process is None:
            return []
        children = {}
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                try:
                    with open("/proc/%s/stat" % entry, encoding="ascii",
                              errors="replace") as f:
                        parent = f.read().rpartition(")")[2].split()[1]
                except OSError:
                    continue
                children.setdefault(int(parent), []).append(int(entry))
        found, todo = [], [self.process.pid]
        while todo:
            pid = todo.pop()
            found.append(pid)
            todo += children.get(pid, [])
        return found

    def signal_all(self, number):
        """For example SIGSTOP and SIGCONT: a node that hangs."""
        for pid in self.family():
            _kill(pid, number)

    def occtl(self, *words):
        return self.ns.run("occtl", "-s", os.path.join(self.folder, "occtl"),
                           "-j", *words).stdout

    def sessions(self):
        """The connected sessions, as occtl shows them."""
        try:
            users = json.loads(self.occtl("show", "users") or "[]")
        except ValueError:
            return []
        return [u for u in users if u.get("State") == "connected"]

    def disconnect_user(self, name):
        self.occtl("disconnect", "user", name)

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as f:
            return f.read()


def _kill(pid, number):
    try:
        os.kill(pid, number)
    except OSError:
        pass
