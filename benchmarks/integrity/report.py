"""The report: of each method its scores, and on how many challenges it was suspected."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.integrity.cards import Row, card_row
from benchmarks.integrity.derive import derive
from benchmarks.integrity.methods import KINDS, REMARKS
from benchmarks.integrity.populations import Populations, challenges, seed_of
from benchmarks.integrity.rates import Rate
from scoring.card.levels import LEVELS, NOT_UNLEARNING

REPORT_VERSION: Final = 2
HONEST: Final = ("honest", "twin", "retrained")
"""Kinds that no flag should suspect."""
BASELINES: Final = ("noisy_finetune", "finetune", "scrub", "negative_gradient", "random_labels", "original")
"""What ``sample_submissions`` has; of these alone there are populations on every data set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """All evaluations of one method."""

    method: str
    rows: Sequence[Row]

    def record(self) -> dict[str, Any]:
        """Return the figures of the report."""
        rows, shares = self.rows, [row.share for row in self.rows if row.share is not None]
        fractions = [row.fraction for row in rows if row.fraction is not None]
        return {
            "method": self.method,
            "kind": KINDS[self.method],
            "evaluations": len(rows),
            "runs": sorted({row.runs for row in rows}),
            "challenges": len({row.challenge for row in rows}),
            "score": _rounded([row.score for row in rows]),
            "share": _rounded(shares),
            "fraction": _rounded(fractions),
            "timed": len(fractions),
            "with_controls": sum(row.controls > 0 for row in rows),
            "suspected": sum(bool(row.suspected) for row in rows),
            "suspicions": _counts(kind for row in rows for kind in row.suspected),
            "notes": _counts(kind for row in rows for kind in row.flags),
        }


def collect(folder: Path, methods: Collection[str] = KINDS) -> list[Row]:
    """Return the rows of populations of some methods, after making those that follow from others."""
    places = list(challenges(folder))
    for place in places:
        for name in derive(place):
            print(f"{place.folder.name} {name}", flush=True)
    rows = []
    for place in places:
        names = [name for name in place.names() if method_of(name) in methods]
        rows += [card_row(place, name, controls_of(place, places)) for name in names]
    return rows


def controls_of(place: Populations, places: Sequence[Populations]) -> list[Populations]:
    """Return what can be a challenge's control problems: all others of the same data, the next first."""
    data_set, _seed = seed_of(place.folder.name)
    same = [other for other in places if seed_of(other.folder.name)[0] == data_set]
    number = same.index(place)
    return same[number + 1 :] + same[:number]


def report(rows: Sequence[Row]) -> dict[str, Any]:
    """Return the report as JSON holds it."""
    return {
        "version": REPORT_VERSION,
        "data_sets": {
            name: _report_of([row for row in rows if data_set_of(row) == name])
            for name in sorted({data_set_of(row) for row in rows})
        },
    }


