"""Which two samples of confidences can be compared, example by example and model by model?"""

from numpy.typing import ArrayLike

from scoring.arrays import FloatArray, finite_array


def paired_confidences(
    unlearned: ArrayLike, retrained: ArrayLike, least: int = 2
) -> tuple[FloatArray, FloatArray]:
    """Return both sides' confidences as float64, checked; callers do not write to them.

    Args:
        unlearned: Confidences under the unlearned models. Shape [n, examples].
        retrained: Confidences under the references. Shape [m, examples]; m may differ from n.
        least: The number of models that each side must have.

    Raises:
        ValueError: a shape is wrong, a value is NaN or infinite, the examples differ in
            number, or a side has too few models.
    """
    ours = finite_array(unlearned, name="The unlearned confidences", axes=("models", "examples"))
    theirs = finite_array(retrained, name="The retrained confidences", axes=("models", "examples"))
    for array, name in ((ours, "unlearned"), (theirs, "retrained")):
        if array.shape[0] < least:
            raise ValueError(
                f"The {name} confidences must come from {least} or more models, not {array.shape[0]}."
            )
    if ours.shape[1] != theirs.shape[1]:
        raise ValueError(
            "Unlearned and retrained confidences must cover the same examples, not "
            f"{ours.shape[1]} and {theirs.shape[1]}."
        )
    return ours, theirs
