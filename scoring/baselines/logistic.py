"""Logistic regression on one feature, with the result of scikit-learn's default solver."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from scoring.checks import FloatArray

_GRADIENT_TOLERANCE = 1e-4
_FUNCTION_TOLERANCE = 64 * np.finfo(np.float64).eps
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

    def objective(weights: FloatArray) -> tuple[float, FloatArray]:
        odds = weights[0] * feature + weights[1]
        shrunk = np.exp(-np.abs(odds))  # at most 1, so nothing overflows
        losses = np.log1p(shrunk) + np.maximum(odds, 0.0) - target * odds
        excess = np.where(odds >= 0, 1.0, shrunk) / (1 + shrunk) - target
        value = losses.mean() + weights[0] ** 2 / (2 * examples)
        slope = ((excess * feature).sum() + weights[0]) / examples
        return float(value), np.array([slope, excess.mean()])

    with np.errstate(under="ignore"):
        solution = minimize(
            objective,
            np.zeros(2),
            method="L-BFGS-B",
            jac=True,
            options={
                "maxiter": _MAX_ITERATIONS,
                "maxls": _MAX_LINE_SEARCH_STEPS,
                "gtol": _GRADIENT_TOLERANCE,
                "ftol": _FUNCTION_TOLERANCE,
            },
        )
    return float(solution.x[0]), float(solution.x[1])
