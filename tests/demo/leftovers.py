# SPDX-License-Identifier: ISC
"""What a demonstration left running, and how it goes away.

Each run writes a record below /run/afwrt-demo: its namespaces' prefix, its
folder, its pid.  --stop removes every run that was kept or whose process is
gone; it touches nothing that is not in a record.
"""

import json
import os
import shutil
import sys
import tempfile

from lab.namespace import kill_all
from lab.util import LabError, alive, run, wait_for

FOLDER = "/run/afwrt-demo"


class Record:
    def __init__(self, path):
        self.path = path

    def remove(self):
        for remove, path in ((os.unlink, self.path), (os.rmdir, FOLDER)):
            try:
                remove(path)
            except OSError:
                pass


def record(lab, keep=False):
    os.makedirs(FOLDER, mode=0o700, exist_ok=True)
    path = os.path.join(FOLDER, lab.prefix + ".json")
    with open(path + ".new", "w", encoding="utf-8") as f:
        json.dump({"prefix": lab.prefix, "pid": os.getpid(), "keep": keep},
                  f)
    os.replace(path + ".new", path)
    return Record(path)


def stop_all():
    try:
        entries = sorted(os.listdir(FOLDER))
    except OSError:
        entries = []
    count = 0
    for entry in entries:
        path = os.path.join(FOLDER, entry)
        try:
            with open(path, encoding="utf-8") as f:
                known = json.load(f)
            if alive(known["pid"]) and not known["keep"]:
                print("demo %s is still being shown by process %d" %
                      (known["prefix"], known["pid"]), file=sys.stderr)
                continue
            clean(known["prefix"])
        except (OSError, ValueError, KeyError, LabError) as e:
            print("demo: %s: %s" % (entry, e), file=sys.stderr)
            return 1
        Record(path).remove()
        count += 1
    print("%d demonstration%s stopped" % (count, "" if count == 1 else "s"),
          file=sys.stderr)
    return 0


def clean(prefix):
    """Processes, namespaces and folders of one run."""
    spaces = [n for n in os.listdir("/run/netns") if n.startswith(prefix)] \
        if os.path.isdir("/run/netns") else []
    inodes = {os.stat("/run/netns/" + n).st_ino for n in spaces}
    kill_all(inodes)
    for name in spaces:
        run(["ip", "netns", "del", name])
    base = tempfile.gettempdir()
    for name in os.listdir(base):
        if name.startswith(prefix):
            shutil.rmtree(os.path.join(base, name), ignore_errors=True)
    wait_for(lambda: not any(n.startswith(prefix) for n in
                             os.listdir("/run/netns")), 5,
             "the namespaces of %s are gone" % prefix)
