"""The entries of a score card that a final may be decided by, each with the direction that is better."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Metric:
    """An entry of the score card."""

    path: str
    """Its fields, from the card, with dots between."""
    higher_is_better: bool


METRICS: Final[Mapping[str, Metric]] = {
    "score": Metric("published.score", True),
    "score_clipped": Metric("published.score_clipped", True),
    "forgetting_quality": Metric("published.forgetting_quality", True),
    "epsilon_mean": Metric("published.epsilon_mean", False),
    "retain_ratio": Metric("published.retain_ratio", True),
    "retain_ratio_clipped": Metric("published.retain_ratio_clipped", True),
    "test_ratio": Metric("published.test_ratio", True),
    "test_ratio_clipped": Metric("published.test_ratio_clipped", True),
    "share_of_ceiling": Metric("share_of_ceiling.estimate", True),
    "exact_forgetting_quality": Metric("exact.forgetting_quality", True),
    "exact_epsilon_mean": Metric("exact.epsilon_mean", False),
    "held_out_epsilon_mean": Metric("held_out.epsilon_mean", False),
    "klom_mean": Metric("klom.mean", False),
    "tug_of_war": Metric("tug_of_war", True),
}
"""By the name that ``competition.toml`` uses; docs/metrics.md defines them."""


def metric_value(card: object, metric: Metric) -> float | None:
    """Return the value of a metric on a score card; None where the card could not compute it.

    Args:
        card: A `scoring.card.card.ScoreCard`.
        metric: Which entry of it.
    """
    value: object = card
    for name in metric.path.split("."):
        if value is None:
            return None
        value = getattr(value, name)
    return float(value) if isinstance(value, int | float) else None
