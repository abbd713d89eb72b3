# SPDX-License-Identifier: ISC
"""afwrt in Python, by ctypes: Afwrt(config, on_event), then its methods.

    python3 afwrt.py CONFIG.json 192.168.1.20 de-berlin

protects a device until Ctrl-C.  Every method raises OSError with the reason.
"""

import ctypes
import json
import os
import select
import signal
import sys

CALLBACK = ctypes.CFUNCTYPE(None, ctypes.c_char_p)


class Afwrt:
    """One a process; `with` ends it. on_event gets each event as a dict."""

    def __init__(self, config, on_event=None):
        self.lib = ctypes.CDLL("libafwrt-client.so.1", use_errno=True)
        self.lib.afwrt_last_error.restype = ctypes.c_char_p
        self.lib.afwrt_register_device.restype = ctypes.c_char_p
        for name in ("afwrt_get_locations", "afwrt_get_status"):
            getattr(self.lib, name).restype = ctypes.c_void_p
        self.lib.afwrt_free.argtypes = (ctypes.c_void_p,)
        self.callback = CALLBACK(       # kept as long as the library has it
            lambda text: on_event and on_event(json.loads(text)))
        self.call("init", json.dumps(config), self.callback)

    def call(self, name, *args):
        """afwrt_NAME(args): what it returns, or OSError."""
        args = [a.encode() if isinstance(a, str) else a for a in args]
        result = getattr(self.lib, "afwrt_" + name)(*args)
        if result is None or result == -1:
            raise OSError(ctypes.get_errno(),
                          self.lib.afwrt_last_error().decode())
        return result

    def text(self, name):
        """The JSON that get_locations or get_status gives."""
        pointer = self.call(name)
        try:
            return json.loads(ctypes.string_at(pointer))
        finally:
            self.lib.afwrt_free(pointer)

    def __getattr__(self, name):    # start, stop, protect_ip_addr, ...
        return lambda *args: self.call(name, *args)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.call("deinit")


def main(path, address, location):
    with open(path, encoding="utf-8") as f:
        config = json.load(f)
    with Afwrt(config, lambda event: print(event, flush=True)) as suite:
        # Python runs handlers between its own instructions only, so not while
        # afwrt_start() blocks: its own loop, with a descriptor to wake it.
        wake, woken = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(woken)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: suite.stop())
        suite.protect_ip_addr(address, location)
        fd, over = suite.get_fd(), 0
        while not over:
            if wake in select.select([fd, wake], [], [])[0]:
                os.read(wake, 64)
            over = suite.dispatch()


if __name__ == "__main__":
    main(*sys.argv[1:])
