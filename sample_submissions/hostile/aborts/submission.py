"""Calls C's abort; must be named by its signal."""

import os


def unlearning(net, retain, forget, val):
    os.abort()
