"""Run times of unlearning as fractions of the time of retraining, by the clock and by the processor."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from scoring.checks import FloatArray, finite_array

MAX_FRACTION = 0.2
"""The contest rejected entries slower than about a fifth of retraining."""
SHORT_RETRAINING_SECONDS = 5.0
"""Below this, other work on the machine decides what a run takes by the clock."""
MAX_SLOWDOWN = 1.4
"""How much slower a machine may be found when retraining is timed again. With the 0.65 of short trainings, a
run that retrains at the speed of the first timing is above what is allowed, whatever the second one says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessorTime:
    """Processor time of the runs as fractions of that of one retraining, all processes and threads together.

    What a run takes that does nothing is left out: a retraining neither forks nor saves.
    """

    median: float
    """Median fraction over the runs."""

    most: float
    """Fraction of the run that used most."""

    third_quartile: float
    """What a quarter of the runs used at least; it decides. Other work on the machine does not make some
    runs use several times as much as others, and the median would let half of them retrain."""

    runs_over: int
    """Number of runs that used more than is allowed."""


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
    """Number of runs that took more than is allowed."""

    too_slow: bool
    """Whether it is more than is allowed: the third quartile of processor time where that is known and the
    challenge states a fraction, otherwise the median by the clock."""

    allowed: float | None
    """The fraction of retraining that the challenge allows. None: it states none, and the contest's fifth
    applies by the clock."""

    processor: ProcessorTime | None
    """Processor time; None if that of the runs or that of retraining is not known."""

    @property
    def largest(self) -> float:
        """Return the largest fraction that is not too slow."""
        return MAX_FRACTION if self.allowed is None else self.allowed


def run_time(
    run_seconds: ArrayLike,
    retraining_seconds: ArrayLike,
    *,
    allowed: float | None = None,
    processor_seconds: ArrayLike | None = None,
    retraining_processor_seconds: float | None = None,
    empty_run_processor_seconds: float = 0.0,
) -> RunTime:
    """Return the run times as fractions of the median time of a retraining.

    By the clock the median decides, because a single run that the machine delayed does not mean a slow
    method; exactly what is allowed is not too slow. Both times must come from the same machine. By the
    clock, they must also come from the same load, or the fraction is meaningless; processor time
    depends on it too, but little: docs/metrics.md has figures.

    Args:
        run_seconds: Wall time of each run, zero or more. Shape [n].
        retraining_seconds: Wall time of each measured retraining, above zero.
            Shape [retrainings], at least one.
        allowed: The fraction that the challenge allows; None for the contest's, by the clock alone.
        processor_seconds: Processor time of each run, zero or more; None if it is not known. Shape [n].
        retraining_processor_seconds: That of a retraining, above zero; None if it is not known.
        empty_run_processor_seconds: That of a run that does nothing, zero or more.

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
    largest = MAX_FRACTION if allowed is None else allowed
    fractions = runs / np.median(retrainings)
    processor = None
    if processor_seconds is not None and retraining_processor_seconds is not None:
        processor = _processor_time(
            finite_array(processor_seconds, name="The processor times", axes=("runs",)),
            retraining_processor_seconds,
            empty_run_processor_seconds,
            largest,
        )
    first, median, third = (float(value) for value in np.percentile(fractions, (25, 50, 75)))
    decisive = median if processor is None or allowed is None else processor.third_quartile
    return RunTime(
        median=median,
        most=float(fractions.max()),
        quartile_distance=third - first,
        runs_over=int((fractions > largest).sum()),
        too_slow=decisive > largest,
        allowed=allowed,
        processor=processor,
    )


def slower_retraining(first: float, again: float | None) -> float:
    """Return the processor seconds of retraining that runs are compared with, after a second timing.

    On a busy machine the same work takes more processor time. Runs that look too slow may have been executed
    on a busier machine than the first timing, so the slower one counts, up to `MAX_SLOWDOWN` times the first.

    Args:
        first: Before the runs.
        again: After them; None if retraining was not timed again.
    """
    return first if again is None else max(first, min(again, MAX_SLOWDOWN * first))


def _processor_time(runs: FloatArray, retraining: float, empty: float, largest: float) -> ProcessorTime:
    if runs.min() < 0 or not empty >= 0:
        raise ValueError("The processor times must not be negative, but one is.")
    if not 0 < retraining < float("inf"):
        raise ValueError("The processor time of retraining must be above zero and finite.")
    fractions = np.maximum(runs - empty, 0.0) / retraining
    median, third = (float(value) for value in np.percentile(fractions, (50, 75)))
    return ProcessorTime(
        median=median,
        most=float(fractions.max()),
        third_quartile=third,
        runs_over=int((fractions > largest).sum()),
    )
