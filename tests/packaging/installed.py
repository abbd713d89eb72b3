# SPDX-License-Identifier: ISC
"""The installed packages at work in the lab's router: the chroot of root.py
in that network namespace, without systemd, driven by afwrt-ctl alone."""

import json
import os
import signal
import subprocess

from lab import names
from lab.util import LabError, end, tail, wait_for
from root import clean

CTL = "/usr/sbin/afwrt-ctl"
BERLIN, YORK = names.NODES


class Installed:
    """The service of the system `root` in the router of `lab`."""

    def __init__(self, root, lab):
        self.root, self.lab = root, lab
        self.log_path = lab.path("service.log")
        self.process = None

    def configure(self, rules, **config):
        """The example of the README, with the lab's nodes and hosts."""
        with open(self.lab.pki.ca, encoding="ascii") as f:
            self.root.write("etc/afwrt/ca.pem", f.read(), 0o600)
        self.root.write("etc/afwrt/node.pass", names.NODE_PASSWORD + "\n",
                        0o600)
        self.root.write("etc/afwrt/locations.json", json.dumps({
            "optimal": [BERLIN], "locations": [
                {"name": node, "labels": {"country": node[:2]},
                 "type": "hydra-tcp", "servers": [
                     {"address": names.NODE4[node], "port": 443}],
                 "username": names.NODE_USER, "password_file": "node.pass",
                 "ca_file": "ca.pem"} for node in names.NODES]}), 0o600)
        self.root.write("etc/afwrt/afwrt-ci.conf", json.dumps(dict({
            "tun_ifname": "wrt0", "wan_ifname": "wan0",
            "backend": "file:/etc/afwrt/locations.json",
            "protected_ip_addrs": [
                {"ip_addr": address, "vl": location}
                for host, location in rules.items()
                for address in self.addresses(host)],
            "ci_unix_domain": {}}, **config)), 0o600)

    def addresses(self, name):
        host = self.lab.host(name)
        return host.lan4, host.lan6

    def ctl(self, *words, check=True):
        return self.lab.router.run(*self.root.argv(CTL, *words),
                                   check=check, env=clean())

    def json(self, *words):
        # after what it says on standard error
        return json.loads(self.ctl("--json", *words).stdout.splitlines()[-1])

    def start(self):
        with open(self.log_path, "ab") as log:
            self.process = self.lab.router.popen(
                self.root.argv(CTL, "run"), stdout=log, stderr=log,
                env=clean())

        def there():
            if self.process.poll() is not None:
                raise LabError("the service ended with %d:\n%s" % (
                    self.process.returncode, tail(self.log_path)))
            return os.path.exists(self.root.path("run/afwrt-ci.sock")) and \
                self.ctl("status", check=False).returncode == 0
        wait_for(there, 20, lambda: "afwrt-ctl status answers\n" +
                 tail(self.log_path), every=0.1)

    def stop(self):
        """By the signal that a service manager sends; its exit status."""
        if self.process is None:
            return None
        process, self.process = self.process, None
        self.lab.router.children.remove(process)
        process.send_signal(signal.SIGTERM)
        try:
            return process.wait(20)
        except subprocess.TimeoutExpired:
            raise LabError("the service does not end:\n" +
                           tail(self.log_path)) from None
        finally:
            end(process)
