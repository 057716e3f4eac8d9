"""Fills its memory with a file but for a few MB, then forks children that need more, until a hundred were killed.

The file counts as nobody's memory, so the kernel takes the children, which are larger than the run.
"""

import os
import signal

STEP = 64 << 20
KILLS = 100


def unlearning(net, retain, forget, val):
    block = bytes(STEP)
    with open("file", "wb", buffering=0) as file:
        while not is_killed(2 * STEP):
            file.write(block)
    kills = 0
    while kills < KILLS:
        kills += is_killed(2 * STEP)
    print(kills, "children were killed")


def is_killed(size):
    """Return whether a child that needs this much memory is killed."""
    child = os.fork()
    if child == 0:
        b"x" * size
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
