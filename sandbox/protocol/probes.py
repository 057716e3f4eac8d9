"""Probes: what is recorded of each network besides its outputs, for the host and for containers.

The arrays of a network follow one another in the order of `KINDS`, all float32. Everything random comes from
the seed, through hashes, so that both sides draw the same samples. Standard library only.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Self

VERSION: Final = 1
"""Of all probes but relearning: it is raised when the same settings would give other numbers."""
RELEARNING_VERSION: Final = 4
"""Of probes with relearning. Steps of version 1 had an absolute size, and were blind to scaled weights; up to
version 2 the network kept its last layer, which could hide what the other layers know; up to version 3 a
single scaled unit made the steps so long that the network lost what it knew."""

RETAIN, TEST, PERTURBED, FEATURES, RELEARNED = KINDS = (
    "retain_logits",
    "test_logits",
    "perturbed_logits",
    "features",
    "relearned_logits",
)
"""Each kind is an array."""

SAMPLES: Final[Mapping[str, str]] = {RETAIN: "retain", TEST: "test"}
"""The kinds that are outputs on a sample of a split."""

MAX_ARRAY_BYTES: Final = 8 << 20
"""Of one network; a kind whose array would be larger is not recorded."""

MAX_VALUE: Final = 1e4
"""No value is larger in absolute size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbePlan:
    """Which probes are recorded, and how."""

    kinds: tuple[str, ...]
    """Some of `KINDS`, in that order."""
    seed: int
    sample_examples: int
    """Maximum number of examples in the sample of a split."""
    norms: tuple[float, ...]
    """Euclidean norm of the noise as a fraction of the image's own, increasing."""
    copies: int
    """Noisy copies of each forget example, for each norm."""
    feature_numbers: int
    """To how many numbers the features are projected."""
    relearning_steps: int | None = None
    """Steps of fine-tuning on retain; None, like the next two, where that is not recorded."""
    relearning_rate: float | None = None
    """Size of a step, as a fraction of the weights that it changes."""
    relearning_batch: int | None = None
    """Examples in a step."""
    version: int | None = None
    """`RELEARNING_VERSION` or None, as above; images that know version 1 alone refuse the field."""

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> Self:
        """Return the plan whose fields were read from JSON."""
        values = dict(fields)
        return cls(**{**values, "kinds": tuple(values["kinds"]), "norms": tuple(values["norms"])})

    def shapes(self, *, examples: int, classes: int, sizes: Mapping[str, int]) -> dict[str, tuple[int, ...]]:
        """Return the shape of each array of one network.

        Args:
            examples: Number of forget examples.
            classes: Number of classes.
            sizes: Number of examples of each split that is sampled.
        """
        forget = (examples, classes)
        shapes = {
            **{kind: (min(self.sample_examples, sizes[split]), classes) for kind, split in SAMPLES.items()},
            PERTURBED: (len(self.norms), self.copies, *forget),
            FEATURES: (examples, self.feature_numbers),
            RELEARNED: forget,
        }
        return {kind: shapes[kind] for kind in self.kinds}

    def recordable(
        self, *, examples: int, classes: int, sizes: Mapping[str, int], has_features: bool
    ) -> tuple[Self, list[str]]:
        """Return the plan without kinds that cannot be recorded, and a sentence for each of those.

        Args:
            examples: As in `shapes`, like the next two.
            classes: Number of classes.
            sizes: Number of examples of each split.
            has_features: Whether the input of a last linear layer can be observed.
        """
        reasons = {
            kind: f"their {4 * math.prod(shape) >> 20} MiB of each network are too many"
            for kind, shape in self.shapes(examples=examples, classes=classes, sizes=sizes).items()
            if 4 * math.prod(shape) > MAX_ARRAY_BYTES
        }
        if FEATURES in self.kinds and not has_features:
            reasons[FEATURES] = "no linear layer at the end of the network was observed"
        kinds = tuple(kind for kind in self.kinds if kind not in reasons)
        sentences = [f"the probes {kind} are not recorded: {reason}" for kind, reason in reasons.items()]
        return replace(self, kinds=kinds), sentences

    def sample(self, split: str, examples: int) -> list[int]:
        """Return which of the examples of a split are in its sample, in ascending order."""
        digests = {row: _digest(self.seed, f"{split} {row}") for row in range(examples)}
        return sorted(sorted(digests, key=digests.__getitem__)[: self.sample_examples])

    def seed_for(self, purpose: str) -> int:
        """Return a seed of 63 bits for something else that is random."""
        return int.from_bytes(_digest(self.seed, purpose)[:8], "big") >> 1


def version_of(kinds: Iterable[str]) -> int:
    """Return the version of these kinds as they are computed here."""
    return RELEARNING_VERSION if RELEARNED in kinds else VERSION


def probe_seed(challenge_seed: int) -> int:
    """Return the seed of a challenge's probes: nobody can predict its noise without the challenge's seed."""
    return int.from_bytes(_digest(challenge_seed, "probes")[:8], "big") >> 1


def _digest(seed: int, purpose: str) -> bytes:
    return hashlib.sha256(f"{purpose} {seed}".encode()).digest()
