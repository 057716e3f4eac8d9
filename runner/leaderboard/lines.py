"""The lines of a table in the order that all renderers share, and how figures are rounded for people."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from runner.leaderboard.model import ConditionsView, FlagView, RowView, TableView
from runner.reports.cells import figure, percent
from runner.units import size_text
from runner.wording import quantity

_MOST_DIGITS: Final = 6
_DIGITS: Final = 4
"""Of a score whose interval is not known, or has no width."""
LEGEND: Final = (
    "A difference within the noise is a tie: ranks such as 2–5 are shared by a group whose rows cannot be "  # noqa: RUF001
    "told apart from the best of the group."
)


def table_lines(table: TableView) -> Iterator[RowView]:
    """Yield the rows of a table, the best first, and each baseline where it would stand."""
    waiting = list(table.baselines)
    for row in table.rows:
        while waiting and _score(waiting[0]) > _score(row):
            yield waiting.pop(0)
        yield row
    yield from waiting


def _score(row: RowView) -> float:
    return row.score if row.score is not None else -math.inf


def rank_text(row: RowView) -> str:
    """Return a rank or the ranks of a group, in parentheses where a baseline would stand; empty without."""
    text = ranks_text(row.first_rank, row.last_rank)
    return f"({text})" if text and row.is_baseline else text


def ranks_text(first: int | None, last: int | None) -> str:
    """Return a rank, or the ranks that a group shares; empty without."""
    if first is None or last is None:
        return ""
    return str(first) if first == last else f"{first}–{last}"  # noqa: RUF001 - a range


def score_text(row: RowView) -> str:
    """Return a score with half the width of its interval, both rounded to two digits of that width."""
    return interval_text(row.score, row.score_low, row.score_high)


def interval_text(value: float | None, low: float | None, high: float | None) -> str:
    """Return a value with half the width of its interval, both rounded to two digits of that width."""
    if value is None:
        return ""
    if low is None or high is None:
        return figure(value, _DIGITS)
    half = max((high - low) / 2, 0.0)
    digits = _DIGITS if half == 0 else 1 - math.floor(math.log10(half))
    digits = min(max(digits, 0), _MOST_DIGITS)
    return f"{value:.{digits}f} ± {half:.{digits}f}"


def score_title(rows: Iterable[RowView]) -> str:
    """Return the title of a column of scores: with the interval, if any of the rows has one."""
    has_interval = any(row.score_low is not None and row.score_high is not None for row in rows)
    return "score ± 95 %" if has_interval else "score"


def share_text(value: float | None, digits: int = 0) -> str:
    """Return a share as a percentage; empty for none."""
    return "" if value is None else percent(value, digits)


def ratio_text(value: float | None) -> str:
    """Return a ratio of accuracies; empty for none."""
    return "" if value is None else f"{value:.3f}"


def runs_text(row: RowView) -> str:
    """Return how many runs succeeded, of how many."""
    return f"{row.runs_ok} of {row.n}" if row.runs_ok is not None else ""


def flags_text(flags: Sequence[FlagView]) -> str:
    """Return the numbers of observations by level, ``1 problem, 3 notes``; empty without any."""
    levels = [flag.level for flag in flags]
    counts = ((levels.count(level), level) for level in ("problem", "suspicion", "note"))
    return ", ".join(quantity(count, level) for count, level in counts if count)


def verified_text(row: RowView) -> str:
    """Return when an evaluation was verified, by its date in UTC; empty if it was not."""
    if row.verified_at is None:
        return ""
    again = f", {quantity(row.reruns, 'run')} again" if row.reruns else ""
    return f"{row.verified_at:%Y-%m-%d}{again}"


def conditions_text(conditions: ConditionsView) -> str:
    """Return the conditions of a table in a line."""
    limits = dict(conditions.limits)
    seconds, fraction = limits.pop("wall_seconds", None), limits.pop("wall_fraction", None)
    memory = limits.pop("memory_bytes", None)
    cores = limits.pop("cpus", None)
    parts = [
        f"challenge {conditions.challenge_sha256[:12]}",
        quantity(conditions.n, "run"),
        *([f"{seconds:g} s a run"] if seconds is not None else []),
        *([f"{fraction:.4g} of the time of retraining a run"] if fraction is not None else []),
        *([size_text(int(memory))] if memory is not None else []),
        *([f"{cores:g} cores"] if cores is not None else []),
        conditions.device,
        f"isolation {conditions.isolation}",
        f"runtime {conditions.runtime}",
        _image_text(conditions.image),
        f"scorer version {conditions.scorer}" if conditions.scorer is not None else "scorer not known",
    ]
    return ", ".join(parts)


def limits_text(conditions: ConditionsView) -> str:
    """Return all limits as ``name=value``, for whom the line of the conditions is too short."""
    return " ".join(f"{name}={value:.15g}" for name, value in conditions.limits.items())


def _image_text(digest: str) -> str:
    """Return which image: by its own digest or, where that was not reported, by that of its inputs."""
    own = digest.removeprefix("sha256:")[:12]
    return f"image {own}" if digest.startswith("sha256:") else f"image inputs {own}"
