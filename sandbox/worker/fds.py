"""Pipe ends of a run, and closing all other file descriptors of a forked process."""

from __future__ import annotations

import os
import resource
from typing import NamedTuple


class PipeEnds(NamedTuple):
    """The ends of the pipes that a run uses."""

    seed: int
    """The read end of the seed: the zygote never reads it, so no later run finds the seed in its memory."""
    result: int
    out: int
    err: int


def close_all_but(*open_fds: int) -> None:
    """Close every file descriptor except the three standard ones and ``open_fds``."""
    first = 3
    for fd in sorted(open_fds):
        os.closerange(first, fd)
        first = fd + 1
    os.closerange(first, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
