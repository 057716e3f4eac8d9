"""Remove an evaluation, or its checkpoints, while no process works on it."""

from __future__ import annotations

import shutil
from pathlib import Path

from runner.store.lease import evaluation_lease
from runner.store.paths import EvaluationPaths, archive_path
from runner.store.store import Store


def remove_evaluation(store: Store, folder: Path, name: str) -> None:
    """Remove an evaluation: its rows and its files.

    Raises:
        HostNotReadyError: a process works on it.
    """
    with evaluation_lease(store.database, folder, name):
        submission = store.remove(name)
        shutil.rmtree(folder / name, ignore_errors=True)
        if submission is not None:
            archive_path(folder, submission).unlink(missing_ok=True)


def restart_evaluation(store: Store, folder: Path, name: str) -> bool:
    """Remove the runs and the result of an evaluation, so that it can be evaluated again.

    Returns False and removes nothing if it has not ended: then it is to be continued.

    Raises:
        HostNotReadyError: a process works on it.
    """
    with evaluation_lease(store.database, folder, name) as lease:
        if not store.restart(name, token=lease.token):
            return False
        shutil.rmtree(folder / name, ignore_errors=True)  # files without rows mean nothing
    return True


def remove_checkpoints(store: Store, folder: Path, name: str) -> int:
    """Remove the checkpoints of evaluated runs, and return how many were removed."""
    paths = EvaluationPaths(folder=folder / name)
    removed = 0
    with evaluation_lease(store.database, folder, name):
        parts = {name: paths, **{part.id: paths.control(part.id) for part in store.controls_of(name)}}
        for part, files in parts.items():
            for run in store.runs(part):
                if run.evaluated and files.checkpoint(run.index).is_file():
                    files.checkpoint(run.index).unlink()
                    removed += 1
    return removed
