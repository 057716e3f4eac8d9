"""Which user ids the runs of a container get: numbers that nobody on this host uses at the moment.

The kernel counts processes by user id for the whole host. A user of the host with the number of a run would
use up that run's processes, and the run would be judged for it; and whoever asks the host for processes of a
run, by its number, would find that user's.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from itertools import pairwise

import psutil

from runner.engine.container_spec import FIRST_UID, LAST_UID


def random_first_uid(runs: int) -> int:
    """Return a user id such that ``runs`` ids from it on are free for runs: no run can guess its own."""
    return choose_first_uid(runs, user_ids_in_use())


def user_ids_in_use() -> frozenset[int]:
    """Return the user ids of all processes that this process can see, also as real and saved ids."""
    of_processes = (process.info["uids"] for process in psutil.process_iter(["uids"]))
    return frozenset(uid for uids in of_processes if uids is not None for uid in uids)


def choose_first_uid(runs: int, taken: Collection[int]) -> int:
    """Return a random start of ``runs`` ids of which none is taken; any start if there is no such gap.

    Args:
        runs: How many ids.
        taken: Ids of others.
    """
    within = sorted({FIRST_UID - 1, LAST_UID, *(uid for uid in taken if FIRST_UID <= uid < LAST_UID)})
    gaps = [range(before + 1, after - runs + 1) for before, after in pairwise(within)]
    starts = sum(len(gap) for gap in gaps)
    if not starts:
        return FIRST_UID + secrets.randbelow(LAST_UID - FIRST_UID - runs)
    place = secrets.randbelow(starts)
    for gap in gaps:
        if place < len(gap):
            break
        place -= len(gap)
    return gap[place]
