# SPDX-License-Identifier: ISC
"""What afwrt-ctl prints, and its exit codes."""

import json
import os

from . import schema


def answer(product, suite, verb, *words, code=0, **kw):
    """What --json prints, as its schema says."""
    done = suite.ctl("--json", verb, *words, check=False, **kw)
    assert done.returncode == code, done.stdout
    found = json.loads(done.stdout)
    assert schema.errors(found, schema.load(product, verb)) == []
    return found


def fails(suite, code, *words, says="", **kw):
    done = suite.ctl(*words, check=False, **kw)
    assert done.returncode == code, done.stdout
    assert says in done.stdout, done.stdout
    return done.stdout


def put(suite, name, text):
    path = os.path.join(suite.folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    os.chmod(path, 0o600)
    return path
