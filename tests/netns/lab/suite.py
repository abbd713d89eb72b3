# SPDX-License-Identifier: ISC
"""The product in the lab's router: `afwrt-ctl run` and its control socket.

The binaries come from $AFWRT_STAGE, an installation prefix.  The daemons'
users may be missing on a development machine: then they exist for the suite
alone, in a copy of passwd and group that is bound over the real ones in the
mount namespace that `ip netns exec` makes.  There /run is empty too, so that
nothing is left in the machine's own.
"""

import contextlib
import grp
import json
import os
import pwd
import re
import signal
import subprocess

from . import names, procs
from .control import Control, datagrams, subscribe
from .util import LabError, alive, end, tail, wait_for

# user -> process; the service drops to the last one.
USERS = {"_afwrt-net": "afwrt-net", "_afwrt-tun": "afwrt-tun",
         "_afwrt-auth": "afwrt-auth", "_afwrt": "afwrt-ctl",
         "_afwrtd": "afwrtd"}
GROUPS = tuple(USERS) + ("afwrt",)
FIRST_ID = 61180
TROUBLE = re.compile(r"ERROR: \w+Sanitizer|runtime error:|SIGSYS")


def stage():
    """The prefix of the installation under test, or None."""
    for prefix in (os.environ.get("AFWRT_STAGE"), "/usr/local"):
        if prefix and program("afwrt-ctl", prefix):
            return os.path.abspath(prefix)
        if prefix and prefix == os.environ.get("AFWRT_STAGE"):
            return None
    return None


def program(name, prefix):
    for folder in ("sbin", "bin", "libexec", "libexec/afwrt", "lib/afwrt"):
        path = os.path.join(prefix, folder, name)
        if os.access(path, os.X_OK):
            return path
    return None


