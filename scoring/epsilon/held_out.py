"""What does an attack show on models that it was not chosen on?"""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaincinv

from scoring.checks import FloatArray
from scoring.epsilon.chosen_rule import choose_rules, count_inside
from scoring.published.rules import DELTA
from scoring.samples import paired_confidences
from scoring.statistics.interval import CONFIDENCE


def held_out_epsilon(unlearned: ArrayLike, retrained: ArrayLike, *, seed: int) -> FloatArray:
    """Return each forget example's epsilon by cross-fitting, in nats.

    Both populations are cut at random into halves. The best rule on the first halves
    (any interval, either sample expected inside) is measured on the second halves, then the
    other way round, and the two are averaged. A rate is ``(errors + 1/2) / (models + 1)``,
    so that none is zero and no rule is discarded; the same holds while choosing. Which
    sample is expected inside is part of the rule: a rule that fails on the second half
    shows 0.

    Under the null the mean is 0.25 to 0.3 at n = 512, where the published epsilon, chosen and
    measured on the same models, shows 1.54. It is not 0 as what is negative counts as 0.

    Args:
        unlearned: Confidences under the unlearned models. Shape [n, examples], n >= 2.
        retrained: Confidences under the references. Shape [m, examples], m >= 2.
        seed: Of the random halves.

    Returns:
        Shape [examples], in [0, log(max(n, m) + 2)]; perfectly separated samples of n = m
        models, n even, show log(n + 1).

    Raises:
        ValueError: as `published_epsilon` does.
    """
    ours, theirs = paired_confidences(unlearned, retrained, least=2)
    our_halves, their_halves = _halves(ours, theirs, seed=seed)
    total = np.zeros(ours.shape[1])
    for chosen_on in (0, 1):
        our_choice, their_choice = our_halves[chosen_on], their_halves[chosen_on]
        our_test, their_test = our_halves[1 - chosen_on], their_halves[1 - chosen_on]
        rules = choose_rules(
            our_choice, their_choice, worth=_smoothed(our_choice.shape[0], their_choice.shape[0])
        )
        measured = _smoothed(our_test.shape[0], their_test.shape[0])
        role = np.where(rules.ours_inside, 0, 1)
        shown = measured[role, count_inside(rules, our_test), count_inside(rules, their_test)]
        total += np.maximum(shown, 0.0)
    return total / 2


def certified_epsilon(
    unlearned: ArrayLike,
    retrained: ArrayLike,
    *,
    confidence: float = CONFIDENCE,
    seed: int,
    simultaneous: bool = True,
) -> FloatArray:
    """Return a lower bound of each forget example's epsilon, in nats, that holds with confidence.

    A rule is chosen on one random half of both populations; on the other half its two
    error rates are bounded from above (Clopper and Pearson 1934), each at half of the error
    allowed, and the bounds are put into the formula of epsilon. The rule chosen is that
    whose bound on the first half would be largest.

    No distribution is assumed, only that models are independent runs; examples may depend on
    one another in any way. With ``simultaneous`` all the bounds hold together with the
    confidence, each example being allowed its equal part of the error (Bonferroni): if the
    unlearned models are distributed as the references are, *all* bounds are 0 with at
    least this probability. Without, each bound holds by itself, and among 700 examples some
    will be wrong.

    Args:
        unlearned: Confidences under the unlearned models. Shape [n, examples], n >= 2.
        retrained: Confidences under the references. Shape [m, examples], m >= 2.
        confidence: Probability with which the bounds hold, in (0, 1).
        seed: Of the random halves.
        simultaneous: Whether they hold for all examples together.

    Returns:
        Shape [examples], 0 or more: 0 where nothing is certain. At n = 512 a shift of two
        sigma gives about 2.2 by itself and 1.4 among 700 examples.

    Raises:
        ValueError: the confidence is out of range, or as `published_epsilon` does.

    Source:
        Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the
        case of the binomial", Biometrika 26, 1934; for epsilon as in "Adversary
        Instantiation: Lower Bounds for Differentially Private Machine Learning", arXiv 2101.04535.
    """
    if not 0 < confidence < 1:
        raise ValueError(f"The confidence must lie between 0 and 1, but it is {confidence}.")
    ours, theirs = paired_confidences(unlearned, retrained, least=2)
    error = (1 - confidence) / 2 / (ours.shape[1] if simultaneous else 1)
    our_halves, their_halves = _halves(ours, theirs, seed=seed)
    chosen, held = (
        _bounds(u.shape[0], r.shape[0], error=error) for u, r in zip(our_halves, their_halves, strict=True)
    )
    rules = choose_rules(our_halves[0], their_halves[0], worth=chosen)
    role = np.where(rules.ours_inside, 0, 1)
    bound = held[role, count_inside(rules, our_halves[1]), count_inside(rules, their_halves[1])]
    certain: FloatArray = np.maximum(bound, 0.0)
    return certain


