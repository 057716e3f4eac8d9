"""Simulation of the scorer's claims on models whose true distribution is known.

It prints a table of claims, each with the measured value, and writes the figures as CSV:

* at full size, for perfect unlearning: mean epsilon, F, the ceiling, held-out and certified epsilon;
* F by the number of models at the bins of n, which the ceiling's correction relies on;
* over many repetitions: how often the 95 % interval of the score contains the score's expectation, how
  often the ceiling's interval contains F, whether the estimated rerun noise is that of actual reruns, and
  how often no epsilon is certified under the null.

Examples of one model are independent, or correlated by a random effect of the model. The
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

from benchmarks.simulated_models import (
    OTHER_NULLS,
    SCENARIOS,
    Scenario,
    simulated_quality,
    simulated_rerun_noise,
    simulated_score,
)
from scoring.epsilon.held_out import certified_epsilon, held_out_epsilon
from scoring.published.epsilon import forgetting_quality, published_epsilon
from scoring.published.score import Accuracies
from scoring.statistics.ceiling import ceiling, share_of_ceiling
from scoring.statistics.uncertainty import score_uncertainty


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One measured number, and the range that it must lie in."""

    scenario: str
    quantity: str
    value: float
    minimum: float = -math.inf
    maximum: float = math.inf

    @property
    def holds(self) -> bool:
        """Return whether the number lies in its range."""
        return self.minimum <= self.value <= self.maximum


def at_full_size(*, models: int, examples: int, seed: int) -> Iterator[Claim]:
    """Yield the results for one perfect submission, with the CPU seconds of each number."""
    rng = np.random.default_rng([seed, 1])  # another stream than that of the random halves
    unlearned, retrained = rng.normal(size=(2, models, examples))
    accuracies = Accuracies(retain=np.full(models, 0.9), test=np.full(models, 0.9))
    name = f"null, {models} models, {examples} examples"

    started = time.process_time()

    def seconds() -> float:
        nonlocal started
        before, started = started, time.process_time()
        return started - before

    epsilon = published_epsilon(unlearned, retrained)
    yield Claim(scenario=name, quantity="seconds: published epsilon", value=seconds())
    limit = ceiling(retrained, models, seed=seed)
    yield Claim(scenario=name, quantity="seconds: ceiling", value=seconds())
    uncertainty = score_uncertainty(
        unlearned=unlearned,
        retrained=retrained,
        unlearned_accuracies=accuracies,
        reference_accuracies=accuracies,
        seed=seed,
    )
    yield Claim(scenario=name, quantity="seconds: uncertainty", value=seconds())
    held_out = held_out_epsilon(unlearned, retrained, seed=seed)
    yield Claim(scenario=name, quantity="seconds: held-out epsilon", value=seconds())
    certified = certified_epsilon(unlearned, retrained, seed=seed)
    yield Claim(scenario=name, quantity="seconds: certified epsilon", value=seconds())

    quality = forgetting_quality(epsilon, models)
    yield Claim(
        scenario=name, quantity="mean epsilon", value=float(epsilon.mean()), minimum=1.49, maximum=1.59
    )
    yield Claim(scenario=name, quantity="F", value=quality, minimum=0.17, maximum=0.21)
    yield Claim(
        scenario=name,
        quantity="F, within the ceiling's interval",
        value=quality,
        minimum=limit.quality.low,
        maximum=limit.quality.high,
    )
    share = share_of_ceiling(uncertainty.forgetting_quality, limit)
    yield Claim(scenario=name, quantity="F / ceiling", value=share.estimate)
    yield Claim(scenario=name, quantity="F / ceiling, low", value=share.low, maximum=1)
    yield Claim(scenario=name, quantity="F / ceiling, high", value=share.high, minimum=1)
    yield Claim(scenario=name, quantity="mean held-out epsilon", value=float(held_out.mean()), maximum=0.6)
    yield Claim(scenario=name, quantity="largest certified epsilon", value=float(certified.max()), maximum=0)
    shifted = certified_epsilon(unlearned + 2, retrained, seed=seed, simultaneous=False)
    yield Claim(
        scenario="shift 2",
        quantity="mean certified epsilon, each by itself",
        value=float(shifted.mean()),
        minimum=1.9,
        maximum=2.4,
    )
    shifted = certified_epsilon(unlearned + 2, retrained, seed=seed)
    yield Claim(
        scenario="shift 2", quantity="mean certified epsilon, all together", value=float(shifted.mean())
    )


