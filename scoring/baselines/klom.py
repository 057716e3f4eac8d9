"""How much does the distribution of an example's margin differ from the retrained one?"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from scoring.checks import FloatArray, finite_array
from scoring.samples import paired_confidences

BINS = 20
"""Of equal width, over the range of both samples of one example together."""

LARGEST_MARGIN = 100.0
"""Margins are clipped to this, either way, before there are bins."""

SMOOTHING = 1e-5
"""The least probability that the retrained side gives to a bin that unlearned models use."""

PERCENTILES = (5.0, 50.0, 95.0, 99.0)
"""Over the examples; the paper shows the 95th and 99th."""


def klom(unlearned_margins: ArrayLike, retrained_margins: ArrayLike) -> FloatArray:
    """Return KL(unlearned || retrained) of each example's binned margins, in nats.

    The direction asks: where unlearned models put mass, do retrained ones too? A mode that
    only retrained models have costs little, one that only unlearned models have costs up to
    11.5. Decisions:

    * the 20 bins are closed on the left, the last on both sides (the authors' code
      loses the largest margin of all, so its values differ by about one model in n + m);
    * where unlearned models fall, the retrained probability is at least 1e-5; then it is
      divided by its sum again, so that no divergence is negative;
    * where all margins of an example are equal there is one bin, and the divergence is 0.

    Args:
        unlearned_margins: Of the unlearned models, see `scoring.baselines.margin`; the logit-scaled
            confidences serve as well. Shape [n, examples], n >= 2.
        retrained_margins: Of the references. Shape [m, examples], m >= 2; m may differ from n.

    Returns:
        Shape [examples], in [0, 11.52]; 0 is equal, lower is better.

    Raises:
        ValueError: a shape is wrong, the examples differ in number, fewer than two models
            stand on a side, or a value is NaN or infinite.

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
        ours, theirs = (
            np.histogram(side[:, example], bins=edges)[0] / side.shape[0] for side in (unlearned, retrained)
        )
        used = ours > 0
        theirs[used] = np.maximum(theirs[used], SMOOTHING)
        theirs /= theirs.sum()
        divergence[example] = np.sum(ours[used] * np.log(ours[used] / theirs[used]))
    # Rounding may leave two equal histograms some 1e-17 below zero.
    return np.maximum(divergence, 0.0)


def klom_percentiles(divergence: ArrayLike, percentiles: Sequence[float] = PERCENTILES) -> FloatArray:
    """Return percentiles over the examples, by linear interpolation. Shape [percentiles].

    Args:
        divergence: As `klom` returns it. Shape [examples].
        percentiles: In [0, 100].

    Raises:
        ValueError: the shape is wrong, a value is NaN or infinite, or a percentile is out
            of range.
    """
    values = finite_array(divergence, name="The divergences", axes=("examples",))
    asked = finite_array(percentiles, name="The percentiles", axes=("percentiles",))
    if asked.min() < 0 or asked.max() > 100:
        raise ValueError("Every percentile must lie in [0, 100], but one does not.")
    return np.asarray(np.percentile(values, asked), dtype=np.float64)


def _clipped(margins: ArrayLike, *, name: str) -> FloatArray:
    """Return the margins within their bounds; only finite ones may be clipped."""
    values = finite_array(margins, name=f"The {name} margins", axes=("models", "examples"))
    return np.clip(values, -LARGEST_MARGIN, LARGEST_MARGIN)
