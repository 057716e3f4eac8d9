"""Numbers as pages show them: a dash for none, one interval for each."""

from __future__ import annotations

from runner.reports.cells import figure, percent
from runner.reports.views.report_model import Measure


def number_text(value: float | None, digits: int = 4) -> str:
    """Return a number with so many decimals, or a dash for none."""
    return figure(value, digits)


def interval_text(measure: Measure | None, digits: int = 4) -> str:
    """Return the ends of an interval; empty where it is not known."""
    if measure is None or measure.low is None or measure.high is None:
        return ""
    return f"{measure.low:.{digits}f} to {measure.high:.{digits}f}"


def percent_text(share: float, digits: int | None = None) -> str:
    """Return a share as a percentage that no line breaks: with a decimal below ten, where it matters."""
    if digits is None:
        digits = 1 if 0 < abs(share) < 0.0995 else 0
    return percent(share, digits).replace(" ", "\N{NO-BREAK SPACE}")
