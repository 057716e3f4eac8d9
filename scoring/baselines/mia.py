"""The starting kit's membership attack: forget and unseen examples separated by their losses."""

import numpy as np
from numpy.typing import ArrayLike

from scoring.baselines.logistic import fit_logistic
from scoring.checks import CountArray, FloatArray, finite_array

SPLITS = 10
"""Number of random splits into training and test examples; the accuracy is their mean."""

TEST_FRACTION = 0.1
"""Fraction of the examples, rounded up, used for testing: scikit-learn's default for such splits."""

MIN_EXAMPLES = 6
"""Minimum of each kind: fewer would leave a split without a test example of one kind."""


def loss_mia(forget_losses: ArrayLike, unseen_losses: ArrayLike, *, seed: int) -> FloatArray:
    """Return the accuracy with which logistic regression separates forget from unseen examples, per model.

    For each model, a logistic regression with the loss as its only feature (L2 penalty, C = 1,
    free intercept) is fitted and tested on ten stratified random splits. The larger kind of examples
    is reduced to the size of the other, by one random choice
    for all models. All models use the same splits: those of scikit-learn's
    ``StratifiedShuffleSplit(n_splits=10, random_state=seed)`` (the kit's seed is 0).
    The fit is the result of ``LogisticRegression()``, including its early stop
    (`scoring.baselines.logistic`), so a model whose losses are all about 1e-3 or less gets 1/2.
    One model takes 2 to 8 milliseconds at 700 examples of each kind, if linear
    algebra uses one thread; with more threads, each of the solver's tiny steps waits for them.

    Args:
        forget_losses: Loss of each model on each forget example. Shape [models, forget], at
            least 6 examples.
        unseen_losses: Loss of the same models on examples that were never trained on. Shape
            [models, unseen], at least 6 examples.
        seed: Seed of the splits and of the choice of examples; zero or more.

    Returns:
        Shape [models], in [0, 1]: 1/2 is a guess and the best value; a value below 1/2 is as bad as
        one equally far above. Compare with the references' accuracy, because forget and unseen
        examples may differ in difficulty for any model.

    Raises:
        ValueError: a shape is wrong, there are fewer than 6 examples of a kind, the numbers of
            models differ, or a value is NaN or infinite.

    Source:
        `simple_mia` in the notebook of unlearning-challenge/starting-kit (2023).
    """
    forget = finite_array(forget_losses, name="The forget losses", axes=("models", "examples"))
    unseen = finite_array(unseen_losses, name="The unseen losses", axes=("models", "examples"))
    if forget.shape[0] != unseen.shape[0]:
        raise ValueError(
            "Forget and unseen losses must come from the same models, not "
            f"{forget.shape[0]} and {unseen.shape[0]}."
        )
    size = min(forget.shape[1], unseen.shape[1])
    if size < MIN_EXAMPLES:
        raise ValueError(f"The attack needs {MIN_EXAMPLES} or more examples of each kind, not {size}.")
    rng = np.random.default_rng(seed)
    forget, unseen = (
        losses[:, np.sort(rng.choice(losses.shape[1], size=size, replace=False))]
        for losses in (forget, unseen)
    )
    training, test = stratified_splits(size, seed=seed)
    member = np.arange(2 * size) >= size
    accuracy = np.empty(forget.shape[0])
    for model in range(forget.shape[0]):
        losses = np.concatenate([unseen[model], forget[model]])
        fits = fit_logistic(losses[training], member[training])
        predicted = fits[:, :1] * losses[test] + fits[:, 1:] > 0
        accuracy[model] = int((predicted == member[test]).sum()) / test.size
    return accuracy


def stratified_splits(size: int, *, seed: int) -> tuple[CountArray, CountArray]:
    """Return the positions of training and test examples in each split.

    The examples are ``size`` of one kind, then as many of the other. The legacy generator is
    used because NumPy has frozen its stream, and it is drawn from in scikit-learn's order. So these are
    exactly the splits of its `StratifiedShuffleSplit`; a twin in the tests confirms it.

    Returns:
        Two arrays of shape [splits, examples of the part].
    """
    stream = np.random.RandomState(seed)
    test_size = int(np.ceil(TEST_FRACTION * 2 * size))
    both = np.array([size, size])
    training, test = [], []
    for _ in range(SPLITS):
        training_of_kind = _shares(both, 2 * size - test_size, stream)
        test_of_kind = _shares(both - training_of_kind, test_size, stream)
        orders = [kind * size + stream.permutation(size) for kind in range(2)]
        parts = list(zip(orders, training_of_kind, test_of_kind, strict=True))
        training.append(stream.permutation(np.concatenate([order[:first] for order, first, _ in parts])))
        test.append(
            stream.permutation(np.concatenate([order[first : first + rest] for order, first, rest in parts]))
        )
    return np.array(training, dtype=np.intp), np.array(test, dtype=np.intp)


def _shares(available: CountArray, requested: int, stream: np.random.RandomState) -> CountArray:
    """Return the number of examples taken from each kind, in proportion to the available ones.

    The remainder of rounding down goes to the kinds with the largest fractions, at random among equals.
    The floating-point steps are those of scikit-learn 1.9, because they decide when a random draw is made.
    """
    exact = available / available.sum() * requested
    shares = np.floor(exact)
    missing = int(requested - shares.sum())
    remainders = exact - shares
    for remainder in np.unique(remainders)[::-1]:
        if missing == 0:
            break
        candidates = np.flatnonzero(remainders == remainder)
        drawn = min(candidates.size, missing)
        shares[stream.choice(candidates, size=drawn, replace=False)] += 1
        missing -= drawn
    counts: CountArray = shares.astype(np.intp)
    return counts
