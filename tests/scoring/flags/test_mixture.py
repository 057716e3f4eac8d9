"""Mixture flag: raised for two methods in one submission, not for one method."""

import numpy as np
import pytest

from scoring import forgetting_quality, published_epsilon
from scoring.flags.mixture import find_mixture
from tests.support.cheats import mixture, one_sided, realistic


def quality(unlearned, retrained):
    return forgetting_quality(published_epsilon(unlearned, retrained), len(unlearned))


def test_the_cheat_is_what_it_is_called():
    """At 512 models each method alone has F of about 0.005, both together the F of references."""
    rng = np.random.default_rng(0)
    references = rng.normal(size=(512, 40))
    for slant in (1.5, -1.5):
        assert quality(one_sided(rng, 512, 40, slant), references) == pytest.approx(0.005, abs=0.0025)
    assert 0.13 < quality(mixture(rng, 512, 40), references) < 0.25
    assert 0.13 < quality(rng.normal(size=(512, 40)), references) < 0.25


def test_groups_are_named():
    """Both groups are identified to the last checkpoint, in any order of the checkpoints."""
    rng = np.random.default_rng(1)
    order = rng.permutation(128)
    result = find_mixture(mixture(rng, 128, 100)[order], rng.normal(size=(128, 100)), seed=0)
    assert result is not None
    groups = {frozenset(np.flatnonzero(order < 64)), frozenset(np.flatnonzero(order >= 64))}
    assert {frozenset(result.first), frozenset(result.second)} == groups
    assert result.first[0] == 0
    assert max(result.quality_first, result.quality_second) < 0.5 * result.quality_together
    assert result.p_value == 1 / 200
    assert result.share > 10 * result.reference_share
    assert result.axis_share > 0.9
    assert "groups of 64 and 64" in result.sentence


def test_figures_are_those_of_the_published_metric():
    """Each F of the flag is the F of those checkpoints, if all examples are evaluated."""
    rng = np.random.default_rng(2)
    unlearned, retrained = mixture(rng, 64, 30), rng.normal(size=(50, 30))
    result = find_mixture(unlearned, retrained, seed=0)
    assert result is not None
    assert result.quality_together == quality(unlearned, retrained)
    assert result.quality_first == quality(unlearned[list(result.first)], retrained)
    assert result.quality_second == quality(unlearned[list(result.second)], retrained)


def test_unequal_parts_are_found():
    """A third of one method and two thirds of the other, both off, are two groups too."""
    rng = np.random.default_rng(3)
    unlearned = np.concatenate([one_sided(rng, 43, 60, 2.0), one_sided(rng, 85, 60, -2.0)])
    result = find_mixture(unlearned, rng.normal(size=(128, 60)), seed=0)
    assert result is not None
    assert {len(result.first), len(result.second)} == {43, 85}


def test_methods_that_differ_in_spread_are_found():
    """One method near the centre, the other in the tails, with equal means, are two groups."""
    rng = np.random.default_rng(4)
    pool = np.abs(rng.normal(size=(512, 60)))
    inner, outer = np.sort(pool, axis=0)[:256], np.sort(pool, axis=0)[256:]
    unlearned = np.concatenate([rng.permuted(side, axis=0)[:64] for side in (inner, outer)])
    unlearned *= rng.choice([-1, 1], size=unlearned.shape)
    result = find_mixture(unlearned, rng.normal(size=(128, 60)), seed=0)
    assert result is not None
    assert result.first == tuple(range(64))


def test_mixture_in_realistic_confidences_is_found():
    """20 correlated, heavy-tailed examples and 64 models: at least 13 of 15 mixtures are flagged."""
    rng = np.random.default_rng(5)
    method = np.repeat([1, -1], 32)
    result = [find_mixture(realistic(rng, 64, 20, method), realistic(rng, 64, 20), seed=i) for i in range(15)]
    assert sum(flag is not None for flag in result) >= 13


@pytest.mark.parametrize(
    "draw",
    [
        lambda rng: rng.normal(size=(48, 40)),
        lambda rng: realistic(rng, 48, 20),
        lambda rng: rng.choice([-1.5, 1.5], size=(48, 1)) + rng.normal(size=(48, 20)),
        lambda rng: rng.normal(size=(48, 1)),
    ],
    ids=["independent", "realistic", "references in two clusters", "one example"],
)
def test_two_sets_of_references_are_not_flagged(draw):
    """Samples of one distribution, even of two clusters, are flagged at 1 %: 2 in 40 at most (3 have a chance of 1 %)."""
    rng = np.random.default_rng(6)
    flags = [find_mixture(draw(rng), draw(rng), seed=i) for i in range(40)]
    assert sum(flag is not None for flag in flags) <= 2


