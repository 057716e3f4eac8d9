"""Has all processors and its own name."""

import os


def unlearning(net, retain, forget, val):
    assert len(os.sched_getaffinity(0)) == len(os.sched_getaffinity(1))
    with open("/proc/self/comm") as file:
        assert "sandbox.worker" not in file.read()