def replaced(stored: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stored report in which the methods of a new one stand in the place of what it had of them."""
    data_sets = dict(stored["data_sets"])
    for name, of_data_set in new["data_sets"].items():
        old = data_sets.get(name, {"challenges": 0, "methods": []})
        methods = {method["method"]: method for method in (*old["methods"], *of_data_set["methods"])}
        data_sets[name] = {
            "challenges": max(old["challenges"], of_data_set["challenges"]),
            "methods": [methods[method] for method in KINDS if method in methods],
        }
    return {"version": REPORT_VERSION, "data_sets": dict(sorted(data_sets.items()))}


def _report_of(rows: Sequence[Row]) -> dict[str, Any]:
    """Return the report on one data set."""
    groups = [
        Group(method=method, rows=chosen)
        for method in KINDS
        if (chosen := [row for row in rows if method_of(row.population) == method])
    ]
    return {
        "challenges": len({row.challenge for row in rows}),
        "methods": [group.record() for group in groups],
    }


def data_set_of(row: Row) -> str:
    """Return the data set of a row's challenge."""
    return seed_of(row.challenge)[0]


def method_of(population: str) -> str:
    """Return the method of a population's name."""
    return population.rpartition("-")[0]


def table(
    data: Mapping[str, Any], kinds: Sequence[str], *, total: Mapping[str, Sequence[str]] | None = None
) -> Iterator[str]:
    """Yield the lines of the Markdown table of methods of some kinds, perhaps with sums at the end.

    Args:
        data: The report on one data set.
        kinds: Of the methods that have a line.
        total: By the name of a sum, the kinds that it is over.
    """
    yield "| submission | runs | score | of the ceiling | time | suspected | by |"
    yield "|---" * 7 + "|"
    for method in data["methods"]:
        if method["kind"] not in kinds:
            continue
        by = ", ".join(f"{kind} {count}" for kind, count in method["suspicions"].items()) or "-"
        fraction = "-" if method["fraction"] is None else f"{method['fraction']:.2f}"
        share = "-" if method["share"] is None else f"{method['share']:.0%}"
        name = method["method"]
        runs = " or ".join(map(str, method["runs"]))
        suspected = Rate(method["suspected"], method["evaluations"])
        cells = (
            *(f"`{name}`: {REMARKS[name]}", runs, f"{method['score']:.3f}", share, fraction),
            *(str(suspected), by),
        )
        yield f"| {' | '.join(cells)} |"
    for name, summed in (total or {}).items():
        yield f"| {name} | | | | | {suspected_of(data, summed)} | |"


def suspected_of(data: Mapping[str, Any], kinds: Sequence[str]) -> Rate:
    """Return how many evaluations of methods of some kinds were suspected."""
    methods = [method for method in data["methods"] if method["kind"] in kinds]
    return Rate(
        sum(method["suspected"] for method in methods), sum(method["evaluations"] for method in methods)
    )


def flags_by_data(data_sets: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of the Markdown table of how often each flag is raised for the samples, by data."""
    groups = {"unlearning": BASELINES[:-1], "`original`": BASELINES[-1:]}
    columns = [(data, methods) for methods in groups.values() for data in data_sets.values()]
    yield f"| flag | {' | '.join(f'{name}, {group}' for group in groups for name in data_sets)} |"
    yield "|---" * (1 + len(columns)) + "|"
    for flag in (*LEVELS, None):
        cells = [_rate_of(data, flag, methods) for data, methods in columns]
        shown = [str(rate) if rate.trials else "-" for rate in cells]
        yield f"| {flag or '**suspected**'} | {' | '.join(shown)} |"


def _rate_of(data: Mapping[str, Any], flag: str | None, names: Sequence[str]) -> Rate:
    """Return how often a flag is raised for some methods, whatever its level; None for any suspicion."""
    methods = [method for method in data["methods"] if method["method"] in names]
    return Rate(
        sum(method["suspected"] if flag is None else _raised(method, flag) for method in methods),
        sum(_trials(method, flag) for method in methods),
    )


def _trials(method: Mapping[str, Any], flag: str | None) -> int:
    """Return the number of evaluations of a method in which a flag could be raised."""
    if flag == "too-slow":
        return int(method.get("timed", 0 if method["fraction"] is None else method["evaluations"]))
    return int(method["with_controls" if flag == NOT_UNLEARNING else "evaluations"])


def _raised(method: Mapping[str, Any], flag: str) -> int:
    count: int = method["suspicions"].get(flag, 0) + method["notes"].get(flag, 0)
    return count


def rates(data: Mapping[str, Any], kinds: Sequence[str]) -> Iterator[str]:
    """Yield the lines of the Markdown table of how often each flag is raised, whatever its level."""
    methods = [method for method in data["methods"] if method["kind"] in kinds]
    names = sorted({name for method in methods for name in (*method["suspicions"], *method["notes"])})
    yield "| flag | " + " | ".join(f"`{method['method']}`" for method in methods) + " | together |"
    yield "|---" * (len(methods) + 2) + "|"
    for name in names:
        counts = [(_raised(method, name), method["evaluations"]) for method in methods]
        cells = [f"{count} of {trials}" for count, trials in counts]
        together = Rate(sum(count for count, _ in counts), sum(trials for _, trials in counts))
        yield f"| {name} | " + " | ".join(cells) + f" | {together} |"


def _rounded(values: Sequence[float]) -> float | None:
    return round(float(np.mean(values)), 4) if values else None


def _counts(kinds: Iterator[str]) -> dict[str, int]:
    return dict(sorted(Counter(kinds).items()))
