"""The contest's score of a set of unlearned models: forgetting quality times ratios of accuracy."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scoring.checks import FloatArray, finite_array, read_only_copy, real_array
from scoring.published.confidence import logit_scaled_confidence
from scoring.published.epsilon import forgetting_quality, published_epsilon


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Accuracies:
    """Accuracy of each model of one population on the retain and test sets.

    The arrays are stored as read-only float64 copies.

    Raises:
        ValueError: an accuracy is outside [0, 1] (so percentages are refused), NaN or
            infinite, there are no models, or the two splits have different numbers of models.
    """

    retain: FloatArray
    """Fraction of the retain set that each model classifies correctly. Shape [models]."""

    test: FloatArray
    """Fraction of the test set that each model classifies correctly. Shape [models]."""

    def __post_init__(self) -> None:
        """Check both arrays and replace them by read-only copies."""
        for split in ("retain", "test"):
            name = f"The {split} accuracies"
            fractions = finite_array(getattr(self, split), name=name, axes=("models",))
            if fractions.min() < 0 or fractions.max() > 1:
                raise ValueError(f"{name} must be fractions in [0, 1], but one is not.")
            object.__setattr__(self, split, read_only_copy(fractions))
        if self.retain.size != self.test.size:
            raise ValueError(
                "Retain and test accuracies must come from the same models, not "
                f"{self.retain.size} and {self.test.size}."
            )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PublishedScore:
    """The published score of one submission, with all intermediate values."""

    n: int
    """Number of unlearned models. Scores of different n are not comparable."""

    epsilon: FloatArray
    """Epsilon of each forget example, in nats, in [0, 50]. Shape [examples]; read-only."""

    epsilon_mean: float
    """Mean of `epsilon` over the forget examples, including those at the cap of 50."""

    forgetting_quality: float
    """F, in [0, 1]; perfect unlearning does not reach 1."""

    retain_ratio: float
    """Mean retain accuracy of the unlearned models over that of the references; may exceed 1."""

    test_ratio: float
    """Mean test accuracy of the unlearned models over that of the references; may exceed 1."""

    retain_ratio_clipped: float
    """`retain_ratio`, at most 1."""

    test_ratio_clipped: float
    """`test_ratio`, at most 1."""

    score: float
    """``forgetting_quality * retain_ratio * test_ratio``: the contest's score, not clipped."""

    score_clipped: float
    """The same with both ratios clipped: beating the references earns no points."""


def published_score(
    *,
    unlearned_logits: ArrayLike,
    reference_logits: ArrayLike,
    labels: ArrayLike,
    unlearned_accuracies: Accuracies,
    reference_accuracies: Accuracies,
) -> PublishedScore:
    """Return the published score: forgetting quality times both ratios of accuracy.

    Each ratio is a ratio of mean accuracies over the models, not a mean of ratios. The contest also
    rejected entries slower than 20 % of retraining; that rule is not applied here, because run times
    are not among the inputs.

    Args:
        unlearned_logits: Logits of the unlearned models on the forget set, floating. Shape
            [n, examples, classes], n >= 2.
        reference_logits: Logits of the references on the same examples. Shape
            [m, examples, classes], m >= 2; m may differ from n.
        labels: True classes of the forget examples, integers. Shape [examples].
        unlearned_accuracies: Accuracies of the n unlearned models.
        reference_accuracies: Accuracies of the m references.

    Raises:
        ValueError: an array is empty, of a wrong shape or type, or not finite; a label is
            not a class; the numbers of models, examples or classes do not agree; a side has fewer
            than two models; or the references' mean accuracy is zero.

    Source:
        "Evaluation for the NeurIPS Machine Unlearning Competition", August 2023;
        google-deepmind/unlearning_evaluation at ffae0ff.
    """
    unlearned = _check_logits(unlearned_logits, name="unlearned", accuracies=unlearned_accuracies)
    retrained = _check_logits(reference_logits, name="reference", accuracies=reference_accuracies)
    if unlearned.shape[1:] != retrained.shape[1:]:
        raise ValueError(
            "Unlearned and reference logits must have the same examples and classes, not "
            f"{unlearned.shape[1:]} and {retrained.shape[1:]}."
        )
    return score_of_confidences(
        _confidences(unlearned, labels),
        _confidences(retrained, labels),
        unlearned_accuracies=unlearned_accuracies,
        reference_accuracies=reference_accuracies,
    )


def score_of_confidences(
    unlearned: FloatArray,
    retrained: FloatArray,
    *,
    unlearned_accuracies: Accuracies,
    reference_accuracies: Accuracies,
) -> PublishedScore:
    """Return the published score of confidences that were computed already.

    Args:
        unlearned: Confidences under the unlearned models. Shape [n, examples], n >= 2.
        retrained: Confidences under the references. Shape [m, examples], m >= 2.
        unlearned_accuracies: Accuracies of the n unlearned models.
        reference_accuracies: Accuracies of the m references.

    Raises:
        ValueError: as in `published_score`.
    """
    epsilon = published_epsilon(unlearned, retrained)
    n = unlearned.shape[0]
    quality = forgetting_quality(epsilon, n)
    retain = _ratio(unlearned_accuracies.retain, reference_accuracies.retain, split="retain")
    test = _ratio(unlearned_accuracies.test, reference_accuracies.test, split="test")
    return PublishedScore(
        n=n,
        epsilon=read_only_copy(epsilon),
        epsilon_mean=float(epsilon.mean()),
        forgetting_quality=quality,
        retain_ratio=retain,
        test_ratio=test,
        retain_ratio_clipped=min(retain, 1.0),
        test_ratio_clipped=min(test, 1.0),
        score=quality * retain * test,
        score_clipped=quality * min(retain, 1.0) * min(test, 1.0),
    )


def _check_logits(values: ArrayLike, *, name: str, accuracies: Accuracies) -> NDArray[np.generic]:
    """Return the logits in their own type, after the checks whose message must name the side.

    Raises:
        ValueError: the logits do not have three axes, are empty or from fewer than two models, contain
            a NaN or an infinity, or come from another number of models than the accuracies.
    """
    logits = real_array(values, name=f"The {name} logits")
    if logits.ndim != 3 or logits.size == 0:
        raise ValueError(
            f"The {name} logits must have shape [models, examples, classes], not empty, not {logits.shape}."
        )
    if logits.shape[0] < 2:
        raise ValueError(f"The {name} logits must come from two or more models.")
    if not np.isfinite(logits).all():
        raise ValueError(f"The {name} logits must be finite, but a value is NaN or infinite.")
    if accuracies.retain.size != logits.shape[0]:
        raise ValueError(
            f"The {name} logits and accuracies must come from the same models, not "
            f"{logits.shape[0]} and {accuracies.retain.size}."
        )
    return logits


def _confidences(logits: NDArray[np.generic], labels: ArrayLike) -> FloatArray:
    """Return the confidences, shape [models, examples].

    Models are processed one at a time, so that the float64 copies are of one model only.
    """
    return np.stack([logit_scaled_confidence(of_model, labels) for of_model in logits])


def _ratio(unlearned: FloatArray, references: FloatArray, *, split: str) -> float:
    """Return the ratio of the mean accuracies.

    Raises:
        ValueError: the references have no correct answer on this split.
    """
    denominator = float(references.mean())
    if denominator == 0:
        raise ValueError(f"The references' mean {split} accuracy is zero, so it has no ratio.")
    return float(unlearned.mean()) / denominator
