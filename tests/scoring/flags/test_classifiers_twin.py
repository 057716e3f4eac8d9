"""The fast forms of the classifiers and medians, compared with the library's plain ones."""

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import SVC

from scoring.flags.classifiers import TREES, held_out_areas
from scoring.flags.mmd import WIDTH, column_medians, standardised


def plain_areas(points, is_unlearned):
    """Return the areas as scikit-learn computes them, fold by fold."""
    areas = []
    for training, held_out in StratifiedKFold(2, shuffle=True, random_state=3).split(points, is_unlearned):
        train, test = standardised(points[training], points[held_out])
        machine = SVC(kernel="rbf", C=1.0, gamma=WIDTH / train.shape[1]).fit(train, is_unlearned[training])
        trees = ExtraTreesClassifier(TREES, min_samples_leaf=min(5, 1 + len(train) // 25), random_state=4)
        trees.fit(train, is_unlearned[training])
        areas.append(
            [
                roc_auc_score(is_unlearned[held_out], machine.decision_function(test)),
                roc_auc_score(is_unlearned[held_out], trees.predict_proba(test)[:, 1]),
            ]
        )
    return tuple(np.mean(areas, axis=0))


@pytest.mark.parametrize("kind", ["shifted", "copies of references", "coarse"])
def test_areas_are_the_librarys_to_the_last_bit(kind):
    """Also where models of both sides are equal, so that rounding alone would order their scores."""
    rng = np.random.default_rng(0)
    points = rng.normal(size=(60, 12))
    if kind == "shifted":
        points[:30] += 0.5
    if kind == "copies of references":
        points[:30] = points[30:]
    if kind == "coarse":
        points = np.round(points[:, :3])
    is_unlearned = np.arange(60) < 30
    areas = held_out_areas(points, is_unlearned, n_folds=2, folds_seed=3, trees_seed=4)
    assert areas == plain_areas(points, is_unlearned)


@pytest.mark.parametrize("models", [1, 2, 3, 64, 819])
def test_medians_are_numpys(models):
    """For odd and even numbers of models, with ties and without."""
    rng = np.random.default_rng(models)
    values = rng.normal(size=(models, 30))
    values[:, ::3] = np.round(values[:, ::3])
    np.testing.assert_array_equal(column_medians(values), np.median(values, axis=0))
