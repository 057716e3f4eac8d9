"""Simulated machines: who retrains is too slow on each of them, who does not is so only where nothing shows it.

Other work on a machine multiplies the processor time of the same work: by a state that runs and timings share or
do not share, and by noise and bursts of single runs. A training of which 0.65 is allowed is timed before the runs
(the median of three portions), and after them if they look too slow (the slowest of six).
"""

from __future__ import annotations

import numpy as np
import pytest

from scoring.baselines.run_time import MAX_SLOWDOWN, run_time, slower_retraining
from scoring.checks import FloatArray

ALLOWED = 0.65
TRIALS = 200

QUIET = (0.05, 0.10, 1.4)
BUSY = (0.08, 0.15, 1.5)
"""Standard deviation of the logarithm of a run, share of runs in a burst, the largest factor of a burst."""

MACHINES: dict[str, tuple[float, float, float, float]] = {
    "as before": (1.0, 1.0, 1.0, 1.0),
    "ever busier": (1.0, 1.0, 1.4, 1.4),
    "busier from the first run on": (1.0, 1.35, 1.35, 1.35),
    "less busy from the first run on": (1.3, 1.0, 1.0, 1.0),
    "busier after the last run": (1.0, 1.0, 1.0, 1.7),
}
"""Factors of the first timing, of the first run, of the last run and of the second timing."""


def too_slow(
    rng: np.random.Generator, work: FloatArray, machine: str, noise: tuple[float, float, float]
) -> bool:
    """Return whether runs of some work, in retrainings, are too slow on a machine."""
    before, first, last, after = MACHINES[machine]
    deviation, share, most = noise

    def noisy(seconds: FloatArray, deviation: float, most: float) -> FloatArray:
        bursts = np.where(rng.random(seconds.shape) < share, rng.uniform(1.1, most, seconds.shape), 1.0)
        result: FloatArray = seconds * np.exp(rng.normal(0.0, deviation, seconds.shape)) * bursts
        return result

    runs = noisy(work * np.linspace(first, last, len(work)), deviation, most)
    portions = noisy(np.repeat([before, after], [3, 6]), deviation / 2, (1.0 + most) / 2)  # they last longer
    timed = float(np.median(portions[:3]))
    for again in (None, float(portions[3:].max())):
        result = run_time(
            runs,
            [1.0],
            allowed=ALLOWED,
            processor_seconds=runs,
            retraining_processor_seconds=slower_retraining(timed, again),
        )
        if not result.too_slow:
            return False
    return True


def rate(work: FloatArray, machine: str, noise: tuple[float, float, float]) -> float:
    """Return how often runs are too slow."""
    rng = np.random.default_rng(1)
    return float(np.mean([too_slow(rng, rng.permutation(work), machine, noise) for _ in range(TRIALS)]))


def mixture(n: int, every: int) -> FloatArray:
    """Return the work of runs of which every second or third retrains; the others fine-tune."""
    work = np.full(n, 0.25)
    work[::every] = 1.04
    return work


@pytest.mark.parametrize("noise", [QUIET, BUSY], ids=["quiet", "busy"])
@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("n", [16, 64])
def test_who_does_not_retrain_is_not_too_slow(
    n: int, machine: str, noise: tuple[float, float, float]
) -> None:
    """85 % of what is allowed, in one of a hundred evaluations at most; of few runs that a busy machine slows
    down further in one of twenty."""
    is_unlucky = machine == "busier from the first run on" and noise == BUSY and n == 16
    assert rate(np.full(n, 0.55), machine, noise) <= (0.05 if is_unlucky else 0.01)


@pytest.mark.parametrize("noise", [QUIET, BUSY], ids=["quiet", "busy"])
@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("every", [1, 2, 3])
@pytest.mark.parametrize("n", [16, 64])
def test_who_retrains_is_too_slow(
    n: int, every: int, machine: str, noise: tuple[float, float, float]
) -> None:
    """In 19 of 20 evaluations, also where every third run alone retrains; in nine of ten where the machine is
    busier after the last run than it was during the runs, or was during the first timing."""
    is_unlucky = machine in {"busier after the last run", "less busy from the first run on"}
    assert rate(mixture(n, every), machine, noise) >= (0.9 if is_unlucky and every == 3 else 0.95)


@pytest.mark.parametrize(
    ("again", "expected"),
    [(None, True), (1.35, False), (1.0, True)],
    ids=["none", "as the runs", "quiet again"],
)
def test_honest_runs_on_a_busier_machine_need_a_second_timing_that_sees_it(
    again: float | None, expected: bool
) -> None:
    """The first timing alone accuses them. So do both where the machine was busy during the runs alone: nothing
    here can tell that from more work."""
    runs = np.full(16, 0.55 * 1.35)
    result = run_time(
        runs,
        [1.0],
        allowed=ALLOWED,
        processor_seconds=runs,
        retraining_processor_seconds=slower_retraining(1.0, again),
    )
    assert result.too_slow is expected


def test_no_second_timing_excuses_a_retraining() -> None:
    """However slow the machine has become, a run that took what the first timing did remains too slow."""
    for again in (1.0, 2.0, 100.0):
        assert 1.0 / slower_retraining(1.0, again) > ALLOWED
    assert slower_retraining(2.0, 100.0) == 2.0 * MAX_SLOWDOWN


def test_the_slower_timing_counts() -> None:
    """A faster second one accuses nobody whom the first did not accuse more."""
    assert slower_retraining(2.0, None) == 2.0
    assert slower_retraining(2.0, 1.0) == 2.0
    assert slower_retraining(2.0, 2.5) == 2.5
