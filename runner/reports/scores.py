"""The table of scores, and the remarks below it. Untrusted text is shown as plain text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich import box
from rich.table import Table
from rich.text import Text

from runner.reports.advice import advice_on_reason, advice_on_warning
from runner.reports.cells import figure, plain_text
from runner.results.summary import Summary
from runner.sanitize import sanitize_line

_NARROW: Final = 96
_WIDE: Final = 120


def score_table(summaries: Sequence[Summary], width: int = _NARROW) -> Table:
    """Return the scores of evaluations, the best first and those without a score last.

    ``score`` is ``forget`` (forgetting quality) x ``retain`` x ``test`` (accuracy as a ratio to
    the references'); ``mean ε`` is how well the checkpoints can be distinguished from the references.
    Wide tables also have ``95 %``, the interval of the score if all models were drawn again, and
    ``of ceiling``, forgetting quality relative to that of perfect unlearning.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("submission", min_width=15, overflow="fold")
    with_worth, wide = width >= _WIDE, width >= _NARROW
    figures = [
        "score",
        *(["95 %"] if with_worth else []),
        "forget",
        *(["of ceiling"] if with_worth else []),
        *("retain", "test", "mean ε", "n"),
        *(["s/run"] if wide else []),
    ]
    for name in figures:
        table.add_column(name, justify="right", no_wrap=True)
    if wide:
        table.add_column("verdicts", min_width=6, overflow="fold")
    table.add_column("evaluation", no_wrap=True)
    for summary in sorted(summaries, key=_rank):
        table.add_row(
            plain_text(summary.submission),
            figure(summary.score, 4),
            *([_interval(summary)] if with_worth else []),
            figure(summary.forgetting_quality, 4),
            *([_share(summary)] if with_worth else []),
            figure(summary.retain_ratio, 4),
            figure(summary.test_ratio, 4),
            figure(summary.epsilon_mean, 2),
            str(summary.n),
            *_details(summary, wide=wide),
            summary.evaluation,
        )
    return table


def score_remarks(summaries: Sequence[Summary]) -> list[Text]:
    """Return a line for each warning, each flag and each missing score, and for what to do about it."""
    lines = []
    for summary in summaries:
        name = sanitize_line(summary.submission, 60)
        if summary.score_withheld:
            lines.append(Text(f"{name}: {sanitize_line(summary.reason or '')}"))
        elif summary.reason:
            lines.append(Text(f"{name}: no score: {sanitize_line(summary.reason)}", style="red"))
            lines += [Text(f"{name}: {line}") for line in (advice_on_reason(summary.reason),) if line]
        sentences = (*summary.warnings, *summary.flag_sentences)
        lines += [Text(f"{name}: {sanitize_line(sentence)}", style="yellow") for sentence in sentences]
        advice = dict.fromkeys(advice_on_warning(sentence) for sentence in summary.warnings)
        lines += [Text(f"{name}: {line}") for line in advice if line]
    if len({summary.n for summary in summaries if summary.score is not None}) > 1:
        lines.append(
            Text("Scores of different n have different bins and are not comparable.", style="yellow")
        )
    return lines


def _details(summary: Summary, *, wide: bool) -> list[str | Text]:
    if not wide:
        return []
    return [figure(summary.run_seconds_median, 2), plain_text(_verdicts(summary))]


def _interval(summary: Summary) -> str:
    low, high = summary.score_low, summary.score_high
    return "" if low is None or high is None else f"{low:.4f} to {high:.4f}"


def _share(summary: Summary) -> str:
    return "" if summary.share_of_ceiling is None else f"{summary.share_of_ceiling:.0%}"


def _verdicts(summary: Summary) -> str:
    if summary.refused:
        return "refused"
    return ", ".join(f"{count} {verdict}" for verdict, count in summary.verdicts.items())


def _rank(summary: Summary) -> tuple[int, float]:
    return (1, 0.0) if summary.score is None else (0, -summary.score)
