"""The counts in ``benchmarks/data/too_close.json``: their tables, and the sentences that reports show."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from scipy.special import betaincinv

FILE: Final = Path(__file__).resolve().parents[1] / "data" / "too_close.json"

HEADINGS: Final = {"null": "fresh retrainings", "power": "fitted to the references", "methods": "method"}

HONEST: Final = frozenset(
    {
        *("finetune", "negative_gradient", "noisy_finetune", "random_labels", "scrub"),
        *("long_finetune", "reset_head", "tuned", "best_of_three", "averaged", "matched_to_val"),
        "best_by_validation",
    }
)
"""Methods that unlearn, whatever they are worth; `original` returns the network as it is, and is none."""


def load(file: Path = FILE) -> list[dict[str, Any]]:
    """Return the stored counts; none if there is no file."""
    stored: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else []
    return stored


def merged(stored: list[dict[str, Any]], part: str) -> list[dict[str, Any]]:
    """Return the rows of a part, those of one name and size added up."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for entry in stored:
        if entry["part"] != part:
            continue
        row = rows.setdefault(
            (entry["name"], entry["sizes"]),
            {**entry, "sets": 0, "flagged": 0, "tests": Counter(), "share_of_ceiling": 0.0},
        )
        total = row["sets"] + entry["sets"]
        row["share_of_ceiling"] += (entry["share_of_ceiling"] - row["share_of_ceiling"]) * (
            entry["sets"] / total
        )
        row["sets"], row["flagged"] = total, row["flagged"] + entry["flagged"]
        row["tests"] += Counter(entry["tests"])
    return list(rows.values())


def limits(count: int, total: int) -> tuple[float, float]:
    """Return the 95 % limits of a rate by Clopper and Pearson."""
    low = float(betaincinv(count, total - count + 1, 0.025)) if count else 0.0
    high = float(betaincinv(count + 1, total - count, 0.975)) if count < total else 1.0
    return low, high


def table(stored: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the lines of docs/metrics.md."""
    for part, heading in HEADINGS.items():
        rows = merged(stored, part)
        if not rows:
            continue
        yield f"| {heading} | n x m | sets | F / ceiling | flagged | 95 % limits | by test |"
        yield "|---|---|---|---|---|---|---|"
        for row in rows:
            low, high = limits(row["flagged"], row["sets"])
            tests = ", ".join(f"{test} {count}" for test, count in sorted(row["tests"].items()))
            yield (
                f"| {row['name']} | {row['sizes']} | {row['sets']} | {row['share_of_ceiling']:.2f} | "
                f"{row['flagged']} | {100 * low:.2g} to {100 * high:.2g} % | {tests} |"
            )
        yield ""


def false_alarms(stored: list[dict[str, Any]]) -> dict[str, str]:
    """Return the sentence of each kind of suspicion, as `scoring.card.levels.FALSE_ALARMS` has it."""
    retrained = merged(stored, "null")
    honest = [row for row in merged(stored, "methods") if row["name"] in HONEST]
    sets, methods = (sum(row["sets"] for row in rows) for rows in (retrained, honest))
    flagged, wrong = (sum(row["flagged"] for row in rows) for rows in (retrained, honest))

    def count(kind: str) -> int:
        return sum(row["tests"][kind] for row in honest)

    return {
        "too-close": (
            f"Measured: raised for {flagged} of {sets} sets of fresh retrainings and {wrong} of {methods} "
            "evaluations of other honest methods."
        ),
        **{
            kind: f"Measured: raised for {count(kind)} of {methods} evaluations of honest methods."
            for kind in ("mixture", "copies")
        },
    }
