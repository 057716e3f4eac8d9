"""Which files a forked process keeps open."""

from __future__ import annotations

import os
import resource
from typing import NamedTuple


class RunEnds(NamedTuple):
    """A run's ends of its pipes."""

    seed: int
    """To be read: the zygote never sees the seed, so no later run can find it in its memory."""
    result: int
    out: int
    err: int


def close_all_but(*kept: int) -> None:
    """Close every file descriptor but the three standard ones and those named."""
    first = 3
    for fd in sorted(kept):
        os.closerange(first, fd)
        first = fd + 1
    os.closerange(first, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
