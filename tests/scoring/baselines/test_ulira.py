"""U-LiRA: a guess under the null, and the known accuracy for two Gaussians."""

import math

import numpy as np
import pytest

from scoring.baselines.ulira import u_lira


def normal_cdf(x):
    return (1 + math.erf(x / math.sqrt(2))) / 2


@pytest.mark.parametrize("models", [16, 128])
def test_null_is_a_guess(models):
    """Two samples of one distribution give 1/2 on average, however few the models."""
    rng = np.random.default_rng(0)
    result = u_lira(rng.normal(size=(models, 400)), rng.normal(size=(models, 400)), seed=0)
    # One example's deviation is about 0.37 / sqrt(models); four standard errors of 400.
    assert result.auc_mean == pytest.approx(0.5, abs=4 * 0.37 / math.sqrt(models * 400))
    assert result.accuracy_mean == pytest.approx(0.5, abs=4 * 0.37 / math.sqrt(models * 400))


@pytest.mark.parametrize("shift", [0.5, 1.0, 2.0])
def test_shift_gives_the_known_accuracy_and_auc(shift):
    """Normal samples d apart give accuracy Phi(d / 2) and AUC Phi(d / sqrt 2)."""
    rng = np.random.default_rng(1)
    result = u_lira(rng.normal(shift, 1, size=(512, 60)), rng.normal(size=(400, 60)), seed=1)
    assert result.accuracy_mean == pytest.approx(normal_cdf(shift / 2), abs=0.012)
    assert result.auc_mean == pytest.approx(normal_cdf(shift / math.sqrt(2)), abs=0.012)


def test_difference_of_spread_alone_is_found():
    """Equal means and a spread of 3 against 1 are separated by the ratio of likelihoods."""
    rng = np.random.default_rng(2)
    result = u_lira(rng.normal(size=(256, 40)), rng.normal(0, 3, size=(256, 40)), seed=2)
    assert result.accuracy_mean > 0.7
    assert result.auc_mean > 0.7


def test_sides_may_be_exchanged():
    """Which side is unlearned changes the halves, and so each figure by noise, not the average."""
    rng = np.random.default_rng(3)
    unlearned, retrained = rng.normal(0.7, 1, size=(200, 50)), rng.normal(size=(200, 50))
    there, back = u_lira(unlearned, retrained, seed=3), u_lira(retrained, unlearned, seed=3)
    np.testing.assert_allclose(there.auc, back.auc, atol=0.04)
    assert there.auc_mean == pytest.approx(back.auc_mean, abs=0.005)
    assert there.accuracy_mean == pytest.approx(back.accuracy_mean, abs=0.005)


def test_slow_twin_of_one_halving():
    """Counting pairs and judging models one by one gives the same figures."""
    rng = np.random.default_rng(4)
    unlearned, retrained = rng.normal(0.4, 1, size=(9, 3)).round(1), rng.normal(size=(6, 3)).round(1)
    result = u_lira(unlearned, retrained, seed=7)
    draw = np.random.default_rng(7)
    accuracy, auc = np.zeros(3), np.zeros(3)
    for _ in range(5):
        halves = [np.array_split(draw.permutation(len(side)), 2) for side in (unlearned, retrained)]
        for fit, judge in ((0, 1), (1, 0)):
            for e in range(3):
                fits = [side[half[fit], e] for side, half in zip((unlearned, retrained), halves, strict=True)]
                pooled = np.concatenate([fits[0] - fits[0].mean(), fits[1] - fits[1].mean()])
                assert pooled.any()  # no floor is reached here
                mean, dev = [f.mean() for f in fits], [f.std(ddof=1) for f in fits]

                def ratio(x, mean=mean, dev=dev):
                    logs = [-math.log(s) - ((x - u) / s) ** 2 / 2 for u, s in zip(mean, dev, strict=True)]
                    return logs[0] - logs[1]

                us = [ratio(x) for x in unlearned[halves[0][judge], e]]
                them = [ratio(x) for x in retrained[halves[1][judge], e]]
                accuracy[e] += (np.mean(np.array(us) > 0) + np.mean(np.array(them) < 0)) / 20
                auc[e] += np.mean([(u > t) + (u == t) / 2 for u in us for t in them]) / 10
    np.testing.assert_allclose(result.accuracy, accuracy, atol=1e-12)
    np.testing.assert_allclose(result.auc, auc, atol=1e-12)


def test_equal_constants_are_a_guess():
    """If both sides are saturated the result is exactly 1/2."""
    result = u_lira(np.full((4, 2), 103.6), np.full((5, 2), 103.6), seed=0)
    assert result.accuracy.tolist() == result.auc.tolist() == [0.5, 0.5]


@pytest.mark.parametrize("gap", [1e-9, 1e-3, 200.0])
def test_different_constants_are_told_apart(gap):
    """Constants that differ give 1, however small the gap."""
    result = u_lira(np.ones((4, 1)), np.full((4, 1), 1 + gap), seed=0)
    assert result.accuracy_mean == result.auc_mean == 1


def test_constant_within_a_varying_side_is_told_apart():
    """A constant amid a wide sample is detected by its spread, without a warning."""
    rng = np.random.default_rng(5)
    result = u_lira(np.zeros((64, 20)), rng.normal(size=(64, 20)), seed=0)
    assert result.accuracy_mean > 0.97


def test_seed_decides_and_results_refuse_writes():
    """The same seed gives the same figures, and they are read-only."""
    rng = np.random.default_rng(6)
    unlearned, retrained = rng.normal(size=(12, 3)), rng.normal(size=(12, 3))
    unlearned.flags.writeable = retrained.flags.writeable = False
    first, again, other = (u_lira(unlearned, retrained, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.auc, again.auc)
    assert (first.auc != other.auc).any()
    assert not first.auc.flags.writeable
    assert not first.accuracy.flags.writeable


GOOD = np.zeros((4, 2))


@pytest.mark.parametrize(
    ("unlearned", "retrained", "message"),
    [
        (GOOD[:3], GOOD, "4 or more models"),
        (GOOD, GOOD[:2], "4 or more models"),
        (GOOD, GOOD[:, :1], "same examples"),
        (GOOD + np.nan, GOOD, "must be finite"),
        (GOOD, GOOD + np.inf, "must be finite"),
    ],
)
def test_impossible_inputs_are_refused(unlearned, retrained, message):
    """Impossible samples are a ValueError that says why."""
    with pytest.raises(ValueError, match=message):
        u_lira(unlearned, retrained, seed=0)
