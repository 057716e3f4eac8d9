"""Which user ids the runs of an evaluation get: random ones that nobody on this machine has as they begin.

The kernel counts for each user id, over all containers and the host itself: processes, signals that wait, the
space of pipes. A run with the id of somebody who has 300 processes can start none, and is `crashed`; and what
it uses of its limits, that person lacks. Ids of 10 000 and more are those of people where accounts come from
a directory service.
"""

from __future__ import annotations

import pwd
import secrets
from bisect import bisect_left
from collections.abc import Callable, Collection

import psutil

from runner.engine.container_spec import FIRST_UID, LAST_UID

_ATTEMPTS = 1000


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


def random_first_uid(runs: int, in_use: Callable[[], Collection[int]] = uids_in_use) -> int:
    """Return a user id such that ``runs`` ids from it on are for runs: no run can guess its own.

    Nobody else has any of them; where others leave no gap of that length, as few as possible.

    Args:
        runs: How many ids are needed.
        in_use: Returns the ids that others have.
    """
    taken = sorted(in_use())

    def others(first: int) -> int:
        return bisect_left(taken, first + runs) - bisect_left(taken, first)

    starts = (FIRST_UID + secrets.randbelow(LAST_UID - FIRST_UID - runs) for _ in range(_ATTEMPTS))
    best = next(starts)
    for start in starts:
        if others(best) == 0:
            break
        best = min(best, start, key=others)
    return best
