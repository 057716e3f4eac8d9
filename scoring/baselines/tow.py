"""Tug of war (ToW): agreement of the accuracies with those of the references on three splits."""

from numpy.typing import ArrayLike

from scoring.checks import finite_array


def tug_of_war(
    *,
    unlearned_forget: ArrayLike,
    unlearned_retain: ArrayLike,
    unlearned_test: ArrayLike,
    reference_forget: ArrayLike,
    reference_retain: ArrayLike,
    reference_test: ArrayLike,
) -> float:
    """Return ToW, the product over forget, retain and test of one minus the gap in accuracy.

    A gap is the absolute difference of the mean accuracies, so an accuracy above that of the
    references costs as much as one equally far below. Gaps of single models that cancel in the mean
    do not count.

    Args:
        unlearned_forget: Accuracy of each unlearned model on the forget set, in [0, 1].
            Shape [n].
        unlearned_retain: The same on the retain set.
        unlearned_test: The same on the test set.
        reference_forget: Accuracy of each reference on the forget set, in [0, 1]. Shape [m].
        reference_retain: The same on the retain set.
        reference_test: The same on the test set.

    Returns:
        A number in [0, 1]: 1 if the mean accuracies agree on all three splits; higher is better.

    Raises:
        ValueError: an array is empty or of a wrong shape, or an accuracy is outside [0, 1],
            NaN or infinite.

    Source:
        "What makes unlearning hard and what to do about it", arXiv 2406.01257, section 3.
    """
    pairs = {
        "forget": (unlearned_forget, reference_forget),
        "retain": (unlearned_retain, reference_retain),
        "test": (unlearned_test, reference_test),
    }
    product = 1.0
    for split, (unlearned, references) in pairs.items():
        mean = _mean(unlearned, name=f"The unlearned {split} accuracies")
        reference_mean = _mean(references, name=f"The references' {split} accuracies")
        product *= 1 - abs(mean - reference_mean)
    return product


def _mean(accuracies: ArrayLike, *, name: str) -> float:
    """Return the mean accuracy over the models, after checking every accuracy."""
    values = finite_array(accuracies, name=name, axes=("models",))
    if values.min() < 0 or values.max() > 1:
        raise ValueError(f"{name} must be fractions in [0, 1], but one is not.")
    return float(values.mean())
