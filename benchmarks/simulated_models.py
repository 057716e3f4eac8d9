"""Models of a known distribution: confidences and accuracies, drawn at random."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from scoring.checks import FloatArray
from scoring.published.epsilon import forgetting_quality, published_epsilon
from scoring.published.score import Accuracies


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """The distribution of simulated models."""

    name: str
    shift: float = 0.0
    """Shift between the references and the unlearned models, in standard deviations."""

    correlation: float = 0.0
    """Correlation of the confidences of two examples over the models."""

    spread: float = 1.0
    """Standard deviation of a confidence, if it is normal."""

    heavy: bool = False
    """Whether the part specific to an example follows Student's t with 3 degrees of freedom."""

    def models(self, rng: np.random.Generator, n: int, examples: int) -> tuple[FloatArray, Accuracies]:
        """Return confidences of shape [n, examples] and accuracies of models without a shift."""
        effect = rng.normal(size=(n, 1))
        own = rng.standard_t(3, size=(n, examples)) if self.heavy else rng.normal(size=(n, examples))
        confidence = self.spread * (
            math.sqrt(self.correlation) * effect + math.sqrt(1 - self.correlation) * own
        )
        accuracy = 0.9 + 0.02 * (0.7 * effect + 0.7 * rng.normal(size=(n, 2))).clip(-5, 5)
        return confidence, Accuracies(retain=accuracy[:, 0], test=accuracy[:, 1])


SCENARIOS = (
    Scenario(name="null"),
    Scenario(name="null, correlated", correlation=0.5),
    Scenario(name="shift 1", shift=1.0),
    Scenario(name="shift 1, correlated", shift=1.0, correlation=0.5),
)

OTHER_NULLS = (
    Scenario(name="null, wide", spread=3.0),
    Scenario(name="null, narrow", spread=0.3),
    Scenario(name="null, heavy tails", heavy=True),
)
"""Scenarios for which only F by the number of models is computed."""


def simulated_quality(
    scenario: Scenario, rng: np.random.Generator, models: int, examples: int, bins_of: int
) -> float:
    """Return F of fresh models at the bins of ``bins_of`` models."""
    unlearned, retrained = (scenario.models(rng, models, examples)[0] for _ in range(2))
    epsilon = published_epsilon(unlearned + scenario.shift * scenario.spread, retrained)
    return forgetting_quality(epsilon, bins_of)


def simulated_score(
    scenario: Scenario,
    rng: np.random.Generator,
    models: int,
    examples: int,
    references: tuple[FloatArray, Accuracies] | None = None,
) -> float:
    """Return the score of fresh unlearned models, against these references or fresh ones."""
    unlearned, unlearned_accuracies = scenario.models(rng, models, examples)
    retrained, reference_accuracies = references or scenario.models(rng, models, examples)
    epsilon = published_epsilon(unlearned + scenario.shift * scenario.spread, retrained)
    ratio = (
        unlearned_accuracies.retain.mean()
        / reference_accuracies.retain.mean()
        * unlearned_accuracies.test.mean()
        / reference_accuracies.test.mean()
    )
    return forgetting_quality(epsilon, models) * float(ratio)


def simulated_rerun_noise(
    scenario: Scenario, rng: np.random.Generator, models: int, examples: int, *, draws: int
) -> float:
    """Return the relative deviation of the score over fresh unlearned models, for the same references."""
    squares = []
    for _ in range(draws // 2):
        references = scenario.models(rng, models, examples)
        scores = [simulated_score(scenario, rng, models, examples, references) for _ in range(4)]
        squares.append((np.var(scores, ddof=1), np.mean(scores)))
    variance, mean = np.mean(squares, axis=0)
    return float(np.sqrt(variance) / mean)
