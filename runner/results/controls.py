"""The runs of an evaluation on control problems, as the store and the scorer have them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from runner.challenge.challenge import Challenge
from runner.challenge.controls import load_controls
from runner.results.view import MIN_SCORED_RUNS
from runner.store.paths import EvaluationPaths, control_evaluation_id
from runner.store.records import RunRecord
from runner.store.store import Store

CONTROL_SHARE: Final = 4
"""An evaluation of n runs has n / 4 on each control problem."""
MIN_CONTROL_RUNS: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlRuns:
    """The runs on a control problem."""

    evaluation: str
    """The name of this part of the evaluation."""
    challenge: Challenge
    """The control problem."""
    runs: Sequence[RunRecord]
    """As published."""
    outputs: Callable[[int], Path]
    """Returns the path of a run's outputs."""


def control_runs(n: int) -> int:
    """Return how many runs an evaluation of n runs has on each control problem."""
    return min(n, max(MIN_CONTROL_RUNS, -(-n // CONTROL_SHARE)))


def has_control_runs(challenge: Challenge, n: int) -> bool:
    """Return whether an evaluation has runs on control problems: not a smoke test, which shows no score."""
    return bool(challenge.description.controls) and n >= MIN_SCORED_RUNS


def recorded_controls(
    store: Store, paths: EvaluationPaths, evaluation: str, challenge: Challenge, n: int
) -> list[ControlRuns]:
    """Return the runs of an evaluation on control problems, in the order of the challenge.

    Args:
        store: The store that records it.
        paths: Of the evaluation.
        evaluation: Its whole name.
        challenge: On what it is.
        n: Its number of runs.

    Raises:
        ConfigurationError: a control problem is missing or damaged.
    """
    if not has_control_runs(challenge, n):
        return []
    parts = []
    for control in load_controls(challenge):
        name = control_evaluation_id(evaluation, control.sha256)
        parts.append(
            ControlRuns(
                evaluation=name,
                challenge=control,
                runs=store.runs(name),
                outputs=paths.control(name).outputs,
            )
        )
    return parts
