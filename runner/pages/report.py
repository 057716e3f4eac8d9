"""The page of an evaluation: its report and figures in a template. What may be shown is decided before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from markupsafe import Markup

from runner.pages.environment import render_page
from runner.pages.figures.plots import confidence_figure, epsilon_figure, strip_figure
from runner.pages.meanings import KINDS, LEVELS, VERDICTS
from runner.pages.numbers import interval_text, number_text, percent_text
from runner.reports.views.headline import STATUS_WORDS, worth_sentence
from runner.reports.views.report_model import ExamplePart, ReportView, RunPart
from runner.units import MIB
from runner.verdict import Verdict

_BADGES: Final = {
    "scored": "good",
    "failed": "bad",
    "refused": "bad",
    "held": "doubtful",
    "unfinished": "doubtful",
}
_SLOWEST: Final = 5
_FEWEST_DOTS: Final = 3
"""Fewer values are read more easily in the table."""
_LISTED_RUNS: Final = 1024
"""In the table of all runs; the largest contest had 512, and a page stays below 300 KB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """A factor of the score, for the table of where points are lost."""

    name: str
    value: str
    interval: str
    share: float | None
    """Of what is possible, from 0; None where that is not known."""
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """A strip plot of all runs."""

    heading: str
    sentence: str
    figure: Markup


def report_page(report: ReportView) -> str:
    """Return the page of an evaluation.

    Args:
        report: Filtered already, if a participant reads it.
    """
    view, card = report.view, report.card
    share = card.share if card is not None else None
    return render_page(
        "report.html",
        report=report,
        view=view,
        card=card,
        badge=(STATUS_WORDS[view.status], _BADGES.get(view.status, "plain")),
        sentence=worth_sentence(view, share),
        factors=_factors(report),
        epsilon=_epsilon(report) if report.epsilon else None,
        groups=_example_groups(report.examples),
        levels=[
            (*LEVELS[level], level, notices)
            for level in LEVELS
            if (notices := [notice for notice in view.notices if notice.level == level])
        ],
        urgent=bool(view.problems) or any(notice.level == "suspicion" for notice in view.notices),
        sections=list(_sections(report)),
        kinds=KINDS,
        counts=_counts(report),
        strips=_strips(report),
        slowest=sorted(report.runs, key=lambda run: -run.seconds)[:_SLOWEST],
        listed=report.runs[:_LISTED_RUNS],
        has_memory=any(run.peak_bytes is not None for run in report.runs),
        has_processor=any(run.processor_seconds is not None for run in report.runs),
        has_seeds=any(run.seed is not None for run in report.runs),
        mib=MIB,
        seconds="%.0f" if view.feedback == "verdict-only" else "%.2f",
        number=number_text,
        interval=interval_text,
        percent=percent_text,
    )


def _sections(report: ReportView) -> Iterator[tuple[str, str]]:
    """Yield anchor and title of each section, in their order but for that of the notices."""
    view = report.view
    if view.reason and view.failure is None:
        yield "reason", "No score"
    if view.failure is not None:
        yield "error", "First failure"
    if report.card is not None:
        yield "card", "Where points are lost"
    if report.epsilon:
        yield "epsilon", "The ceiling"
    if report.examples:
        yield "examples", "Forget examples"
    if view.notices:
        yield "notices", "What to know"
    if report.runs:
        yield "runs", "Runs"
    yield "provenance", "What this rests on"


def _factors(report: ReportView) -> list[Factor]:
    """Return the factors of the score; each loses points by as much as it is below what is possible."""
    card = report.card
    if card is None:
        return []
    return [
        Factor(
            name="forgetting quality F",
            value=number_text(card.quality.value),
            interval=interval_text(card.quality),
            share=card.share.value if card.share is not None else None,
            meaning="of the ceiling, which is F of references against references",
        ),
        Factor(
            name="accuracy on retain",
            value=number_text(card.retain.value),
            interval=interval_text(card.retain),
            share=card.retain.value,
            meaning="of the references' accuracy",
        ),
        Factor(
            name="accuracy on test",
            value=number_text(card.test.value),
            interval=interval_text(card.test),
            share=card.test.value,
            meaning="of the references' accuracy",
        ),
    ]


