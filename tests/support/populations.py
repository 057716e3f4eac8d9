"""Outputs of simulated models, whose confidences are known by construction."""

from typing import Any

import numpy as np

from scoring.outputs import Outputs


def population(
    seed: int, models: int = 24, examples: int = 12, shift: float = 0.0, classes: int = 3, **changes: Any
) -> Outputs:
    """Return models whose confidences are ``shift`` too high; ``changes`` replace whole arrays."""
    rng = np.random.default_rng(seed)
    labels = np.arange(examples) % classes
    logits = rng.normal(size=(models, examples, classes)).astype(np.float32)
    logits[:, np.arange(examples), labels] += 1 + shift
    counts = np.full((4, classes), 20)
    return Outputs(
        **{
            "logits": logits,
            "labels": labels,
            "correct": rng.binomial(20, 0.9, size=(models, 4, classes)),
            "class_counts": counts,
            "unseen_losses": rng.exponential(size=(models, 30)),
            "seconds": np.full(models, 1.0),
            **changes,
        }
    )
