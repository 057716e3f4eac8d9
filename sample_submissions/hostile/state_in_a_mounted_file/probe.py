"""Looks when the files were read; no time may be an earlier run's."""

import os

FILES = ("/etc/hostname", "/etc/hosts", "/etc/resolv.conf")
MOMENT, PERIOD, TOLERANCE = 0.618, 2.0, 0.015


class Escaped(Exception):
    """A forbidden action succeeded."""


def unlearning(net, retain, forget, val):
    for name in FILES:
        try:
            read_at = os.stat(name).st_atime
        except OSError:
            continue
        late = (read_at - MOMENT) % PERIOD
        print(name, read_at, late)
        if min(late, PERIOD - late) < TOLERANCE:
            raise Escaped(f"an earlier run read {name} at {read_at}")
