# SPDX-License-Identifier: ISC
"""Life of a wireguard-go process."""

import contextlib
import os

from .util import LabError, end, tail, wait_for

READY = b"UAPI listener started"


def start(ns, card, log_path):
    """It answers on its socket.

    Nobody may ask before its log says so: wg(8) removes a socket that refuses
    it, and this one does between its making and its listening.
    """
    with open(log_path, "ab") as log:
        begin = log.tell()
        process = ns.popen(["wireguard-go", "-f", card], stdout=log,
                           stderr=log, env=dict(
                               os.environ, LOG_LEVEL="verbose",
                               WG_PROCESS_FOREGROUND="1"))

    def ready():
        if process.poll() is not None:
            raise LabError("wireguard-go ended:\n" + tail(log_path))
        with open(log_path, "rb") as log:
            log.seek(begin)
            return READY in log.read()
    wait_for(ready, 10, lambda: "wireguard-go is ready\n" + tail(log_path))
    return process


def kill(process, card):
    """Without a word to its peers; nothing of it is left."""
    process.kill()
    end(process)
    with contextlib.suppress(OSError):
        os.unlink("/var/run/wireguard/%s.sock" % card)