def by_size(scenario: Scenario, *, examples: int, repetitions: int, seed: int) -> Iterator[Claim]:
    """Yield mean and relative deviation of F at the bins of n = 512, by the number of models."""
    rng = np.random.default_rng(seed)
    for models in (16, 32, 64, 128, 256, 512):
        qualities = [
            simulated_quality(scenario, rng, models, examples, bins_of=512) for _ in range(repetitions)
        ]
        mean, deviation = float(np.mean(qualities)), float(np.std(qualities, ddof=1))
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
    """Yield the coverage of the intervals over repetitions of the whole simulation.

    The expectation of the score is estimated by the mean over these repetitions and three times as many
    of the score alone.
    """
    rng = np.random.default_rng(seed)
    scores, lows, highs, errors, reruns = [], [], [], [], []
    ceiling_holds, share_holds = [], []
    for repetition in range(repetitions):
        unlearned, unlearned_accuracies = scenario.models(rng, models, examples)
        retrained, reference_accuracies = scenario.models(rng, models, examples)
        uncertainty = score_uncertainty(
            unlearned=unlearned + scenario.shift * scenario.spread,
            retrained=retrained,
            unlearned_accuracies=unlearned_accuracies,
            reference_accuracies=reference_accuracies,
            seed=repetition,
            splits=splits,
        )
        scores.append(uncertainty.score.estimate)
        lows.append(uncertainty.score.low)
        highs.append(uncertainty.score.high)
        errors.append(uncertainty.score.standard_error / max(uncertainty.score.estimate, 1e-12))
        reruns.append(uncertainty.rerun_relative)
        if ceilings and not scenario.shift:
            limit = ceiling(retrained, models, seed=repetition)
            quality = uncertainty.forgetting_quality.estimate
            ceiling_holds.append(limit.quality.low <= quality <= limit.quality.high)
            share = share_of_ceiling(uncertainty.forgetting_quality, limit)
            share_holds.append(share.low <= 1 <= share.high)
    more = [simulated_score(scenario, rng, models, examples) for _ in range(3 * repetitions)]
    expected = float(np.mean(scores + more))
    name = f"{scenario.name}, {models} models"
    holds = np.mean([low <= expected <= high for low, high in zip(lows, highs, strict=True)])
    yield Claim(scenario=name, quantity="score: expectation", value=expected)
    yield Claim(
        scenario=name,
        quantity="score: 95 % interval holds it",
        value=float(holds),
        minimum=0.92,
        maximum=0.98,
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
            minimum=0.92,
        )
        yield Claim(
            scenario=name,
            quantity="F / ceiling: interval holds 1",
            value=float(np.mean(share_holds)),
            minimum=0.92,
        )
    true = simulated_rerun_noise(scenario, rng, models, examples, draws=max(repetitions, 40))
    estimated = float(np.sqrt(np.mean(np.square(reruns))))
    yield Claim(scenario=name, quantity="rerun noise, by rerunning (relative)", value=true)
    yield Claim(
        scenario=name,
        quantity="rerun noise, as estimated (relative)",
        value=estimated,
        minimum=0.7 * true,
        maximum=1.4 * true,
    )


def nothing_certified(
    scenario: Scenario, *, models: int, examples: int, repetitions: int, seed: int
) -> Claim:
    """Return the fraction of repetitions in which every certified bound is 0 under the null."""
    rng = np.random.default_rng(seed)
    nothing = 0
    for repetition in range(repetitions):
        unlearned, retrained = (scenario.models(rng, models, examples)[0] for _ in range(2))
        nothing += bool(certified_epsilon(unlearned, retrained, seed=repetition).max() == 0)
    name = f"{scenario.name}, {models} models"
    return Claim(scenario=name, quantity="nothing certified", value=nothing / repetitions, minimum=0.95)


def main() -> None:
    """Run all simulations, print the claims, write the CSV."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0] if __doc__ else None)
    parser.add_argument("--models", type=int, default=512)
    parser.add_argument("--examples", type=int, default=700, help="at full size")
    parser.add_argument("--repeated-examples", type=int, default=30, help="in the repetitions")
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

    table = Table("scenario", "quantity", "value", "range", "holds")
    for claim in claims:
        bounded = math.isfinite(claim.minimum) or math.isfinite(claim.maximum)
        table.add_row(
            claim.scenario,
            claim.quantity,
            f"{claim.value:.4g}",
            f"{claim.minimum:.4g} to {claim.maximum:.4g}" if bounded else "",
            ("yes" if claim.holds else "NO") if bounded else "",
        )
    Console(width=140).print(table)
    if options.csv is not None:
        with options.csv.open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(["scenario", "quantity", "value", "minimum", "maximum"])
            rows.writerows([c.scenario, c.quantity, c.value, c.minimum, c.maximum] for c in claims)
    raise SystemExit(0 if all(claim.holds for claim in claims) else 1)


if __name__ == "__main__":
    main()
