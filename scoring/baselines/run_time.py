"""Run times of unlearning as fractions of the time of retraining."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from scoring.checks import FloatArray, finite_array

MAX_FRACTION = 0.2
"""The contest rejected entries slower than about a fifth of retraining."""
SHORT_RETRAINING_SECONDS = 5.0
"""Below this, a fifth is less than the second that a time limit allows for import, fork and save."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTime:
    """Wall time of the runs as fractions of one retraining; lower is better."""

    median: float
    """Median fraction over the runs."""

    most: float
    """Fraction of the slowest run."""

    quartile_distance: float
    """Third quartile minus first: the spread of the middle half of the runs."""

    runs_over: int
    """Number of runs that took more than `MAX_FRACTION`."""

    too_slow: bool
    """Whether the median is more than `MAX_FRACTION`, which the contest rejected."""


def run_time(run_seconds: ArrayLike, retraining_seconds: ArrayLike) -> RunTime:
    """Return the run times as fractions of the median time of a retraining.

    The median decides, because a single run that the machine delayed does not mean a slow
    method; exactly a fifth is not too slow. Both times must come from the same machine
    under the same load, or the fraction is meaningless.

    Args:
        run_seconds: Wall time of each run, zero or more. Shape [n].
        retraining_seconds: Wall time of each measured retraining, above zero.
            Shape [retrainings], at least one.

    Raises:
        ValueError: a shape is wrong, there are no runs or no retrainings, a time is
            negative, NaN or infinite, or a retraining time is zero.
    """
    runs: FloatArray = finite_array(run_seconds, name="The run times", axes=("runs",))
    retrainings = finite_array(retraining_seconds, name="The retraining times", axes=("retrainings",))
    if runs.min() < 0:
        raise ValueError("The run times must not be negative, but one is.")
    if retrainings.min() <= 0:
        raise ValueError("The retraining times must be above zero, but one is not.")
    fractions = runs / np.median(retrainings)
    first, median, third = (float(value) for value in np.percentile(fractions, (25, 50, 75)))
    return RunTime(
        median=median,
        most=float(fractions.max()),
        quartile_distance=third - first,
        runs_over=int((fractions > MAX_FRACTION).sum()),
        too_slow=median > MAX_FRACTION,
    )
