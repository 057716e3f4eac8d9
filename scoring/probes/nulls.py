"""Nulls of entries that have none of their own: what retraining would get in the submission's place."""

from dataclasses import dataclass

import numpy as np

from scoring.baselines.klom import klom
from scoring.baselines.tow import tug_of_war
from scoring.baselines.ulira import u_lira
from scoring.checks import FloatArray
from scoring.epsilon.exact import exact_epsilon
from scoring.epsilon.held_out import held_out_epsilon
from scoring.probes.contrast import Contrast, contrasts
from scoring.probes.over_unlearning import some_examples
from scoring.statistics.interval import CONFIDENCE

MAX_EXAMPLES = 20
"""Maximum number of forget examples that are used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Nulls:
    """Entries of the card, measured on halves of the models and on a few forget examples, beside their nulls.

    Smaller samples have other values, so these are to be compared with their nulls alone.
    """

    exact_epsilon: Contrast
    """Mean exact epsilon, in nats."""

    held_out_epsilon: Contrast
    """Mean held-out epsilon, in nats."""

    klom: Contrast
    """Mean KLoM, in nats."""

    u_lira: Contrast
    """Mean area under the curve of U-LiRA; 1/2 is a guess."""

    tug_of_war: Contrast
    """ToW; 1 if the accuracies agree."""


def nulls(
    unlearned: FloatArray,
    references: FloatArray,
    unlearned_accuracies: FloatArray,
    reference_accuracies: FloatArray,
    *,
    seed: int,
    confidence: float = CONFIDENCE,
) -> Nulls:
    """Return entries beside their nulls.

    Args:
        unlearned: Confidences under the unlearned models. Shape [n, examples], n >= 32.
        references: Confidences under the references. Shape [m, examples], m >= 32.
        unlearned_accuracies: On forget, retain and test. Shape [n, 3].
        reference_accuracies: Shape [m, 3].
        seed: Seed of all halves and of the choice of examples.
        confidence: Of the intervals, in (0, 1).

    Raises:
        ValueError: a side has fewer than 32 models.
    """
    chosen = some_examples(unlearned.shape[1], MAX_EXAMPLES, seed=seed)

    def statistics(first: FloatArray, second: FloatArray) -> list[float]:
        (a, of_first), (b, of_second) = (
            (side[:, : chosen.size], side[:, chosen.size :]) for side in (first, second)
        )
        return [
            float(exact_epsilon(a, b).mean()),
            float(held_out_epsilon(a, b, seed=seed).mean()),
            float(klom(a, b).mean()),
            u_lira(a, b, seed=seed).auc_mean,
            tug_of_war(
                unlearned_forget=of_first[:, 0],
                unlearned_retain=of_first[:, 1],
                unlearned_test=of_first[:, 2],
                reference_forget=of_second[:, 0],
                reference_retain=of_second[:, 1],
                reference_test=of_second[:, 2],
            ),
        ]

    exact, held_out, divergence, lira, tow = contrasts(
        statistics,
        np.hstack([unlearned[:, chosen], unlearned_accuracies]),
        np.hstack([references[:, chosen], reference_accuracies]),
        seed=seed,
        confidence=confidence,
    )
    return Nulls(exact_epsilon=exact, held_out_epsilon=held_out, klom=divergence, u_lira=lira, tug_of_war=tow)
