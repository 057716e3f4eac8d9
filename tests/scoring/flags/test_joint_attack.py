"""Joint attack: it detects what no single example shows, and stays at chance under the null."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score

from scoring.flags.joint_attack import joint_attack
from scoring.flags.mmd import discrepancy_test, pool_checkpoints, radial_kernel, standardised
from tests.support.cheats import mixture


def test_mixture_is_told_apart():
    """Two methods, too high and too low, are detected by both classifiers, held out, at p = 0.001."""
    rng = np.random.default_rng(0)
    attack = joint_attack(mixture(rng, 128, 100), rng.normal(size=(128, 100)), seed=0)
    assert attack.auc_svm > 0.99
    assert attack.auc_trees > 0.95
    assert attack.p_value == 0.001
    assert attack.flagged
    assert attack.n_folds == 5
    assert "are distinguishable from" in attack.sentence


def test_logistic_regression_misses_the_mixture():
    """On the same vectors a linear classifier stays at chance: the groups' means cancel."""
    rng = np.random.default_rng(0)
    points = np.concatenate([mixture(rng, 128, 100), rng.normal(size=(128, 100))])
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    areas = cross_val_score(
        LogisticRegression(C=0.1), points, np.arange(256) < 128, cv=folds, scoring="roc_auc"
    )
    assert 0.4 < areas.mean() < 0.6


def test_two_sets_of_references_are_at_chance():
    """Over repetitions both held-out areas of the null average 0.5, without a bias of the folds."""
    rng = np.random.default_rng(1)
    attacks = [
        joint_attack(rng.normal(size=(48, 30)), rng.normal(size=(40, 30)), seed=seed) for seed in range(6)
    ]
    # One repetition's area deviates by about 0.08, so the mean of six by 0.033.
    assert np.mean([attack.auc_svm for attack in attacks]) == pytest.approx(0.5, abs=0.1)
    assert np.mean([attack.auc_trees for attack in attacks]) == pytest.approx(0.5, abs=0.1)


def p_value(rng, draw, n, m, examples):
    points, _ = standardised(draw(rng, (n + m, examples)), np.empty((0, examples)))
    return discrepancy_test(radial_kernel(points, width=2), n=n, seed=int(rng.integers(2**31))).larger


@pytest.mark.parametrize(
    "draw",
    [
        lambda rng, shape: rng.normal(size=shape),
        lambda rng, shape: rng.standard_t(2, size=shape) + rng.standard_t(2, size=(shape[0], 1)),
        lambda rng, shape: np.clip(rng.normal(95, 9, size=shape), -103.6, 103.6),
    ],
    ids=["normal", "heavy and correlated", "saturated"],
)
@pytest.mark.parametrize(("n", "m"), [(20, 20), (12, 36)])
def test_p_values_are_not_too_small_under_the_null(draw, n, m):
    """No level of 1, 5, 20 or 50 % is undercut more often than chance allows, in 400 repetitions."""
    rng = np.random.default_rng([n, m])
    values = np.array([p_value(rng, draw, n, m, 15) for _ in range(400)])
    for level in (0.01, 0.05, 0.2, 0.5):
        slack = 3.3 * np.sqrt(level * (1 - level) / 400)
        assert (values <= level).mean() <= level + slack
    assert values.mean() == pytest.approx(0.5, abs=0.06)


def test_discrepancy_equals_its_definition():
    """With two against two the statistic of every assignment can be computed by hand.

    Points 0, 0, 9, 9: the true assignment and its mirror are the most extreme of six, so about
    a third of all assignments is as extreme.
    """
    points = np.array([[0.0], [0.0], [9.0], [9.0]])
    test = discrepancy_test(radial_kernel(points, width=1), n=2, seed=0)
    assert test.larger == pytest.approx(1 / 3, abs=0.05)


def test_kernel_equals_its_definition():
    """The matrix product gives each pair's exp(-width * squared distance / examples)."""
    points = np.random.default_rng(2).normal(size=(6, 4))
    slow = [[np.exp(-1.5 * ((a - b) ** 2).sum() / 4) for b in points] for a in points]
    np.testing.assert_allclose(radial_kernel(points, width=1.5), slow, atol=1e-12)


def test_scaling_is_of_the_training_part():
    """Held-out values are scaled by the others' median deviation, clipped at 4, constants dropped."""
    train = np.array([[1.0, 5.0], [3.0, 5.0]])
    scaled, held_out = standardised(train, np.array([[4.0, 6.0], [99.0, 0.0]]))
    assert scaled.ravel().tolist() == pytest.approx([-1 / 1.4826, 1 / 1.4826])
    assert held_out.ravel().tolist() == pytest.approx([2 / 1.4826, 4])


def test_scaling_where_most_are_equal():
    """A median deviation of zero is replaced by the standard deviation, here 4."""
    scaled, _ = standardised(np.array([[0.0], [0.0], [0.0], [0.0], [10.0]]), np.empty((0, 1)))
    assert scaled.ravel().tolist() == pytest.approx([0, 0, 0, 0, 2.5])


