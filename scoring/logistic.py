"""Which logistic curve over one feature fits best?"""

import numpy as np
from numpy.typing import NDArray

from scoring.arrays import FloatArray

_MOST_STEPS = 200
_MOST_HALVINGS = 40
_PRECISION = 1e-12
"""Of the decrement that Newton's method promises, relative to the number of examples."""


def fit_logistic(feature: FloatArray, positive: NDArray[np.bool_]) -> tuple[FloatArray, FloatArray]:
    """Return slope and intercept of each problem's penalised maximum likelihood, many at once.

    Minimised is ``slope**2 / 2 + sum of log(1 + exp(-t * (slope * x + intercept)))`` with t of
    1 for positive examples and -1 for others: logistic regression with an L2 penalty, C = 1
    and a free intercept. It is strictly convex where both kinds of example occur, so its
    minimum is one; Newton's method with step halving finds it to rounding.

    Args:
        feature: Finite. Shape [problems, examples].
        positive: Of the same shape; both kinds must occur in each problem.

    Returns:
        Slope and intercept, each of shape [problems].
    """
    sign = np.where(positive, 1.0, -1.0)
    # A feature of mean 0 and deviation 1 keeps the 2 x 2 systems well conditioned.
    centre = feature.mean(axis=1)
    scale = feature.std(axis=1)
    scale = np.where(scale > 1e-12 * np.maximum(1.0, np.abs(centre)), scale, 1.0)
    x = (feature - centre[:, np.newaxis]) / scale[:, np.newaxis]
    # In terms of x the slope is scale times as large; its penalty must stay what it was.
    penalty = scale**-2.0
    signed = np.stack([sign * x, sign])  # [2, problems, examples]
    weights = np.zeros((2, feature.shape[0]))
    objective = _objective(weights, signed, penalty)
    for _ in range(_MOST_STEPS):
        odds = weights[0][:, np.newaxis] * signed[0] + weights[1][:, np.newaxis] * signed[1]
        with np.errstate(over="ignore", under="ignore"):
            wrong = 1 / (1 + np.exp(odds))
        gradient = -(signed * wrong).sum(axis=2)
        gradient[0] += penalty * weights[0]
        doubt = wrong * (1 - wrong)
        by_slope = (doubt * x * x).sum(axis=1) + penalty
        mixed = (doubt * x).sum(axis=1)
        by_intercept = doubt.sum(axis=1) + 1e-300
        determinant = np.maximum(by_slope * by_intercept - mixed**2, 1e-300)
        step = np.stack(
            [by_intercept * gradient[0] - mixed * gradient[1], by_slope * gradient[1] - mixed * gradient[0]]
        )
        step /= determinant
        promised = (gradient * step).sum(axis=0)
        if (promised <= _PRECISION * x.shape[1]).all():
            weights -= step
            break
        weights, objective = _descend(
            weights, step, objective=objective, promised=promised, signed=signed, penalty=penalty
        )
    slope = weights[0] / scale
    return slope, weights[1] - slope * centre


def _descend(
    weights: FloatArray,
    step: FloatArray,
    *,
    objective: FloatArray,
    promised: FloatArray,
    signed: FloatArray,
    penalty: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Return weights and objective after the longest of the steps 1, 1/2, 1/4, ... that helps."""
    length = np.ones(objective.size)
    for _ in range(_MOST_HALVINGS):
        tried = weights - length * step
        found = _objective(tried, signed, penalty)
        # The last term forgives rounding where nothing is left to gain.
        enough = found <= objective - 0.25 * length * promised + 1e-14 * np.abs(objective)
        if enough.all():
            break
        length = np.where(enough, length, length / 2)
    return tried, found


def _objective(weights: FloatArray, signed: FloatArray, penalty: FloatArray) -> FloatArray:
    """Return the penalised negative log likelihood of each problem."""
    odds = weights[0][:, np.newaxis] * signed[0] + weights[1][:, np.newaxis] * signed[1]
    with np.errstate(over="ignore", under="ignore"):
        losses: FloatArray = np.logaddexp(0.0, -odds).sum(axis=1)
    losses += penalty * weights[0] ** 2 / 2
    return losses
