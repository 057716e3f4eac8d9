"""Tables for people. Everything a stranger may have named or written is shown as plain text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich import box
from rich.table import Table
from rich.text import Text

from runner.reports.cells import figure, plain_text
from runner.sanitize import sanitize_line

Summary = Mapping[str, Any]

_NARROW: Final = 96
_WIDE: Final = 120


def score_table(summaries: Sequence[Summary], width: int = _NARROW) -> Table:
    """Return the scores of evaluations, the best first and those without a score last.

    ``score`` is ``forget`` (forgetting quality) x ``retain`` x ``test`` (accuracy as a ratio to
    the references'); ``mean ε`` is how well the checkpoints are told apart from the references.
    Where there is room: ``95 %``, where the score may lie if all models were drawn again, and
    ``of ceiling``, forgetting quality over what perfect unlearning would get.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("submission", min_width=15, overflow="fold")
    worth = ["95 %", "of ceiling"] if width >= _WIDE else []
    figures = ["score", *worth[:1], "forget", *worth[1:], "retain", "test", "mean ε", "n"]
    if wide := width >= _NARROW:
        figures.append("s/run")
    for name in figures:
        table.add_column(name, justify="right", no_wrap=True)
    if wide:
        table.add_column("verdicts", min_width=6, overflow="fold")
    table.add_column("evaluation", no_wrap=True)
    for summary in sorted(summaries, key=_rank):
        more: list[str | Text] = []
        if wide:
            more = [figure(summary.get("run_seconds_median"), 2), plain_text(_verdicts(summary))]
        table.add_row(
            plain_text(summary["submission"]),
            figure(summary.get("score"), 4),
            *([_range(summary)] if worth else []),
            figure(summary.get("forgetting_quality"), 4),
            *([_share(summary)] if worth else []),
            figure(summary.get("retain_ratio"), 4),
            figure(summary.get("test_ratio"), 4),
            figure(summary.get("epsilon_mean"), 2),
            str(summary["n"]),
            *more,
            str(summary["evaluation"]),
        )
    return table


def score_remarks(summaries: Sequence[Summary]) -> list[Text]:
    """Return a line for each warning and each missing score."""
    lines = []
    for summary in summaries:
        name = sanitize_line(summary["submission"], 60)
        if summary.get("score_withheld"):
            lines.append(Text(f"{name}: {sanitize_line(summary['reason'])}"))
        elif summary.get("reason"):
            lines.append(Text(f"{name}: no score: {sanitize_line(summary['reason'])}", style="red"))
        told = (*summary["warnings"], *summary.get("flag_sentences", ()))
        lines += [Text(f"{name}: {sanitize_line(text)}", style="yellow") for text in told]
    if len({summary["n"] for summary in summaries if summary.get("score") is not None}) > 1:
        lines.append(
            Text("Scores of different n have different bins and are not comparable.", style="yellow")
        )
    return lines


def _range(summary: Summary) -> str:
    low, high = summary.get("score_low"), summary.get("score_high")
    return "" if low is None or high is None else f"{low:.4f} to {high:.4f}"


def _share(summary: Summary) -> str:
    share = summary.get("share_of_ceiling")
    return "" if share is None else f"{share:.0%}"


def _verdicts(summary: Summary) -> str:
    return ", ".join(f"{count} {word}" for word, count in summary["verdicts"].items())


def _rank(summary: Summary) -> tuple[int, float]:
    score = summary.get("score")
    return (1, 0.0) if score is None else (0, -score)
