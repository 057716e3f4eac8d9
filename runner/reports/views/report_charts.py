"""What the charts of a report show, computed from outputs: shares of examples and models by bin."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from runner.reports.views.report_model import ConfidenceBin, EpsilonBin, ExamplePart

BIN_WIDTH: Final = 0.5
"""Of epsilon, in nats: `scoring.published.epsilon.forgetting_quality` halves the points from bin to bin."""
_OF_A_GROUP: Final = 4
"""Examples that are shown of each of three groups."""
_CONFIDENCE_BINS: Final = 24

Floats = NDArray[np.float64]


def epsilon_bins(epsilon: Floats, references: Floats | None, *, n: int) -> list[EpsilonBin]:
    """Return the shares of the forget examples by epsilon: each bin that earns points, and the rest.

    Args:
        epsilon: Published epsilons. Shape [examples].
        references: Epsilons of references against references, any shape; None if they are not known.
        n: Number of unlearned models, which determines the number of bins.
    """
    scored = int(math.ceil(math.log(n - 1)) / BIN_WIDTH)
    unlearned = _shares(epsilon, scored)
    behind = None if references is None else _shares(references.ravel(), scored)
    return [
        EpsilonBin(
            low=position * BIN_WIDTH,
            high=None if position == scored else (position + 1) * BIN_WIDTH,
            points=0.0 if position == scored else 2.0**-position,
            unlearned=unlearned[position],
            references=None if behind is None else behind[position],
        )
        for position in range(scored + 1)
    ]


def chosen_examples(
    *, unlearned: Floats, references: Floats, labels: NDArray[np.intp], epsilon: Floats, exact: Floats
) -> list[ExamplePart]:
    """Return up to twelve forget examples: the most exposed, those around the median, the least exposed.

    The order is by published epsilon, then by exact epsilon, then by position.

    Args:
        unlearned: Confidences. Shape [models, examples].
        references: Confidences. Shape [references, examples].
        labels: Classes. Shape [examples].
        epsilon: Published epsilons. Shape [examples].
        exact: Exact epsilons. Shape [examples].
    """
    order = np.lexsort((np.arange(epsilon.size), -exact, -epsilon))
    return [
        ExamplePart(
            index=int(at),
            label=int(labels[at]),
            group=group,
            epsilon=float(epsilon[at]),
            unlearned_median=float(np.median(unlearned[:, at])),
            references_median=float(np.median(references[:, at])),
            bins=confidence_bins(unlearned[:, at], references[:, at]),
        )
        for group, at in _groups(order)
    ]


def confidence_bins(unlearned: Floats, references: Floats) -> list[ConfidenceBin]:
    """Return the shares of both populations by confidence, in bins of equal width that cover both.

    Args:
        unlearned: Shape [models].
        references: Shape [references].
    """
    low = float(min(unlearned.min(), references.min()))
    high = float(max(unlearned.max(), references.max()))
    if high - low < 1e-6:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, _CONFIDENCE_BINS + 1)
    first, second = (np.histogram(values, edges)[0] / values.size for values in (unlearned, references))
    return [
        ConfidenceBin(
            low=float(edges[at]),
            high=float(edges[at + 1]),
            unlearned=float(first[at]),
            references=float(second[at]),
        )
        for at in range(_CONFIDENCE_BINS)
    ]


def _groups(order: NDArray[np.intp]) -> Iterator[tuple[str, int]]:
    """Yield the group and the position of each example that is shown; with few examples all of them."""
    count = order.size
    if count <= 3 * _OF_A_GROUP:
        sizes = [math.ceil(count / 3), count // 3, count - math.ceil(count / 3) - count // 3]
        starts = [0, sizes[0], sizes[0] + sizes[1]]
    else:
        sizes = [_OF_A_GROUP] * 3
        starts = [0, (count - _OF_A_GROUP) // 2, count - _OF_A_GROUP]
    for group, start, size in zip(("most exposed", "median", "least exposed"), starts, sizes, strict=True):
        yield from ((group, int(at)) for at in order[start : start + size])


def _shares(epsilon: Floats, scored: int) -> list[float]:
    position = np.minimum(np.floor(epsilon / BIN_WIDTH), scored).astype(int)
    counts = np.bincount(position, minlength=scored + 1)
    return [float(count) / epsilon.size for count in counts]
