"""What the scorer's numbers are worth: its claims on simulated models, of which the truth is known.

Prints a table of claims, each with what was found, and writes the figures as CSV:

* at full size, for perfect unlearning: mean epsilon, F, the ceiling, held-out and certified epsilon;
* F by the number of models at the bins of n, on which the ceiling's correction rests;
* over many repetitions: how often the 95 % interval of the score holds the score's expectation, how
  often the ceiling's interval holds F, whether rerun noise is what reruns show, and how often nothing
  is certified under the null.

Examples of one model are independent, or correlated by a random effect that each model has. The
defaults take about ten minutes on one core.
"""

from __future__ import annotations

import argparse
import csv
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from scoring.checks import FloatArray
from scoring.epsilon.held_out import certified_epsilon, held_out_epsilon
from scoring.published.epsilon import forgetting_quality, published_epsilon
from scoring.published.score import Accuracies
from scoring.statistics.ceiling import ceiling, share_of_ceiling
from scoring.statistics.uncertainty import score_uncertainty


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Where simulated models come from."""

    name: str
    shift: float = 0.0
    """Between the references and the unlearned models, in standard deviations."""

    correlation: float = 0.0
    """Of the confidences of two examples over the models."""

    spread: float = 1.0
    """Standard deviation of a confidence, if it is normal."""

    heavy: bool = False
    """Whether the part that examples do not share follows Student's t with 3 degrees of freedom."""

    def models(self, rng: np.random.Generator, n: int, examples: int) -> tuple[FloatArray, Accuracies]:
        """Return confidences of shape [n, examples] and accuracies, of models without a shift."""
        effect = rng.normal(size=(n, 1))
        own = rng.standard_t(3, size=(n, examples)) if self.heavy else rng.normal(size=(n, examples))
        confidence = self.spread * (
            math.sqrt(self.correlation) * effect + math.sqrt(1 - self.correlation) * own
        )
        right = 0.9 + 0.02 * (0.7 * effect + 0.7 * rng.normal(size=(n, 2))).clip(-5, 5)
        return confidence, Accuracies(retain=right[:, 0], test=right[:, 1])


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
"""For which only F by the number of models is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One number that was found, and where it has to lie."""

    scenario: str
    quantity: str
    value: float
    least: float = -math.inf
    most: float = math.inf

    @property
    def holds(self) -> bool:
        """Return whether the number lies where it has to."""
        return self.least <= self.value <= self.most


def at_full_size(*, models: int, examples: int, seed: int) -> Iterator[Claim]:
    """Yield what is found for one perfect submission, with the seconds that each number costs."""
    rng = np.random.default_rng([seed, 1])  # not the stream that the halves are drawn from
    ours, theirs = rng.normal(size=(2, models, examples))
    right = Accuracies(retain=np.full(models, 0.9), test=np.full(models, 0.9))
    name = f"null, {models} models, {examples} examples"

    started = time.process_time()

    def seconds() -> float:
        nonlocal started
        before, started = started, time.process_time()
        return started - before

    epsilon = published_epsilon(ours, theirs)
    yield Claim(scenario=name, quantity="seconds: published epsilon", value=seconds())
    limit = ceiling(theirs, models, seed=seed)
    yield Claim(scenario=name, quantity="seconds: ceiling", value=seconds())
    doubt = score_uncertainty(
        unlearned=ours,
        retrained=theirs,
        unlearned_accuracies=right,
        reference_accuracies=right,
        seed=seed,
    )
    yield Claim(scenario=name, quantity="seconds: uncertainty", value=seconds())
    held_out = held_out_epsilon(ours, theirs, seed=seed)
    yield Claim(scenario=name, quantity="seconds: held-out epsilon", value=seconds())
    certain = certified_epsilon(ours, theirs, seed=seed)
    yield Claim(scenario=name, quantity="seconds: certified epsilon", value=seconds())

    quality = forgetting_quality(epsilon, models)
    yield Claim(scenario=name, quantity="mean epsilon", value=float(epsilon.mean()), least=1.49, most=1.59)
    yield Claim(scenario=name, quantity="F", value=quality, least=0.17, most=0.21)
    yield Claim(
        scenario=name,
        quantity="F, within the ceiling's interval",
        value=quality,
        least=limit.quality.low,
        most=limit.quality.high,
    )
    share = share_of_ceiling(doubt.forgetting_quality, limit)
    yield Claim(scenario=name, quantity="F / ceiling", value=share.estimate)
    yield Claim(scenario=name, quantity="F / ceiling, low", value=share.low, most=1)
    yield Claim(scenario=name, quantity="F / ceiling, high", value=share.high, least=1)
    yield Claim(scenario=name, quantity="mean held-out epsilon", value=float(held_out.mean()), most=0.6)
    yield Claim(scenario=name, quantity="largest certified epsilon", value=float(certain.max()), most=0)
    shifted = certified_epsilon(ours + 2, theirs, seed=seed, simultaneous=False)
    yield Claim(
        scenario="shift 2",
        quantity="mean certified epsilon, each by itself",
        value=float(shifted.mean()),
        least=1.9,
        most=2.4,
    )
    shifted = certified_epsilon(ours + 2, theirs, seed=seed)
    yield Claim(
        scenario="shift 2", quantity="mean certified epsilon, all together", value=float(shifted.mean())
    )


