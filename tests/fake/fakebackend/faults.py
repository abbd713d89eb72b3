# SPDX-License-Identifier: ISC
"""What can be made to go wrong, per call and at run time.

A fault is {"call": "provide" or "*", "mode": MODE, "arg": ..., "times": N,
"match": {"location": "us"}}; without "times" it stays until it is cleared,
"match" limits it to requests with those parameters.  Call names are the last part
of the path.  "wrong_certificate" acts before the call is known, so it counts
for every call.
"""

import threading

MODES = {
    "delay": "answer properly after arg seconds (2)",
    "hang": "read the request, never answer",
    "reset": "TCP reset instead of an answer",
    "close": "end of file instead of an answer",
    "http": "HTTP status arg (503) with a short HTML body",
    "garbage": "200, announced as JSON, but not JSON",
    "not_object": "200 with JSON that is no object",
    "truncated": "full Content-Length, half of the body",
    "huge": "a body of arg bytes (2 MiB), valid JSON",
    "redirect": "302 to the URL arg (another host); \"same\": to itself",
    "trickle": "the answer one byte every arg seconds (0.5)",
    "code": "200 with business error arg",
    "lower": "the proper answer with its result code in lower case",
    "strings": "the proper answer, every number as a string",
    "milliseconds": "the proper answer, times in milliseconds",
    "bare": "the proper answer without the fields that are ours",
    "wrong_certificate": "the TLS certificate of another name",
}

OWN_FIELDS = ("location", "wireguard")
OWN_SERVER_FIELDS = ("address6", "sni", "public_key")


class Faults:
    def __init__(self):
        self.lock = threading.Lock()
        self.active = []

    def add(self, fault):
        if fault.get("mode") not in MODES:
            raise ValueError("unknown mode %r, one of: %s" %
                             (fault.get("mode"), ", ".join(MODES)))
        entry = {"call": fault.get("call", "*"), "mode": fault["mode"],
                 "arg": fault.get("arg"), "times": fault.get("times"),
                 "match": fault.get("match") or {}}
        with self.lock:
            self.active.append(entry)

    def clear(self, call=None):
        with self.lock:
            self.active = [f for f in self.active
                           if call is not None and f["call"] != call]

    def list(self):
        with self.lock:
            return [dict(f) for f in self.active]

    def take(self, call, params):
        """The fault for this call, or None; one of its times is used up."""
        return self._take(lambda f: f["mode"] != "wrong_certificate" and
                          f["call"] in ("*", call) and
                          f["match"].items() <= params.items())

    def take_certificate(self):
        return self._take(lambda f: f["mode"] == "wrong_certificate")

    def _take(self, wanted):
        with self.lock:
            for fault in self.active:
                if not wanted(fault):
                    continue
                if fault["times"] is not None:
                    fault["times"] -= 1
                    if fault["times"] <= 0:
                        self.active.remove(fault)
                return dict(fault)
        return None


def distort(answer, mode):
    """The proper answer, distorted as the mode says."""
    if mode == "strings":
        return _map_numbers(answer, str)
    if mode == "milliseconds":
        return {k: v * 1000 if k.endswith("_time") else v
                for k, v in answer.items()}
    if mode == "lower":
        return dict(answer, result=answer["result"].lower())
    if mode == "bare":
        bare = {k: v for k, v in answer.items() if k not in OWN_FIELDS}
        if "servers" in bare:
            bare["servers"] = [
                {k: v for k, v in s.items() if k not in OWN_SERVER_FIELDS}
                for s in bare["servers"]]
        return bare
    return answer


def _map_numbers(value, function):
    if isinstance(value, dict):
        return {k: _map_numbers(v, function) for k, v in value.items()}
    if isinstance(value, list):
        return [_map_numbers(v, function) for v in value]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return function(value)
    return value
