"""Feature distance: whether the forget examples lie to each other as they do in retrained networks.

Two networks with different initial weights use different coordinates, so their features cannot be
compared one by one. What can be compared is unchanged by any rotation, reflection, shift and scale:
the Gram matrix of the centred features, that is, which forget examples are alike to the network.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.checks import CountArray, FloatArray
from scoring.probes.arrays import Probes, both
from scoring.probes.contrast import MIN_MODELS, Gap, gap, require_models
from scoring.probes.over_unlearning import some_examples
from scoring.statistics.interval import CONFIDENCE, signed_interval

MAX_EXAMPLES = 64
"""Maximum number of forget examples whose Gram matrix is used; more cost time and change little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureDistance:
    """Difference of the networks' features of the forget examples, in ways that no rotation changes."""

    distance: Gap
    """Of 1 - CKA (linear centred kernel alignment), the mean over the references: how much farther an
    unlearned model is from a reference than another reference is. Below 0 it is nearer."""

    separation: Gap | None
    """Of the share of the features' variance that lies between the classes, in [0, 1]: it is larger for
    examples that a network was trained on. None where no two classes have two forget examples each."""


def feature_distance(
    unlearned: Probes | None,
    references: Probes | None,
    labels: CountArray,
    *,
    seed: int,
    confidence: float = CONFIDENCE,
) -> FeatureDistance:
    """Return how the features of the forget examples differ from those of references.

    *Distance.* 1 - CKA is half the squared distance of two Gram matrices of norm 1. With u and r the mean
    Gram matrices, the difference of its means is r.r' - u.r over pairs of distinct models; the interval
    follows from the influence of each model on it. A model whose features are all equal has no
    arrangement: its Gram matrix is zero, and its distance to every other model is 1.

    Args:
        unlearned: Of the unlearned models, n >= 4.
        references: Of the references, m >= 4.
        labels: True class of each forget example. Shape [examples].
        seed: Seed of the choice of examples, if there are more than `MAX_EXAMPLES`.
        confidence: Of the intervals, in (0, 1).

    Raises:
        ValueError: features are missing, a side has fewer than four models, or the features of each
            reference are equal.

    Source:
        Kornblith et al., "Similarity of Neural Network Representations Revisited", arXiv 1905.00414; for the
        separation, variability collapse in Papyan, Han and Donoho, arXiv 2008.08186.
    """
    features, reference_features = both(unlearned, references, "features")
    require_models(features, reference_features, MIN_MODELS)
    chosen = some_examples(labels.size, MAX_EXAMPLES, seed=seed)
    sides = [[_scaled(of_model[chosen]) for of_model in side] for side in (features, reference_features)]
    grams = [np.stack([_gram(features) for features in side]) for side in sides]
    if not grams[1].any():
        raise ValueError("The features of each reference are equal.")
    separations = [_separations(side, labels[chosen]) for side in sides]
    separation = None
    if separations[0] is not None and separations[1] is not None:
        separation = gap(separations[0], separations[1], confidence=confidence)
    return FeatureDistance(distance=_distance(*grams, confidence=confidence), separation=separation)


def _scaled(features: NDArray[Any]) -> FloatArray:
    """Return one network's features between -1 and 1: the scale means nothing, and squares may overflow."""
    values = features.astype(np.float64)
    largest = float(np.abs(values).max())
    return values / largest if largest else values


def _gram(features: FloatArray) -> FloatArray:
    """Return the Gram matrix of one network's centred features, divided by its norm, as a vector.

    It is zero if all features are equal.
    """
    if not np.ptp(features, axis=0).any():
        return np.zeros(len(features) ** 2)
    centred = features - features.mean(axis=0)
    gram = (centred @ centred.T).ravel()
    norm = np.linalg.norm(gram)
    scaled: FloatArray = gram / norm if norm > 0 else gram
    return scaled


def _distance(unlearned: FloatArray, references: FloatArray, *, confidence: float) -> Gap:
    n, m = len(unlearned), len(references)
    own, mean = unlearned.mean(axis=0), references.mean(axis=0)
    to_own, to_mean = references @ own, references @ mean
    norms = references.any(axis=1).astype(np.float64)  # 1, or 0 of equal features
    other = (m * to_mean - norms) / (m - 1)  # each reference against the others
    reach = unlearned @ mean
    null = gap(1 - other, 1 - other, confidence=confidence)
    error = np.sqrt(reach.var(ddof=1) / n + (2 * other - to_own).var(ddof=1) / m)
    deviation = float(other.std(ddof=1))
    return Gap(
        value=signed_interval(
            float(other.mean() - reach.mean()), float(error), degrees=min(n, m) - 1, confidence=confidence
        ),
        null=signed_interval(
            0.0, deviation * float(np.sqrt(1 / n + 1 / m)), degrees=m - 1, confidence=confidence
        ),
        unlearned=float(1 - reach.mean()),
        references=null.references,
        reference_deviation=deviation,
    )


def _separations(side: list[FloatArray], labels: CountArray) -> FloatArray | None:
    """Return each model's share of variance between the classes that have two examples or more."""
    classes, counts = np.unique(labels, return_counts=True)
    classes = classes[counts >= 2]
    if classes.size < 2:
        return None
    members = (labels == classes[:, np.newaxis]).astype(np.float64)
    used = members.any(axis=0)
    members = members[:, used] / members[:, used].sum(axis=1, keepdims=True)
    sizes = counts[counts >= 2][:, np.newaxis]
    shares = []
    for features in side:
        centred = features[used] - features[used].mean(axis=0)
        total = float((centred**2).sum())
        shares.append(float((sizes * (members @ centred) ** 2).sum()) / total if total else 0.0)
    return np.array(shares)
