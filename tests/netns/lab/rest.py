# SPDX-License-Identifier: ISC
"""A client of the service's REST interface, in the router.

curl speaks HTTP as everybody does; connect() gives a bare TCP connection for
what curl would never send.
"""

import json
import socket
import tempfile

from .suite import Suite
from .util import LabError, wait_for

HOST, PORT = "127.0.0.1", 61438
TOKEN = "correct-horse-battery"


class Answer:
    def __init__(self, code, headers, body):
        self.code, self.headers, self.body = code, headers, body

    def json(self):
        return json.loads(self.body)

    @property
    def status(self):
        return self.json()["status"]

    def __repr__(self):
        return "%d %s" % (self.code, self.body[:300])


class Rest:
    def __init__(self, lab, host=HOST, port=PORT, token=TOKEN):
        self.router, self.host, self.port = lab.router, host, port
        self.token = token

    def url(self, path):
        host = "[%s]" % self.host if ":" in self.host else self.host
        return "http://%s:%d%s" % (host, self.port, path)

    def curl(self, method, path, data=None, headers=(), words=()):
        """data: bytes for the body."""
        argv = ["curl", "-sS", "--path-as-is", "-m", "40", "-X", method,
                "-D", "-", *words]
        for line in headers:
            argv += ["-H", line]
        with tempfile.NamedTemporaryFile() as f:
            if data is not None:
                f.write(data)
                f.flush()
                argv += ["--data-binary", "@" + f.name]
            done = self.router.run(*argv, self.url(path), check=False)
        return parse(done.stdout)

    def ask(self, method, path, **parameters):
        """As the document does it: the token in the body."""
        parameters.setdefault("token", self.token)
        return self.curl(method, path, json.dumps(parameters).encode())

    def do(self, method, path, **parameters):
        answer = self.ask(method, path, **parameters)
        if answer.code != 200 or answer.status != 0:
            raise LabError("%s %s: %r" % (method, path, answer))
        return answer.json()

    def connect(self, timeout=5):
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        s = self.router.socket(family)
        s.settimeout(timeout)
        s.connect((self.host, self.port))
        return s

    def raw(self, data, timeout=20):
        """Bytes as they are; the answer to them."""
        with self.connect(timeout) as s:
            s.sendall(data)
            return parse(read_all(s).decode())


def read_all(s):
    data = b""
    while True:
        try:
            more = s.recv(65536)
        except ConnectionResetError:
            more = b""
        if not more:
            return data
        data += more


def parse(text):
    """The last answer in what curl -D - wrote (100 Continue may go before)."""
    while True:
        head, _, body = text.replace("\r\n", "\n").partition("\n\n")
        lines = head.splitlines()
        if not lines or not lines[0].startswith("HTTP/"):
            raise LabError("no HTTP answer: %r" % text[:300])
        code = int(lines[0].split()[1])
        if code != 100:
            break
        text = body
    headers = {}
    for line in lines[1:]:
        key, _, value = line.partition(":")
        headers[key.strip().lower()] = value.strip()
    return Answer(code, headers, body)


class RestSuite(Suite):
    """The product with REST in the place of the control socket."""

    def __init__(self, lab, rules=None, rest=None, **config):
        super().__init__(lab, rules, **config)
        del self.config["ci_unix_domain"]
        self.config["ci_rest"] = {"token": TOKEN, **(rest or {})}
        section = self.config["ci_rest"]
        self.rest = Rest(lab, section.get("host", HOST),
                         section.get("port", PORT))

    def await_control(self, seconds=15):
        def there():
            if self.process.poll() is not None:
                raise LabError("afwrt-ctl run ended with %d:\n%s" % (
                    self.process.returncode, self.log_tail()))
            try:
                return self.rest.ask("POST", "/api/ping").code == 200
            except (LabError, OSError, ValueError):
                return False
        wait_for(there, seconds, lambda: "REST answers\n" + self.log_tail(),
                 every=0.1)

    def status(self):
        return self.rest.do("POST", "/api/status")
