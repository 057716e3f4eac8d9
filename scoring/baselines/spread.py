"""Mean, deviation, minimum and maximum of values over the models."""

from dataclasses import dataclass

import numpy as np

from scoring.checks import FloatArray, read_only_copy


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Spread:
    """Four statistics over the models, for each position of an array; read-only float64.

    A position without a value (a class without examples) is NaN in all four.
    """

    mean: FloatArray
    """Arithmetic mean over the models."""

    deviation: FloatArray
    """Standard deviation over the models (divided by n - 1); NaN for a single model."""

    least: FloatArray
    """Minimum over the models."""

    most: FloatArray
    """Maximum over the models."""


def spread_over_models(values: FloatArray) -> Spread:
    """Return the spread over the first axis, the axis of the models.

    Args:
        values: Shape [models, ...], at least one model.
    """
    models = values.shape[0]
    deviation = values.std(axis=0, ddof=1) if models > 1 else np.full(values.shape[1:], np.nan)
    return Spread(
        mean=read_only_copy(np.asarray(values.mean(axis=0))),
        deviation=read_only_copy(np.asarray(deviation)),
        least=read_only_copy(np.asarray(values.min(axis=0))),
        most=read_only_copy(np.asarray(values.max(axis=0))),
    )
