"""The next command after an evaluation, with its real name and paths: nobody has to fill in a placeholder."""

from __future__ import annotations

import shlex
from typing import Final

from runner.reports.views.model import EvaluationView

_RECOMMENDED_RUNS: Final = 64


def next_steps(view: EvaluationView, *, challenge: str | None) -> list[str]:
    """Return the commands that go on from an evaluation in a store.

    Args:
        view: Of the evaluation.
        challenge: Folder of its challenge; None if it is unknown.
    """
    if view.evaluation is None or view.is_fault_of_host:
        return []
    if view.status == "failed":
        return [f"unlearn show {view.evaluation} --logs"]
    if view.status == "scored":
        return [f"unlearn show {view.evaluation} --card"]
    if view.path is None or challenge is None or view.status not in ("smoke-test", "unfinished"):
        return []
    n = view.n if view.status == "unfinished" else _RECOMMENDED_RUNS
    return [f"unlearn run {shlex.quote(view.path)} -c {shlex.quote(challenge)} -n {n}"]
