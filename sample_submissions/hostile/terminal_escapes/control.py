"""Draws a progress bar."""

import sys


def unlearning(net, retain, forget, val):
    for step in range(10):
        sys.stderr.write(f"\r{step * 10} %")
