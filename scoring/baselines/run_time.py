"""How long does unlearning take, as a part of what retraining takes?"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from scoring.checks import FloatArray, finite_array

LARGEST_FRACTION = 0.2
"""The contest rejected entries slower than about a fifth of retraining."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTime:
    """Wall time of the runs as fractions of one retraining; lower is better."""

    median: float
    """Fraction that half of the runs stay below."""

    most: float
    """Fraction of the slowest run."""

    quartile_distance: float
    """Third quartile less first: the spread of the middle half of the runs."""

    runs_over: int
    """How many single runs took more than `LARGEST_FRACTION`."""

    too_slow: bool
    """Whether the median is more than `LARGEST_FRACTION`, which the contest rejected."""


def run_time(run_seconds: ArrayLike, retraining_seconds: ArrayLike) -> RunTime:
    """Return the run times as fractions of the median time of a retraining.

    The verdict is by the median, for one run that the machine held up is no sign of a slow
    method; exactly a fifth is not too slow. Both times must come from the same machine
    under the same load, or the fraction means nothing.

    Args:
        run_seconds: Wall time of each run, zero or more. Shape [n].
        retraining_seconds: Wall time of each retraining that was measured, above zero.
            Shape [retrainings], at least one.

    Raises:
        ValueError: a shape is wrong, there is no run or no retraining, or a time is
            negative, NaN or infinite, or a retraining took no time.
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
        runs_over=int((fractions > LARGEST_FRACTION).sum()),
        too_slow=median > LARGEST_FRACTION,
    )
