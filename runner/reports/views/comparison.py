"""A comparison of evaluations as data: what a page shows side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from runner.reports.views.report_charts import epsilon_bins
from runner.reports.views.report_make import card_part
from runner.reports.views.report_model import CardPart, EpsilonBin, LimitsPart
from runner.sanitize import sanitize_line
from runner.store.records import RunRecord
from runner.units import MIB
from runner.verdict import Verdict

if TYPE_CHECKING:
    from scoring.card.card import ScoreCard
    from scoring.statistics.comparison import Comparison

_ONE_SCORE: Final = "Fewer than two of them have a score."
_SIGNIFICANT: Final = 0.05
"""Probability of any false difference, as `scoring.statistics.comparison.compare` has it by default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedInput:
    """An evaluation that was scored, before it is compared."""

    name: str
    """Of the submission."""
    evaluation: str
    card: ScoreCard
    runs: Sequence[RunRecord]
    limits: LimitsPart


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A score less the best one."""

    value: float
    """Zero or below."""
    low: float
    high: float
    p: float
    beyond_noise: bool
    """Whether it is significant after Holm's correction, as for the ranks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedPart:
    """An evaluation among those that are compared."""

    letter: str
    """Stands for it in figures, which never show text of a submission."""
    name: str
    evaluation: str
    rank: int | None
    """None where they cannot be ranked."""
    difference: Difference | None
    """None for the best one, and where they cannot be ranked."""
    card: CardPart
    epsilon: Sequence[EpsilonBin]
    """As many bins as that with the most runs has."""
    seconds: Sequence[float]
    """Of the runs."""
    memory_mib: Sequence[float]
    """Of the runs for which it is known."""
    limits: LimitsPart


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonView:
    """Evaluations side by side."""

    challenge: str
    n: int | None
    """None if their numbers of runs differ."""
    compared: Sequence[ComparedPart]
    """Ranked, the best first, or in the order of the input."""
    unscored: Sequence[tuple[str, str, str]]
    """Name, evaluation and reason of those without a score."""
    not_ranked: str
    """Why there are no ranks; empty if there are."""


def comparison_view(
    inputs: Sequence[ComparedInput],
    ranking: Comparison | str | None,
    *,
    challenge: str,
    unscored: Sequence[tuple[str, str, str]],
) -> ComparisonView:
    """Return evaluations side by side.

    Args:
        inputs: Those that were scored.
        ranking: Of them, in their order; or why there is none; None with fewer than two.
        challenge: Its name.
        unscored: Name, evaluation and reason of the others.
    """
    most = max((item.card.n for item in inputs), default=2)
    order, ranks, differences = _ranked(len(inputs), ranking)
    compared = [
        ComparedPart(
            letter=_letter(at),
            name=sanitize_line(inputs[index].name, 100),
            evaluation=inputs[index].evaluation,
            rank=ranks[index],
            difference=differences[index],
            card=card_part(inputs[index].card),
            epsilon=epsilon_bins(inputs[index].card.published.epsilon, None, n=most),
            seconds=[run.run_seconds or run.host_seconds for run in _well(inputs[index].runs)],
            memory_mib=[
                run.peak_memory_bytes / MIB
                for run in _well(inputs[index].runs)
                if run.peak_memory_bytes is not None
            ],
            limits=inputs[index].limits,
        )
        for at, index in enumerate(order)
    ]
    why_not = sanitize_line(ranking) if isinstance(ranking, str) else ""
    if ranking is None:
        why_not = _ONE_SCORE
    sizes = {item.card.n for item in inputs}
    return ComparisonView(
        challenge=sanitize_line(challenge, 100),
        n=sizes.pop() if len(sizes) == 1 else None,
        compared=compared,
        unscored=[
            (sanitize_line(name, 100), evaluation, sanitize_line(why)) for name, evaluation, why in unscored
        ],
        not_ranked=why_not,
    )


def _ranked(
    count: int, ranking: Comparison | str | None
) -> tuple[list[int], list[int | None], list[Difference | None]]:
    """Return the order, and for each position of the input its rank and its difference to the best."""
    if ranking is None or isinstance(ranking, str):
        return list(range(count)), [None] * count, [None] * count
    scores = ranking.score
    order = sorted(range(count), key=lambda at: (int(scores.rank[at]), -float(scores.value[at])))
    best = max(range(count), key=lambda at: float(scores.value[at]))
    differences = [
        None
        if at == best
        else Difference(
            value=float(scores.difference[at, best]),
            low=float(scores.difference_low[at, best]),
            high=float(scores.difference_high[at, best]),
            p=float(scores.p[at, best]),
            beyond_noise=bool(scores.difference[at, best] < 0 and scores.p[at, best] <= _SIGNIFICANT),
        )
        for at in range(count)
    ]
    return order, [int(scores.rank[at]) for at in range(count)], differences


def _well(runs: Sequence[RunRecord]) -> list[RunRecord]:
    return [run for run in runs if run.verdict is Verdict.OK]


def _letter(at: int) -> str:
    return chr(ord("A") + at) if at < 26 else f"A{at}"
