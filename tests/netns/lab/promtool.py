# SPDX-License-Identifier: ISC
"""promtool, which judges a text of metrics.

From $PATH, or from Debian's package prometheus: that is fetched by apt-get
download and promtool alone is unpacked below build/, so that no Prometheus is
installed or started.
"""

import glob
import os
import shutil
import subprocess
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
FOLDER = os.path.join(TOP, "build", "promtool")
APT_SECONDS = 60


class Unavailable(Exception):
    """No promtool on this machine; the text says why."""


def find():
    """The program's path."""
    for path in (shutil.which("promtool"), os.path.join(FOLDER, "promtool")):
        if path and os.access(path, os.X_OK):
            return path
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise Unavailable("promtool is not here, and this is no Debian")
    os.makedirs(FOLDER, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        run("apt-get", "download", "-q", "prometheus", cwd=folder)
        run("dpkg-deb", "-x", glob.glob(folder + "/*.deb")[0], folder,
            cwd=folder)
        os.replace(os.path.join(folder, "usr/bin/promtool"),
                   os.path.join(FOLDER, "promtool"))
    return os.path.join(FOLDER, "promtool")


def run(*argv, cwd):
    try:
        done = subprocess.run(
            argv, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=APT_SECONDS,
            check=False)
    except subprocess.TimeoutExpired as e:
        raise Unavailable(str(e)) from None
    if done.returncode != 0:
        raise Unavailable("%s: %s" % (" ".join(argv),
                                      done.stdout.strip()[-200:]))


def check(program, text):
    """What promtool says of the text: nothing, if all is well."""
    done = subprocess.run([program, "check", "metrics"], input=text,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=30, check=False)
    return done.stdout.strip() or (
        "" if done.returncode == 0 else "exit %d" % done.returncode)
