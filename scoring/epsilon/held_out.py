"""Epsilons measured on models that the attack was not chosen on."""

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

    Both populations are divided at random into halves. The best rule on the first halves
    (any interval, either sample expected inside) is measured on the second halves, then the
    roles are exchanged, and the two results are averaged. A rate is ``(errors + 1/2) / (models + 1)``,
    so that no rate is zero and no rule is discarded; the same rates are used to choose the rule. Which
    sample is expected inside is part of the rule: a rule that fails on the second half
    shows 0.

    Under the null the mean is 0.25 to 0.3 at n = 512, where the published epsilon, chosen and
    measured on the same models, shows 1.54. It is not 0, because negative values count as 0.

    Args:
        unlearned: Confidences under the unlearned models. Shape [n, examples], n >= 2.
        retrained: Confidences under the references. Shape [m, examples], m >= 2.
        seed: Seed of the random halves.

    Returns:
        Shape [examples], in [0, log(max(n, m) + 2)]; perfectly separated samples of n = m
        models, n even, show log(n + 1).

    Raises:
        ValueError: as in `published_epsilon`.
    """
    unlearned, retrained = paired_confidences(unlearned, retrained)
    unlearned_halves, retrained_halves = _halves(unlearned, retrained, seed=seed)
    total = np.zeros(unlearned.shape[1])
    for half in (0, 1):
        unlearned_choice, retrained_choice = unlearned_halves[half], retrained_halves[half]
        unlearned_test, retrained_test = unlearned_halves[1 - half], retrained_halves[1 - half]
        rules = choose_rules(
            unlearned_choice,
            retrained_choice,
            worth=_smoothed(unlearned_choice.shape[0], retrained_choice.shape[0]),
        )
        measured = _smoothed(unlearned_test.shape[0], retrained_test.shape[0])
        role = np.where(rules.unlearned_inside, 0, 1)
        epsilon = measured[role, count_inside(rules, unlearned_test), count_inside(rules, retrained_test)]
        total += np.maximum(epsilon, 0.0)
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

    A rule is chosen on one random half of both populations. On the other half its two
    error rates are bounded from above (Clopper and Pearson 1934), each at half of the allowed
    error probability, and the bounds are inserted into the formula of epsilon. The chosen rule is the
    one with the largest bound on the first half.

    No distribution is assumed, only that models are independent runs; examples may depend on
    one another in any way. With ``simultaneous`` all bounds hold together with the
    stated confidence, because each example gets an equal part of the error probability (Bonferroni): if
    the unlearned models have the distribution of the references, *all* bounds are 0 with at
    least this probability. Without it, each bound holds by itself, and among 700 examples some
    will be wrong.

    Args:
        unlearned: Confidences under the unlearned models. Shape [n, examples], n >= 2.
        retrained: Confidences under the references. Shape [m, examples], m >= 2.
        confidence: Probability with which the bounds hold, in (0, 1).
        seed: Seed of the random halves.
        simultaneous: Whether the bounds hold for all examples together.

    Returns:
        Shape [examples], 0 or more: 0 where no epsilon is certain. At n = 512 a shift of two
        sigma gives about 2.2 by itself and 1.4 among 700 examples.

    Raises:
        ValueError: the confidence is out of range, or as in `published_epsilon`.

    Source:
        Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the
        case of the binomial", Biometrika 26, 1934; for epsilon as in "Adversary
        Instantiation: Lower Bounds for Differentially Private Machine Learning", arXiv 2101.04535.
    """
    if not 0 < confidence < 1:
        raise ValueError(f"The confidence must lie between 0 and 1, but it is {confidence}.")
    unlearned, retrained = paired_confidences(unlearned, retrained)
    error = (1 - confidence) / 2 / (unlearned.shape[1] if simultaneous else 1)
    unlearned_halves, retrained_halves = _halves(unlearned, retrained, seed=seed)
    bounds_first, bounds_second = (
        _bounds(u.shape[0], r.shape[0], error=error)
        for u, r in zip(unlearned_halves, retrained_halves, strict=True)
    )
    rules = choose_rules(unlearned_halves[0], retrained_halves[0], worth=bounds_first)
    role = np.where(rules.unlearned_inside, 0, 1)
    bound = bounds_second[
        role, count_inside(rules, unlearned_halves[1]), count_inside(rules, retrained_halves[1])
    ]
    certain: FloatArray = np.maximum(bound, 0.0)
    return certain


def upper_bounds(models: int, *, error: float) -> FloatArray:
    """Return Clopper and Pearson's upper bound of a rate for 0, 1, ... ``models`` observed errors.

    Args:
        models: Number of trials, 1 or more.
        error: Probability with which the true rate may exceed its bound, in (0, 1).

    Returns:
        Shape [models + 1], rising to 1.
    """
    errors = np.arange(models)
    return np.append(betaincinv(errors + 1, models - errors, 1 - error), 1.0)


def _halves(
    unlearned: FloatArray, retrained: FloatArray, *, seed: int
) -> tuple[tuple[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]:
    """Return two random halves of each sample; if the size is odd, the second half has one more."""
    rng = np.random.default_rng(seed)
    first, second = (sample[rng.permutation(sample.shape[0])] for sample in (unlearned, retrained))
    n, m = first.shape[0] // 2, second.shape[0] // 2
    return (first[:n], first[n:]), (second[:m], second[m:])


def _smoothed(n: int, m: int) -> FloatArray:
    """Return epsilon by role and counts inside; half a model is added so that no rate is 0 or 1."""
    unlearned, retrained = ((np.arange(size + 1) + 0.5) / (size + 1) for size in (n, m))
    return _by_role(
        unlearned_in=unlearned,
        unlearned_out=unlearned[::-1],
        retrained_in=retrained,
        retrained_out=retrained[::-1],
    )


def _bounds(n: int, m: int, *, error: float) -> FloatArray:
    """Return the lower bound of epsilon by role and counts inside; negative where it is useless."""
    unlearned, retrained = upper_bounds(n, error=error), upper_bounds(m, error=error)
    return _by_role(
        unlearned_in=unlearned,
        unlearned_out=unlearned[::-1],
        retrained_in=retrained,
        retrained_out=retrained[::-1],
    )


def _by_role(
    *,
    unlearned_in: FloatArray,
    unlearned_out: FloatArray,
    retrained_in: FloatArray,
    retrained_out: FloatArray,
) -> FloatArray:
    """Return epsilon by role and counts inside, from (bounds of) the shares of each sample.

    A rule that expects the unlearned sample inside errs on unlearned members outside and on retrained
    members inside.

    Returns:
        Shape [2, n + 1, m + 1], the first for the unlearned sample inside; values may be negative.
    """
    return np.stack(
        [
            _epsilon(unlearned_out[:, np.newaxis], retrained_in[np.newaxis, :]),
            _epsilon(unlearned_in[:, np.newaxis], retrained_out[np.newaxis, :]),
        ]
    )


def _epsilon(first_rate: FloatArray, second_rate: FloatArray) -> FloatArray:
    """Return epsilon of two positive error rates; it may be negative, about -700 if both are near 1."""
    tiny = np.finfo(np.float64).tiny
    epsilon: FloatArray = np.maximum(
        np.log(np.maximum(1 - DELTA - first_rate, tiny)) - np.log(second_rate),
        np.log(np.maximum(1 - DELTA - second_rate, tiny)) - np.log(first_rate),
    )
    return epsilon
