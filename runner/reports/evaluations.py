"""The table of a store's evaluations: finished, running and interrupted ones, of all challenges."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from rich.table import Table
from rich.text import Text

from runner.reports.cells import NAME_CHARACTERS, plain_text
from runner.reports.columns import REQUIRED, SUBMISSION_WIDTH, Column, fitted_table
from runner.reports.notices import counted, grouped_problem_lines
from runner.reports.scores import score_cell, status_text, summary_json, verdicts_text
from runner.results.view import MIN_SCORED_RUNS, SCHEMA_VERSION, SummaryView, listed_summary
from runner.sanitize import sanitize_line
from runner.store.listing import Progress
from runner.store.stored_evaluation import StoredEvaluation
from runner.wording import noun_for, quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedEvaluation:
    """An evaluation with its summary, or with how far it is."""

    stored: StoredEvaluation
    name: str
    """Under which tables show it: the names of its first entries."""
    summary: SummaryView | None
    progress: Progress

    @property
    def status(self) -> str:
        """Return the status of its summary, or ``running`` or ``interrupted``."""
        if self.summary is not None:
            return self.summary.status
        return "running" if self.progress.is_running else "interrupted"

    @property
    def score(self) -> float | None:
        """Return its score; None without one, or with too few runs for one."""
        return None if self.summary is None or self.summary.is_smoke_test else self.summary.score


_CONTINUED: Final = 5
"""Interrupted evaluations whose command is shown."""
_COMMAND_CHARACTERS: Final = 4000
_WIDE: Final = 100
"""Width from which a time has its year."""
_NO_PROGRESS: Final = Progress(ended_runs=0, is_running=False)


def listed_evaluations(
    stored: Sequence[StoredEvaluation], progress: Mapping[str, Progress], names: Mapping[str, str]
) -> list[ListedEvaluation]:
    """Return evaluations with their summaries.

    Args:
        stored: The evaluations.
        progress: Of those without a summary, by the evaluation.
        names: Under which tables show them, by the evaluation; by default that of the submission.
    """
    return [
        ListedEvaluation(
            stored=item,
            name=names.get(item.id, item.submission),
            summary=_summary(item.summary) if item.summary is not None else None,
            progress=progress.get(item.id, _NO_PROGRESS),
        )
        for item in stored
    ]


def _summary(stored: Mapping[str, Any]) -> SummaryView:
    """Return a stored summary; one of an earlier version, or a damaged one, is left to `Summary`."""
    listed = listed_summary(stored)
    if listed is not None:
        return listed
    from runner.results.summary import Summary  # noqa: PLC0415 - imports pydantic, as slow as all the rest

    return Summary.from_json(stored)


def by_time(listed: ListedEvaluation) -> datetime:
    """Return the key that sorts evaluations by their start."""
    return listed.stored.started_at


def by_score(listed: ListedEvaluation) -> tuple[bool, float, datetime]:
    """Return the key that sorts evaluations by their score, those without one lowest."""
    return (listed.score is not None, listed.score or 0.0, listed.stored.started_at)


def evaluations_table(rows: Sequence[ListedEvaluation], width: int) -> Table:
    """Return a row for each evaluation; a narrow table lacks the less important columns."""

    def text(
        title: str, cells: Sequence[Text | str], importance: int, shrinks_to: int | None = None
    ) -> Column:
        return Column(title=title, cells=cells, importance=importance, shrinks_to=shrinks_to)

    summaries = [row.summary for row in rows]
    when = "%Y-%m-%d %H:%M" if width >= _WIDE else "%m-%d %H:%M"
    several_challenges = len({row.stored.challenge_sha256 for row in rows}) > 1
    columns = [
        text("when", [row.stored.started_at.astimezone().strftime(when) for row in rows], 6),
        text("submission", [plain_text(row.name) for row in rows], REQUIRED, SUBMISSION_WIDTH),
        text(
            "challenge",
            [plain_text(row.stored.challenge, NAME_CHARACTERS) for row in rows],
            7 if several_challenges else 3,
            10,
        ),
        Column(title="n", cells=[str(row.stored.n) for row in rows], importance=4, right=True),
        text("status", [_status(row) for row in rows], REQUIRED),
        text("score", [_score(summary) for summary in summaries], REQUIRED),
        text("verdicts", [plain_text(verdicts_text(item)) if item else "" for item in summaries], 1, 12),
        text("flags", [counted(item) if item else "" for item in summaries], 2, 12),
        text("evaluation", [row.stored.id for row in rows], 8),
    ]
    return fitted_table(columns, width)


def evaluations_remarks(
    rows: Sequence[ListedEvaluation], how_to_continue: Callable[[StoredEvaluation], str]
) -> list[Text]:
    """Return the lines below the table: problems by kind, what to continue, what does not compare.

    Args:
        rows: Of the table.
        how_to_continue: Returns a clause about an evaluation that was interrupted.
    """
    named = [(row.name, row.summary) for row in rows if row.summary is not None]
    lines = grouped_problem_lines(named)
    interrupted = [row.stored for row in rows if row.status == "interrupted"]
    lines += [
        Text(
            sanitize_line(f"{stored.id}: interrupted; {how_to_continue(stored)}", _COMMAND_CHARACTERS),
            style="yellow",
            no_wrap=True,  # a command that is folded cannot be pasted
            overflow="ignore",
        )
        for stored in interrupted[:_CONTINUED]
    ]
    if rest := interrupted[_CONTINUED:]:
        are = noun_for(len(rest), "is", "are")
        lines.append(Text(f"{len(rest)} more {are} interrupted; for the command: unlearn show {rest[0].id}"))
    if any(summary.is_smoke_test for _, summary in named):
        lines.append(Text(f"smoke test: fewer than {MIN_SCORED_RUNS} runs, too few for a score."))
    for kind, values in (
        ("challenges", {row.stored.challenge_sha256 for row in rows if row.score is not None}),
        ("n", {row.stored.n for row in rows if row.score is not None}),
    ):
        if len(values) > 1:
            lines.append(Text(f"Scores of different {kind} are not comparable.", style="yellow"))
    return lines


def shown_of(shown: int, total: int) -> str:
    """Return how many evaluations a table shows, and how to see the rest."""
    if shown == total:
        return quantity(total, "evaluation")
    return f"{shown} of {total} evaluations (--all shows all)"


def evaluation_json(row: ListedEvaluation) -> dict[str, Any]:
    """Return the object that ``unlearn list --json`` prints: docs/participants.md lists its fields."""
    stored = row.stored
    return {
        "schema_version": SCHEMA_VERSION,
        "evaluation": stored.id,
        "submission": stored.submission,
        "challenge": stored.challenge,
        "n": stored.n,
        "begun": stored.started_at.isoformat(),
        "image": stored.image,
        "status": row.status,
        "device": row.progress.device if row.progress.is_running and row.progress.device else None,
        "ended_runs": sum(row.summary.verdicts.values()) if row.summary else row.progress.ended_runs,
        "summary": summary_json(row.summary) if row.summary else None,
    }


def _status(row: ListedEvaluation) -> Text:
    if row.summary is not None:
        return status_text(row.status)
    progress = row.progress
    on = f" on {progress.device}" if progress.is_running and progress.device not in ("", "cpu") else ""
    return Text(f"{row.status} {progress.ended_runs}/{row.stored.n}{on}", style="yellow")


def _score(summary: SummaryView | None) -> str:
    if summary is None:
        return ""
    score, low, high = score_cell(summary), summary.score_low, summary.score_high
    if summary.status != "scored" or low is None or high is None:
        return score
    return f"{score} ±{(high - low) / 2:.4f}"
