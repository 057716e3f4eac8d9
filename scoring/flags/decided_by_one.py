"""Flag: a single checkpoint makes the published metric give up on an example."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scoring.checks import CountArray, FloatArray
from scoring.published.epsilon import EPSILON_CAP, PEAKY_RATIO, published_epsilon
from scoring.samples import paired_confidences


@dataclass(frozen=True, slots=True, kw_only=True)
class DecidedByOne:
    """Examples that have an epsilon of 50 only because one checkpoint's confidence is extreme."""

    side: Literal["unlearned", "retrained"]
    """Side of the checkpoint."""

    checkpoint: int
    """Position of the checkpoint on its side."""

    examples: tuple[int, ...]
    """Positions of the examples that are peaky for the metric because of the checkpoint, ascending."""

    epsilon_without: tuple[float, ...]
    """The published epsilon of each example without this checkpoint, in nats, in [0, 50]."""

    @property
    def is_decisive(self) -> bool:
        """Return whether the mean epsilon without the checkpoint, in whole nats, is below 50 at all."""
        return round(float(np.mean(self.epsilon_without))) < EPSILON_CAP

    @property
    def sentence(self) -> str:
        """The observation in one sentence."""
        side = "unlearned checkpoint" if self.side == "unlearned" else "reference"
        more = f" and {len(self.examples) - 1} more" if len(self.examples) > 1 else ""
        return (
            f"The epsilon of example {self.examples[0]}{more} depends on {side} {self.checkpoint} alone: it "
            f"is {EPSILON_CAP:.0f} with it and {np.mean(self.epsilon_without):.2f} on average without it."
        )


def find_decided_by_one(unlearned: ArrayLike, retrained: ArrayLike) -> tuple[DecidedByOne, ...]:
    """Return the checkpoints that alone make examples peaky; the checkpoint with the most examples first.

    An example is peaky, and its epsilon is 50 without any attack, if one sample's range is under 1 % of
    the other's. One extreme confidence can stretch a range that far. The reported checkpoint is the one
    at an end of the larger range without which the rule does not apply. If this holds for both ends, it is
    the one whose removal leaves the ranges more alike. The rule does not apply either if without the
    checkpoint both samples are constant. Two extreme checkpoints at the same end, or a side with only two
    models, give no flag.

    Args:
        unlearned: Confidences under the unlearned models. Shape [n, examples], n >= 2.
        retrained: Confidences under the references. Shape [m, examples], m >= 2.

    Raises:
        ValueError: as in `scoring.published.epsilon.published_epsilon`.
    """
    unlearned, retrained = paired_confidences(unlearned, retrained)
    ranges = np.ptp(unlearned, axis=0), np.ptp(retrained, axis=0)
    findings: list[DecidedByOne] = []
    sides: tuple[tuple[Literal["unlearned", "retrained"], FloatArray, FloatArray], ...] = (
        ("unlearned", unlearned, ranges[1]),
        ("retrained", retrained, ranges[0]),
    )
    for name, side, other_range in sides:
        if len(side) < 3:
            continue
        examples = np.flatnonzero(
            _peaky(other_range, np.ptp(side, axis=0)) & (np.ptp(side, axis=0) > other_range)
        )
        culprit = _culprit(side[:, examples], other_range[examples])
        examples, culprit = examples[culprit >= 0], culprit[culprit >= 0]
        if examples.size == 0:
            continue
        remaining = np.arange(len(side))[:, np.newaxis] != culprit
        without = side[:, examples].T[remaining.T].reshape(examples.size, len(side) - 1).T
        pair = (without, retrained[:, examples]) if name == "unlearned" else (unlearned[:, examples], without)
        epsilon = published_epsilon(*pair)
        findings += [
            DecidedByOne(
                side=name,
                checkpoint=int(checkpoint),
                examples=tuple(examples[culprit == checkpoint].tolist()),
                epsilon_without=tuple(epsilon[culprit == checkpoint].tolist()),
            )
            for checkpoint in np.unique(culprit)
        ]
    return tuple(sorted(findings, key=lambda finding: -len(finding.examples)))


def _culprit(side: FloatArray, other_range: FloatArray) -> CountArray:
    """Return the model without which each example is not peaky, or -1 if there is none. Shape [examples].

    Args:
        side: Confidences of the side with the larger range. Shape [models, examples].
        other_range: Range of the other side. Shape [examples].
    """
    last = len(side) - 1
    order = np.argsort(side, axis=0)
    ends = np.stack([order[last], order[0]])
    ascending = np.take_along_axis(side, order[[0, 1, last - 1, last]], axis=0)
    left = np.stack([ascending[2] - ascending[0], ascending[3] - ascending[1]])
    alike = _ratio(left, other_range)
    best = alike.argmax(axis=0)
    columns = np.arange(side.shape[1])
    freed = ~_peaky(left[best, columns], other_range)
    culprit: CountArray = np.where(freed, ends[best, columns], -1)
    return culprit


def _ratio(first: FloatArray, second: FloatArray) -> FloatArray:
    """Return the smaller range over the larger, 1 where both are zero."""
    smaller, larger = np.minimum(first, second), np.maximum(first, second)
    return np.divide(smaller, larger, out=np.ones_like(larger), where=larger > 0)


def _peaky(first: FloatArray, second: FloatArray) -> NDArray[np.bool_]:
    """Return where the published metric gives the cap because of the ranges alone."""
    peaky: NDArray[np.bool_] = _ratio(first, second) < PEAKY_RATIO
    return peaky
