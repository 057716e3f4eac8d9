"""Flag: checkpoints that are far from all others of their own side."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from scoring.checks import FloatArray
from scoring.flags.mmd import column_medians
from scoring.samples import paired_confidences

MIN_DISTANCE = 10.0
"""Distance from which a checkpoint is an outlier, in median absolute deviations (6.7 standard deviations of a
normal sample), on half of the examples."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outliers:
    """Checkpoints of one side that are far from the rest of it, for example diverged ones."""

    side: Literal["unlearned", "retrained"]
    """Side of the checkpoints; outliers among the references affect every submission's score."""

    checkpoints: tuple[int, ...]
    """Positions of the outliers, ascending."""

    distances: tuple[float, ...]
    """Distance of each outlier from its side's median on its median example, in median deviations."""

    typical: float
    """The same distance of the side's median checkpoint: about 1."""

    @property
    def sentence(self) -> str:
        """The observation in one sentence."""
        worst = int(np.argmax(self.distances))
        return (
            f"{len(self.checkpoints)} of the {self.side} checkpoints are outliers: checkpoint "
            f"{self.checkpoints[worst]} is {self.distances[worst]:.0f} deviations from the median on half of "
            "the examples."
        )


def find_outliers(unlearned: ArrayLike, retrained: ArrayLike) -> tuple[Outliers, ...]:
    """Return the outlying checkpoints of each side that has any.

    Each side is measured by its own medians, so a submission that is bad as a whole has no outliers.
    If most models of a side are equal on an example, its deviation there is zero: the other side's
    deviation is used, and if that is zero too the example is left out.
    With one example, or one factor common to all examples, heavy tails give outliers too.

    Args:
        unlearned: Confidences under the unlearned models. Shape [n, examples], n >= 2.
        retrained: Confidences under the references. Shape [m, examples], m >= 2.

    Raises:
        ValueError: a shape is wrong, the numbers of examples differ, a side has fewer than two
            models, or a value is NaN, infinite or more than 10 000 from zero.
    """
    unlearned, retrained = paired_confidences(unlearned, retrained)
    findings: list[Outliers] = []
    sides: tuple[tuple[Literal["unlearned", "retrained"], FloatArray, FloatArray], ...] = (
        ("unlearned", unlearned, retrained),
        ("retrained", retrained, unlearned),
    )
    for name, side, other in sides:
        middle = column_medians(side)
        scale = column_medians(np.abs(side - middle))
        if not (scale > 0).all():
            scale = np.where(scale > 0, scale, column_medians(np.abs(other - column_medians(other))))
        scaled = scale > 0
        if not scaled.any():
            continue
        off = np.abs(side - middle)[:, scaled] / scale[scaled]
        distances = column_medians(off.T)
        far = np.flatnonzero(distances > MIN_DISTANCE)
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
