"""Do a model's losses give away which examples it was to forget, as the starting kit asked?"""

import numpy as np
from numpy.typing import ArrayLike

from scoring.baselines.logistic import fit_logistic
from scoring.checks import CountArray, FloatArray, finite_array

SPLITS = 10
"""Random splits into training and test examples; the accuracy is their mean."""

TEST_FRACTION = 0.1
"""Of the examples, rounded up, are for testing: scikit-learn's default for such splits."""

LEAST_EXAMPLES = 6
"""Of each kind: fewer would leave a split without a test example of one kind."""


def loss_mia(forget_losses: ArrayLike, unseen_losses: ArrayLike, *, seed: int) -> FloatArray:
    """Return how accurately logistic regression tells forget from unseen examples, per model.

    For each model, a logistic regression with the loss as its one feature (L2 penalty, C = 1,
    the intercept free) is fitted and tested on ten stratified random splits. The kind of
    which there are more examples is cut down to the size of the other, by one random choice
    for all models. All models have the same splits: those that scikit-learn's
    ``StratifiedShuffleSplit(n_splits=10, random_state=seed)`` makes (the kit's seed is 0).
    The fit is what ``LogisticRegression()`` arrives at, its early stop included
    (`scoring.baselines.logistic`), so a model whose losses are all about 1e-3 or less is given 1/2.
    Every model is done, in some 5 to 15 milliseconds at 700 examples of each kind, if linear
    algebra has one thread: with more, each of the solver's tiny steps waits for them.

    Args:
        forget_losses: Loss of each model on each forget example. Shape [models, forget], at
            least 6 examples.
        unseen_losses: Loss of the same models on examples that no training saw. Shape
            [models, unseen], at least 6 examples.
        seed: Decides the splits and which examples are left out; zero or more.

    Returns:
        Shape [models], in [0, 1]: 1/2 is a guess and the best; as far below is as bad. What
        the references reach is the yardstick, since forget and unseen examples may differ
        in difficulty for any model.

    Raises:
        ValueError: a shape is wrong, there are fewer than 6 examples of a kind, the models
            differ in number, or a value is NaN or infinite.

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
    if size < LEAST_EXAMPLES:
        raise ValueError(f"The attack needs {LEAST_EXAMPLES} or more examples of each kind, not {size}.")
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
        hits = 0
        for fitted, tested in zip(training, test, strict=True):
            slope, intercept = fit_logistic(losses[fitted], member[fitted])
            hits += int(((slope * losses[tested] + intercept > 0) == member[tested]).sum())
        accuracy[model] = hits / test.size
    return accuracy


def stratified_splits(size: int, *, seed: int) -> tuple[CountArray, CountArray]:
    """Return the positions of training and test examples in each split.

    The examples are ``size`` of one kind, then as many of the other. The legacy generator is
    used, whose stream NumPy has frozen, drawn from in scikit-learn's order: so these are the
    very splits of its `StratifiedShuffleSplit`, which a twin in the tests confirms.

    Returns:
        Two arrays of shape [splits, examples of that part].
    """
    stream = np.random.RandomState(seed)
    tested = int(np.ceil(TEST_FRACTION * 2 * size))
    both = np.array([size, size])
    training, test = [], []
    for _ in range(SPLITS):
        trained_of_kind = _shares(both, 2 * size - tested, stream)
        tested_of_kind = _shares(both - trained_of_kind, tested, stream)
        orders = [kind * size + stream.permutation(size) for kind in range(2)]
        parts = list(zip(orders, trained_of_kind, tested_of_kind, strict=True))
        training.append(stream.permutation(np.concatenate([order[:first] for order, first, _ in parts])))
        test.append(
            stream.permutation(np.concatenate([order[first : first + rest] for order, first, rest in parts]))
        )
    return np.array(training, dtype=np.intp), np.array(test, dtype=np.intp)


def _shares(available: CountArray, wanted: int, stream: np.random.RandomState) -> CountArray:
    """Return how many of the wanted examples each kind gives, in proportion to what it has.

    What is left over by rounding down goes to the largest remainders, by lot among equals.
    The floating-point steps are those of scikit-learn 1.9, since they decide when lots are drawn.
    """
    exact = available / available.sum() * wanted
    shares = np.floor(exact)
    missing = int(wanted - shares.sum())
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
