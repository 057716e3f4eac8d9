"""Confidence intervals of a measured number, by Student's t."""

import math
from dataclasses import dataclass

from scipy.special import stdtr, stdtrit

CONFIDENCE = 0.95
"""Default confidence of every interval."""

_MAX_EXPONENT = 700.0
"""Limits a hopeless error to a huge number instead of an overflow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A measured number, and the interval of the number that it estimates."""

    estimate: float
    """The measured number."""

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
        degrees: Degrees of freedom of the standard error, which determine the quantile of Student's t.
        confidence: In (0, 1).

    Raises:
        ValueError: the confidence is out of range.
    """
    reach = two_sided_quantile(degrees, confidence) * standard_error
    low, high = max(estimate - reach, 0.0), estimate + reach
    return Interval(estimate=estimate, standard_error=standard_error, low=low, high=high)


def signed_interval(
    estimate: float, standard_error: float, *, degrees: float, confidence: float = CONFIDENCE
) -> Interval:
    """Return ``estimate ± quantile * standard_error``, for a number of either sign.

    Args:
        estimate: Any number.
        standard_error: Zero or more.
        degrees: Degrees of freedom of the standard error, which determine the quantile of Student's t.
        confidence: In (0, 1).

    Raises:
        ValueError: the confidence is out of range.
    """
    reach = two_sided_quantile(degrees, confidence) * standard_error
    return Interval(
        estimate=estimate, standard_error=standard_error, low=estimate - reach, high=estimate + reach
    )


def multiplicative_interval(
    estimate: float,
    relative_error: float,
    *,
    degrees: float,
    confidence: float = CONFIDENCE,
    maximum: float = math.inf,
) -> Interval:
    """Return ``estimate * exp(± quantile * relative_error)``, for a number that varies by a factor.

    An estimate of zero has the interval [0, 0], because any factor leaves it zero.

    Args:
        estimate: Zero or more.
        relative_error: Standard error as a fraction of the estimate, zero or more.
        degrees: Degrees of freedom of the error, which determine the quantile of Student's t.
        confidence: In (0, 1).
        maximum: Upper bound of the estimated number, not below the estimate.

    Raises:
        ValueError: the confidence is out of range.
    """
    factor = math.exp(min(two_sided_quantile(degrees, confidence) * relative_error, _MAX_EXPONENT))
    return Interval(
        estimate=estimate,
        standard_error=estimate * relative_error,
        low=estimate / factor,
        high=min(estimate * factor, maximum),
    )


def two_sided_quantile(degrees: float, confidence: float) -> float:
    """Return the t for which a value of Student's distribution lies in [-t, t] with this probability.

    Raises:
        ValueError: the confidence is out of range.
    """
    if not 0 < confidence < 1:
        raise ValueError(f"The confidence must lie between 0 and 1, but it is {confidence}.")
    return float(stdtrit(degrees, (1 + confidence) / 2))


def two_sided_p(degrees: float, t: float) -> float:
    """Return the probability of a value of Student's distribution at least as far from 0 as t.

    The lower tail is computed rather than ``1 - cdf``, which would lose small probabilities.

    Args:
        degrees: Degrees of freedom, above 0.
        t: Any number; infinity gives 0.

    Raises:
        ValueError: t is NaN or the degrees are not above 0.
    """
    if not degrees > 0:
        raise ValueError(f"The degrees of freedom must be above 0, but they are {degrees}.")
    if math.isnan(t):
        raise ValueError("The t value must be a number, but it is NaN.")
    return float(2 * stdtr(degrees, -abs(t)))
