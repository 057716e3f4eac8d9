"""How far may a measured number lie from the one it stands for?"""

import math
from dataclasses import dataclass

from scipy.special import stdtrit

CONFIDENCE = 0.95
"""How often an interval is to hold, where nothing else is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A number that was measured, and where the number that it estimates may lie."""

    estimate: float
    """What was measured."""

    standard_error: float
    """Standard deviation of `estimate` from one measurement to the next, in its own unit."""

    low: float
    """Lower end, at most `estimate`."""

    high: float
    """Upper end, at least `estimate`."""


def additive_interval(
    estimate: float, standard_error: float, *, degrees: float, confidence: float = CONFIDENCE
) -> Interval:
    """Return ``estimate ± quantile * standard_error``, not below 0, for a number that is never negative.

    Args:
        estimate: Zero or more.
        standard_error: Zero or more.
        degrees: Of freedom behind the standard error, which give the quantile of Student's t.
        confidence: In (0, 1).

    Raises:
        ValueError: the confidence is out of range.
    """
    reach = _quantile(degrees, confidence) * standard_error
    low, high = max(estimate - reach, 0.0), estimate + reach
    return Interval(estimate=estimate, standard_error=standard_error, low=low, high=high)


def multiplicative_interval(
    estimate: float,
    relative_error: float,
    *,
    degrees: float,
    confidence: float = CONFIDENCE,
    most: float = math.inf,
) -> Interval:
    """Return ``estimate * exp(± quantile * relative_error)``, for what varies by a factor.

    An estimate of zero has the interval [0, 0]: nothing was seen to vary.

    Args:
        estimate: Zero or more.
        relative_error: Standard error as a part of the estimate, zero or more.
        degrees: Of freedom behind the error, which give the quantile of Student's t.
        confidence: In (0, 1).
        most: What the number can be at most, not below the estimate.

    Raises:
        ValueError: the confidence is out of range.
    """
    factor = math.exp(min(_quantile(degrees, confidence) * relative_error, _LARGEST_EXPONENT))
    return Interval(
        estimate=estimate,
        standard_error=estimate * relative_error,
        low=estimate / factor,
        high=min(estimate * factor, most),
    )


_LARGEST_EXPONENT = 700.0
"""So that a hopeless error gives a huge number and no overflow."""


def _quantile(degrees: float, confidence: float) -> float:
    """Return the two-sided quantile of Student's t.

    Raises:
        ValueError: the confidence is out of range.
    """
    if not 0 < confidence < 1:
        raise ValueError(f"The confidence must lie between 0 and 1, but it is {confidence}.")
    return float(stdtrit(degrees, (1 + confidence) / 2))
