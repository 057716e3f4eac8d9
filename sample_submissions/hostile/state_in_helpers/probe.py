"""Looks for files of helpers that somebody looked at before this run began, and others that nobody did.

The supervisor looks at all files of the first helper, before the first run.
"""

import os
import time

BEGUN_NS = time.time_ns()
TICK_NS = 20_000_000


class Escaped(Exception):
    """A forbidden action succeeded."""


def status_of(process):
    with open(f"/proc/{process}/status") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


def unlearning(net, retain, forget, val):
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            status = status_of(process)
            uids = status["Uid"].split()
            if status["PPid"] in ("0", "1") or str(os.getuid()) == uids[0]:
                continue
            names = os.listdir(f"/proc/{process}")
            times = {name: os.lstat(f"/proc/{process}/{name}").st_mtime_ns for name in names}
        except OSError:
            continue
        early = [name for name, when in times.items() if when < BEGUN_NS - TICK_NS]
        if 0 < len(early) < len(times):
            raise Escaped(f"{early} of {status['Name']}, {status['State']}")
