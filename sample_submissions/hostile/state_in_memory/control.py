"""Fills memory and finds its own mark there."""

import os


def unlearning(net, retain, forget, val):
    mark = os.urandom(8).hex()
    kept = mark * 100_000
    assert mark in kept
