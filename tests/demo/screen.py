# SPDX-License-Identifier: ISC
"""How the demonstration looks on a terminal; plain text when it is none."""

import os

HOSTS = "%-8s %-18s %-12s %-10s %-15s %-17s %8s %9s"
CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32",
         "yellow": "33", "cyan": "36"}


class Screen:
    def __init__(self, out):
        self.out = out
        self.colour = out.isatty() and "NO_COLOR" not in os.environ and \
            os.environ.get("TERM") != "dumb"

    def paint(self, text, *codes):
        if not self.colour:
            return text
        return "\033[%sm%s\033[0m" % (";".join(CODES[c] for c in codes),
                                      text)

    def line(self, text=""):
        print(text, file=self.out, flush=True)

    def good(self, yes, text):
        return self.paint("✔ " if yes else "✘ ",
                          "green" if yes else "red") + text

    def step(self, text, seconds):
        self.line("%s %s" % (self.good(True, text),
                             self.paint("%.1f s" % seconds, "dim")))

    def hosts_head(self):
        self.line()
        self.line(self.paint("  " + HOSTS % (
            "host", "rule", "location", "type", "internet sees", "over IPv6",
            "RTT ms", "Mbit/s"), "bold"))

    def host(self, host, seen6):
        text = HOSTS % (
            host["name"], host["rule"], host["location"],
            host["type"] or "-",
            host["exit_address"] or "nothing", seen6 or "nothing",
            number(host["rtt_ms"], 2), number(host["mbit_s"], 0))
        self.line(self.good(host["exit_address"] == host["expected_address"],
                            text))

    def move(self, move, size, done):
        self.line()
        self.line(self.paint("  %s moves from %s to %s while phone and tv "
                             "download" % (move["name"], move["from"],
                                           move["to"]), "bold"))
        self.line(self.good(
            move["exit_address"] == move["expected_address"],
            "the internet sees tv as %s after %.0f ms" %
            (move["exit_address"], move["took_ms"])))
        self.line(self.good(
            move["other_download_intact"],
            "phone's download of %.0f MB went on: %s" %
            (size / 1e6, "checksum equal, %.0f Mbit/s" % done.mbit_s
             if done and move["other_download_intact"] else "no")))

    def kills_head(self):
        self.line()
        self.line(self.paint("  SIGKILL while phone holds a TCP connection "
                             "(a line each 20 ms)", "bold"))

    def kill(self, kill):
        yes = kill["connection_survived"]
        self.line(self.good(yes, "%-11s connection %s, longest pause %s ms" %
                            (kill["process"], "goes on" if yes else "lost",
                             number(kill["pause_ms"], 0))))

    def leaks(self, report):
        self.line()
        self.line(self.good(report.clean, self.paint(
            "%d packets leaked" % len(report.leaks), "bold") +
            ", %d packets on the WAN inspected" % report.inspected))
        for leak in report.leaks[:5]:
            self.line("    %r" % leak)

    def problem(self, text):
        self.line(self.paint("✘ ", "red") + text)

    def log(self, text):
        self.line(self.paint("  end of the log:", "yellow"))
        for line in text.splitlines()[-25:]:
            self.line("  | " + line)

    def kept(self, lab, suite):
        lines = [
            "", "It keeps running. Look around:",
            "  ip netns exec %sphone curl -s http://%s/" %
            (lab.prefix, lab.host("phone").net4),
            "  ip netns exec %srouter nft list table inet afwrt" %
            lab.prefix,
            "  ip netns exec %srouter ip route show table 47" % lab.prefix,
            "  tail -f %s" % suite.log_path,
            "  %s --socket %s status" % (suite.ctl_path, suite.sock),
            "  ./dev demo --stop        ends and removes it"]
        for text in lines:
            self.line(self.paint(text, "cyan") if text else text)

    def verdict(self, ok, problems):
        self.line()
        if ok:
            self.line(self.paint("All as it should be.", "green", "bold"))
        else:
            self.line(self.paint("%d thing%s not as it should be." % (
                len(problems), " is" if len(problems) == 1 else "s are"),
                "red", "bold"))


def number(value, digits):
    return "-" if value is None else "%.*f" % (digits, value)
