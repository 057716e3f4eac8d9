"""Does its last work at the end of its call, not at exit."""

import contextlib


def unlearning(net, retain, forget, val):
    with contextlib.ExitStack() as stack:
        stack.callback(print, "at the end")