def _epsilon(report: ReportView) -> dict[str, object]:
    bins = report.epsilon
    lost = sum(each.unlearned for each in bins if each.points == 0)
    return {
        "figure": epsilon_figure(
            bins, prefix="epsilon", title="Forget examples by epsilon, with references behind them"
        ),
        "bins": bins,
        "lost": lost,
        "references_lost": (
            sum(each.references or 0.0 for each in bins if each.points == 0)
            if bins[0].references is not None
            else None
        ),
    }


def _example_groups(examples: Sequence[ExamplePart]) -> list[tuple[str, list[tuple[ExamplePart, Markup]]]]:
    return [
        (
            group,
            [
                (
                    example,
                    confidence_figure(
                        example.bins,
                        prefix=f"example-{example.index}",
                        title=f"Confidence on forget example {example.index}: unlearned and references",
                    ),
                )
                for example in members
            ],
        )
        for group, members in groupby(examples, key=lambda example: example.group)
    ]


def _counts(report: ReportView) -> list[tuple[str, int, str, str]]:
    """Return verdict, number of runs, whose doing it is, and what it means; the rest of the runs last."""
    rows = [
        (verdict, count, "" if verdict == Verdict.OK else "the submission", VERDICTS.get(verdict, ""))
        for verdict, count in Counter(run.verdict for run in report.runs).most_common()
    ]
    missing = report.view.n - len(report.runs)
    if report.runs and missing > 0:
        reason = "not started after the first failure" if report.view.status == "failed" else "still to come"
        rows.append(("not executed", missing, "", reason))
    if report.lost:
        rows.append(
            (
                "container lost",
                report.lost,
                "this machine",
                "its runs were executed again, in another container",
            )
        )
    return rows


def _strips(report: ReportView) -> list[Strip]:
    """Return the plots of time and memory, of those runs for which they are known."""
    strips = []
    limit = report.limits.seconds
    if lanes := _lanes([(run, run.seconds) for run in report.runs]):
        strips.append(
            Strip(
                heading="Time",
                sentence=_use_sentence(
                    [run.seconds for run in report.runs], limit, "s", "The longest run took {} s"
                ),
                figure=strip_figure(
                    lanes,
                    limit=limit,
                    unit="seconds a run",
                    prefix="time",
                    title="Time of each run, in seconds",
                ),
            )
        )
    used = [(run, run.peak_bytes / MIB) for run in report.runs if run.peak_bytes is not None]
    memory = report.limits.memory_bytes
    if lanes := _lanes(used):
        most = memory / MIB if memory is not None else None
        strips.append(
            Strip(
                heading="Memory",
                sentence=_use_sentence(
                    [value for _run, value in used],
                    most,
                    "MiB",
                    "The most that a run was seen to use is {} MiB",
                ),
                figure=strip_figure(
                    lanes,
                    limit=most,
                    unit="MiB a run, at most",
                    prefix="memory",
                    title="Most memory of each run, in MiB",
                ),
            )
        )
    return strips


def _lanes(values: Sequence[tuple[RunPart, float]]) -> list[tuple[str, list[float]]]:
    """Return the values of the runs that ended well and of the others; nothing if that is no picture."""
    if len(values) < _FEWEST_DOTS or not any(value > 0 for _run, value in values):
        return []
    well = [value for run, value in values if run.verdict == Verdict.OK]
    failed = [value for run, value in values if run.verdict != Verdict.OK]
    return [("ok", well), *([("failed", failed)] if failed else [])]


def _use_sentence(values: Sequence[float], limit: float | None, unit: str, beginning: str) -> str:
    most = max(values)
    sentence = beginning.format(f"{most:.3g}" if most < 1000 else f"{most:.0f}")
    if limit is None or limit <= 0:
        return f"{sentence}."
    return f"{sentence}: {percent_text(most / limit)} of the limit of {limit:g} {unit}."