def upper_bounds(models: int, *, error: float) -> FloatArray:
    """Return Clopper and Pearson's upper bound of a rate for 0, 1, ... ``models`` errors seen.

    Args:
        models: Number of trials, 1 or more.
        error: Probability with which the true rate may exceed its bound, in (0, 1).

    Returns:
        Shape [models + 1], rising to 1.
    """
    errors = np.arange(models)
    return np.append(betaincinv(errors + 1, models - errors, 1 - error), 1.0)


def _halves(
    ours: FloatArray, theirs: FloatArray, *, seed: int
) -> tuple[tuple[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]:
    """Return two random halves of each; of an odd number the second has one more."""
    rng = np.random.default_rng(seed)
    first, second = (sample[rng.permutation(sample.shape[0])] for sample in (ours, theirs))
    n, m = first.shape[0] // 2, second.shape[0] // 2
    return (first[:n], first[n:]), (second[:m], second[m:])


def _smoothed(n: int, m: int) -> FloatArray:
    """Return epsilon by role and counts inside, each rate kept from 0 and 1 by half a model."""
    ours, theirs = ((np.arange(size + 1) + 0.5) / (size + 1) for size in (n, m))
    return _by_role(ours_in=ours, ours_out=ours[::-1], theirs_in=theirs, theirs_out=theirs[::-1])


def _bounds(n: int, m: int, *, error: float) -> FloatArray:
    """Return the lower bound of epsilon by role and counts inside, negative where useless."""
    ours, theirs = upper_bounds(n, error=error), upper_bounds(m, error=error)
    return _by_role(ours_in=ours, ours_out=ours[::-1], theirs_in=theirs, theirs_out=theirs[::-1])


def _by_role(
    *, ours_in: FloatArray, ours_out: FloatArray, theirs_in: FloatArray, theirs_out: FloatArray
) -> FloatArray:
    """Return epsilon from (bounds of) the parts of each sample inside and outside, by counts inside.

    Expecting ours inside errs for ours that are outside and theirs that are inside.

    Returns:
        Shape [2, n + 1, m + 1], the first for ours inside; it may be negative.
    """
    return np.stack(
        [
            _epsilon(ours_out[:, np.newaxis], theirs_in[np.newaxis, :]),
            _epsilon(ours_in[:, np.newaxis], theirs_out[np.newaxis, :]),
        ]
    )


def _epsilon(one_rate: FloatArray, other_rate: FloatArray) -> FloatArray:
    """Return epsilon from two positive error rates, not raised to 0; -inf where both are near 1."""
    tiny = np.finfo(np.float64).tiny
    epsilon: FloatArray = np.maximum(
        np.log(np.maximum(1 - DELTA - one_rate, tiny)) - np.log(other_rate),
        np.log(np.maximum(1 - DELTA - other_rate, tiny)) - np.log(one_rate),
    )
    return epsilon
