"""The fields of a score card: all numbers on one submission, as one value."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from reprlib import repr as short_repr
from typing import Any

import numpy as np

from scoring.baselines.accuracies import AccuracyTable
from scoring.baselines.run_time import RunTime
from scoring.baselines.spread import Spread
from scoring.baselines.ulira import ULira
from scoring.card.codec import decode, encode, parse
from scoring.card.version import SCHEMA_VERSION as SCHEMA_VERSION  # noqa: PLC0414 - for its readers
from scoring.checks import FloatArray
from scoring.controls.comparison import ControlComparison
from scoring.flags.joint_attack import JointAttack
from scoring.outputs import SPLITS
from scoring.probes.contrast import Gap
from scoring.probes.features import FeatureDistance
from scoring.probes.mislabelled import Mislabelled
from scoring.probes.nulls import Nulls
from scoring.probes.over_unlearning import OverUnlearning
from scoring.probes.relearning import Relearning
from scoring.probes.residual import ResidualKnowledge
from scoring.probes.strata import STRATA, ExposureStrata
from scoring.published.score import PublishedScore
from scoring.statistics.ceiling import Ceiling
from scoring.statistics.interval import Interval
from scoring.statistics.uncertainty import Uncertainty


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ExactPart:
    """The metric without a grid (`scoring.epsilon.exact`)."""

    epsilon: FloatArray
    """Exact epsilon of each forget example, in nats, in [0, 50]. Shape [examples]."""

    epsilon_mean: float
    """Mean over the examples, in nats."""

    forgetting_quality: float
    """F of these epsilons, in [0, 1]; at most slightly above the published F."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeldOutPart:
    """Epsilons measured on models that the rule was not chosen on (`scoring.epsilon.held_out`)."""

    epsilon: FloatArray
    """Held-out epsilon of each forget example, in nats. Shape [examples]."""

    epsilon_mean: float
    """Mean over the examples, in nats."""

    certified: FloatArray
    """Lower bound of each epsilon; all bounds hold together with the card's confidence. Shape [examples]."""

    certified_most: float
    """Maximum of the bounds: a value above 0 shows that the forget set was not forgotten."""

    certified_examples: int
    """Number of bounds above 0."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KlomPart:
    """Divergence of binned margins (`scoring.baselines.klom`), in nats; 0 is equal."""

    mean: float
    """Mean over the examples."""

    percentiles: dict[str, float]
    """Percentiles over the examples, by name: 5, 50, 95 and 99."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MembershipPart:
    """The starting kit's attack on losses (`scoring.baselines.mia`); 1/2 is a guess."""

    mean: float
    """Mean accuracy of the attack on the unlearned models, in [0, 1]."""

    deviation: float
    """Standard deviation of the accuracy over the unlearned models."""

    reference_mean: float
    """Mean accuracy on the references, for comparison."""

    reference_deviation: float
    """Standard deviation of the accuracy over the references."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CardFlag:
    """An observation that a reader should know before trusting the score."""

    kind: str
    """``joint-attack``, ``too-close``, ``mixture``, ``duplicates``, ``copies``, ``outliers``,
    ``decided-by-one``, ``certified``, ``too-slow`` or ``not-unlearning``."""

    sentence: str
    """The observation in one sentence."""

    figures: dict[str, Any]
    """The figures behind it, named like the fields of the flag's value."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScoreCard:
    """All numbers on one submission; docs/metrics.md defines every number.

    A part that could not be computed is None, and `omitted` has the reason.
    """

    schema_version: int
    """Of this file."""
    n: int
    """Number of unlearned models; scores of different n are not comparable."""
    references: int
    """Number of references."""
    examples: int
    """Number of forget examples."""
    classes: int
    """Number of classes."""
    seed: int
    """Seed of all random halves, folds and permutations; derived from the outputs unless requested."""
    confidence: float
    """Confidence of all intervals and certified bounds."""

    published: PublishedScore
    """The contest's score, exactly."""
    uncertainty: Uncertainty | None
    """Intervals of the score and its parts."""
    ceiling: Ceiling | None
    """Forgetting quality of retraining itself."""
    share_of_ceiling: Interval | None
    """F divided by the ceiling."""
    exact: ExactPart
    """The metric without a grid."""
    held_out: HeldOutPart | None
    """Epsilon of models that the rule was not chosen on."""
    joint: JointAttack | None
    """Attack on all forget examples at once."""
    klom: KlomPart
    """Divergence of binned margins."""
    u_lira: ULira | None
    """U-LiRA, an attack by likelihood ratio."""
    membership: MembershipPart | None
    """The starting kit's attack on losses."""
    tug_of_war: float
    """ToW, in [0, 1]; 1 if the accuracies agree on forget, retain and test."""
    accuracies: AccuracyTable
    """Accuracies; the splits are in the order retain, forget, val, test."""
    run_time: RunTime | None
    """Time of a run as a fraction of retraining, by the clock and by the processor."""
    nulls: Nulls | None
    """What retraining gets in the submission's place, for entries that have no null of their own."""
    membership_gap: Gap | None
    """The starting kit's attack on losses: accuracy on unlearned models less that on references."""
    relearning: Relearning | None
    """What comes back when the models are trained further on retain alone."""
    residual_knowledge: tuple[ResidualKnowledge, ...] | None
    """Recognition of perturbed copies of the forget examples, by the norm of the perturbation."""
    features: FeatureDistance | None
    """Distance of the features of the forget examples."""
    over_unlearning: OverUnlearning | None
    """Divergence on retain and test examples."""
    strata: ExposureStrata | None
    """Epsilon by how exposed the examples were under the original network."""
    mislabelled: Mislabelled | None
    """The mislabelled forget examples, apart from all others."""
    controls: ControlComparison | None
    """The challenge beside its control problems; None where it has none. Only for organizers."""
    flags: tuple[CardFlag, ...]
    """Observations that a reader should know before trusting the score."""
    omitted: dict[str, str]
    """Reason for each part that is None."""

    def to_json(self) -> str:
        """Return the card as JSON text; `from_json` returns an equal card."""
        return json.dumps(encode(self), indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> ScoreCard:
        """Return the card of a JSON text.

        Raises:
            ValueError: the text is not JSON, has another schema version, or is not a complete card; the
                message is one sentence that names the place.
        """
        try:
            data = parse(text)
            if isinstance(data, dict) and data.get("schema_version", SCHEMA_VERSION) != SCHEMA_VERSION:
                raise ValueError(
                    f"it has schema version {short_repr(data['schema_version'])}, but this program reads "
                    f"version {SCHEMA_VERSION}."
                )
            card = decode(cls, data)
            card._check_arrays()
        except ValueError as error:
            raise ValueError(f"The score card cannot be read: {error}") from error
        return card

    def _check_arrays(self) -> None:
        """Check what the fields' types cannot express: the shapes, and where a NaN is allowed.

        Raises:
            ValueError: an array has another shape than the card's counts, or a NaN that does not mean
                "no examples".
        """
        parts = (
            ("published", self.published, ("epsilon",)),
            ("exact", self.exact, ("epsilon",)),
            ("held_out", self.held_out, ("epsilon", "certified")),
            ("u_lira", self.u_lira, ("accuracy", "auc")),
        )
        for name, part, fields in parts:
            for field in fields if part is not None else ():
                array = getattr(part, field)
                if array.shape != (self.examples,) or not np.isfinite(array).all():
                    raise ValueError(
                        f"{name}.{field} must hold {self.examples} numbers, one for each example."
                    )
        for field in ("exposure", "epsilon") if self.strata is not None else ():
            array = getattr(self.strata, field)
            if array.shape != (STRATA,) or not np.isfinite(array).all():
                raise ValueError(f"strata.{field} must hold {STRATA} numbers, one for each stratum.")
        for name, shape in (("splits", (len(SPLITS),)), ("classes", (len(SPLITS), self.classes))):
            for side in ("unlearned", "reference"):
                spread: Spread = getattr(self.accuracies, f"{side}_{name}")
                for statistic in dataclasses.fields(spread):
                    if getattr(spread, statistic.name).shape != shape:
                        raise ValueError(
                            f"accuracies.{side}_{name}.{statistic.name} must have shape {list(shape)}."
                        )
