"""Confidences of many models, sorted once for each example, and samples of some of these models.

A part of a sorted sequence is sorted too, so the metric on many parts of the same models (random halves)
sorts only once.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scoring.checks import CountArray, FloatArray


class SortedSamples(NamedTuple):
    """Two samples of each example, merged into one sorted sequence."""

    values: FloatArray
    """All confidences, ascending. Shape [examples, first + second]."""

    is_first: NDArray[np.bool_]
    """Whether each value is of the first sample. The order within a tie is arbitrary. Same shape."""


class SortedModels:
    """Models whose confidences are sorted for each example."""

    def __init__(self, confidences: FloatArray) -> None:
        """Sort the confidences, of shape [models, examples]; this takes twice their memory."""
        columns = np.ascontiguousarray(confidences.T)
        self._model = np.argsort(columns, axis=1)
        self._values = np.take_along_axis(columns, self._model, axis=1)

    def __len__(self) -> int:
        """Return the number of models."""
        return int(self._values.shape[1])

    def samples(self, first: CountArray, second: CountArray) -> SortedSamples:
        """Return two samples of the models.

        Args:
            first: Positions of the first sample's models. Shape [first].
            second: Of the second sample's models; no position may occur twice. Shape [second].
        """
        examples = len(self._values)
        sample_of_model = np.zeros(len(self), dtype=np.uint8)
        sample_of_model[first], sample_of_model[second] = 1, 2
        sample = sample_of_model.take(self._model)
        taken = np.flatnonzero(sample > 0).reshape(examples, -1)  # faster than a mask of truth values
        return SortedSamples(values=self._values.take(taken), is_first=sample.take(taken) == 1)
