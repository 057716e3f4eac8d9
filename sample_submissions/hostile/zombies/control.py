"""Leaves one zombie."""

import os


def unlearning(net, retain, forget, val):
    if os.fork() == 0:
        os._exit(0)
