"""Which user ids the runs of an evaluation get: random ones that nobody on this machine has meanwhile.

The kernel counts for each user id, over all containers and the host itself: processes, signals that wait, the
space of pipes. A run with the id of somebody who has 300 processes can start none, and is `crashed`; and what
it uses of its limits, that person lacks. Ids of 10 000 and more are those of people where accounts come from
a directory service.

Evaluations of one host share the ids out among themselves by locks, which the kernel releases when their
process dies: a lock for each `_BLOCK` ids, held from before the first run until after the last.
"""

from __future__ import annotations

import os
import pwd
import secrets
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import psutil

from runner.engine.container_spec import FIRST_UID, LAST_UID
from runner.errors import HostNotReadyError
from runner.host_locks import host_locks_folder, lock_file

_ATTEMPTS: Final = 1000
_BLOCK: Final = 64
"""Ids for each lock: an evaluation of 512 runs holds 9 of the host's 783."""


def uids_in_use() -> set[int]:
    """Return the user ids of this machine's processes, runs of other evaluations among them, and accounts.

    A directory service may not list its accounts; then only those are known who have a process.
    """
    used = {account.pw_uid for account in pwd.getpwall()}
    for process in psutil.process_iter(["uids"]):
        uids = process.info["uids"]
        if uids is not None:
            used.add(uids.real)
    return used


@contextmanager
def uids_for_runs(
    runs: int, *, in_use: Callable[[], Collection[int]] = uids_in_use, folder: Path | None = None
) -> Iterator[int]:
    """Yield a user id such that ``runs`` ids from it on are for these runs alone: no run can guess its own.

    No other evaluation of this host gets any of them meanwhile. Nobody else has any of them; where others
    leave no gap of that length, as few as possible.

    Args:
        runs: How many ids are needed.
        in_use: Returns the ids that others have.
        folder: Of the locks; None for the host's.

    Raises:
        HostNotReadyError: other evaluations hold so many ids that none of the ranges that were tried is free.
    """
    locks_folder = folder or host_locks_folder()
    taken = sorted(in_use())
    starts = {FIRST_UID + secrets.randbelow(LAST_UID - FIRST_UID - runs) for _ in range(_ATTEMPTS)}
    held: set[int] = set()
    for start in sorted(starts, key=lambda start: (_others(taken, start, runs), secrets.randbits(32))):
        blocks = range(start // _BLOCK, (start + runs - 1) // _BLOCK + 1)
        if not held.isdisjoint(blocks):
            continue
        with ExitStack() as locks:
            busy = _lock(blocks, locks_folder, locks)
            if busy is not None:
                held.add(busy)
                continue
            # Once more: runs of an evaluation that was killed between the first look and the lock go on.
            if _others(sorted(in_use()), start, runs) > _others(taken, start, runs):
                continue
            yield start
            return
    raise HostNotReadyError(
        f"Other evaluations on this host use so many user ids that there are none for {runs} runs; wait for "
        f"one to end. Their locks are in {locks_folder}."
    )


def _others(taken: list[int], first: int, runs: int) -> int:
    """Return how many of the ids from ``first`` on are in a sorted list."""
    return bisect_left(taken, first + runs) - bisect_left(taken, first)


def _lock(blocks: range, folder: Path, locks: ExitStack) -> int | None:
    """Lock blocks of ids until ``locks`` is closed; return one that another evaluation holds, or None."""
    for block in blocks:
        try:
            locks.callback(os.close, lock_file(folder / f"uids-{block * _BLOCK}"))
        except BlockingIOError:
            return block
        except OSError as error:
            raise HostNotReadyError(f"{folder} cannot be used for locks: {error.strerror}.") from error
    return None
