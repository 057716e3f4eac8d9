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

_ROUNDING = 1e-9
"""Far more than scores of support vectors, sums of at most 1 per model, may differ by rounding."""


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
        kinds = is_unlearned[training]
        areas.append(
            (
                float(roc_auc_score(is_unlearned[held_out], _machine_scores(train, kinds, test))),
                float(roc_auc_score(is_unlearned[held_out], _trees_scores(train, kinds, test, trees_seed))),
            )
        )
    auc_svm, auc_trees = np.mean(areas, axis=0)
    return float(auc_svm), float(auc_trees)


def _machine_scores(train: FloatArray, kinds: NDArray[np.bool_], test: FloatArray) -> FloatArray:
    """Return held-out scores of the support vectors, of which only the order counts. Shape [models]."""
    width = WIDTH / train.shape[1]
    machine = SVC(kernel="rbf", C=1.0, gamma=width).fit(train, kinds)
    # One matrix product, rather than the library's difference of each pair; where rounding might decide
    # the order of two models, the library decides it.
    vectors = train[machine.support_]
    squares = (np.einsum("ij,ij->i", points, points) for points in (test, vectors))
    kernel = np.exp(-width * (np.add.outer(*squares) - 2 * (test @ vectors.T)))
    scores: FloatArray = kernel @ machine.dual_coef_[0]
    if np.diff(np.sort(scores)).min(initial=np.inf) < _ROUNDING:
        scores = machine.decision_function(test)
    return scores


def _trees_scores(train: FloatArray, kinds: NDArray[np.bool_], test: FloatArray, seed: int) -> FloatArray:
    """Return held-out scores of the trees. Shape [models]."""
    trees = ExtraTreesClassifier(
        TREES, min_samples_leaf=min(5, 1 + len(train) // 25), random_state=seed, n_jobs=1
    )
    # A tree reads one column at a time: in this order that takes two thirds of the time.
    columns = np.asfortranarray(train, dtype=np.float32)
    scores: FloatArray = trees.fit(columns, kinds).predict_proba(test)[:, 1]
    return scores
