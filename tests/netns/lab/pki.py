# SPDX-License-Identifier: ISC
"""A test authority and its certificates (ECDSA P-256, made by openssl).

issue() makes the variants of which a client must refuse all but the first:
valid, wrong-ca (another authority), wrong-name, expired.
"""

import os

from .util import run

VARIANTS = ("valid", "wrong-ca", "wrong-name", "expired")
_NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
            "-nodes"]


class Authority:
    def __init__(self, folder, name):
        self.folder = folder
        self.name = name
        self.cert = os.path.join(folder, name + ".pem")
        self.key = os.path.join(folder, name + ".key")
        run(["openssl", "req", "-x509"] + _NEW_KEY +
            ["-keyout", self.key, "-out", self.cert, "-subj", "/CN=" + name,
             "-days", "30"])

    def issue(self, stem, names=(), addresses=(), expired=False):
        """(certificate path, key path) for these subject names."""
        base = os.path.join(self.folder, stem)
        cert, key, csr = base + ".pem", base + ".key", base + ".csr"
        san = ["DNS:" + n for n in names] + ["IP:" + a for a in addresses]
        run(["openssl", "req"] + _NEW_KEY +
            ["-keyout", key, "-out", csr,
             "-subj", "/CN=" + (list(names) + list(addresses))[0],
             "-addext", "subjectAltName=" + ",".join(san)])
        if expired:
            self._sign_expired(csr, cert, names)
        else:
            run(["openssl", "x509", "-req", "-in", csr, "-CA", self.cert,
                 "-CAkey", self.key, "-CAcreateserial", "-days", "20",
                 "-copy_extensions", "copy", "-out", cert])
        return cert, key

    def _sign_expired(self, csr, cert, names):
        template = cert + ".template"
        with open(template, "w", encoding="ascii") as f:
            f.write('activation_date = "2020-01-01 00:00:00"\n'
                    'expiration_date = "2020-03-01 00:00:00"\n'
                    'honor_crq_extensions\nhonor_crq_ext = "2.5.29.17"\n'
                    'tls_www_server\nsigning_key\n')
        run(["certtool", "--generate-certificate", "--load-request", csr,
             "--load-ca-certificate", self.cert,
             "--load-ca-privkey", self.key, "--template", template,
             "--outfile", cert])


class Pki:
    """The lab's authority and one that nobody trusts."""

    def __init__(self, folder):
        os.mkdir(folder)
        os.chmod(folder, 0o755)
        self.authority = Authority(folder, "lab-ca")
        self.stranger = Authority(folder, "stranger-ca")
        self.made = {}

    @property
    def ca(self):
        return self.authority.cert

    def issue(self, stem, name, address, variant="valid"):
        wanted = (stem, variant)
        if wanted not in self.made:
            authority = self.stranger if variant == "wrong-ca" \
                else self.authority
            if variant == "wrong-name":
                names, addresses = ["somebody-else.test"], ["192.0.2.99"]
            else:
                names, addresses = [name], [address]
            self.made[wanted] = authority.issue(
                stem + "." + variant, names, addresses,
                expired=variant == "expired")
        return self.made[wanted]
