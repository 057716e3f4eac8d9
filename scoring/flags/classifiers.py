"""Two classifiers that try to separate two groups of models, each judged on models that were held out."""

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import SVC

from scoring.checks import FloatArray
from scoring.flags.mmd import WIDTH, standardised

TREES = 100
"""Number of extremely randomised trees; more trees change little (measured at n = 512)."""


def held_out_areas(
    points: FloatArray, is_unlearned: NDArray[np.bool_], *, n_folds: int, folds_seed: int, trees_seed: int
) -> tuple[float, float]:
    """Return the mean held-out area under the curve of support vectors and of randomised trees.

    Args:
        points: One row per model. Shape [models, examples].
        is_unlearned: The group of each model. Shape [models].
        n_folds: Number of parts of the cross-validation, at most the size of the smaller group.
        folds_seed: Seed of the parts.
        trees_seed: Seed of the trees.
    """
    splitter = StratifiedKFold(n_folds, shuffle=True, random_state=folds_seed)
    areas: list[tuple[float, float]] = []
    for training, held_out in splitter.split(points, is_unlearned):
        train, test = standardised(points[training], points[held_out])
        if train.shape[1] == 0:
            areas.append((0.5, 0.5))
            continue
        machine = SVC(kernel="rbf", C=1.0, gamma=WIDTH / train.shape[1])
        trees = ExtraTreesClassifier(
            TREES, min_samples_leaf=min(5, 1 + len(train) // 25), random_state=trees_seed, n_jobs=1
        )
        machine.fit(train, is_unlearned[training])
        trees.fit(train, is_unlearned[training])
        areas.append(
            (
                float(roc_auc_score(is_unlearned[held_out], machine.decision_function(test))),
                float(roc_auc_score(is_unlearned[held_out], trees.predict_proba(test)[:, 1])),
            )
        )
    auc_svm, auc_trees = np.mean(areas, axis=0)
    return float(auc_svm), float(auc_trees)
