#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""tarball.py RELEASE.tar.xz: what git knows is in the release, but for the
files below; nothing else is but what the autotools make.  Then the demo of
the unpacked release is run, with the installation in AFWRT_STAGE."""

import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
# Not in a release, and why.
LEFT_OUT = {
    ".ci/run": "for the repository's own server",
    ".editorconfig": "for those who edit the repository",
    ".gitignore": "for git",
    "m4/.gitkeep": "for git: in a release there are files in m4",
}
MADE = re.compile(r"(build-aux/[\w.-]+|m4/(libtool|lt[\w~]+)\.m4|aclocal\.m4|"
                  r"configure|config\.h\.in|Makefile\.in)$")


def tracked():
    return set(subprocess.run(
        ("git", "ls-files", "-z"), cwd=TOP, check=True, text=True,
        stdout=subprocess.PIPE).stdout.split("\0")) - {""}


def compare(tree, release):
    """What is wrong, a line each."""
    said = ["%s is in the tree and not in the release" % name
            for name in sorted(tree - release - set(LEFT_OUT))]
    said += ["%s is in the release and not in the tree" % name
             for name in sorted(release - tree)
             if not MADE.match(name)]
    said += ["%s is said to be left out, but it is %s" % (
        name, "there" if name in release else "nowhere")
        for name in sorted(LEFT_OUT)
        if name in release or name not in tree]
    return said


def unpack(path, folder):
    with tarfile.open(path) as tar:
        names = {m.name.partition("/")[2] for m in tar.getmembers()
                 if not m.isdir()}
        tar.extractall(folder)
    return names


def demo(folder):
    """What is wrong with the unpacked release's demo."""
    top, = (os.path.join(folder, n) for n in os.listdir(folder))
    done = subprocess.run((os.path.join(top, "dev"), "--help"), timeout=30,
                          stdout=subprocess.PIPE, check=False)
    if done.returncode != 0 or b"./dev demo" not in done.stdout:
        return ["./dev --help of the release ended with %d: %r" % (
            done.returncode, done.stdout)]
    if not os.environ.get("AFWRT_STAGE"):
        print("the demo is not run: there is no AFWRT_STAGE")
        return []
    done = subprocess.run(
        (sys.executable, "-B", os.path.join(top, "tests/demo/demo.py"),
         "--json"), timeout=280, stdout=subprocess.PIPE, check=False)
    if done.returncode == 0 and json.loads(done.stdout)["ok"]:
        return []
    return ["the release's demo ended with %d" % done.returncode]


def main(path):
    if not os.path.exists(os.path.join(TOP, ".git")):
        print("this is a release itself: there is no git to compare with")
        return 0
    with tempfile.TemporaryDirectory(prefix="afwrt-release-") as folder:
        said = compare(tracked(), unpack(path, folder))
        said += demo(folder)
    print(*said or ["the release is complete"], sep="\n")
    return bool(said)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
