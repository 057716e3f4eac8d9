"""Gaps and contrasts: their values by hand, their nulls centred, their intervals as often right as stated."""

import numpy as np
import pytest
from scipy.stats import binom, ttest_ind

from scoring.baselines.klom import klom
from scoring.probes.contrast import contrasts, gap
from tests.support.cheats import realistic

REPETITIONS = 300


def _least(repetitions: int, rate: float = 0.95) -> int:
    """Return the number of successes that chance falls below once in a thousand times."""
    return int(binom.ppf(1e-3, repetitions, rate))


def test_a_gap_is_welchs():
    """Estimate and interval are those of SciPy's test with unequal variances."""
    rng = np.random.default_rng(0)
    first, second = rng.normal(1, 3, size=12), rng.normal(size=30)
    result = gap(first, second)
    expected = ttest_ind(first, second, equal_var=False).confidence_interval()
    np.testing.assert_allclose((result.value.low, result.value.high), (expected.low, expected.high))
    assert result.value.estimate == pytest.approx(first.mean() - second.mean())
    assert result.reference_deviation == pytest.approx(second.std(ddof=1))


def test_constant_scores_have_a_gap():
    """Equal scores have the gap 0 and no width; constant ones that differ have their difference."""
    assert gap(np.ones(5), np.ones(5)).value.high == 0
    assert gap(np.full(5, 2.0), np.ones(5)).value.low == 1


@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_intervals_of_a_gap_cover(shift):
    """The interval contains the true difference, and the null one perfect submission, in 95 % of samples."""
    rng = np.random.default_rng(1)
    covered = contained = 0
    for _ in range(REPETITIONS):
        references = rng.standard_t(5, size=16)
        result = gap(shift + 2 * rng.standard_t(5, size=12), references)
        covered += result.value.low <= shift <= result.value.high
        fresh = rng.standard_t(5, size=12).mean() - references.mean()
        contained += result.null.low <= fresh <= result.null.high
    assert min(covered, contained) >= _least(REPETITIONS)
    assert max(covered, contained) < REPETITIONS


@pytest.mark.parametrize("rate", [0.003, 0.02, 0.2])
def test_intervals_of_rare_events_cover(rate):
    """Where hardly any model is one example off, the interval is not shorter than what may have been missed."""
    rng = np.random.default_rng(2)
    step, covered, contained = 1 / 50, 0, 0
    for _ in range(REPETITIONS):
        first, second = step * rng.binomial(1, rate, size=(2, 32))
        result = gap(first, second, resolution=step)
        covered += result.value.low <= 0 <= result.value.high
        contained += result.null.low <= result.value.estimate <= result.null.high
    assert min(covered, contained) >= _least(REPETITIONS)


def test_both_sides_have_equal_sizes():
    """A statistic sees as many models in the value as in the null, and never a reference on both sides."""
    seen = set()

    def statistic(first, second):
        assert not {*first[:, 0]} & {*second[:, 0]}
        seen.add((len(first), len(second)))
        return [0.0]

    names = np.arange(100.0)[:, np.newaxis]
    contrasts(statistic, names[:40], names[40:90], seed=0)
    assert seen == {(20, 25)}


@pytest.mark.parametrize(("n", "m"), [(31, 40), (40, 31)])
def test_too_few_models_are_refused(n, m):
    """One sentence says how many are needed."""
    with pytest.raises(ValueError, match="32 or more models on each side"):
        contrasts(lambda first, second: 0.0, np.zeros((n, 1)), np.zeros((m, 1)), seed=0)


def test_a_contrast_is_centred_and_covers():
    """For statistics that are biased, value and null agree on average, and intervals hold in 95 % or more."""

    def statistics(first, second):
        return [klom(first, second).mean(), np.abs(first.mean(axis=0) - second.mean(axis=0)).mean()]

    repetitions, rows = 60, []
    for repetition in range(repetitions):
        rng = np.random.default_rng([5, repetition])
        pair = contrasts(statistics, realistic(rng, 32, 4), realistic(rng, 40, 4), seed=repetition)
        rows.append([(each.value, each.null) for each in pair])
    for which in (0, 1):
        values, nulls = ([row[which][side] for row in rows] for side in (0, 1))
        estimates, centres = (np.array([each.estimate for each in side]) for side in (values, nulls))
        difference = estimates - centres
        assert abs(difference.mean()) < 3.5 * difference.std(ddof=1) / np.sqrt(repetitions)
        covered = sum(each.low <= estimates.mean() <= each.high for each in values)
        contained = sum(
            null.low <= estimate <= null.high for null, estimate in zip(nulls, estimates, strict=True)
        )
        assert min(covered, contained) >= _least(repetitions), (which, covered, contained)
