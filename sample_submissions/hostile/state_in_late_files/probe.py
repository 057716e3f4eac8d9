"""Checks that none of the files exists."""

import os


class Escaped(Exception):
    """A forbidden action succeeded."""


def unlearning(net, retain, forget, val):
    found = [name for name in os.listdir("/tmp") if name.startswith("late-")]
    if found:
        raise Escaped(f"an earlier run left {found[:3]}")
