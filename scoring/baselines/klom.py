"""KLoM: the divergence of an example's binned margins from those of retrained models."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from scoring.checks import FloatArray, finite_array
from scoring.samples import paired_confidences

BINS = 20
"""Number of bins, of equal width, over the range of both samples of one example together."""

MAX_MARGIN = 100.0
"""Margins are clipped to [-100, 100] before binning."""

SMOOTHING = 1e-5
"""Minimum probability of the retrained side in a bin that contains unlearned models."""

PERCENTILES = (5.0, 50.0, 95.0, 99.0)
"""Default percentiles over the examples; the paper shows the 95th and 99th."""


def klom(unlearned_margins: ArrayLike, retrained_margins: ArrayLike) -> FloatArray:
    """Return KL(unlearned || retrained) of each example's binned margins, in nats.

    In this direction a mode that only unlearned models have costs up to 11.5, and a mode that
    only retrained models have costs little. Decisions:

    * the 20 bins are closed on the left, the last on both sides (the authors' code
      loses the largest margin of all, so its values differ by about one model in n + m);
    * in bins with unlearned models the retrained probability is at least 1e-5; then it is
      normalized again, so that no divergence is negative;
    * if all margins of an example are equal there is one bin, and the divergence is 0.

    Args:
        unlearned_margins: Margins of the unlearned models, see `scoring.baselines.margin`; the
            logit-scaled confidences can be used instead. Shape [n, examples], n >= 2.
        retrained_margins: Margins of the references. Shape [m, examples], m >= 2; m may differ from n.

    Returns:
        Shape [examples], in [0, 11.52]; 0 means equal, lower is better.

    Raises:
        ValueError: a shape is wrong, the numbers of examples differ, a side has fewer than two
            models, or a value is NaN or infinite.

    Source:
        KLoM in "Attribute-to-Delete: Machine Unlearning via Datamodel Matching", arXiv
        2410.23232, appendix E.1; the smoothing as in the authors' data-unlearning-bench.
    """
    unlearned, retrained = paired_confidences(
        _clipped(unlearned_margins, name="unlearned"), _clipped(retrained_margins, name="retrained")
    )
    lows = np.minimum(unlearned.min(axis=0), retrained.min(axis=0))
    highs = np.maximum(unlearned.max(axis=0), retrained.max(axis=0))
    divergence = np.zeros(lows.size)
    for example in np.flatnonzero(highs > lows):
        edges = np.linspace(lows[example], highs[example], BINS + 1)
        p, q = (
            np.histogram(side[:, example], bins=edges)[0] / side.shape[0] for side in (unlearned, retrained)
        )
        used = p > 0
        q[used] = np.maximum(q[used], SMOOTHING)
        q /= q.sum()
        divergence[example] = np.sum(p[used] * np.log(p[used] / q[used]))
    # Rounding may leave two equal histograms some 1e-17 below zero.
    return np.maximum(divergence, 0.0)


def klom_percentiles(divergence: ArrayLike, percentiles: Sequence[float] = PERCENTILES) -> FloatArray:
    """Return percentiles over the examples, by linear interpolation. Shape [percentiles].

    Args:
        divergence: Divergences from `klom`. Shape [examples].
        percentiles: In [0, 100].

    Raises:
        ValueError: the shape is wrong, a value is NaN or infinite, or a percentile is out
            of range.
    """
    values = finite_array(divergence, name="The divergences", axes=("examples",))
    requested = finite_array(percentiles, name="The percentiles", axes=("percentiles",))
    if requested.min() < 0 or requested.max() > 100:
        raise ValueError("Every percentile must lie in [0, 100], but one does not.")
    return np.asarray(np.percentile(values, requested), dtype=np.float64)


def _clipped(margins: ArrayLike, *, name: str) -> FloatArray:
    """Return the margins clipped to their bounds; an infinite margin is an error, not clipped."""
    values = finite_array(margins, name=f"The {name} margins", axes=("models", "examples"))
    return np.clip(values, -MAX_MARGIN, MAX_MARGIN)
