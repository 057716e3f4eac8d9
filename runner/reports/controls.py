"""What organizers see of an evaluation's runs on control problems."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

from runner.reports.cells import figure, percent, plain_text
from runner.reports.columns import DEFAULT_WIDTH, REQUIRED, Column, fitted_table
from runner.results.summary import SCHEMA_VERSION
from runner.sanitize import sanitize_line
from runner.store.records import RunRecord
from runner.store.store import Store
from runner.store.stored_evaluation import StoredEvaluation

if TYPE_CHECKING:
    from scoring.controls.comparison import ControlComparison, ProblemFigures


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemRuns:
    """The runs of a submission on its challenge or on a control problem."""

    name: str
    """``challenge``, or ``control`` and a number."""
    evaluation: str
    """Its name, or that of its part."""
    n: int
    """Number of requested runs."""
    runs: Sequence[RunRecord]
    """As published."""


def problem_runs(store: Store, evaluation: StoredEvaluation) -> list[ProblemRuns]:
    """Return the runs of an evaluation on its challenge, and then on each control problem."""
    parts = sorted(store.controls_of(evaluation.id), key=_number)
    return [
        ProblemRuns(
            name=f"control {_number(part)}" if part.parent is not None else "challenge",
            evaluation=part.id,
            n=part.n,
            runs=store.runs(part.id),
        )
        for part in (evaluation, *parts)
    ]


def _number(part: StoredEvaluation) -> int:
    """Return the number of a control problem: the name of its folder."""
    name = part.challenge_folder.name if part.challenge_folder is not None else ""
    return int(name) if name.isascii() and name.isdigit() else 0


def controls_table(
    problems: Sequence[ProblemRuns], comparison: ControlComparison | None, width: int = DEFAULT_WIDTH
) -> Table:
    """Return a row for each problem: how its runs ended, and its figures where the card has them."""
    figures = _figures(problems, comparison)
    return fitted_table(
        [
            Column(title="problem", cells=[problem.name for problem in problems], importance=REQUIRED),
            Column(title="part", cells=[problem.evaluation for problem in problems], importance=1),
            Column(
                title="runs",
                cells=[f"{len(problem.runs)} of {problem.n}" for problem in problems],
                importance=REQUIRED,
                right=True,
            ),
            Column(
                title="verdicts",
                cells=[
                    plain_text(
                        ", ".join(
                            f"{count} {verdict}" for verdict, count in sorted(_verdicts(problem).items())
                        )
                    )
                    for problem in problems
                ],
                importance=REQUIRED,
                shrinks_to=20,
            ),
            Column(
                title="held-out eps",
                cells=[_cell(item, "epsilon") for item in figures],
                importance=4,
                right=True,
            ),
            Column(
                title="F",
                cells=[_cell(item, "forgetting_quality") for item in figures],
                importance=3,
                right=True,
            ),
            Column(
                title="share of ceiling",
                cells=[figure(None, 0) if item is None else percent(item.share) for item in figures],
                importance=5,
                right=True,
            ),
        ],
        width,
    )


def controls_json(
    evaluation: str, problems: Sequence[ProblemRuns], comparison: ControlComparison | None
) -> dict[str, Any]:
    """Return the same as plain values; ``evaluation`` is its name."""
    return {
        "schema_version": SCHEMA_VERSION,
        "evaluation": evaluation,
        "problems": [
            {
                "problem": problem.name,
                "evaluation": problem.evaluation,
                "n": problem.n,
                "verdicts": _verdicts(problem),
                "figures": asdict(item) if item is not None else None,
            }
            for problem, item in zip(problems, _figures(problems, comparison), strict=True)
        ],
        "runs": comparison.runs if comparison is not None else None,
        "references": comparison.references if comparison is not None else None,
        "ceiling": comparison.ceiling if comparison is not None else None,
        "advantage": comparison.advantage if comparison is not None else None,
        "limit": comparison.limit if comparison is not None else None,
        "flagged": comparison.flagged if comparison is not None else None,
    }


def comparison_line(comparison: ControlComparison) -> str:
    """Return what the figures of a comparison come to, in a line."""
    return (
        f"Figures at {comparison.runs} runs and {comparison.references} references of each problem. "
        f"Advantage on the challenge: {percent(comparison.advantage)} of the ceiling; the limit is "
        f"{percent(comparison.limit)}."
    )


def failed_run_line(problem: str, run: RunRecord, log: Path | None) -> str:
    """Return why a run on a control problem failed, and where its output is.

    Args:
        problem: Its name.
        run: The run.
        log: The file with its output, None if it printed nothing.
    """
    exception = f", {sanitize_line(run.exception_type)}" if run.exception_type else ""
    output = f" Its output: {log}" if log is not None else ""
    return f"{problem}, run {run.index}: {run.verdict}{exception}: {sanitize_line(run.detail)}{output}"


def _figures(
    problems: Sequence[ProblemRuns], comparison: ControlComparison | None
) -> list[ProblemFigures | None]:
    figures = [comparison.challenge, *comparison.controls] if comparison is not None else []
    return [*figures] if len(figures) == len(problems) else [None] * len(problems)


def _verdicts(problem: ProblemRuns) -> dict[str, int]:
    return dict(Counter(str(run.verdict) for run in problem.runs))


def _cell(figures: ProblemFigures | None, name: str) -> str:
    return figure(getattr(figures, name) if figures is not None else None, 3)
