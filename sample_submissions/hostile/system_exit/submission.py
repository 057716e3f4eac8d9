"""Exits by `sys.exit(0)`; must be `crashed`, with the name of the exception."""

import sys


def unlearning(net, retain, forget, val):
    sys.exit(0)
