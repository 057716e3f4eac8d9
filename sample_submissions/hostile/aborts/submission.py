"""Calls C's abort; the verdict must name the signal."""

import os


def unlearning(net, retain, forget, val):
    os.abort()
