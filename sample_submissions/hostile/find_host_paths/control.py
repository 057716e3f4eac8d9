"""Reads the location of its own folder from the mount table."""

import os


def unlearning(net, retain, forget, val):
    with open("/proc/self/mountinfo") as file:
        points = {line.split()[4] for line in file}
    assert "/" in points
    assert any(point != "/" and os.getcwd().startswith(point + "/") for point in points)
