"""Outputs of simulated models, whose confidences and probes are known by construction."""

from typing import Any

import numpy as np

from scoring.checks import FloatArray
from scoring.outputs import Outputs
from scoring.probes.arrays import Probes

NORMS = (0.01, 0.03, 0.1)
SAMPLE = 18
"""Examples of retain and of test in the probes."""


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


def probed(
    seed: int,
    models: int = 32,
    examples: int = 30,
    *,
    shift: float = 0.0,
    knowledge: float = 0.0,
    elsewhere: float = 0.0,
    **changes: Any,
) -> Outputs:
    """Return a population of three classes with all probes.

    Args:
        seed: Of the models; the examples are the same for every seed.
        models: Number of models.
        examples: Number of forget examples, the first six of which are mislabelled.
        shift: Added to the confidences on the forget examples.
        knowledge: What the models hide: added to the confidences on changed copies and after relearning, and
            drawing the features of a class together.
        elsewhere: Added to the confidences on retain and test examples.
        changes: Replace whole arrays.
    """
    rng, classes = np.random.default_rng([seed, 1]), 3
    labels = np.arange(examples) % classes
    fixed = np.random.default_rng(99)
    difficulty = fixed.normal(1, 1, size=examples)

    def logits(*shape: int, confidence: Any, of: Any) -> FloatArray:
        values = rng.normal(size=(*shape, classes)) + 0.3 * rng.normal(size=(models, *(1 for _ in shape)))
        values[..., np.arange(len(of)), of] += confidence
        return values.astype(np.float32)

    sample = np.arange(SAMPLE) % classes
    centres = fixed.normal(size=(classes, 8))
    features = (1 + knowledge) * centres[labels] + rng.normal(size=(models, examples, 8))
    turns = np.linalg.qr(rng.normal(size=(models, 8, 8)))[0]
    return population(
        seed,
        models=models,
        examples=examples,
        **{
            "logits": logits(models, examples, confidence=difficulty + shift, of=labels),
            "original_logits": 2 * np.eye(classes)[labels] + fixed.normal(size=(examples, classes)),
            "mislabelled": np.arange(examples) < 6,
            "probes": Probes(
                retain_logits=logits(models, SAMPLE, confidence=3 + elsewhere, of=sample),
                retain_labels=sample,
                test_logits=logits(models, SAMPLE, confidence=1 + elsewhere, of=sample),
                test_labels=sample,
                perturbed_logits=logits(
                    models, len(NORMS), 2, examples, confidence=difficulty + shift + knowledge, of=labels
                ),
                norms=np.array(NORMS),
                features=features @ turns,
                relearned_logits=logits(
                    models, examples, confidence=difficulty + 0.5 + shift + knowledge, of=labels
                ),
            ),
            **changes,
        },
    )
