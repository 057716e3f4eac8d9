"""Flag: the unlearned checkpoints are closer to these very references than fresh retrainings would be.

Fresh retrainings are the best that unlearning can be, and they differ from the references by
chance. Checkpoints that differ less were fitted to the references: chosen among many, steered to their
answers, or copied with noise. Five tests, each at a level of 0.2 %::

    quality     F of all, against the prediction for fresh retrainings   (scoring.statistics.prediction)
    evenness    differences on single examples, added up                 (scoring.flags.evenness)
    joint       discrepancy of whole checkpoints, as in the joint attack (scoring.flags.mmd)
    pairs       mutual nearest neighbours, one of each side              (scoring.flags.nearness)
    single      one checkpoint next to one reference                     (scoring.flags.nearness)

Evenness, joint and pairs are permutation tests, exact for any distributions and numbers of models. Quality
assumes a normal log F, and single a power law of small distances, which needs 20 examples and leaves out
checkpoints that lie apart. The level of all five is 1 %; how often honest retrainings are flagged is measured
(docs/metrics.md). A method that is no retraining differs more, not less.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from scoring.flags.evenness import evenness_test
from scoring.flags.mmd import Pool, pool_checkpoints
from scoring.flags.nearness import MIN_EXAMPLES, nearest_pairs, nearest_reference
from scoring.flags.outliers import find_outliers
from scoring.samples import paired_confidences
from scoring.statistics.ceiling import Ceiling
from scoring.statistics.prediction import predict_quality

Test = Literal["quality", "evenness", "joint", "pairs", "single"]

LEVEL = 0.002
"""Maximum p-value of each of the five tests; together at most 1 %."""

MIN_MODELS = 16
"""Minimum on each side. With fewer, hardly any cheat differs from chance at this level."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TooClose:
    """What is closer to the references than chance allows; a p-value is 1 where a test was impossible."""

    tests: tuple[Test, ...]
    """The tests whose p-value is at most `level`, one or more."""

    level: float
    """Maximum p-value of each test."""

    quality_p: float
    """p-value of F, in [0, 1]."""

    quality_ratio: float | None
    """F divided by the mean F of fresh retrainings; None if that may be 0."""

    quality_limit: float | None
    """The ratio that fresh retrainings exceed with probability `level`."""

    evenness_p: float
    """p-value of too small differences on single examples, in [0.001, 1]."""

    joint_p: float
    """p-value of too small a discrepancy between whole checkpoints, in [0.001, 1]."""

    pairs_p: float
    """p-value of `pairs_across`, in [0.001, 1]."""

    pairs: int
    """Number of pairs of mutual nearest neighbours among all checkpoints and references."""

    pairs_across: int
    """Number of those with one on each side."""

    single_p: float
    """p-value of the nearest single reference, corrected for the number of checkpoints, in [0, 1]."""

    checkpoint: int | None
    """The checkpoint that is nearest to a reference, compared with its distance to the others."""

    reference: int | None
    """That reference."""

    distance_ratio: float | None
    """Distance to it as a fraction of the distance to the second nearest."""

    @property
    def sentence(self) -> str:
        """The observation in one sentence of at most 300 characters: the two strongest tests."""
        observations: dict[Test, tuple[float, str]] = {
            "quality": (
                self.quality_p,
                f"F is {self.quality_ratio or 0:.3g} times that of retraining, "
                f"limit {self.quality_limit or 0:.3g}",
            ),
            "evenness": (self.evenness_p, "single examples agree better than chance allows"),
            "joint": (self.joint_p, "whole checkpoints agree better than chance allows"),
            "pairs": (
                self.pairs_p,
                f"{self.pairs_across} of {self.pairs} nearest pairs have one of each side",
            ),
            "single": (
                self.single_p,
                f"checkpoint {self.checkpoint} is {1 / max(self.distance_ratio or 1, 1e-6):.3g} times nearer "
                f"to reference {self.reference} than to others",
            ),
        }
        strongest = sorted((observations[test] for test in self.tests), key=lambda item: item[0])
        parts = [f"{text} (p = {p_value:.2g})" for p_value, text in strongest[:2]]
        if more := len(strongest) - len(parts):
            parts.append(f"{more} more {'test agrees' if more == 1 else 'tests agree'}")
        return (
            f"The checkpoints are closer to these references than fresh retrainings are: {'; '.join(parts)}. "
            "At most 1 % of honest retrainings have this flag."
        )


def find_too_close(
    unlearned: ArrayLike,
    retrained: ArrayLike,
    *,
    quality: float,
    limit: Ceiling | None,
    joint_p: float | None,
    seed: int,
    pool: Pool | None = None,
) -> TooClose | None:
    """Return what is too close, or None if nothing is or if a side has fewer than 16 models.

    Args:
        unlearned: Confidences under the unlearned models. Shape [n, examples], n >= 2.
        retrained: Confidences under the references. Shape [m, examples], m >= 2.
        quality: F of the unlearned models.
        limit: The ceiling of these references at n, if it is known. It is not used if a side has outliers.
        joint_p: `scoring.flags.joint_attack.JointAttack.p_value_smaller` of the same confidences, if known.
        seed: Seed of all random assignments of labels.
        pool: Of the same confidences, if it has been computed.

    Raises:
        ValueError: a shape is wrong, the numbers of examples differ, a side has fewer than two
            models, or a value is NaN, infinite or more than 10 000 from zero.
    """
    unlearned, retrained = paired_confidences(unlearned, retrained)
    if min(len(unlearned), len(retrained)) < MIN_MODELS or not (np.ptp(retrained, axis=0) > 0).any():
        return None
    pool = pool or pool_checkpoints(unlearned, retrained)
    quality_seed, evenness_seed, pairs_seed = map(int, np.random.default_rng(seed).integers(2**31, size=3))
    if find_outliers(unlearned, retrained):  # F jumps where both sides have a failed run: no ceiling shows it
        limit = None
    prediction = predict_quality(
        unlearned, retrained, quality=quality, limit=limit, level=LEVEL, seed=quality_seed
    )
    pairs = nearest_pairs(pool.kernel, n=pool.n, seed=pairs_seed)
    enough = pool.points.shape[1] >= MIN_EXAMPLES
    single = nearest_reference(pool.kernel, n=pool.n) if enough else None
    p_values: dict[Test, float] = {
        "quality": 1.0 if prediction is None else prediction.p_value,
        "evenness": evenness_test(unlearned, retrained, seed=evenness_seed).smaller,
        "joint": 1.0 if joint_p is None else joint_p,
        "pairs": pairs.p_value,
        "single": 1.0 if single is None else single.p_value,
    }
    tests = tuple(test for test, p_value in p_values.items() if p_value <= LEVEL)
    if not tests:
        return None
    return TooClose(
        tests=tests,
        level=LEVEL,
        quality_p=p_values["quality"],
        quality_ratio=None if prediction is None else prediction.ratio,
        quality_limit=None if prediction is None else prediction.limit,
        evenness_p=p_values["evenness"],
        joint_p=p_values["joint"],
        pairs_p=p_values["pairs"],
        pairs=pairs.pairs,
        pairs_across=pairs.across,
        single_p=p_values["single"],
        checkpoint=None if single is None else single.checkpoint,
        reference=None if single is None else single.reference,
        distance_ratio=None if single is None else single.ratio,
    )
