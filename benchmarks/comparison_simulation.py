"""Simulation of comparisons: reruns of one method should be tied, a clear difference detected.

In each trial two reruns of one method and one worse method are scored against the same references, and
`scoring.statistics.comparison.compare` ranks the three. For each kind of confidences it prints:

* *tied*: the fraction of trials in which the interval of the reruns' difference contains 0;
* *tied (jackknife)*: the same if the variance at half size were halved, as in a delete-half
  jackknife; the difference is the effect of the choice in `scoring.statistics.ranking`;
* *detected*: the fraction of trials in which the worse method ranks behind both reruns.

The goals are 0.95 or more for *tied* and 1 for *detected*. The figures depend on the seed alone.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable

import numpy as np

from scoring.checks import FloatArray
from scoring.published.score import Accuracies
from scoring.statistics.comparison import ModelOutputs, compare
from scoring.statistics.ranking import Ranking

Noise = Callable[[np.random.Generator, int, int], FloatArray]


def normal(rng: np.random.Generator, models: int, examples: int) -> FloatArray:
    """Return independent confidences."""
    return rng.normal(size=(models, examples))


def shared(rng: np.random.Generator, models: int, examples: int) -> FloatArray:
    """Return confidences that share 30 % of their variance among the examples of a model."""
    own, common = rng.normal(size=(models, examples)), rng.normal(size=(models, 1))
    return np.asarray(np.sqrt(0.7) * own + np.sqrt(0.3) * common)


def heavy(rng: np.random.Generator, models: int, examples: int) -> FloatArray:
    """Return confidences with the tails of Student's t with 3 degrees of freedom."""
    return np.asarray(rng.standard_t(3, size=(models, examples)))


KINDS: dict[str, tuple[Noise, float]] = {
    "perfect": (normal, 0.0),
    "perfect, models vary": (shared, 0.0),
    "perfect, heavy tails": (heavy, 0.0),
    "0.5 sigma off": (normal, 0.5),
    "0.5 sigma off, models vary": (shared, 0.5),
}
WORSE = 1.0
"""Additional shift of the worse method, in units of sigma."""


def outputs(
    noise: Noise, shift: float, rng: np.random.Generator, *, models: int, examples: int
) -> ModelOutputs:
    """Return one submission of a method: its confidences, and accuracies that vary by 1 %."""
    return ModelOutputs(
        confidences=noise(rng, models, examples) + shift,
        accuracies=Accuracies(
            retain=np.clip(rng.normal(0.98, 0.005, size=models), 0, 1),
            test=np.clip(rng.normal(0.82, 0.01, size=models), 0, 1),
        ),
    )


def tied_by_jackknife(ranking: Ranking) -> bool:
    """Return whether the first two are tied if their variance is half of the estimate."""
    reach = float(ranking.difference_high[0, 1] - ranking.difference[0, 1])
    return bool(abs(float(ranking.difference[0, 1])) <= reach / np.sqrt(2))


def main() -> int:
    """Print a row for each kind of confidences."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=int, default=128, help="of each submission and of the references")
    parser.add_argument("--examples", type=int, default=60)
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--halvings", type=int, default=16)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", nargs="*", choices=list(KINDS), default=list(KINDS))
    options = parser.parse_args()
    print(
        f"{options.models} models, {options.examples} examples, {options.trials} trials, seed {options.seed}"
    )
    for kind in options.kinds:
        noise, shift = KINDS[kind]
        rng = np.random.default_rng(options.seed)
        started, tied, jackknife, detected = time.perf_counter(), 0, 0, 0
        for trial in range(options.trials):
            references, first, again, worse = (
                outputs(noise, off, rng, models=options.models, examples=options.examples)
                for off in (0.0, shift, shift, shift + WORSE)
            )
            ranking = compare([first, again, worse], references, seed=trial, halvings=options.halvings).score
            tied += bool(ranking.difference_low[0, 1] <= 0 <= ranking.difference_high[0, 1])
            jackknife += tied_by_jackknife(ranking)
            detected += int(ranking.rank[2]) == 3
        rates = " | ".join(f"{count / options.trials:.3f}" for count in (tied, jackknife, detected))
        print(f"| {kind} | {rates} | {time.perf_counter() - started:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
