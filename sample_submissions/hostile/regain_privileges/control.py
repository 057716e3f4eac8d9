"""Reads its own identity, and sets it again."""

import os


def unlearning(net, retain, forget, val):
    assert os.getuid() == os.geteuid() != 0
    os.setuid(os.getuid())
    os.setgid(os.getgid())
