"""Loss attack: the same splits and accuracies as scikit-learn's, model for model."""

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedShuffleSplit, cross_val_score

from scoring.baselines import logistic
from scoring.baselines.logistic import fit_logistic
from scoring.baselines.mia import loss_mia, stratified_splits
from tests.support.paths import SCORING_GOLDEN

GOLDEN = SCORING_GOLDEN / "loss_mia.npz"
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
def test_accuracy_equals_the_record_of_scikit_learn(golden, case):
    """Every model's accuracy equals that of LogisticRegression() as it is, its early stop included."""
    result = loss_mia(golden[f"{case}/forget"], golden[f"{case}/unseen"], seed=0)
    np.testing.assert_allclose(result, golden[f"{case}/default"], rtol=0, atol=1e-12)


def test_record_holds_an_early_stop(golden):
    """The golden data include tiny losses, where the default solver guesses and a converged one does not."""
    assert (golden["tiny/default"] == 0.5).all()
    assert golden["tiny/converged"].min() > 0.7


@pytest.mark.parametrize(("size", "seed"), [(11, 0), (101, 5), (700, 0)])
def test_scikit_learn_itself_agrees(size, seed):
    """The same against the installed library, at other sizes and seeds, trended and heavy-tailed."""
    rng = np.random.default_rng(9)
    forget = np.concatenate([0.6 * rng.exponential(size=(2, size)), np.exp(2 * rng.normal(size=(1, size)))])
    unseen = rng.exponential(size=(3, size))
    kinds = np.repeat([0, 1], size)
    expected = [
        cross_val_score(
            LogisticRegression(),
            np.concatenate(losses)[:, np.newaxis],
            kinds,
            cv=StratifiedShuffleSplit(n_splits=10, random_state=seed),
        ).mean()
        for losses in zip(unseen, forget, strict=True)
    ]
    np.testing.assert_allclose(loss_mia(forget, unseen, seed=seed), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", ["overlapping", "separable", "constant"])
def test_fit_has_the_coefficients_of_scikit_learn(kind):
    """Slope and intercept agree to 1e-6, where there is no best separating threshold too."""
    rng = np.random.default_rng(1)
    positive = np.arange(80) % 2 == 0
    feature = {
        "overlapping": rng.normal(size=80) + positive,
        "separable": rng.normal(size=80) + 20 * positive,
        "constant": np.full(80, 3.0),
    }[kind]
    model = LogisticRegression().fit(feature[:, np.newaxis], positive)
    ((slope, intercept),) = fit_logistic(feature[np.newaxis], positive[np.newaxis])
    assert slope == pytest.approx(float(model.coef_[0, 0]), abs=1e-6)
    assert intercept == pytest.approx(float(model.intercept_[0]), abs=1e-6)


def test_null_is_a_guess():
    """Losses of one distribution give 1/2 over the models."""
    rng = np.random.default_rng(2)
    result = loss_mia(rng.exponential(size=(25, 60)), rng.exponential(size=(25, 60)), seed=0)
    # One model has a deviation of about 0.06, so three standard errors are 0.036.
    assert result.mean() == pytest.approx(0.5, abs=0.036)


def test_larger_kind_is_cut_down():
    """More forget examples than unseen, or the other way round, are balanced before the attack."""
    rng = np.random.default_rng(3)
    few, many = np.zeros((1, 20)), 5 + rng.uniform(size=(1, 90))
    assert loss_mia(few, many, seed=0).tolist() == [1]
    assert loss_mia(many, few, seed=0).tolist() == [1]


def test_models_do_not_influence_each_other():
    """A model's accuracy is the same alone and among others, and inputs are only read."""
    rng = np.random.default_rng(4)
    forget, unseen = rng.exponential(size=(3, 30)), rng.exponential(size=(3, 41))
    forget.flags.writeable = unseen.flags.writeable = False
    together = loss_mia(forget, unseen, seed=1)
    alone = [loss_mia(forget[i : i + 1], unseen[i : i + 1], seed=1)[0] for i in range(3)]
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


def plain_fit(feature, positive):
    """Return slope and intercept with an objective as its formula reads, through SciPy's general interface."""
    target = positive.astype(float)

    def objective(weights):
        odds = weights[0] * feature + weights[1]
        shrunk = np.exp(-np.abs(odds))
        losses = np.log1p(shrunk) + np.maximum(odds, 0.0) - target * odds
        excess = np.where(odds >= 0, 1.0, shrunk) / (1 + shrunk) - target
        slope = ((excess * feature).sum() + weights[0]) / feature.size
        return losses.mean() + weights[0] ** 2 / (2 * feature.size), np.array([slope, excess.mean()])

    options = {"maxiter": 100, "maxls": 50, "gtol": 1e-4, "ftol": 64 * np.finfo(float).eps}
    return tuple(minimize(objective, np.zeros(2), method="L-BFGS-B", jac=True, options=options).x.tolist())


FEATURES = {
    "losses": lambda rng, size: rng.exponential(size=size) ** 3,
    "negative": lambda rng, size: rng.normal(-5, 1, size=size),
    "tied": lambda rng, size: np.round(rng.normal(size=size)),
    "constant": lambda rng, size: np.full(size, 0.7),
    "tiny": lambda rng, size: rng.normal(size=size) * 1e-5,
    "large": lambda rng, size: rng.normal(size=size) * 1e4,
    "zero": lambda rng, size: np.zeros(size) * rng.choice([-1.0, 1.0], size=size),
}


@pytest.mark.parametrize("step_by_step", [True, False])
@pytest.mark.parametrize("kind", FEATURES)
@pytest.mark.parametrize("size", [2, 13, 128, 1260])
def test_fits_equal_the_plain_objective(monkeypatch, kind, size, step_by_step):
    """To the last bit, because a test example may lie at the boundary; fits in step do not see each other."""
    monkeypatch.setattr(logistic, "_STEP_BY_STEP", step_by_step)
    rng = np.random.default_rng(size)
    features, kinds = np.empty((5, size)), np.empty((5, size), dtype=bool)
    for feature, positive in zip(features, kinds, strict=True):
        positive[:] = rng.permutation(np.arange(size) < max(size // 2, 1))
        feature[:] = FEATURES[kind](rng, size)
        feature[positive] *= rng.choice([1.0, 1.2, -2.0])
    with np.errstate(under="ignore"):
        expected = [plain_fit(*each) for each in zip(features, kinds, strict=True)]
    np.testing.assert_array_equal(fit_logistic(features, kinds), expected)


def test_the_fast_way_is_taken():
    """The locked version of SciPy is one whose routine is known."""
    assert logistic._STEP_BY_STEP
