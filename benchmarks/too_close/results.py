"""The counts in ``benchmarks/data/too_close.json``: their tables, and the sentences that reports show."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from scipy.special import betaincinv

FILE: Final = Path(__file__).resolve().parents[1] / "data" / "too_close.json"

MAIN: Final = "64x64"

KINDS: Final = (
    *("too-close", "joint-attack", "mixture", "duplicates", "exact-duplicates", "copies", "outliers"),
    "decided-by-one",
)
"""Flags by kind; near-copies and exact copies are counted apart."""

HONEST: Final = frozenset(
    {
        *("finetune", "negative_gradient", "noisy_finetune", "random_labels", "scrub"),
        *("long_finetune", "reset_head", "tuned", "best_of_three", "averaged", "matched_to_val"),
        "best_by_validation",
    }
)
"""Methods that unlearn, whatever they are worth; `original` returns the network as it is, and is none."""

SHOWN: Final = HONEST | {"fresh", "from_scratch", "original"}


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


def rate(count: int, total: int) -> str:
    """Return a rate with its limits, as ``2 of 300 (0.1 to 2.4 %)``."""
    low, high = limits(count, total)
    return f"{count} of {total} ({100 * low:.1f} to {100 * high:.1f} %)"


def table(stored: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the lines of docs/metrics.md: honest retrainings, what was fitted to references, methods."""
    yield from _null_table(merged(stored, "null"))
    yield ""
    yield from _power_table(merged(stored, "power"))
    yield ""
    yield from _method_table(merged(stored, "methods"))


def with_tables(page: str, stored: list[dict[str, Any]]) -> str:
    """Return a page whose tables, recognised by the first cell of their heading, are those of the counts."""
    lines = page.splitlines()
    tables = (
        _null_table(merged(stored, "null")),
        _power_table(merged(stored, "power")),
        _method_table(merged(stored, "methods")),
    )
    for new in map(list, tables):
        first_cell = new[0].split("|")[1]
        start = next(i for i, line in enumerate(lines) if line.startswith(f"|{first_cell}|"))
        end = next(i for i in range(start, len(lines)) if not lines[i].startswith("|"))
        lines[start:end] = new
    return "\n".join(lines) + "\n"


def _null_table(rows: list[dict[str, Any]]) -> Iterator[str]:
    names = list(dict.fromkeys(row["name"] for row in rows))
    cells = {(row["sizes"], row["name"]): f"{row['flagged']} of {row['sets']}" for row in rows}
    yield f"| n x m | {' | '.join(names)} |"
    yield "|---" * (len(names) + 1) + "|"
    for sizes in sorted({row["sizes"] for row in rows}, key=_by_size):
        yield f"| {sizes} | {' | '.join(cells.get((sizes, name), '') for name in names)} |"
    totals = []
    for name in names:
        same = [row for row in rows if row["name"] == name]
        totals.append(rate(sum(row["flagged"] for row in same), sum(row["sets"] for row in same)))
    yield f"| all (95 % limits) | {' | '.join(totals)} |"
    yield (
        f"| all together | {rate(sum(row['flagged'] for row in rows), sum(row['sets'] for row in rows))} |"
        + (" |" * (len(names) - 1))
    )


def _power_table(rows: list[dict[str, Any]]) -> Iterator[str]:
    all_sizes = sorted({row["sizes"] for row in rows}, key=_by_size)
    yield f"| fitted to the references | F / ceiling | {' | '.join(all_sizes)} | tests, {MAIN} |"
    yield "|---" * (len(all_sizes) + 3) + "|"
    for name in dict.fromkeys(row["name"] for row in rows):
        by_size = {row["sizes"]: row for row in rows if row["name"] == name}
        cells = [
            f"{by_size[sizes]['flagged']} of {by_size[sizes]['sets']}" if sizes in by_size else ""
            for sizes in all_sizes
        ]
        main = by_size[MAIN]
        tests = ", ".join(f"{test} {count}" for test, count in sorted(main["tests"].items()))
        yield f"| {name} | {main['share_of_ceiling']:.2f} | {' | '.join(cells)} | {tests} |"


def _method_table(rows: list[dict[str, Any]]) -> Iterator[str]:
    yield f"| method | evaluations | F / ceiling | {' | '.join(KINDS)} |"
    yield "|---" * (len(KINDS) + 3) + "|"
    for row in sorted(rows, key=lambda row: (row["name"] not in HONEST, row["name"])):
        if row["name"] in SHOWN:
            cells = [row["flagged"], *(row["tests"][kind] for kind in KINDS[1:])]
            share = f"{row['share_of_ceiling']:.2f}"
            yield f"| {row['name']} | {row['sets']} | {share} | {' | '.join(map(str, cells))} |"
    honest = [row for row in rows if row["name"] in HONEST]
    sets = sum(row["sets"] for row in honest)
    counts = [sum(row["flagged"] for row in honest)]
    counts += [sum(row["tests"][kind] for row in honest) for kind in KINDS[1:]]
    yield f"| all that unlearn | {sets} | | {' | '.join(rate(count, sets) for count in counts)} |"


def _by_size(sizes: str) -> list[int]:
    return [int(size) for size in sizes.split("x")]


def retraining_alarms(stored: list[dict[str, Any]]) -> str:
    """Return how often `too-close` was raised for fresh retrainings, as reports say it beside the flag."""
    rows = merged(stored, "null")
    flagged, sets = (sum(row[name] for row in rows) for name in ("flagged", "sets"))
    return f"raised for {flagged} of {sets} sets of fresh retrainings"
