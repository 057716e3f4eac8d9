"""Which logistic curve over one feature does scikit-learn's default solver arrive at?"""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from scoring.checks import FloatArray

_GRADIENT = 1e-4
_FUNCTION = 64 * np.finfo(np.float64).eps
_MOST_STEPS = 100
_MOST_TRIES = 50
"""The four at which `LogisticRegression()` of scikit-learn 1.9 has L-BFGS-B stop."""


def fit_logistic(feature: FloatArray, positive: NDArray[np.bool_]) -> tuple[float, float]:
    """Return slope and intercept as scikit-learn's ``LogisticRegression()`` finds them.

    Minimised is the mean of ``log(1 + exp(-t * (slope * x + intercept)))``, t being 1 for
    positive examples and -1 for others, plus ``slope**2 / (2 * examples)``: an L2 penalty
    with C = 1 and a free intercept. The library is not called, because checking its
    arguments takes several times as long as the fit. The solver, its start at zero and where
    it stops are the library's, and so the result is, minimum or not: where no gradient at the
    start exceeds 1e-4 (features that are all tiny) it stays at zero.

    Args:
        feature: Finite. Shape [examples].
        positive: Of the same shape; both kinds must occur.
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
        found = minimize(
            objective,
            np.zeros(2),
            method="L-BFGS-B",
            jac=True,
            options={"maxiter": _MOST_STEPS, "maxls": _MOST_TRIES, "gtol": _GRADIENT, "ftol": _FUNCTION},
        )
    return float(found.x[0]), float(found.x[1])
