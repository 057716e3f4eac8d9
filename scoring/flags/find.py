"""What about these checkpoints should a reader of the score know before believing it?

Each flag is a value of its own type, with the figures behind it and one `sentence`. A flag
accuses nobody: it says what was seen, and who publishes the score decides.
"""

from numpy.typing import ArrayLike

from scoring.flags.decided_by_one import DecidedByOne, find_decided_by_one
from scoring.flags.duplicates import Copies, Duplicates, find_duplicates
from scoring.flags.mixture import Mixture, find_mixture
from scoring.flags.outliers import Outliers, find_outliers

Flag = Mixture | Duplicates | Copies | Outliers | DecidedByOne
"""One observation; told apart by its type."""


def find_flags(unlearned: ArrayLike, retrained: ArrayLike, *, seed: int) -> tuple[Flag, ...]:
    """Return all flags, in the order of `Flag`'s types.

    The joint attack has its own value and flag (`scoring.flags.joint_attack`) and is not among these.

    Args:
        unlearned: Confidences under the unlearned models. Shape [n, examples], n >= 2.
        retrained: Confidences under the references. Shape [m, examples], m >= 2.
        seed: Of the mixture's permutations.

    Raises:
        ValueError: a shape is wrong, the examples differ in number, fewer than two models
            stand on a side, or a value is NaN, infinite or beyond 10 000 either way.
    """
    mixture = find_mixture(unlearned, retrained, seed=seed)
    return (
        *(() if mixture is None else (mixture,)),
        *find_duplicates(unlearned, retrained),
        *find_outliers(unlearned, retrained),
        *find_decided_by_one(unlearned, retrained),
    )
