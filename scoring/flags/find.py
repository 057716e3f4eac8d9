"""All flags of a submission's checkpoints.

Each flag is a value of its own type, with its figures and one `sentence`. A flag is not
an accusation: it reports an observation, and whoever publishes the score decides.
"""

from numpy.typing import ArrayLike

from scoring.flags.decided_by_one import DecidedByOne, find_decided_by_one
from scoring.flags.duplicates import Copies, Duplicates, find_duplicates
from scoring.flags.mixture import Mixture, find_mixture
from scoring.flags.outliers import Outliers, find_outliers

Flag = Mixture | Duplicates | Copies | Outliers | DecidedByOne
"""One observation, identified by its type."""


def find_flags(unlearned: ArrayLike, retrained: ArrayLike, *, seed: int) -> tuple[Flag, ...]:
    """Return all flags, in the order of `Flag`'s types.

    The joint attack is not among them; it has its own value (`scoring.flags.joint_attack`). Neither is
    `scoring.flags.too_close`, which needs that value and the ceiling.

    Args:
        unlearned: Confidences under the unlearned models. Shape [n, examples], n >= 2.
        retrained: Confidences under the references. Shape [m, examples], m >= 2.
        seed: Seed of the mixture's permutations.

    Raises:
        ValueError: a shape is wrong, the numbers of examples differ, a side has fewer than two
            models, or a value is NaN, infinite or more than 10 000 from zero.
    """
    mixture = find_mixture(unlearned, retrained, seed=seed)
    return (
        *(() if mixture is None else (mixture,)),
        *find_duplicates(unlearned, retrained),
        *find_outliers(unlearned, retrained),
        *find_decided_by_one(unlearned, retrained),
    )
