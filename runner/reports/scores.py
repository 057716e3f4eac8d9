"""The table of scores, and the remarks below it. Untrusted text is shown as plain text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from rich.table import Table
from rich.text import Text

from runner.reports.advice import advice_on_reason
from runner.reports.cells import NAME_CHARACTERS, figure, percent, plain_text
from runner.reports.columns import DEFAULT_WIDTH, REQUIRED, SUBMISSION_WIDTH, Column, fitted_table
from runner.reports.notices import notice_lines, notices_of
from runner.results.view import SummaryView
from runner.sanitize import sanitize_line
from runner.units import duration

if TYPE_CHECKING:
    from runner.results.summary import Summary

_RECOMMENDED_RUNS: Final = 64


def score_table(summaries: Sequence[Summary], width: int = DEFAULT_WIDTH) -> Table:
    """Return the scores of evaluations, the best first and those without a score last.

    ``score`` is ``forget`` (forgetting quality) x ``retain`` x ``test`` (accuracy as a ratio to
    the references'); ``mean ε`` is how well the checkpoints can be distinguished from the references.
    ``95 %`` is the interval of the score if all models were drawn again, ``of ceiling`` forgetting quality
    relative to that of perfect unlearning. A narrow table lacks the columns that the score is made of.
    """
    rows = sorted(summaries, key=_rank)
    columns = [
        Column(
            title="submission",
            cells=[plain_text(row.submission, NAME_CHARACTERS) for row in rows],
            importance=REQUIRED,
            shrinks_to=SUBMISSION_WIDTH,
        ),
        Column(title="status", cells=[status_text(row.status) for row in rows], importance=REQUIRED),
        _figures("score", [score_cell(row) for row in rows], REQUIRED),
        _figures("95 %", [_interval(row) for row in rows], 9),
        _figures("forget", [_figure(row, row.forgetting_quality, 4) for row in rows], 4),
        _figures("of ceiling", [_share(row) for row in rows], 6),
        _figures("retain", [_figure(row, row.retain_ratio, 4) for row in rows], 1),
        _figures("test", [_figure(row, row.test_ratio, 4) for row in rows], 2),
        _figures("mean ε", [_figure(row, row.epsilon_mean, 2) for row in rows], 3),
        _figures("n", [str(row.n) for row in rows], 8),
        _figures("s/run", [figure(row.run_seconds_median, 2) for row in rows], 5),
        Column(
            title="verdicts",
            cells=[plain_text(verdicts_text(row)) for row in rows],
            importance=7,
            shrinks_to=12,
        ),
        Column(title="evaluation", cells=[row.evaluation for row in rows], importance=10),
    ]
    return fitted_table(columns, width)


def score_remarks(summaries: Sequence[Summary], *, with_suspicions: bool = False) -> list[Text]:
    """Return lines for each missing score, each smoke test and each problem; one line counts the notes.

    A missing score and a problem are followed by what to do about them, where that is known.
    """
    lines = []
    for summary in summaries:
        name = sanitize_line(summary.submission, 60)
        if summary.score_withheld:
            lines.append(Text(f"{name}: {sanitize_line(summary.reason or '')}"))
        elif summary.reason:
            lines.append(Text(f"{name}: no score: {sanitize_line(summary.reason)}", style="red"))
            lines += [Text(f"{name}: {line}") for line in (advice_on_reason(summary.reason),) if line]
        elif summary.is_smoke_test:
            lines.append(Text(f"{name}: {smoke_sentence(summary)}"))
        lines += notice_lines(summary, with_suspicions=with_suspicions)
    scored = {summary.n for summary in summaries if summary.status == "scored"}
    if len(scored) > 1:
        lines.append(
            Text("Scores of different n have different bins and are not comparable.", style="yellow")
        )
    return lines


def smoke_sentence(summary: Summary) -> str:
    """Return what an evaluation with too few runs for a score shows, and how to get a score."""
    seconds = summary.run_seconds_median
    pace = "" if seconds is None else f", {seconds:.1f} s a run"
    if seconds is None:
        estimate = ""
    else:  # with runs one after another; what starting takes is in the time that was spent
        estimate = f", about {duration(summary.seconds + seconds * (_RECOMMENDED_RUNS - summary.n))}"
    return (
        f"smoke test: {summary.verdicts.get('ok', 0)} of {summary.n} runs ok{pace}; "
        f"too few runs for a score (use -n {_RECOMMENDED_RUNS}{estimate})"
    )


def summary_json(summary: SummaryView) -> dict[str, Any]:
    """Return the object that ``--json`` prints: the stored summary with its status and notices.

    ``notices`` lists each flag and each warning once, with ``kind``, ``level``, ``sentence`` and, for a
    problem, ``advice``. ``status`` is ``scored``, ``smoke-test``, ``judged``, ``failed``, ``held`` or
    ``refused``.
    """
    values = summary.to_json()
    return {
        **values,
        "status": summary.status,
        "smoke_test": summary.is_smoke_test,
        "flags": list(dict.fromkeys(summary.flags)),
        "notices": [notice.to_json() for notice in notices_of(summary)],
    }


def status_text(status: str) -> Text:
    """Return a status for a table; failures are also coloured."""
    return Text(status.replace("-", " "), style="red" if status in ("failed", "held", "refused") else "")


def verdicts_text(summary: SummaryView) -> str:
    """Return how many runs ended with each verdict."""
    return ", ".join(f"{count} {verdict}" for verdict, count in summary.verdicts.items())


def score_cell(summary: SummaryView) -> str:
    """Return the score, or a dash where there is none or too few runs for one."""
    return _figure(summary, summary.score, 4)


def _figures(title: str, cells: Sequence[str], importance: int) -> Column:
    return Column(title=title, cells=cells, importance=importance, right=True)


def _figure(summary: SummaryView, value: float | None, digits: int) -> str:
    return figure(None if summary.is_smoke_test else value, digits)


def _interval(summary: Summary) -> str:
    low, high = summary.score_low, summary.score_high
    if low is None or high is None or summary.is_smoke_test:
        return ""
    return f"{low:.4f} to {high:.4f}"


def _share(summary: Summary) -> str:
    if summary.share_of_ceiling is None or summary.is_smoke_test:
        return ""
    return percent(summary.share_of_ceiling)


def _rank(summary: Summary) -> tuple[int, float]:
    if summary.score is None:
        return (2, 0.0)
    return (1, 0.0) if summary.is_smoke_test else (0, -summary.score)
