"""Over-unlearning: whether the networks differ from references on retain and test examples too."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.baselines.klom import klom
from scoring.baselines.margin import classification_margin
from scoring.checks import CountArray, FloatArray
from scoring.probes.arrays import Probes, both
from scoring.probes.contrast import Contrast, contrasts
from scoring.statistics.interval import CONFIDENCE

MAX_EXAMPLES = 64
"""Maximum number of examples of a split that are used; the models decide the interval, not the examples."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OverUnlearning:
    """KLoM on examples that were not to be forgotten, from halves of the models; 0 is equal."""

    retain: Contrast
    """Mean KLoM over a sample of retain examples, in nats."""

    test: Contrast
    """Mean KLoM over a sample of test examples, in nats."""


def over_unlearning(
    unlearned: Probes | None,
    references: Probes | None,
    *,
    seed: int,
    confidence: float = CONFIDENCE,
) -> OverUnlearning:
    """Return the divergence of margins from those of references on retain and test examples.

    Args:
        unlearned: Of the unlearned models, n >= 32.
        references: Of the references, m >= 32.
        seed: Seed of the halves and of the choice of examples.
        confidence: Of the intervals, in (0, 1).

    Raises:
        ValueError: logits are missing, or a side has fewer than 32 models.

    Source:
        KLoM as in `scoring.baselines.klom`, there of forget, retain and validation examples alike.
    """
    by_split = {}
    for split in ("retain", "test"):
        sides = both(unlearned, references, f"{split}_logits", fixed=f"{split}_labels")
        labels = getattr(references, f"{split}_labels")
        chosen = some_examples(labels.size, MAX_EXAMPLES, seed=seed)
        margins = [_margins(logits[:, chosen], labels[chosen]) for logits in sides]
        (by_split[split],) = contrasts(_mean_klom, margins[0], margins[1], seed=seed, confidence=confidence)
    return OverUnlearning(**by_split)


def some_examples(examples: int, most: int, *, seed: int) -> CountArray:
    """Return the positions of at most this many examples, at random and in order."""
    if examples <= most:
        return np.arange(examples)
    return np.sort(np.random.default_rng(seed).choice(examples, size=most, replace=False))


def _mean_klom(unlearned: FloatArray, references: FloatArray) -> float:
    return float(klom(unlearned, references).mean())


def _margins(logits: NDArray[Any], labels: CountArray) -> FloatArray:
    return np.stack([classification_margin(of_model, labels) for of_model in logits])
