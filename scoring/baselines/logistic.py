"""Logistic regression on one feature, with the result of scikit-learn's default solver."""

from __future__ import annotations

from typing import Final

import numpy as np
import scipy
from numpy.typing import NDArray
from scipy.optimize import _lbfgsb, fmin_l_bfgs_b

from scoring.checks import FloatArray

_GRADIENT_TOLERANCE = 1e-4
_FUNCTION_TOLERANCE = 64.0  # times the distance from 1 to the next float64
_MAX_ITERATIONS = 100
_MAX_LINE_SEARCH_STEPS = 50
"""The four stopping criteria that `LogisticRegression()` of scikit-learn 1.9 passes to L-BFGS-B."""

_STEP_BY_STEP: Final = scipy.__version__.startswith("1.17.")
"""Whether SciPy's private routine is known to have the arguments with which `_Solver` calls it."""
_CORRECTIONS: Final = 10
_EVALUATE, _NEW_ITERATION, _STOP = 3, 1, (5, 504)
"""What the routine asks for, and how it is told that there were enough iterations."""


def fit_logistic(features: FloatArray, positive: NDArray[np.bool_]) -> FloatArray:
    """Return the slopes and intercepts that scikit-learn's ``LogisticRegression()`` computes.

    The objective is the mean of ``log(1 + exp(-t * (slope * x + intercept)))``, with t = 1 for
    positive examples and t = -1 for others, plus ``slope**2 / (2 * examples)``: an L2 penalty
    with C = 1 and a free intercept. The library itself is not called, because checking its
    arguments takes several times as long as the fit. The solver, its start at zero and its stopping
    criteria are the library's, so the result is too, even if it is not the minimum: if no gradient
    at the start exceeds 1e-4 (features that are all tiny) both values stay zero.

    Several fits are made in step, each as it would be alone: the objectives of all are computed at once.

    Args:
        features: Finite values of each fit. Shape [fits, examples].
        positive: Whether each example is positive; both kinds must occur. Shape [fits, examples].

    Returns:
        Slope and intercept of each fit. Shape [fits, 2].
    """
    with np.errstate(under="ignore"):
        return _in_step(features, positive) if _STEP_BY_STEP else _one_by_one(features, positive)


def _in_step(features: FloatArray, positive: NDArray[np.bool_]) -> FloatArray:
    weights, gradients = np.zeros((2, len(features), 2))
    values, no_bounds = np.zeros(len(features)), (np.zeros(2), np.zeros(2), np.zeros(2, np.int32))
    # The solvers read and write parts of these arrays: copies would take as long as they do.
    solvers = [
        _Solver(weights[fit], values[fit, ...], gradients[fit], no_bounds) for fit in range(len(features))
    ]
    asking = np.array([fit for fit, solver in enumerate(solvers) if solver.proceeds()], dtype=np.intp)
    objective = _Objective(features, positive)
    while asking.size:
        values[asking], gradients[asking] = objective(weights[asking])
        still = np.array([solvers[fit].proceeds() for fit in asking.tolist()])
        if not still.all():
            asking = asking[still]
            objective = _Objective(features[asking], positive[asking])
    return weights


def _one_by_one(features: FloatArray, positive: NDArray[np.bool_]) -> FloatArray:
    """Return the same through SciPy's public interface, which takes longer than the objective."""
    fits = []
    for fit in range(len(features)):
        objective = _Objective(features[fit : fit + 1], positive[fit : fit + 1])

        def of_one(weights: FloatArray, objective: _Objective = objective) -> tuple[float, FloatArray]:
            values, gradients = objective(weights[np.newaxis])
            return values[0], gradients[0]

        solution, _, _ = fmin_l_bfgs_b(
            of_one,
            np.zeros(2),
            maxiter=_MAX_ITERATIONS,
            maxls=_MAX_LINE_SEARCH_STEPS,
            pgtol=_GRADIENT_TOLERANCE,
            factr=_FUNCTION_TOLERANCE,
        )
        fits.append(solution)
    return np.array(fits)


