"""Whether the disk has room for the checkpoints that an evaluation is to keep."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from runner.errors import HostNotReadyError
from runner.evaluation.pending_runs import PendingRuns
from runner.parsers.checkpoint import max_checkpoint_bytes
from runner.store.store import Store
from runner.units import size_text
from runner.wording import quantity


def _free_bytes(folder: Path) -> int:
    return shutil.disk_usage(folder).free


def require_room(
    parts: Sequence[PendingRuns], store: Store, *, free_bytes: Callable[[Path], int] = _free_bytes
) -> None:
    """Refuse to begin where kept checkpoints may fill the disk; runs that are published have theirs already.

    Args:
        parts: An evaluation, and those of it that are on control problems.
        store: That records its runs.
        free_bytes: Returns the room on the disk of a folder.

    Raises:
        HostNotReadyError: there is too little room.
    """
    runs = needed = 0
    for part in parts:
        missing = set(part.indices) - {run.index for run in store.runs(part.name)}
        runs += len(missing)
        needed += len(missing) * max_checkpoint_bytes(part.challenge.spec)
    folder = parts[0].paths.folder.parent  # of the store
    free = free_bytes(folder)
    if needed > free:
        raise HostNotReadyError(
            f"The checkpoints of {quantity(runs, 'run')} may take {size_text(needed)}, and the disk of "
            f"{folder} has {size_text(free)} left. Make room, for example with `unlearn checkpoints "
            "prune`, or keep none: leave out --keep-checkpoints."
        )
