"""Leaves by `sys.exit(0)`; must be `crashed` and named."""

import sys


def unlearning(net, retain, forget, val):
    sys.exit(0)
