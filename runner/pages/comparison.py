"""The page that shows evaluations side by side: scores, factors, epsilons on one scale, time and memory."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from runner.pages.environment import render_page
from runner.pages.figures.plots import epsilon_figure, strip_figure
from runner.pages.numbers import interval_text, number_text, percent_text
from runner.reports.views.comparison import ComparedPart, ComparisonView


def comparison_page(view: ComparisonView) -> str:
    """Return the page of a comparison."""
    compared = view.compared
    most = max((each.unlearned for part in compared for each in part.epsilon), default=1.0)
    return render_page(
        "comparison.html",
        view=view,
        sentence=_sentence(view),
        epsilons=[
            (
                part,
                epsilon_figure(
                    part.epsilon,
                    prefix=f"epsilon-{part.letter}",
                    title=f"Forget examples of {part.letter} by epsilon",
                    most=most,
                ),
            )
            for part in compared
        ],
        strips=[
            strip
            for strip in (
                _strip(
                    "Time",
                    [(part.letter, part.seconds) for part in compared],
                    _smallest([part.limits.seconds for part in compared]),
                    "seconds a run",
                ),
                _strip(
                    "Memory",
                    [(part.letter, part.memory_mib) for part in compared],
                    _mib(_smallest([part.limits.memory_bytes for part in compared])),
                    "MiB a run, at most",
                ),
            )
            if strip is not None
        ],
        median=_median,
        number=number_text,
        interval=interval_text,
        percent=percent_text,
    )


def _sentence(view: ComparisonView) -> str:
    """Return in a sentence whether the best is better than the others beyond the noise."""
    if view.not_ranked or len(view.compared) < 2:
        return "They cannot be ranked."
    best, *others = view.compared
    apart = [part for part in others if part.difference is not None and part.difference.beyond_noise]
    if len(apart) == len(others):
        return f"{best.letter} is better than {_letters(others)}, beyond the noise."
    if not apart:
        others_text = _letters(others)
        return f"{best.letter} has the highest score; the difference to {others_text} is within the noise."
    tied = [part for part in others if part not in apart]
    return (
        f"{best.letter} is better than {_letters(apart)}, beyond the noise; "
        f"the difference to {_letters(tied)} is within it."
    )


def _letters(parts: Sequence[ComparedPart]) -> str:
    return ", ".join(part.letter for part in parts)


def _strip(
    heading: str, lanes: Sequence[tuple[str, Sequence[float]]], limit: float | None, unit: str
) -> tuple[str, Markup] | None:
    """Return heading and figure; None where nothing is known."""
    known = [(word, values) for word, values in lanes if values and max(values) > 0]
    if not known:
        return None
    title = f"{heading} of each run, by evaluation"
    return heading, strip_figure(
        known, limit=limit, unit=unit, prefix=heading.lower(), title=title, alike=True
    )


def _smallest(values: Sequence[float | int | None]) -> float | None:
    return min((float(value) for value in values if value is not None), default=None)


def _mib(size_bytes: float | None) -> float | None:
    return None if size_bytes is None else size_bytes / (1 << 20)


def _median(values: Sequence[float]) -> float | None:
    ordered = sorted(values)
    middle = len(ordered) // 2
    if not ordered:
        return None
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