class _Objective:
    """The objectives of several fits and their gradients."""

    def __init__(self, features: FloatArray, positive: NDArray[np.bool_]) -> None:
        """Take features and kinds. Both of shape [fits, examples]."""
        self._features, self._target = features, positive.astype(np.float64)
        # Written in place: new arrays would take about as long as the arithmetic.
        self._buffers = [np.empty(features.shape) for _ in range(4)]

    def __call__(self, weights: FloatArray) -> tuple[list[float], FloatArray]:
        """Return the values, and the gradients of shape [fits, 2].

        Args:
            weights: Slope and intercept of each fit. Shape [fits, 2].
        """
        feature, target, examples = self._features, self._target, self._features.shape[1]
        odds, shrunk, terms, excess = self._buffers
        slope, intercept = weights[:, :1], weights[:, 1:]
        if weights.any():
            np.add(np.multiply(slope, feature, out=odds), intercept, out=odds)
            np.exp(np.negative(np.abs(odds, out=shrunk), out=shrunk), out=shrunk)  # at most 1: no overflow
            losses = np.log1p(shrunk, out=terms)
            losses += np.maximum(odds, 0.0, out=excess)
            losses -= np.multiply(target, odds, out=excess)
            sums = np.add.reduce(losses, axis=1).tolist()
            denominator = np.add(1, shrunk, out=terms)
            np.divide(np.where(odds >= 0, 1.0, shrunk), denominator, out=excess)
            np.subtract(excess, target, out=excess)
        else:  # the start, one evaluation of about five, for which all odds are 0
            sums = [float(np.full(examples, np.log1p(1.0)).sum())] * len(weights)
            np.subtract(0.5, target, out=excess)
        product = np.multiply(excess, feature, out=terms)
        gradients = np.empty(weights.shape)
        gradients[:, 0] = (np.add.reduce(product, axis=1) + weights[:, 0]) / examples
        gradients[:, 1] = np.add.reduce(excess, axis=1) / examples
        slopes = weights[:, 0].tolist()
        values = [
            total / examples + each**2 / (2 * examples) for total, each in zip(sums, slopes, strict=True)
        ]
        return values, gradients


class _Solver:
    """One run of SciPy's L-BFGS-B, which asks for values instead of calling a function."""

    def __init__(
        self,
        weights: FloatArray,
        value: FloatArray,
        gradient: FloatArray,
        no_bounds: tuple[FloatArray, FloatArray, NDArray[np.int32]],
    ) -> None:
        """Begin at weights of zero.

        Args:
            weights: Where value and gradient are asked for; the solver changes them. Shape [2].
            value: At the weights. The caller changes it. Shape [].
            gradient: At the weights. The caller changes it. Shape [2].
            no_bounds: Zeros, which all solvers may share. Shapes [2].
        """
        n, m = 2, _CORRECTIONS
        self._iterations = 0
        self._task = np.zeros(2, np.int32)
        self._arguments = (
            *(_CORRECTIONS, weights, *no_bounds, value, gradient, _FUNCTION_TOLERANCE, _GRADIENT_TOLERANCE),
            np.zeros(2 * m * n + 5 * n + 11 * m * m + 8 * m),
            np.zeros(3 * n, np.int32),
            self._task,
            np.zeros(4, np.int32),
            np.zeros(44, np.int32),
            np.zeros(29),
            _MAX_LINE_SEARCH_STEPS,
            np.zeros(2, np.int32),
        )

    def proceeds(self) -> bool:
        """Return whether value and gradient at the weights are needed, which have changed then."""
        while True:
            _lbfgsb.setulb(*self._arguments)
            if self._task[0] != _NEW_ITERATION:
                return bool(self._task[0] == _EVALUATE)
            self._iterations += 1
            if self._iterations >= _MAX_ITERATIONS:
                self._task[:] = _STOP
