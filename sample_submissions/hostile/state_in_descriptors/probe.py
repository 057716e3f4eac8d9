"""Checks that only the three standard files and its result pipe are open."""

import os


class Escaped(Exception):
    pass


def unlearning(net, retain, forget, val):
    found = []
    for fd in range(4096):
        try:
            found.append((fd, os.fstat(fd).st_mode))
        except OSError:
            continue
    if len(found) > 4:
        raise Escaped(f"open: {found}")
