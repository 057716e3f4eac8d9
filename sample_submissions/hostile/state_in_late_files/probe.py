"""Finds none of the files."""

import os


class Escaped(Exception):
    """What must not succeed did."""


def unlearning(net, retain, forget, val):
    found = [name for name in os.listdir("/tmp") if name.startswith("late-")]
    if found:
        raise Escaped(f"an earlier run left {found[:3]}")
