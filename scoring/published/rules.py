"""The epsilon (privacy loss) that one decision rule demonstrates by its error rates."""

import numpy as np
from numpy.typing import ArrayLike

from scoring.checks import FloatArray, finite_array

DELTA = 1e-5
"""Probability with which the guarantee may fail, in the published metric."""


def epsilon_of_rules(fpr: ArrayLike, fnr: ArrayLike, *, delta: float = DELTA) -> FloatArray:
    """Return the epsilon that each decision rule demonstrates, in nats.

    It is ``max(log(1 - delta - fpr) - log(fnr), log(1 - delta - fnr) - log(fpr))`` and at
    least 0. The published metric decides three special cases:

    * both rates are zero: infinite, because the rule never errs;
    * exactly one rate is zero: discarded, as a sign of too few samples;
    * a logarithm of a negative number (a rate above ``1 - delta``, so in practice a rate
      of 1): that side is ignored, and if both sides are ignored the rule is discarded.

    Args:
        fpr: False-positive rate of each rule, in [0, 1]. Shape [rules].
        fnr: False-negative rate of each rule, in [0, 1]. Shape [rules].
        delta: Probability with which the guarantee may fail, in [0, 1).

    Returns:
        Shape [rules]: ``inf`` if the rule never errs, ``nan`` if it is
        discarded. Swapping the two rates changes nothing.

    Raises:
        ValueError: the shapes differ, a rate or ``delta`` is out of range, or there are no rules.

    Source:
        Equation 1 and Algorithm 1 of "Evaluation for the NeurIPS Machine Unlearning
        Competition", August 2023; the three cases from `metric.py` of
        google-deepmind/unlearning_evaluation at ffae0ff, which computes in float32.
    """
    if not 0 <= delta < 1:
        raise ValueError(f"Delta must lie in [0, 1), but it is {delta}.")
    false_positive = finite_array(fpr, name="The false-positive rates", axes=("rules",))
    false_negative = finite_array(fnr, name="The false-negative rates", axes=("rules",))
    if false_positive.shape != false_negative.shape:
        raise ValueError(
            "The numbers of false-positive and false-negative rates must be equal, not "
            f"{false_positive.size} and {false_negative.size}."
        )
    for rates in (false_positive, false_negative):
        if rates.min() < 0 or rates.max() > 1:
            raise ValueError("Every rate must lie in [0, 1], but one does not.")

    with np.errstate(invalid="ignore", divide="ignore"):
        epsilon: FloatArray = np.fmax(  # fmax ignores a NaN on one side
            np.log(1 - delta - false_positive) - np.log(false_negative),
            np.log(1 - delta - false_negative) - np.log(false_positive),
        )
    epsilon = np.maximum(epsilon, 0.0)  # maximum preserves the NaN of both
    no_false_positive = false_positive == 0
    no_false_negative = false_negative == 0
    epsilon[no_false_positive ^ no_false_negative] = np.nan
    epsilon[no_false_positive & no_false_negative] = np.inf
    return epsilon
