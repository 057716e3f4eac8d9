"""Can whole checkpoints be told from references, if not by one example then by all at once?"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import SVC

from scoring.flags.mmd import WIDTH, discrepancy_p_value, radial_kernel, standardised
from scoring.samples import paired_confidences

FOLDS = 5
"""Parts into which the checkpoints are divided; each is held out once."""

TREES = 100
"""Extremely randomised trees in the forest; more change little (measured at n = 512)."""

SIGNIFICANCE = 0.01
"""A joint attack is flagged if its p-value is at most this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JointAttack:
    """How well checkpoints are told from references by the vector of all forget confidences."""

    auc_svm: float
    """Held-out area under the curve of an RBF support-vector machine: 0.5 is chance, 1 is perfect."""

    auc_trees: float
    """The same of extremely randomised trees."""

    p_value: float
    """Chance of so large a discrepancy between samples of one distribution, in [0.001, 1]."""

    n_folds: int
    """Parts of the cross-validation: 5, or the smaller number of models if that is less."""

    @property
    def flagged(self) -> bool:
        """Whether chance is ruled out at 1 %; for honest but imperfect unlearning it often is."""
        return self.p_value <= SIGNIFICANCE

    @property
    def sentence(self) -> str:
        """What was seen, in one sentence."""
        verdict = "are told from" if self.flagged else "are not told from"
        return (
            f"Taken whole, the checkpoints {verdict} the references (p = {self.p_value:.3g}): the area under "
            f"the curve is {self.auc_svm:.3f} by support vectors and {self.auc_trees:.3f} by trees."
        )


def joint_attack(unlearned: ArrayLike, retrained: ArrayLike, *, seed: int) -> JointAttack:
    """Return how well classifiers tell unlearned from retrained checkpoints, held out.

    Each checkpoint is one point, its forget confidences the coordinates. Two classifiers are
    trained on four fifths of the checkpoints and order the last fifth; an AUC is the mean
    over the five held-out parts of the area under the curve within the part. (Scores of
    different parts come from different classifiers: pooled, they would fall below chance
    under the null.) Confidences are standardised by the training part's median and median
    deviation and clipped at 4 deviations; examples on which the training part is constant are left
    out, and with none left the AUC is 0.5.

    The per-example metric cannot see how the examples of one checkpoint go together. A
    mixture of two methods, one that leaves all confidences too high and one that leaves all
    too low, has the right distribution on every example, while no checkpoint of it looks like a
    reference. Support vectors and trees see that; a linear classifier does not.

    The p-value is not of an AUC but of a kernel two-sample test on all checkpoints
    (`scoring.flags.mmd`), with the machine's own kernel: it is exact under the null, and
    one kernel matrix serves all permutations.

    Args:
        unlearned: Confidences under the unlearned models. Shape [n, examples], n >= 2.
        retrained: Confidences under the references. Shape [m, examples], m >= 2.
        seed: Of the folds, the trees and the permutations.

    Raises:
        ValueError: a shape is wrong, the examples differ in number, fewer than two models
            stand on a side, or a value is NaN, infinite or beyond 10 000 either way.
    """
    ours, theirs = paired_confidences(unlearned, retrained)
    points = np.concatenate([ours, theirs])
    is_ours = np.arange(len(points)) < len(ours)
    folds_seed, trees_seed, test_seed = map(int, np.random.default_rng(seed).integers(2**31, size=3))

    n_folds = min(FOLDS, len(ours), len(theirs))
    splitter = StratifiedKFold(n_folds, shuffle=True, random_state=folds_seed)
    areas: list[tuple[float, float]] = []
    for kept, held_out in splitter.split(points, is_ours):
        train, test = standardised(points[kept], points[held_out])
        if train.shape[1] == 0:
            areas.append((0.5, 0.5))
            continue
        machine = SVC(kernel="rbf", C=1.0, gamma=WIDTH / train.shape[1])
        trees = ExtraTreesClassifier(
            TREES, min_samples_leaf=min(5, 1 + len(train) // 25), random_state=trees_seed, n_jobs=1
        )
        machine.fit(train, is_ours[kept])
        trees.fit(train, is_ours[kept])
        areas.append(
            (
                float(roc_auc_score(is_ours[held_out], machine.decision_function(test))),
                float(roc_auc_score(is_ours[held_out], trees.predict_proba(test)[:, 1])),
            )
        )
    auc_svm, auc_trees = np.mean(areas, axis=0)

    everything, _ = standardised(points, points[:0])
    return JointAttack(
        auc_svm=float(auc_svm),
        auc_trees=float(auc_trees),
        p_value=discrepancy_p_value(radial_kernel(everything, width=WIDTH), n=len(ours), seed=test_seed),
        n_folds=n_folds,
    )
