"""Perfect unlearning with all probes, simulated; and what a score card claims to see in it.

In a SWAP test, forget and unseen examples change places. Retrained networks saw neither, so no attack may have
an advantage on either side.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np

from scoring.checks import FloatArray
from scoring.outputs import Outputs
from scoring.probes.arrays import Probes
from scoring.probes.contrast import Contrast
from tests.support.cheats import realistic

SAMPLE = 10
NORMS = (0.03, 0.1)
COPIES = 2


def perfect(seed: int, models: int, examples: int, *, shift: float = 0.0) -> tuple[Outputs, Outputs]:
    """Return models that never saw forget or unseen examples, and the same with the two exchanged.

    Each model has a factor of its own, common to all that is recorded of it, and heavy tails.

    Args:
        seed: Of the models; the examples are always the same.
        models: Number of models.
        examples: Number of forget examples, and of unseen ones.
        shift: Added to all confidences on forget examples in every probe: no perfect unlearning then.
    """
    rng = np.random.default_rng([seed, 11])
    copies = len(NORMS) * COPIES * examples
    widths = [examples, copies, examples] * 2 + [SAMPLE, SAMPLE]
    parts = np.split(realistic(rng, models, sum(widths)), np.cumsum(widths)[:-1], axis=1)
    parts = [part + shift if at < 3 else part for at, part in enumerate(parts)]
    features = [rng.normal(size=(models, examples, 6)) for _ in range(2)]
    correct = rng.binomial(40, 0.9, size=(models, 4, 2))
    return (
        _outputs(parts[:3], parts[3], parts[6:], features[0], correct),
        _outputs(parts[3:6], parts[0], parts[6:], features[1], correct),
    )


def _outputs(
    forget: list[FloatArray],
    unseen: FloatArray,
    samples: list[FloatArray],
    features: FloatArray,
    correct: np.ndarray,
) -> Outputs:
    plain, copies, relearned = forget
    models, examples = plain.shape
    labels = np.arange(examples) % 2
    sample_labels = np.arange(SAMPLE) % 2
    return Outputs(
        logits=_logits(plain, labels),
        labels=labels,
        correct=correct,
        class_counts=np.full((4, 2), 40),
        unseen_losses=np.logaddexp(0, -unseen),
        original_logits=_logits(plain.mean(axis=0) + np.arange(examples) % 3, labels),
        mislabelled=np.arange(examples) < max(examples // 3, 1),
        probes=Probes(
            retain_logits=_logits(samples[0], sample_labels),
            retain_labels=sample_labels,
            test_logits=_logits(samples[1], sample_labels),
            test_labels=sample_labels,
            perturbed_logits=_logits(copies.reshape(models, len(NORMS), COPIES, examples), labels),
            norms=np.array(NORMS),
            features=features,
            relearned_logits=_logits(relearned, labels),
        ),
    )


def _logits(confidences: FloatArray, labels: np.ndarray) -> FloatArray:
    """Return logits of two classes that have these confidences."""
    return np.asarray(confidences[..., np.newaxis] * np.eye(2)[labels])


def contrasts_of(part: object, name: str = "") -> Iterator[tuple[str, Contrast]]:
    """Yield every contrast in a card or a part of one, by its name."""
    if isinstance(part, Contrast):
        yield name, part
    elif dataclasses.is_dataclass(part):
        for field in dataclasses.fields(part):
            yield from contrasts_of(getattr(part, field.name), f"{name} {field.name}".strip())
    elif isinstance(part, tuple):
        for at, item in enumerate(part):
            yield from contrasts_of(item, f"{name} {at}")
