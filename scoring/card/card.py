"""What does a score card hold? All that is known of a submission's runs, as one value."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from scoring.baselines.accuracies import AccuracyTable
from scoring.baselines.run_time import RunTime
from scoring.baselines.ulira import ULira
from scoring.card.codec import decode, encode
from scoring.checks import FloatArray
from scoring.flags.joint_attack import JointAttack
from scoring.published.score import PublishedScore
from scoring.statistics.ceiling import Ceiling
from scoring.statistics.interval import Interval
from scoring.statistics.uncertainty import Uncertainty

SCHEMA_VERSION = 1
"""Grows when a field is added; no field ever gets another meaning, range or unit."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ExactPart:
    """The metric without a grid (`scoring.epsilon.exact`)."""

    epsilon: FloatArray
    """Of each forget example, in nats, in [0, 50]. Shape [examples]."""

    epsilon_mean: float
    """Over the examples, in nats."""

    forgetting_quality: float
    """F of these epsilons, in [0, 1]; at most a little above the published F."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeldOutPart:
    """Epsilons measured on other models than the rule was chosen on (`scoring.epsilon.held_out`)."""

    epsilon: FloatArray
    """Of each forget example, in nats. Shape [examples]."""

    epsilon_mean: float
    """Over the examples, in nats."""

    certified: FloatArray
    """Lower bound of each, all of them together right with the card's confidence. Shape [examples]."""

    certified_most: float
    """The largest of them: more than 0 shows that the forget set was not forgotten."""

    certified_examples: int
    """How many are above 0."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KlomPart:
    """Divergence of binned margins (`scoring.baselines.klom`), in nats; 0 is equal."""

    mean: float
    """Over the examples."""

    percentiles: dict[str, float]
    """Over the examples: 5, 50, 95 and 99."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MembershipPart:
    """The starting kit's attack on losses (`scoring.baselines.mia`); 1/2 is a guess."""

    mean: float
    """Its accuracy on the unlearned models, in [0, 1]."""

    deviation: float
    """Standard deviation of one unlearned model's."""

    reference_mean: float
    """The same on the references: the yardstick."""

    reference_deviation: float
    """Standard deviation of one reference's."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CardFlag:
    """Something that a reader should know before believing the score."""

    kind: str
    """``joint-attack``, ``mixture``, ``duplicates``, ``copies``, ``outliers``, ``decided-by-one``,
    ``certified`` or ``too-slow``."""

    sentence: str
    """What was seen."""

    figures: dict[str, Any]
    """What it rests on, by the names of the value that found it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScoreCard:
    """All that is known of a submission's runs; docs/metrics.md defines every number.

    A part that could not be computed is None, and `omitted` says why.
    """

    schema_version: int
    n: int
    """Unlearned models; scores of different n do not compare."""
    references: int
    examples: int
    classes: int
    seed: int
    """Of all random halves, folds and permutations; drawn from the outputs, unless one was asked for."""
    confidence: float
    """Of all intervals and certified bounds."""

    published: PublishedScore
    """The contest's, exactly."""
    uncertainty: Uncertainty | None
    ceiling: Ceiling | None
    share_of_ceiling: Interval | None
    """F over the ceiling."""
    exact: ExactPart
    held_out: HeldOutPart | None
    joint: JointAttack | None
    klom: KlomPart
    u_lira: ULira | None
    membership: MembershipPart | None
    tug_of_war: float
    """In [0, 1]; 1 if accuracies agree on forget, retain and test."""
    accuracies: AccuracyTable
    """Splits in the order retain, forget, val, test."""
    run_time: RunTime | None
    flags: tuple[CardFlag, ...]
    omitted: dict[str, str]
    """Parts that are None, with the reason."""

    def to_json(self) -> str:
        """Return the card as JSON text; `from_json` gives an equal card back."""
        return json.dumps(encode(self), indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> ScoreCard:
        """Read a card.

        Raises:
            ValueError: it is not JSON, of another schema version, or not a card.
        """
        data = json.loads(text)
        if isinstance(data, dict) and data.get("schema_version") != SCHEMA_VERSION:
            raise ValueError(
                f"The score card has schema version {data.get('schema_version')!r}; "
                f"this version reads {SCHEMA_VERSION}."
            )
        return decode(cls, data, "it")
