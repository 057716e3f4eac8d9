"""File descriptors of a run: the ends of its pipes, closing all others, and those that are in flight."""

from __future__ import annotations

import os
import resource
import socket
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

_SOCKETS: Final = Path("/proc/self/net/unix")
_PATIENCE_SECONDS: Final = 5.0
_PAUSE_SECONDS: Final = 0.005
_CLOSING_SECONDS: Final = 0.05
"""The kernel closes a file this long after the socket that it was in, at most."""


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


class SocketsInFlight:
    """Waits until the sockets of a run are gone, and with them all files that are in flight in them.

    A socket that was sent to itself stays open when its processes have ended, until a worker of the kernel
    notices. Only then is closed what is in its queue: for sockets within sockets, each step takes 8 ms, and a
    run can make thousands of steps. Until then their names, and the locks and files in the last of them, are
    there for the next run. gVisor never closes them.
    """

    def __init__(self, file: Path = _SOCKETS, patience_seconds: float = _PATIENCE_SECONDS) -> None:
        """Count nothing yet; ``file`` has a head, and a line for each socket of this container."""
        self._file, self._patience_seconds = file, patience_seconds
        self._others: int | None = None

    def count_others(self, own: int) -> None:
        """Count the sockets that stay, before the first run; ``own`` more of them exist at this moment."""
        if self._others is None:
            self._others = self._count() - own

    def wait_until_gone(self, own: int) -> bool:
        """Return whether none is left besides ``own`` and those that stay; wait for it if necessary."""
        if self._others is None or self._count() <= self._others + own:
            return True
        deadline = time.monotonic() + self._patience_seconds
        while self._count() > self._others + own:
            if time.monotonic() > deadline:
                return False
            for end in socket.socketpair():  # the kernel looks for such sockets when one is closed
                end.close()
            time.sleep(_PAUSE_SECONDS)
        time.sleep(_CLOSING_SECONDS)
        return True

    def _count(self) -> int:
        try:
            return len(self._file.read_bytes().splitlines())
        except OSError:  # a kernel without this list: nothing can be told
            return 0


class SpaceInUse:
    """Waits until nothing of a run takes space in the folders that all runs share.

    The kernel closes what was in flight one after another, even when the sockets are gone. A run can put
    something there whose closing takes long (190 000 watches of inotify: a second), and after it files that
    have no name any more. The next run would find that many blocks and files in use.
    """

    def __init__(self, patience_seconds: float = _PATIENCE_SECONDS) -> None:
        """Measure nothing yet."""
        self._patience_seconds = patience_seconds
        self._before: dict[Path, tuple[int, int]] = {}

    def measure(self, folders: Iterable[Path]) -> None:
        """Measure what is in use before the first run; later calls measure nothing."""
        for folder in folders:
            self._before.setdefault(folder, _space_in_use(folder))

    def wait_until_free(self) -> bool:
        """Return whether no more is in use than before the first run; wait for it if necessary."""
        deadline = time.monotonic() + self._patience_seconds
        while not self._is_free():
            if time.monotonic() > deadline:
                return False
            time.sleep(_PAUSE_SECONDS)
            if self._is_free():
                time.sleep(_CLOSING_SECONDS)  # for what is closed after these files
        return True

    def _is_free(self) -> bool:
        pairs = ((before, _space_in_use(folder)) for folder, before in self._before.items())
        return all(blocks <= most and files <= most_files for (most, most_files), (blocks, files) in pairs)


def _space_in_use(folder: Path) -> tuple[int, int]:
    """Return how many blocks and files are in use in the file system of a folder; zeros if there is none."""
    try:
        state = os.statvfs(folder)
    except OSError:
        return 0, 0
    return state.f_blocks - state.f_bfree, state.f_files - state.f_ffree
