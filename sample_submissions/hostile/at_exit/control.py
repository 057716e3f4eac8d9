"""Does at the end of its call what is to be done then."""

import contextlib


def unlearning(net, retain, forget, val):
    with contextlib.ExitStack() as stack:
        stack.callback(print, "at the end")