def by_size(scenario: Scenario, *, examples: int, repetitions: int, seed: int) -> Iterator[Claim]:
    """Yield mean and relative deviation of F at the bins of n = 512, by the number of models."""
    rng = np.random.default_rng(seed)
    for models in (16, 32, 64, 128, 256, 512):
        found = [_quality(scenario, rng, models, examples, bins_of=512) for _ in range(repetitions)]
        mean, deviation = float(np.mean(found)), float(np.std(found, ddof=1))
        name = f"F of {models} models at the bins of 512"
        yield Claim(scenario=scenario.name, quantity=name, value=mean)
        yield Claim(scenario=scenario.name, quantity=f"{name}: relative deviation", value=deviation / mean)


def coverage(
    scenario: Scenario,
    *,
    models: int,
    examples: int,
    repetitions: int,
    seed: int,
    splits: int = 16,
    ceilings: bool = True,
) -> Iterator[Claim]:
    """Yield how often intervals hold what they are to hold, over repetitions of everything.

    The expectation of the score is taken as the mean over these repetitions and as many again of the
    score alone, three times over.
    """
    rng = np.random.default_rng(seed)
    scores, lows, highs, errors, reruns = [], [], [], [], []
    ceiling_holds, share_holds = [], []
    for repetition in range(repetitions):
        ours, our_right = scenario.models(rng, models, examples)
        theirs, their_right = scenario.models(rng, models, examples)
        doubt = score_uncertainty(
            unlearned=ours + scenario.shift * scenario.spread,
            retrained=theirs,
            unlearned_accuracies=our_right,
            reference_accuracies=their_right,
            seed=repetition,
            splits=splits,
        )
        scores.append(doubt.score.estimate)
        lows.append(doubt.score.low)
        highs.append(doubt.score.high)
        errors.append(doubt.score.standard_error / max(doubt.score.estimate, 1e-12))
        reruns.append(doubt.rerun_relative)
        if ceilings and not scenario.shift:
            limit = ceiling(theirs, models, seed=repetition)
            quality = doubt.forgetting_quality.estimate
            ceiling_holds.append(limit.quality.low <= quality <= limit.quality.high)
            share = share_of_ceiling(doubt.forgetting_quality, limit)
            share_holds.append(share.low <= 1 <= share.high)
    more = [_score(scenario, rng, models, examples) for _ in range(3 * repetitions)]
    expected = float(np.mean(scores + more))
    name = f"{scenario.name}, {models} models"
    holds = np.mean([low <= expected <= high for low, high in zip(lows, highs, strict=True)])
    yield Claim(scenario=name, quantity="score: expectation", value=expected)
    yield Claim(
        scenario=name, quantity="score: 95 % interval holds it", value=float(holds), least=0.92, most=0.98
    )
    yield Claim(
        scenario=name, quantity="score: relative deviation", value=float(np.std(scores + more) / expected)
    )
    yield Claim(
        scenario=name,
        quantity="score: relative error, as estimated (root mean square)",
        value=float(np.sqrt(np.mean(np.square(errors)))),
    )
    if ceilings and not scenario.shift:
        yield Claim(
            scenario=name,
            quantity="ceiling's interval holds F",
            value=float(np.mean(ceiling_holds)),
            least=0.92,
        )
        yield Claim(
            scenario=name,
            quantity="F / ceiling: interval holds 1",
            value=float(np.mean(share_holds)),
            least=0.92,
        )
    true = _rerun_noise(scenario, rng, models, examples, draws=max(repetitions, 40))
    estimated = float(np.sqrt(np.mean(np.square(reruns))))
    yield Claim(scenario=name, quantity="rerun noise, by rerunning (relative)", value=true)
    yield Claim(
        scenario=name,
        quantity="rerun noise, as estimated (relative)",
        value=estimated,
        least=0.7 * true,
        most=1.4 * true,
    )


