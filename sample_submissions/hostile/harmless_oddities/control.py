"""Selects one of its processors."""

import os


def unlearning(net, retain, forget, val):
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
