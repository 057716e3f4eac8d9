"""Which examples does the published metric give up on because of a single checkpoint?"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scoring.checks import CountArray, FloatArray
from scoring.published.epsilon import EPSILON_CAP, PEAKY_RATIO, published_epsilon
from scoring.samples import paired_confidences


@dataclass(frozen=True, slots=True, kw_only=True)
class DecidedByOne:
    """Examples with an epsilon of 50 only because one checkpoint's confidence is extreme."""

    side: Literal["unlearned", "retrained"]
    """Whose checkpoint it is."""

    checkpoint: int
    """Its position."""

    examples: tuple[int, ...]
    """Positions of the examples on which the metric calls a sample peaky because of it, ascending."""

    epsilon_without: tuple[float, ...]
    """The published epsilon of each of them without this checkpoint, in nats, in [0, 50]."""

    @property
    def sentence(self) -> str:
        """What was seen, in one sentence."""
        side = "Unlearned checkpoint" if self.side == "unlearned" else "Reference"
        more = f" and {len(self.examples) - 1} others" if len(self.examples) > 1 else ""
        return (
            f"{side} {self.checkpoint} alone decides example {self.examples[0]}{more}: epsilon is "
            f"{EPSILON_CAP:.0f} with it and without it {np.mean(self.epsilon_without):.2f} on average."
        )


def find_decided_by_one(unlearned: ArrayLike, retrained: ArrayLike) -> tuple[DecidedByOne, ...]:
    """Return the checkpoints that alone make examples peaky, those with the most examples first.

    An example is peaky, and its epsilon 50 at once, if one sample's range is under 1 % of the
    other's. One extreme confidence stretches a range. The checkpoint named is the one that holds
    the larger range's end, if without it the rule does not apply; of two such, the one whose removal
    leaves the ranges more alike. If without it both samples are constant the rule does not apply
    either. Two extreme checkpoints on the same end, or a side with only two models, give no finding.

    Args:
        unlearned: Confidences under the unlearned models. Shape [n, examples], n >= 2.
        retrained: Confidences under the references. Shape [m, examples], m >= 2.

    Raises:
        ValueError: as `scoring.published.epsilon.published_epsilon` does.
    """
    ours, theirs = paired_confidences(unlearned, retrained)
    ranges = np.ptp(ours, axis=0), np.ptp(theirs, axis=0)
    findings: list[DecidedByOne] = []
    sides: tuple[tuple[Literal["unlearned", "retrained"], FloatArray, FloatArray], ...] = (
        ("unlearned", ours, ranges[1]),
        ("retrained", theirs, ranges[0]),
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
        kept = np.arange(len(side))[:, np.newaxis] != culprit
        without = side[:, examples].T[kept.T].reshape(examples.size, len(side) - 1).T
        pair = (without, theirs[:, examples]) if name == "unlearned" else (ours[:, examples], without)
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
    """Return the model without which each example is not peaky, or -1. Shape [examples].

    Args:
        side: Confidences of the side with the larger range. Shape [models, examples].
        other_range: Of the other side. Shape [examples].
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


def _ratio(one: FloatArray, other: FloatArray) -> FloatArray:
    """Return the smaller range over the larger, 1 where both are zero."""
    smaller, larger = np.minimum(one, other), np.maximum(one, other)
    return np.divide(smaller, larger, out=np.ones_like(larger), where=larger > 0)


def _peaky(one: FloatArray, other: FloatArray) -> NDArray[np.bool_]:
    """Return where the published metric gives the cap at once."""
    peaky: NDArray[np.bool_] = _ratio(one, other) < PEAKY_RATIO
    return peaky