class Suite:
    """rules: {host: location}, each for the host's IPv4 and IPv6 address."""

    def __init__(self, lab, rules=None, **config):
        self.lab = lab
        lab.serial += 1
        self.folder = lab.path("suite%d" % lab.serial)
        os.mkdir(self.folder)
        os.chmod(self.folder, 0o755)
        self.sock = os.path.join(self.folder, "ci.sock")
        self.log_path = os.path.join(self.folder, "log")
        self.process = self.control = self.events = self.datagrams = None
        self.prefix = stage()
        if self.prefix is None:
            raise LabError("no afwrt-ctl below AFWRT_STAGE=%r" %
                           os.environ.get("AFWRT_STAGE"))
        config_dir = os.path.join(self.folder, "state")
        os.mkdir(config_dir)
        self.config = {
            "tun_ifname": "wrt0", "wan_ifname": "wan0",
            "type": "hydra-tcp", "auth_method": "anonymous",
            "vl_default": "de-berlin", "config_dir": config_dir,
            "data_report_interval": 500, "log_level": "debug",
            "protected_ip_addrs": [
                {"ip_addr": address, "vl": location}
                for host, location in (rules or {}).items()
                for address in self.addresses(host)],
            "ci_unix_domain": {
                "sock": self.sock,
                "async_sock": os.path.join(self.folder, "events.sock")}}
        if lab.has_backend:
            self.config.update(backend=lab.backend_url, ca_file=lab.pki.ca)
        self.config.update(config)
        self.config_path = os.path.join(self.folder, "afwrt-ci.conf")

    def addresses(self, host):
        found = self.lab.host(host)
        return found.lan4, found.lan6

    # Life

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def command(self, *argv):
        """argv, run with the suite's users and an empty /run of its own."""
        passwd, group = self.accounts()
        resolver = os.path.join(self.folder, "resolv.conf")
        with open(resolver, "w", encoding="ascii") as f:
            f.write("nameserver %s\n" % names.RESOLVER4)
        return ["sh", "-ec", 'mount -t tmpfs -o mode=755 afwrt /run; '
                'mount --bind "$1" /etc/passwd; '
                'mount --bind "$2" /etc/group; '
                # It may be a link into /run, which is empty now.
                't=$(readlink -m /etc/resolv.conf); mkdir -p "${t%/*}"; '
                '[ -e "$t" ] || : >"$t"; mount --bind "$3" "$t"; '
                'shift 3; exec "$@"', "sh",
                passwd, group, resolver, *argv]

    def environment(self):
        helpers = program("afwrtd", self.prefix)
        changed = {
            "LD_LIBRARY_PATH": os.path.join(self.prefix, "lib"),
            "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1",
            "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1"}
        if helpers:
            changed["AFWRT_LIBEXECDIR"] = os.path.dirname(helpers)
        return dict(os.environ, **changed)

    def start(self, seconds=15, wait=True):
        with open(self.config_path, "w", encoding="utf-8") as f:
            json.dump(self.config, f)
        os.chmod(self.config_path, 0o600)
        self.lab.closers.append(self.kill)
        where = self.config.get("ci_unix_domain", {}).get("async_sock")
        if where and self.datagrams is None:
            self.datagrams = datagrams(where)
        with open(self.log_path, "ab") as log:
            self.process = self.lab.router.popen(
                self.command(self.ctl_path, "run", self.config_path),
                stdout=log, stderr=log, env=self.environment())
        if wait:
            self.await_control(seconds)
        return self

    def await_control(self, seconds=15):
        def there():
            if self.process.poll() is not None:
                raise LabError("afwrt-ctl run ended with %d:\n%s" % (
                    self.process.returncode, self.log_tail()))
            try:
                self.control = Control(self.sock)
                if self.control.request("ping").get("status") == 0:
                    return True
            except OSError:
                pass
            if self.control:
                self.control.close()
                self.control = None
            return False
        wait_for(there, seconds,
                 lambda: "the control socket answers\n" + self.log_tail())
        self.events = subscribe(self.sock)

    def stop(self, number=signal.SIGTERM, seconds=15):
        """An ordered stop; the exit status of the service."""
        family = self.family()
        self._hang_up()
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            code = self.process.wait(seconds)
            wait_for(lambda: not any(alive(p) for p in family.values()),
                     seconds, lambda: "all of the suite end: %r\n%s" %
                     (family, self.log_tail()))
        except subprocess.TimeoutExpired:
            raise LabError("afwrt-ctl does not end on signal %d:\n%s" %
                           (number, self.log_tail())) from None
        finally:
            self.kill()
        return code

    def kill(self):
        """No goodbyes; for cleaning up."""
        self._hang_up()
        family = self.family()
        if self.process is not None:
            if self.process.poll() is None:
                self.process.kill()
            end(self.process)
            if self.process in self.lab.router.children:
                self.lab.router.children.remove(self.process)
            self.process = None
        for pid in family.values():
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        if self.datagrams:
            self.datagrams.close()      # what it has seen stays
        if self.kill in self.lab.closers:
            self.lab.closers.remove(self.kill)

    def _hang_up(self):
        for connection in (self.events, self.control):
            if connection:
                connection.close()
        self.events = self.control = None

    # Requests

    def protect(self, host, location):
        for address in self.addresses(host):
            self.control.do("protect_ip", ip_addr=address, vl=location)

    def unprotect(self, host):
        for address in self.addresses(host):
            self.control.do("unprotect_ip", ip_addr=address)

    def status(self):
        return self.control.do("status")

    def await_route(self, location, since=0, seconds=15):
        return self.events.wait("route_connected", since, seconds,
                                route_name=location)

    # Processes

    def family(self):
        return procs.find(self.lab.router.inode)

    def pid(self, name):
        found = self.family()
        if name not in found:
            raise LabError("%s does not run; there are %r\n%s" %
                           (name, found, self.log_tail()))
        return found[name]

    def kill_helper(self, name, number=signal.SIGKILL, seconds=2.0):
        self.pid(name)
        return procs.kill_and_await_successor(self.lab.router.inode, name,
                                              number, seconds)

    @property
    def ctl_path(self):
        return program("afwrt-ctl", self.prefix)

    # Findings

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def log_tail(self, lines=40):
        return tail(self.log_path, lines)

    def inside(self, *argv, **kw):
        """argv with the suite's own /run: `wg show` finds its sockets."""
        return self.lab.router.run("nsenter", "-t", str(self.pid("afwrtd")),
                                   "-m", *argv, **kw)

    def trouble(self):
        """Lines of the log that no run may have.

        A SIGSEGV that we sent ourselves reads as one at the address that is
        our pid.
        """
        ours = "SEGV on unknown address 0x%012x " % os.getpid()
        return [l for l in self.log().splitlines()
                if TROUBLE.search(l) and ours not in l]

    def ctl(self, *words, **kw):
        """afwrt-ctl as a client of this suite, in the router."""
        return self.lab.router.run(
            *self.command(self.ctl_path, "--socket", self.sock, "--config",
                          self.config_path, *words),
            env=self.environment(), **kw)

    # Accounts

    def accounts(self):
        """Copies of passwd and group with the users in them."""
        passwd = os.path.join(self.folder, "passwd")
        group = os.path.join(self.folder, "group")
        if os.path.exists(passwd):
            return passwd, group
        for path, wanted, known, line in (
                ("group", GROUPS, lambda n: grp.getgrnam(n),
                 "%s:x:%d:\n"),
                ("passwd", tuple(USERS), lambda n: pwd.getpwnam(n),
                 "%s:x:%d:%d::/nonexistent:/usr/sbin/nologin\n")):
            with open("/etc/" + path, encoding="utf-8") as f:
                text = f.read()
            for i, name in enumerate(wanted):
                try:
                    known(name)
                except KeyError:
                    values = (name,) + (FIRST_ID + i,) * (line.count("%d"))
                    text += line % values
            with open(os.path.join(self.folder, path), "w",
                      encoding="utf-8") as f:
                f.write(text)
        return passwd, group

    def user_id(self, name):
        """The uid of a daemon's user, as the suite sees it."""
        with open(self.accounts()[0], encoding="utf-8") as f:
            for line in f:
                field = line.split(":")
                if field[0] == name:
                    return int(field[2])
        raise KeyError(name)


def expected_exit(location, family=4):
    """The address that the internet sees; None as location: direct."""
    pair = names.EXIT[location] if location else names.DIRECT
    return pair[family == 6]
