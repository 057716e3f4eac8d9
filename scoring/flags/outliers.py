"""Which checkpoints are far from all others of their own side?"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from scoring.checks import FloatArray
from scoring.samples import paired_confidences

LIMIT = 10.0
"""An outlier is this many median absolute deviations (6.7 normal ones) off on half of the examples."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outliers:
    """Checkpoints of one side that are nothing like the rest of it, as diverged ones are."""

    side: Literal["unlearned", "retrained"]
    """Whose checkpoints they are; those of the references concern every submission's score."""

    checkpoints: tuple[int, ...]
    """Their positions, ascending."""

    distances: tuple[float, ...]
    """How far each is from its side's median on its median example, in median absolute deviations."""

    typical: float
    """The same of the side's median checkpoint: about 1."""

    @property
    def sentence(self) -> str:
        """What was seen, in one sentence."""
        worst = int(np.argmax(self.distances))
        return (
            f"{len(self.checkpoints)} of the {self.side} checkpoints are far from the rest: checkpoint "
            f"{self.checkpoints[worst]} is {self.distances[worst]:.0f} deviations off on half of the "
            "examples."
        )


def find_outliers(unlearned: ArrayLike, retrained: ArrayLike) -> tuple[Outliers, ...]:
    """Return the outlying checkpoints of each side that has any.

    Each side is measured by its own medians, so a submission that is bad as a whole has no outliers.
    An example on which most of a side are equal has no deviation there: the other side's is
    taken, and where that is zero too the example is left out.
    With one example, or one factor behind all, heavy tails have outliers too.

    Args:
        unlearned: Confidences under the unlearned models. Shape [n, examples], n >= 2.
        retrained: Confidences under the references. Shape [m, examples], m >= 2.

    Raises:
        ValueError: a shape is wrong, the examples differ in number, fewer than two models
            stand on a side, or a value is NaN, infinite or beyond 10 000 either way.
    """
    ours, theirs = paired_confidences(unlearned, retrained)
    findings: list[Outliers] = []
    sides: tuple[tuple[Literal["unlearned", "retrained"], FloatArray, FloatArray], ...] = (
        ("unlearned", ours, theirs),
        ("retrained", theirs, ours),
    )
    for name, side, other in sides:
        deviation = _deviation(side)
        scale = np.where(deviation > 0, deviation, _deviation(other))
        scaled = scale > 0
        if not scaled.any():
            continue
        off = np.abs(side - np.median(side, axis=0))[:, scaled] / scale[scaled]
        distances = np.median(off, axis=1)
        far = np.flatnonzero(distances > LIMIT)
        if far.size:
            findings.append(
                Outliers(
                    side=name,
                    checkpoints=tuple(far.tolist()),
                    distances=tuple(distances[far].tolist()),
                    typical=float(np.median(distances)),
                )
            )
    return tuple(findings)


def _deviation(side: FloatArray) -> FloatArray:
    """Return the median absolute deviation of each example. Shape [examples]."""
    deviation: FloatArray = np.median(np.abs(side - np.median(side, axis=0)), axis=0)
    return deviation
