"""Logistic regression on one feature, with the result of scikit-learn's default solver."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import fmin_l_bfgs_b

from scoring.checks import FloatArray

_GRADIENT_TOLERANCE = 1e-4
_FUNCTION_TOLERANCE = 64.0  # times the distance from 1 to the next float64
_MAX_ITERATIONS = 100
_MAX_LINE_SEARCH_STEPS = 50
"""The four stopping criteria that `LogisticRegression()` of scikit-learn 1.9 passes to L-BFGS-B."""


def fit_logistic(feature: FloatArray, positive: NDArray[np.bool_]) -> tuple[float, float]:
    """Return the slope and intercept that scikit-learn's ``LogisticRegression()`` computes.

    The objective is the mean of ``log(1 + exp(-t * (slope * x + intercept)))``, with t = 1 for
    positive examples and t = -1 for others, plus ``slope**2 / (2 * examples)``: an L2 penalty
    with C = 1 and a free intercept. The library itself is not called, because checking its
    arguments takes several times as long as the fit. The solver, its start at zero and its stopping
    criteria are the library's, so the result is too, even if it is not the minimum: if no gradient
    at the start exceeds 1e-4 (features that are all tiny) both values stay zero.

    Args:
        feature: Finite values. Shape [examples].
        positive: Whether each example is positive; both kinds must occur. Shape [examples].
    """
    examples = feature.size
    target = positive.astype(np.float64)

    # Written in place: new arrays would take about as long as the arithmetic.
    odds, shrunk, terms, excess = (np.empty(examples) for _ in range(4))
    latest: list[tuple[list[float], FloatArray]] = []

    def objective(weights: FloatArray) -> float:
        slope, intercept = weights.tolist()
        np.add(np.multiply(slope, feature, out=odds), intercept, out=odds)
        np.exp(np.negative(np.abs(odds, out=shrunk), out=shrunk), out=shrunk)  # at most 1: no overflow
        losses = np.add(np.log1p(shrunk, out=terms), np.maximum(odds, 0.0, out=excess), out=terms)
        losses -= np.multiply(target, odds, out=excess)
        value = np.add.reduce(losses) / examples + slope**2 / (2 * examples)
        denominator = np.add(1, shrunk, out=terms)
        np.divide(np.where(odds >= 0, 1.0, shrunk), denominator, out=excess)
        np.subtract(excess, target, out=excess)
        product = np.multiply(excess, feature, out=terms)
        gradient = (np.add.reduce(product) + slope) / examples, np.add.reduce(excess) / examples
        latest[:] = [([slope, intercept], np.array(gradient))]
        return float(value)

    def gradient_of_objective(weights: FloatArray) -> FloatArray:
        # The solver has just asked for the value at the same point. SciPy would remember that too, slowly.
        if latest[0][0] != weights.tolist():
            objective(weights)
        return latest[0][1]

    with np.errstate(under="ignore"):
        solution, _, _ = fmin_l_bfgs_b(
            objective,
            np.zeros(2),
            gradient_of_objective,
            maxiter=_MAX_ITERATIONS,
            maxls=_MAX_LINE_SEARCH_STEPS,
            pgtol=_GRADIENT_TOLERANCE,
            factr=_FUNCTION_TOLERANCE,
        )
    return float(solution[0]), float(solution[1])
