"""Remove an evaluation, or its checkpoints, while no process works on it."""

from __future__ import annotations

import shutil
from pathlib import Path

from runner.errors import ConfigurationError
from runner.store.lease import evaluation_lease
from runner.store.paths import EvaluationPaths, archive_path
from runner.store.store import Store
from runner.verdict import Verdict


def remove_evaluation(store: Store, folder: Path, name: str) -> None:
    """Remove an evaluation: its rows and its files.

    Raises:
        ConfigurationError: it is the result of an entry of a competition.
        HostNotReadyError: a process works on it.
    """
    with evaluation_lease(store.database, folder, name):
        _require_no_competition(store, name)
        submission = store.remove(name)
        shutil.rmtree(folder / name, ignore_errors=True)
        if submission is not None:
            archive_path(folder, submission).unlink(missing_ok=True)


def restart_evaluation(store: Store, folder: Path, name: str) -> bool:
    """Remove the runs and the result of an evaluation, so that it can be evaluated again.

    Returns False and removes nothing if it has not ended: then it is to be continued.

    Raises:
        ConfigurationError: it is the result of an entry of a competition.
        HostNotReadyError: a process works on it.
    """
    with evaluation_lease(store.database, folder, name) as lease:
        _require_no_competition(store, name)
        if not store.restart(name, token=lease.token):
            return False
        shutil.rmtree(folder / name, ignore_errors=True)  # files without rows mean nothing
    return True


def _require_no_competition(store: Store, name: str) -> None:
    entry = store.entry_with_evaluation(name)
    if entry is not None:
        raise ConfigurationError(
            f"Evaluation {name} is the result of entry {entry.id} of the competition {entry.competition}, so "
            "it stays; to evaluate once more: unlearn competition rejudge start"
        )


def remove_checkpoints(store: Store, folder: Path, name: str) -> int:
    """Remove the checkpoints from which nothing is to be computed any more, and return how many."""
    paths = EvaluationPaths(folder=folder / name)
    removed = 0
    with evaluation_lease(store.database, folder, name):
        parts = {name: paths, **{part.id: paths.control(part.id) for part in store.controls_of(name)}}
        for part, files in parts.items():
            for run in store.runs(part):
                is_needed = run.verdict is Verdict.OK and not run.evaluated
                if not is_needed and files.checkpoint(run.index).is_file():
                    files.checkpoint(run.index).unlink()
                    removed += 1
    return removed
