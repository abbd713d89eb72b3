# SPDX-License-Identifier: ISC
"""The Debian packages, built as anyone would: dpkg-buildpackage, from a clean
copy of the tree below build/packaging.  The same tree is built once."""

import glob
import hashlib
import os
import shutil
import subprocess

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
WORK = os.path.join(TOP, "build", "packaging")
BUILD_SECONDS = 400
NAMES = ("afwrt", "libafwrt-client1", "libafwrt-dev")


class Unavailable(Exception):
    """It cannot be done on this machine; the text says why."""


def run(*argv, seconds=60, log=None, check=True, **kw):
    """The output; with `log` it goes to that file."""
    where = open(log, "wb") if log else subprocess.PIPE
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=where,
                              stderr=subprocess.STDOUT, timeout=seconds,
                              check=False, **kw)
    finally:
        if log:
            where.close()
    text = (done.stdout or b"").decode(errors="replace")
    if log:
        with open(log, encoding="utf-8", errors="replace") as f:
            text = "".join(f.readlines()[-30:])
    if check and done.returncode != 0:
        raise RuntimeError("%s: status %d\n%s" % (
            " ".join(argv), done.returncode, text))
    return text


def need(*programs):
    for program in programs:
        if shutil.which(program) is None:
            raise Unavailable("%s is not installed" % program)


def tree():
    """The paths of the tree: what git knows, or all of a release."""
    if os.path.exists(os.path.join(TOP, ".git")):
        listed = run("git", "ls-files", "-z", "-co", "--exclude-standard",
                     cwd=TOP).split("\0")
        return sorted(p for p in listed
                      if p and os.path.lexists(os.path.join(TOP, p)))
    return sorted(
        os.path.relpath(os.path.join(base, name), TOP)
        for base, folders, names in os.walk(TOP)
        if not (base == TOP and folders.remove("build"))
        for name in names)


def digest(paths):
    """Of all that the packages are made of."""
    found = hashlib.sha256()
    for path in paths:
        if path.startswith("tests/") and not path.endswith("local.mk") and \
                not path.startswith("tests/unit/"):
            continue
        found.update(path.encode() + b"\0")
        with open(os.path.join(TOP, path), "rb") as f:
            found.update(hashlib.sha256(f.read()).digest())
    return found.hexdigest()[:16]


def build():
    """The folder with the packages of this tree."""
    need("dpkg-buildpackage", "dh")
    files = tree()
    folder = os.path.join(WORK, "debs-" + digest(files))
    if os.path.exists(os.path.join(folder, "done")):
        return folder
    for old in glob.glob(os.path.join(WORK, "debs-*")):
        shutil.rmtree(old)
    source = os.path.join(folder, "afwrt")
    for path in files:
        target = os.path.join(source, path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copy2(os.path.join(TOP, path), target)
    try:
        run("dpkg-checkbuilddeps", cwd=source)
    except RuntimeError as why:
        raise Unavailable(str(why).strip().splitlines()[-1]) from None
    run("dpkg-buildpackage", "-b", "-us", "-uc", "-j2", cwd=source,
        seconds=BUILD_SECONDS, log=os.path.join(folder, "log"))
    with open(os.path.join(folder, "done"), "w", encoding="ascii"):
        pass
    return folder


def paths(folder, names=NAMES):
    """The .deb files, in an order in which they can be installed."""
    found = []
    for name in names:
        found += glob.glob(os.path.join(folder, name + "_*.deb"))
    assert len(found) == len(names), os.listdir(folder)
    return found