def test_diverged_checkpoints_hide_nothing():
    """Three of 128 checkpoints at the end of the scale do not make a mixture harder to detect."""
    rng = np.random.default_rng(8)
    unlearned, retrained = mixture(rng, 128, 60), rng.normal(size=(128, 60))
    unlearned[:3] = -103.6
    attack = joint_attack(unlearned, retrained, seed=0)
    assert attack.auc_svm > 0.97
    assert attack.flagged


def test_a_range_too_small_to_square_is_a_scale():
    """Values 1e-200 apart vary, though their variance is zero."""
    scaled, _ = standardised(np.array([[0.0], [1e-200]]), np.empty((0, 1)))
    assert np.isfinite(scaled).all()
    assert np.ptp(scaled) > 0


def test_constant_confidences_are_chance():
    """If no example varies the areas are 0.5 and the p-value is 1."""
    attack = joint_attack(np.full((6, 3), 103.6), np.full((9, 3), 103.6), seed=0)
    assert (attack.auc_svm, attack.auc_trees, attack.p_value) == (0.5, 0.5, 1)
    assert not attack.flagged
    assert "are not distinguishable from" in attack.sentence


def test_different_constants_are_told_apart():
    """Saturated high against saturated low is perfect for both classifiers."""
    attack = joint_attack(np.full((20, 3), 103.6), np.full((20, 3), -103.6), seed=0)
    assert (attack.auc_svm, attack.auc_trees, attack.p_value) == (1, 1, 0.001)


def test_one_saturated_checkpoint_does_not_decide():
    """One different value among constants is clipped, and is separated in its own fold at most."""
    unlearned, retrained = np.full((40, 5), 103.6), np.full((40, 5), 103.6)
    unlearned[7] = -20
    attack = joint_attack(unlearned, retrained, seed=0)
    assert attack.auc_svm == pytest.approx(0.5, abs=0.05)
    assert attack.p_value > 0.05


@pytest.mark.parametrize(("n", "m", "folds"), [(2, 2, 2), (2, 30, 2), (30, 3, 3), (12, 5, 5)])
def test_few_models_have_fewer_folds(n, m, folds):
    """Each part holds a model of each side, so the smaller side bounds the number of parts."""
    rng = np.random.default_rng(3)
    attack = joint_attack(rng.normal(size=(n, 4)), rng.normal(size=(m, 4)), seed=0)
    assert attack.n_folds == folds
    assert 0 <= attack.auc_svm <= 1
    assert 0.001 <= attack.p_value <= 1


def test_one_example_is_enough():
    """A shift of a single example by three deviations is detected."""
    rng = np.random.default_rng(4)
    attack = joint_attack(rng.normal(3, 1, size=(60, 1)), rng.normal(size=(60, 1)), seed=0)
    assert attack.auc_svm > 0.9
    assert attack.flagged


def test_same_seed_same_value_and_inputs_are_only_read():
    """The attack depends on its arguments alone and does not change them."""
    rng = np.random.default_rng(5)
    unlearned, retrained = rng.normal(size=(20, 5)), rng.normal(size=(25, 5))
    before = unlearned.copy(), retrained.copy()
    unlearned.flags.writeable = retrained.flags.writeable = False
    pool = pool_checkpoints(unlearned, retrained)
    assert joint_attack(unlearned, retrained, seed=7) == joint_attack(unlearned, retrained, seed=7, pool=pool)
    np.testing.assert_array_equal(unlearned, before[0])
    np.testing.assert_array_equal(retrained, before[1])


def test_scale_and_place_of_examples_do_not_matter():
    """Scaling and shifting each example by its own constants does not change the held-out areas."""
    rng = np.random.default_rng(6)
    unlearned, retrained = rng.normal(0.4, 1, size=(30, 5)), rng.normal(size=(30, 5))
    scale, place = 2.0 ** rng.integers(-3, 4, size=5), rng.integers(-4, 5, size=5)
    plain = joint_attack(unlearned, retrained, seed=1)
    moved = joint_attack(unlearned * scale + place, retrained * scale + place, seed=1)
    assert moved.auc_svm == pytest.approx(plain.auc_svm, abs=1e-6)
    assert moved.p_value == plain.p_value


GOOD = np.arange(8.0).reshape(4, 2)


@pytest.mark.parametrize(
    ("unlearned", "retrained", "message"),
    [
        (GOOD[:, 0], GOOD, "must have shape"),
        (GOOD[:1], GOOD, "(2|two) or more models"),
        (GOOD, GOOD[:1], "(2|two) or more models"),
        (GOOD, GOOD[:, :1], "same examples"),
        (np.where(GOOD == 3, np.nan, GOOD), GOOD, "must be finite"),
        (GOOD, np.where(GOOD == 3, np.inf, GOOD), "must be finite"),
    ],
)
def test_impossible_samples_are_refused(unlearned, retrained, message):
    """What cannot be two samples of the same examples is a ValueError that says why."""
    with pytest.raises(ValueError, match=message):
        joint_attack(unlearned, retrained, seed=0)
