"""The joint attack: classifiers that separate checkpoints from references by all examples at once."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from scoring.flags.mmd import Pool, discrepancy_test, pool_checkpoints
from scoring.samples import paired_confidences

FOLDS = 5
"""Number of parts of the cross-validation; each part is held out once."""

SIGNIFICANCE = 0.01
"""A joint attack is flagged if its p-value is at most this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JointAttack:
    """Separation of checkpoints from references by the vector of all forget confidences."""

    auc_svm: float
    """Held-out area under the curve of an RBF support-vector machine: 0.5 is chance, 1 is perfect."""

    auc_trees: float
    """Held-out area under the curve of extremely randomised trees."""

    p_value: float
    """Probability of a discrepancy at least as large between samples of one distribution, in [0.001, 1]."""

    p_value_smaller: float
    """Probability of a discrepancy at most as large, in [0.001, 1]: near 0 if the checkpoints are closer to
    the references than fresh retrainings are."""

    n_folds: int
    """Number of parts of the cross-validation: 5, or the smaller number of models if that is less."""

    @property
    def flagged(self) -> bool:
        """Whether the p-value is at most 1 %; for honest but imperfect unlearning it often is."""
        return self.p_value <= SIGNIFICANCE

    @property
    def sentence(self) -> str:
        """The observation in one sentence."""
        verdict = "are distinguishable from" if self.flagged else "are not distinguishable from"
        return (
            f"As a whole, the checkpoints {verdict} the references (p = {self.p_value:.3g}): the area "
            f"under the curve is {self.auc_svm:.3f} for support vectors and {self.auc_trees:.3f} for trees."
        )


def joint_attack(
    unlearned: ArrayLike, retrained: ArrayLike, *, seed: int, pool: Pool | None = None
) -> JointAttack:
    """Return how well classifiers separate unlearned from retrained checkpoints that were held out.

    Each checkpoint is one point, with its forget confidences as coordinates. Two classifiers are
    trained on four fifths of the checkpoints and order the last fifth; an AUC is the mean
    over the five held-out parts of the area under the curve within the part. Scores of
    different parts come from different classifiers, so they are not pooled: pooled areas would fall
    below chance under the null. Confidences are standardised by the training part's median and median
    deviation and clipped at 4 deviations. Examples on which the training part is constant are left
    out; if none is left the AUC is 0.5.

    The per-example metric does not depend on how the examples of one checkpoint vary together. A
    mixture of two methods, one that leaves all confidences too high and one that leaves all
    too low, has the right distribution on every example, although none of its checkpoints looks like a
    reference. Support vectors and trees detect that; a linear classifier does not.

    The p-value does not belong to an AUC but to a kernel two-sample test on all checkpoints
    (`scoring.flags.mmd`), with the kernel of the support-vector machine: it is exact under the null, and
    one kernel matrix is used for all permutations. Its other tail shows checkpoints that are too close.

    Args:
        unlearned: Confidences under the unlearned models. Shape [n, examples], n >= 2.
        retrained: Confidences under the references. Shape [m, examples], m >= 2.
        seed: Seed of the folds, the trees and the permutations.
        pool: Of the same confidences, if it has been computed.

    Raises:
        ValueError: a shape is wrong, the numbers of examples differ, a side has fewer than two
            models, or a value is NaN, infinite or more than 10 000 from zero.
    """
    unlearned, retrained = paired_confidences(unlearned, retrained)
    points = np.concatenate([unlearned, retrained])
    is_unlearned = np.arange(len(points)) < len(unlearned)
    folds_seed, trees_seed, test_seed = map(int, np.random.default_rng(seed).integers(2**31, size=3))

    # Imported late: scikit-learn takes longer to import than everything else that a score needs.
    from scoring.flags.classifiers import held_out_areas  # noqa: PLC0415

    n_folds = min(FOLDS, len(unlearned), len(retrained))
    auc_svm, auc_trees = held_out_areas(
        points, is_unlearned, n_folds=n_folds, folds_seed=folds_seed, trees_seed=trees_seed
    )
    pool = pool or pool_checkpoints(unlearned, retrained)
    discrepancy = discrepancy_test(pool.kernel, n=pool.n, seed=test_seed)
    return JointAttack(
        auc_svm=auc_svm,
        auc_trees=auc_trees,
        p_value=discrepancy.larger,
        p_value_smaller=discrepancy.smaller,
        n_folds=n_folds,
    )