def nothing_certified(
    scenario: Scenario, *, models: int, examples: int, repetitions: int, seed: int
) -> Claim:
    """Return how often every certified bound is 0 under the null."""
    rng = np.random.default_rng(seed)
    nothing = 0
    for repetition in range(repetitions):
        ours, theirs = (scenario.models(rng, models, examples)[0] for _ in range(2))
        nothing += bool(certified_epsilon(ours, theirs, seed=repetition).max() == 0)
    name = f"{scenario.name}, {models} models"
    return Claim(scenario=name, quantity="nothing certified", value=nothing / repetitions, least=0.95)


def _quality(scenario: Scenario, rng: np.random.Generator, models: int, examples: int, bins_of: int) -> float:
    ours, theirs = (scenario.models(rng, models, examples)[0] for _ in range(2))
    epsilon = published_epsilon(ours + scenario.shift * scenario.spread, theirs)
    return forgetting_quality(epsilon, bins_of)


def _score(
    scenario: Scenario,
    rng: np.random.Generator,
    models: int,
    examples: int,
    references: tuple[FloatArray, Accuracies] | None = None,
) -> float:
    """Return the score of fresh unlearned models against these or fresh references."""
    ours, our_right = scenario.models(rng, models, examples)
    theirs, their_right = references or scenario.models(rng, models, examples)
    epsilon = published_epsilon(ours + scenario.shift * scenario.spread, theirs)
    ratio = (
        our_right.retain.mean() / their_right.retain.mean() * our_right.test.mean() / their_right.test.mean()
    )
    return forgetting_quality(epsilon, models) * float(ratio)


def _rerun_noise(
    scenario: Scenario, rng: np.random.Generator, models: int, examples: int, *, draws: int
) -> float:
    """Return the relative deviation of the score over fresh unlearned models, for the same references."""
    squares = []
    for _ in range(draws // 2):
        references = scenario.models(rng, models, examples)
        scores = [_score(scenario, rng, models, examples, references) for _ in range(4)]
        squares.append((np.var(scores, ddof=1), np.mean(scores)))
    variance, mean = np.mean(squares, axis=0)
    return float(np.sqrt(variance) / mean)


def main() -> None:
    """Run all simulations, print the claims, write the CSV."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0] if __doc__ else None)
    parser.add_argument("--models", type=int, default=512)
    parser.add_argument("--examples", type=int, default=700, help="at full size")
    parser.add_argument("--repeated-examples", type=int, default=30, help="in what is repeated")
    parser.add_argument("--repetitions", type=int, default=200)
    parser.add_argument("--only", choices=[s.name for s in SCENARIOS], action="append", help="scenarios")
    parser.add_argument("--csv", type=Path, default=None, help="file for the figures")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    scenarios = [s for s in SCENARIOS if options.only is None or s.name in options.only]
    repeated = {
        "models": options.models,
        "examples": options.repeated_examples,
        "repetitions": options.repetitions,
        "seed": options.seed,
    }

    claims: list[Claim] = []
    if options.only is None:
        claims += at_full_size(models=options.models, examples=options.examples, seed=options.seed)
        for scenario in SCENARIOS + OTHER_NULLS:
            claims += by_size(scenario, examples=20, repetitions=options.repetitions // 2, seed=options.seed)
    for scenario in scenarios:
        claims += coverage(scenario, **repeated)
        if not scenario.shift:
            claims.append(nothing_certified(scenario, **repeated))

    table = Table("scenario", "quantity", "found", "to lie in", "holds")
    for claim in claims:
        bounded = math.isfinite(claim.least) or math.isfinite(claim.most)
        table.add_row(
            claim.scenario,
            claim.quantity,
            f"{claim.value:.4g}",
            f"{claim.least:.4g} to {claim.most:.4g}" if bounded else "",
            ("yes" if claim.holds else "NO") if bounded else "",
        )
    Console(width=140).print(table)
    if options.csv is not None:
        with options.csv.open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(["scenario", "quantity", "value", "least", "most"])
            rows.writerows([c.scenario, c.quantity, c.value, c.least, c.most] for c in claims)
    raise SystemExit(0 if all(claim.holds for claim in claims) else 1)


if __name__ == "__main__":
    main()
