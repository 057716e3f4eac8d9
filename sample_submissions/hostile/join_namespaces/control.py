"""Reads the names of its own namespaces."""

import ctypes
import os


def unlearning(net, retain, forget, val):
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # PR_SET_DUMPABLE: the files of its own in /proc become accessible
    assert os.readlink("/proc/self/ns/net").startswith("net:")
