"""The report: of each method its scores, and on how many challenges it was suspected."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.integrity.cards import CONTROLS, Row, card_row
from benchmarks.integrity.derive import derive
from benchmarks.integrity.methods import KINDS, REMARKS
from benchmarks.integrity.populations import Populations, challenges, seed_of
from benchmarks.integrity.rates import Rate

REPORT_VERSION: Final = 1
HONEST: Final = ("honest", "twin", "retrained")
"""Kinds that no flag should suspect."""


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
            "challenges": len({row.challenge for row in rows}),
            "score": _rounded([row.score for row in rows]),
            "share": _rounded(shares),
            "fraction": _rounded(fractions),
            "with_controls": sum(row.controls > 0 for row in rows),
            "suspected": sum(bool(row.suspected) for row in rows),
            "suspicions": _counts(kind for row in rows for kind in row.suspected),
            "notes": _counts(kind for row in rows for kind in row.flags),
        }


def collect(folder: Path) -> list[Row]:
    """Return the rows of all populations, after making those that follow from others."""
    places = list(challenges(folder))
    for place in places:
        for name in derive(place):
            print(f"{place.folder.name} {name}", flush=True)
    rows = []
    for place in places:
        names = [name for name in place.names() if method_of(name) in KINDS]
        rows += [card_row(place, name, controls_of(place, places)) for name in names]
    return rows


def controls_of(place: Populations, places: Sequence[Populations]) -> list[Populations]:
    """Return the challenges that serve as a challenge's control problems: the next ones of the same data."""
    data_set, _seed = seed_of(place.folder.name)
    same = [other for other in places if seed_of(other.folder.name)[0] == data_set]
    number = same.index(place)
    return [same[(number + step) % len(same)] for step in range(1, min(CONTROLS + 1, len(same)))]


def report(rows: Sequence[Row]) -> dict[str, Any]:
    """Return the report as JSON holds it."""
    return {
        "version": REPORT_VERSION,
        "data_sets": {
            name: _report_of([row for row in rows if data_set_of(row) == name])
            for name in sorted({data_set_of(row) for row in rows})
        },
    }


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


def table(data: Mapping[str, Any], kinds: Sequence[str]) -> Iterator[str]:
    """Yield the lines of the Markdown table of the methods of some kinds."""
    yield "| submission | score | of the ceiling | time | suspected | by |"
    yield "|---|---|---|---|---|---|"
    for method in data["methods"]:
        if method["kind"] not in kinds:
            continue
        by = ", ".join(f"{kind} {count}" for kind, count in method["suspicions"].items()) or "-"
        fraction = "-" if method["fraction"] is None else f"{method['fraction']:.2f}"
        share = "-" if method["share"] is None else f"{method['share']:.0%}"
        name = method["method"]
        suspected = Rate(method["suspected"], method["evaluations"])
        cells = (f"`{name}`: {REMARKS[name]}", f"{method['score']:.3f}", share, fraction, str(suspected), by)
        yield f"| {' | '.join(cells)} |"


def rates(data: Mapping[str, Any], kinds: Sequence[str]) -> Iterator[str]:
    """Yield the lines of the Markdown table of how often each flag is raised, whatever its level."""
    methods = [method for method in data["methods"] if method["kind"] in kinds]
    names = sorted({name for method in methods for name in (*method["suspicions"], *method["notes"])})
    yield "| flag | " + " | ".join(f"`{method['method']}`" for method in methods) + " | together |"
    yield "|---" * (len(methods) + 2) + "|"
    for name in names:
        counts = [
            (method["suspicions"].get(name, 0) + method["notes"].get(name, 0), method["evaluations"])
            for method in methods
        ]
        cells = [f"{count} of {trials}" for count, trials in counts]
        together = Rate(sum(count for count, _ in counts), sum(trials for _, trials in counts))
        yield f"| {name} | " + " | ".join(cells) + f" | {together} |"


def _rounded(values: Sequence[float]) -> float | None:
    return round(float(np.mean(values)), 4) if values else None


def _counts(kinds: Iterator[str]) -> dict[str, int]:
    return dict(sorted(Counter(kinds).items()))
