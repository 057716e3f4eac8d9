"""The report of an evaluation as data: its view, and what a page shows beyond it.

A part is None or empty where it is not known, cannot be computed, or may not be shown; `ReportView.omitted`
has the reason where a reader should know it. All text is sanitized; renderers escape it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from runner.reports.views.model import EvaluationView


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A number, with its 95 % interval where that is known."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccuracyRow:
    """Accuracy on a split: means and standard deviations over the models."""

    split: str
    unlearned: float
    unlearned_deviation: float
    references: float
    references_deviation: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CardPart:
    """The score card."""

    score: Measure
    quality: Measure
    """F."""
    ceiling: Measure | None
    """F of perfect unlearning."""
    share: Measure | None
    """F over the ceiling."""
    retain: Measure
    """Ratio of accuracies."""
    test: Measure
    """Ratio of accuracies."""
    references: int
    """Number of references."""
    examples: int
    """Number of forget examples."""
    accuracies: Sequence[AccuracyRow]
    time_share: float | None
    """Median time of a run as a fraction of retraining."""
    numbers: Sequence[tuple[str, str, str]]
    """Every number of the card: name, value, how to read it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EpsilonBin:
    """Forget examples by epsilon."""

    low: float
    """In nats."""
    high: float | None
    """In nats; None for the last bin, which is open."""
    points: float
    """What an example in it earns, from 0 to 1."""
    unlearned: float
    """Share of the forget examples."""
    references: float | None
    """Share where references are compared with references; None if that is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfidenceBin:
    """Models by their confidence on an example."""

    low: float
    high: float
    unlearned: float
    """Share of the unlearned models."""
    references: float
    """Share of the references."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExamplePart:
    """A forget example, and how confident both populations are on it."""

    index: int
    """Position in the forget set, from 0."""
    label: int
    """Its class."""
    group: str
    """Why it is shown: ``most exposed``, ``median`` or ``least exposed``."""
    epsilon: float
    """In nats."""
    unlearned_median: float
    references_median: float
    bins: Sequence[ConfidenceBin]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPart:
    """A run that has ended."""

    index: int
    verdict: str
    seconds: float
    """By the supervisor's clock, or by the host's where it reported none."""
    peak_bytes: int | None
    """The most memory that it was seen to use."""
    exception: str
    """Name of its exception's class; empty without."""
    processor_seconds: float | None = None
    """Processor time of all its processes and threads; None if it is not known."""
    seed: int | None = None
    """None where it may not be shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitsPart:
    """What a run may use."""

    seconds: float | None
    memory_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What the result rests on."""

    facts: Sequence[tuple[str, str]]
    """Name and value, in the order in which they are shown."""
    command: str | None
    """Repeats the evaluation; None where it is not known."""
    check: str | None
    """Checks what is stored of it; None without a manifest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportView:
    """All that the page of an evaluation shows."""

    view: EvaluationView
    card: CardPart | None
    epsilon: Sequence[EpsilonBin]
    examples: Sequence[ExamplePart]
    runs: Sequence[RunPart]
    lost: int
    """Containers that were lost and started again; the submission is not to blame."""
    limits: LimitsPart
    provenance: Provenance
    omitted: Mapping[str, str]
    """Why a part is missing: ``card``, ``epsilon`` or ``examples``."""
