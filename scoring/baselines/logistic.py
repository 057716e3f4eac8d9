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
    solvers = [_Solver() for _ in features]
    asking = np.array([fit for fit, solver in enumerate(solvers) if solver.proceeds()], dtype=np.intp)
    objective = _Objective(features, positive)
    while asking.size:
        values, gradients = objective(np.array([solvers[fit].weights for fit in asking]))
        still = np.array(
            [
                solvers[fit].proceeds(value, gradient)
                for fit, value, gradient in zip(asking, values, gradients, strict=True)
            ]
        )
        if not still.all():
            asking = asking[still]
            objective = _Objective(features[asking], positive[asking])
    return np.array([solver.weights for solver in solvers])


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
        np.add(np.multiply(slope, feature, out=odds), intercept, out=odds)
        if weights.any():
            np.exp(np.negative(np.abs(odds, out=shrunk), out=shrunk), out=shrunk)  # at most 1: no overflow
            np.log1p(shrunk, out=terms)
        else:  # the start, one evaluation of about five, for which all odds are 0
            shrunk.fill(1.0)
            terms.fill(np.log1p(1.0))
        losses = np.add(terms, np.maximum(odds, 0.0, out=excess), out=terms)
        losses -= np.multiply(target, odds, out=excess)
        sums = np.add.reduce(losses, axis=1)
        denominator = np.add(1, shrunk, out=terms)
        np.divide(np.where(odds >= 0, 1.0, shrunk), denominator, out=excess)
        np.subtract(excess, target, out=excess)
        product = np.multiply(excess, feature, out=terms)
        gradients = np.empty(weights.shape)
        gradients[:, 0] = (np.add.reduce(product, axis=1) + weights[:, 0]) / examples
        gradients[:, 1] = np.add.reduce(excess, axis=1) / examples
        slopes = weights[:, 0].tolist()
        values = [
            total / examples + each**2 / (2 * examples)
            for total, each in zip(sums.tolist(), slopes, strict=True)
        ]
        return values, gradients


class _Solver:
    """One run of SciPy's L-BFGS-B, which asks for values instead of calling a function."""

    def __init__(self) -> None:
        """Begin at zero, without bounds."""
        n, m = 2, _CORRECTIONS
        self.weights = np.zeros(n)
        self._value, self._gradient, self._iterations = np.zeros(()), np.zeros(n), 0
        self._no_bounds = np.zeros(n), np.zeros(n), np.zeros(n, np.int32)
        self._task = np.zeros(2, np.int32)
        self._memory = (
            np.zeros(2 * m * n + 5 * n + 11 * m * m + 8 * m),
            np.zeros(3 * n, np.int32),
            self._task,
            np.zeros(4, np.int32),
            np.zeros(44, np.int32),
            np.zeros(29),
        )
        self._line_search = np.zeros(2, np.int32)

    def proceeds(self, value: float = 0.0, gradient: FloatArray | None = None) -> bool:
        """Return whether value and gradient at the weights are needed, which have changed then.

        Args:
            value: At the weights; not used by the first call.
            gradient: At the weights. Shape [2].
        """
        if gradient is not None:
            self._value[()], self._gradient[:] = value, gradient
        while True:
            _lbfgsb.setulb(
                _CORRECTIONS,
                self.weights,
                *self._no_bounds,
                self._value,
                self._gradient,
                _FUNCTION_TOLERANCE,
                _GRADIENT_TOLERANCE,
                *self._memory,
                _MAX_LINE_SEARCH_STEPS,
                self._line_search,
            )
            if self._task[0] != _NEW_ITERATION:
                return bool(self._task[0] == _EVALUATE)
            self._iterations += 1
            if self._iterations >= _MAX_ITERATIONS:
                self._task[:] = _STOP
