"""Finals: which entries take part, and where each stands over several challenges.

An entry without a value on one of the challenges stands nowhere: a mean over the others would reward failing
on the hardest. Of a team its best entry counts. Equal results share a rank. Noise is not considered here.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from runner.competition.phase import Combination


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """An entry of the earlier phase that has a score."""

    entry: int
    team: str
    received: datetime
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalResult:
    """What an entry has reached in a final."""

    entry: int
    """Its number in the earlier phase."""
    team: str
    values: tuple[float | None, ...]
    """Of the metric on each challenge; None where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing(FinalResult):
    """Where an entry stands."""

    combined: float | None
    """Weighted mean of the values, or of the ranks; None where a value is missing."""
    rank: int | None
    """From 1; None without `combined`, and for all entries of a team but its best."""


def final_entries(
    contenders: Iterable[Contender], choices: Mapping[str, Collection[int]], per_team: int
) -> list[Contender]:
    """Return the entries that take part, by team and number.

    Args:
        contenders: All entries with a score.
        choices: What teams have chosen. What a team chose and is no contender any more is not replaced.
        per_team: How many entries of a team without a choice take part: its best ones, earlier ones first.
    """
    of_team: dict[str, list[Contender]] = {}
    for contender in contenders:
        of_team.setdefault(contender.team, []).append(contender)
    selected = []
    for team, entries in sorted(of_team.items()):
        if team in choices:
            chosen = [entry for entry in entries if entry.entry in choices[team]]
        else:
            chosen = sorted(entries, key=lambda entry: (-entry.score, entry.received, entry.entry))[:per_team]
        selected += sorted(chosen, key=lambda entry: entry.entry)
    return selected


def standings(
    results: Iterable[FinalResult],
    *,
    combine: Combination,
    weights: Sequence[float] | None,
    higher_is_better: bool,
) -> list[Standing]:
    """Return where each entry stands, the best first and those without a result last.

    Args:
        results: Of all entries, each with a value for every challenge.
        combine: ``mean`` of the values, or ``mean-rank``: of the ranks among the entries that have all
            values, where equal values share the mean of their ranks.
        weights: Of the challenges; None for equal ones.
        higher_is_better: Direction of the metric.
    """
    results = list(results)
    complete = [result for result in results if _is_complete(result)]
    values = [[float(value or 0.0) for value in result.values] for result in complete]
    if combine == "mean-rank":
        columns = [_mean_ranks(column, higher_is_better) for column in zip(*values, strict=True)]
        values = [list(row) for row in zip(*columns, strict=True)]
    share = weights or [1.0] * (len(values[0]) if values else 0)
    combined = {
        result.entry: math.fsum(weight * value for weight, value in zip(share, row, strict=True))
        / math.fsum(share)
        for result, row in zip(complete, values, strict=True)
    }
    sign = -1.0 if higher_is_better and combine == "mean" else 1.0

    def standing(result: FinalResult) -> Standing:
        return Standing(
            entry=result.entry,
            team=result.team,
            values=result.values,
            combined=combined.get(result.entry),
            rank=None,
        )

    ordered = sorted(map(standing, complete), key=lambda each: (sign * _number(each), each.entry))
    rest = sorted(
        (standing(result) for result in results if not _is_complete(result)),
        key=lambda each: (each.team, each.entry),
    )
    return [*_ranked(ordered), *rest]


def _ranked(ordered: Iterable[Standing]) -> list[Standing]:
    """Give the best entry of each team its rank."""
    ranked: list[Standing] = []
    teams: set[str] = set()
    last: tuple[float, int] | None = None
    for each in ordered:
        if each.team in teams:
            ranked.append(each)
            continue
        teams.add(each.team)
        rank = last[1] if last is not None and last[0] == each.combined else len(teams)
        last = (_number(each), rank)
        ranked.append(replace(each, rank=rank))
    return ranked


def _number(standing: Standing) -> float:
    assert standing.combined is not None, "only complete results are sorted"
    return standing.combined


def _is_complete(result: FinalResult) -> bool:
    return all(value is not None and math.isfinite(value) for value in result.values)


def _mean_ranks(values: Sequence[float], higher_is_better: bool) -> list[float]:
    """Return the rank of each value, from 1; equal values share the mean of their ranks."""
    ordered = sorted(values, reverse=higher_is_better)
    first: dict[float, int] = {}
    count: dict[float, int] = {}
    for rank, value in enumerate(ordered, start=1):
        first.setdefault(value, rank)
        count[value] = count.get(value, 0) + 1
    return [first[value] + (count[value] - 1) / 2 for value in values]
