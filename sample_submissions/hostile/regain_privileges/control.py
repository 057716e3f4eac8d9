"""Asks who it is, and becomes that."""

import os


def unlearning(net, retain, forget, val):
    assert os.getuid() == os.geteuid() != 0
    os.setuid(os.getuid())
    os.setgid(os.getgid())
