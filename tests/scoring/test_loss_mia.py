"""Does the loss attack give what scikit-learn gives, split for split and model for model?"""

from pathlib import Path

import numpy as np
import pytest

from scoring.logistic import fit_logistic
from scoring.mia import loss_mia, stratified_splits

GOLDEN = Path(__file__).parent / "golden" / "loss_mia.npz"
CASES = ("same", "smaller", "heavy", "tiny", "separated", "constant")
SIZES = (6, 7, 15, 23, 55, 71, 100)


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN) as archive:
        return {name: archive[name] for name in archive.files}


@pytest.mark.parametrize("size", SIZES)
def test_splits_are_those_of_scikit_learn(golden, size):
    """Position for position, in order, for even and odd numbers of test examples."""
    training, test = stratified_splits(size, seed=3)
    np.testing.assert_array_equal(training, golden[f"splits/{size}/training"])
    np.testing.assert_array_equal(test, golden[f"splits/{size}/test"])


@pytest.mark.parametrize("case", CASES)
def test_accuracy_equals_scikit_learn_run_to_convergence(golden, case):
    """Every model's accuracy equals that of LogisticRegression(tol=1e-10)."""
    found = loss_mia(golden[f"{case}/forget"], golden[f"{case}/unseen"], seed=0)
    np.testing.assert_allclose(found, golden[f"{case}/converged"], rtol=0, atol=1e-12)


@pytest.mark.parametrize("case", ["same", "smaller", "heavy", "separated", "constant"])
def test_accuracy_is_close_to_the_default_solver(golden, case):
    """It stops early, which moves one model's accuracy by 1 % at most, the mean by 0.1 %."""
    found = loss_mia(golden[f"{case}/forget"], golden[f"{case}/unseen"], seed=0)
    np.testing.assert_allclose(found, golden[f"{case}/default"], rtol=0, atol=0.0101)
    assert found.mean() == pytest.approx(golden[f"{case}/default"].mean(), abs=0.001)


def test_tiny_losses_are_where_the_default_solver_gives_up(golden):
    """On losses of 1e-4 and less it stops at its first step and guesses; the exact fit does not."""
    found = loss_mia(golden["tiny/forget"], golden["tiny/unseen"], seed=0)
    assert (golden["tiny/default"] == 0.5).all()
    assert found.min() > 0.7


def test_scikit_learn_itself_agrees():
    """The same against the library, where it is installed, at other sizes and another seed."""
    linear_model = pytest.importorskip("sklearn.linear_model")
    selection = pytest.importorskip("sklearn.model_selection")
    rng = np.random.default_rng(9)
    forget, unseen = 0.6 * rng.exponential(size=(4, 101)), rng.exponential(size=(4, 101))
    kinds = np.repeat([0, 1], 101)
    expected = [
        selection.cross_val_score(
            linear_model.LogisticRegression(tol=1e-10, max_iter=10_000),
            np.concatenate(losses)[:, np.newaxis],
            kinds,
            cv=selection.StratifiedShuffleSplit(n_splits=10, random_state=5),
        ).mean()
        for losses in zip(unseen, forget, strict=True)
    ]
    np.testing.assert_allclose(loss_mia(forget, unseen, seed=5), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("scale", [1e-8, 1e-3, 1.0, 1e3, 1e8])
@pytest.mark.parametrize("offset", [0.0, 100.0])
def test_fit_is_a_stationary_point(scale, offset):
    """The gradient vanishes at the fit, for features of any size and separable ones too."""
    rng = np.random.default_rng(1)
    positive = np.arange(80).reshape(1, 80) % 2 == 0
    feature = np.stack([rng.normal(size=80), rng.normal(size=80) + 8 * positive[0]]) * scale + offset
    positive = np.repeat(positive, 2, axis=0)
    slope, intercept = fit_logistic(feature, positive)
    with np.errstate(over="ignore"):
        probability = 1 / (1 + np.exp(-(slope[:, None] * feature + intercept[:, None])))
    residual = probability - positive
    by_slope = ((residual * (feature - offset)).sum(axis=1) + slope) / (80 * scale)
    assert np.abs(residual.sum(axis=1)).max() < 1e-5
    # The intercept's equation lets the offset be taken out of the slope's.
    assert np.abs(by_slope).max() < 1e-5


def test_null_is_a_guess():
    """Losses of one distribution give 1/2 over the models."""
    rng = np.random.default_rng(2)
    found = loss_mia(rng.exponential(size=(200, 100)), rng.exponential(size=(200, 100)), seed=0)
    assert found.mean() == pytest.approx(0.5, abs=0.02)


def test_larger_kind_is_cut_down():
    """More forget examples than unseen, or the other way round, are balanced before the attack."""
    rng = np.random.default_rng(3)
    few, many = np.zeros((3, 20)), np.ones((3, 90)) + rng.uniform(size=(3, 90))
    assert loss_mia(few, many, seed=0).tolist() == [1, 1, 1]
    assert loss_mia(many, few, seed=0).tolist() == [1, 1, 1]


def test_models_do_not_influence_each_other():
    """A model's accuracy is the same alone and among others, and inputs are only read."""
    rng = np.random.default_rng(4)
    forget, unseen = rng.exponential(size=(5, 30)), rng.exponential(size=(5, 41))
    forget.flags.writeable = unseen.flags.writeable = False
    together = loss_mia(forget, unseen, seed=1)
    alone = [loss_mia(forget[i : i + 1], unseen[i : i + 1], seed=1)[0] for i in range(5)]
    np.testing.assert_array_equal(together, alone)


GOOD = np.ones((2, 6))


@pytest.mark.parametrize(
    ("forget", "unseen", "message"),
    [
        (GOOD[:, :5], GOOD, "6 or more examples"),
        (GOOD, GOOD[:, :1], "6 or more examples"),
        (GOOD[:1], GOOD, "same models"),
        (GOOD[0], GOOD, "must have shape"),
        (GOOD * np.nan, GOOD, "must be finite"),
        (GOOD, GOOD * np.inf, "must be finite"),
    ],
)
def test_impossible_losses_are_refused(forget, unseen, message):
    """What cannot be attacked is a ValueError that says why."""
    with pytest.raises(ValueError, match=message):
        loss_mia(forget, unseen, seed=0)