def test_one_bad_method_is_not_a_mixture():
    """A shift, a larger spread, or a stronger common factor has no two groups that differ."""
    rng = np.random.default_rng(7)
    retrained = realistic(rng, 96, 40)
    factor = 2 * rng.normal(size=(96, 1))
    for unlearned in (retrained + 1.0, 3 * realistic(rng, 96, 40), factor + realistic(rng, 96, 40)):
        assert find_mixture(unlearned, retrained, seed=0) is None


def test_groups_of_few_runs_are_compared_with_random_groups():
    """Of 16 runs, any groups have half of the quality of all or little more: one method, in 100 samples, is none."""
    rng = np.random.default_rng(1)
    flags, random_groups = 0, []
    for i in range(100):
        factor, own = rng.normal(size=(16, 1)), rng.normal(size=(16, 50))
        unlearned, retrained = 0.3 + 0.35 * (factor + own), rng.normal(size=(32, 50))
        flags += find_mixture(unlearned, retrained, seed=i) is not None
        groups = (unlearned[:6], unlearned[6:])
        alone = sum(len(group) / 16 * quality(group, retrained) for group in groups)
        random_groups.append(alone / quality(unlearned, retrained))
    assert np.median(random_groups) < 0.65
    assert flags == 0


def test_mixture_of_few_runs_is_found():
    """Eight runs of each method: all of 20 mixtures."""
    rng = np.random.default_rng(2)
    found = [find_mixture(mixture(rng, 16, 50), rng.normal(size=(32, 50)), seed=i) for i in range(20)]
    assert None not in found


def test_a_handful_of_diverged_checkpoints_is_no_group():
    """Three of 64 far away are outliers, not a second method."""
    rng = np.random.default_rng(8)
    unlearned = rng.normal(size=(64, 30))
    unlearned[:3] += 40
    assert find_mixture(unlearned, rng.normal(size=(64, 30)), seed=0) is None


def test_diverged_checkpoints_hide_no_mixture():
    """Three of 128 at the end of the scale are not taken for one of the groups."""
    rng = np.random.default_rng(11)
    unlearned = mixture(rng, 128, 60)
    unlearned[[0, 70, 90]] = -103.6
    result = find_mixture(unlearned, rng.normal(size=(128, 60)), seed=0)
    assert result is not None
    assert set(range(1, 64)) <= set(result.first) or set(range(1, 64)) <= set(result.second)


def test_mixture_that_gains_nothing_is_not_flagged():
    """Two methods whose union scores 0 as well are bad, not a cheat."""
    rng = np.random.default_rng(9)
    unlearned = np.repeat([[9.0], [-9.0]], 32, axis=0) + 0.1 * rng.normal(size=(64, 20))
    assert find_mixture(unlearned, 0.01 * rng.normal(size=(64, 20)), seed=0) is None


def test_too_little_has_no_groups():
    """Constant confidences, two models a side, or seven, give no flag and no warning."""
    rng = np.random.default_rng(10)
    assert find_mixture(np.full((20, 3), 103.6), np.full((20, 3), 103.6), seed=0) is None
    assert find_mixture(np.full((20, 3), 103.6), np.full((20, 3), -103.6), seed=0) is None
    assert find_mixture(np.full((20, 3), 103.6), rng.normal(size=(20, 3)), seed=0) is None
    assert find_mixture(rng.normal(size=(20, 3)), np.full((20, 3), 103.6), seed=0) is None
    for n in (2, 7):
        assert find_mixture(rng.normal(size=(n, 3)), rng.normal(size=(30, 3)), seed=0) is None
    assert find_mixture(rng.normal(size=(8, 1)), rng.normal(size=(8, 1)), seed=0) is None


@pytest.mark.parametrize("models", range(8, 13))
def test_one_checkpoint_alone_is_no_group(models):
    """A single different checkpoint is an outlier: a group of one has no F, which once left the submission without a score."""
    rng = np.random.default_rng(9)
    unlearned = rng.normal(10.0, size=(models, 60))
    unlearned[0] -= 20
    result = find_mixture(unlearned, rng.normal(size=(64, 60)), seed=0)
    assert result is None or min(len(result.first), len(result.second)) > 1
