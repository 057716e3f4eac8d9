"""The next command after an evaluation, with its real name and paths: nobody has to fill in a placeholder."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Final

from runner.reports.failures import follow_up
from runner.reports.views.model import EvaluationView

_RECOMMENDED_RUNS: Final = 64


def next_steps(view: EvaluationView, *, challenge: str | None, store: Path) -> list[str]:
    """Return the commands that go on from an evaluation that has ended.

    Args:
        view: Of the evaluation.
        challenge: Folder of its challenge; None if it is unknown.
        store: Folder of the store, for the command.
    """
    if view.evaluation is None or view.is_fault_of_host:
        return []
    if view.status == "failed":
        return [follow_up("show", view.evaluation, store, "--logs")]
    if view.status == "scored":
        return [follow_up("show", view.evaluation, store, "--card")]
    if view.path is None or challenge is None or view.status != "smoke-test":
        return []
    return [f"unlearn run {shlex.quote(view.path)} -c {shlex.quote(challenge)} -n {_RECOMMENDED_RUNS}"]
