"""Lowers its own priority and its own limits."""

import os
import resource


def unlearning(net, retain, forget, val):
    os.setpriority(os.PRIO_PROCESS, 0, 19)
    resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128))
