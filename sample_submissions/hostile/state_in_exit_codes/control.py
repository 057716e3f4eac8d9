"""Ends as runs do, and has a child whose exit code it reads."""

import os


def unlearning(net, retain, forget, val):
    child = os.fork()
    if child == 0:
        os._exit(77)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 77
