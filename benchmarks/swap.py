"""SWAP test of every entry of the score card, at more repetitions than the tests have time for.

Perfect submissions are scored again and again: networks retrained in the same way as the references, with
other seeds. No entry may claim to see anything in them; with forget and unseen examples exchanged, neither.

* *simulated*: confidences with a factor common to all that is recorded of a model, and heavy tails;
* *digits*: small networks on scikit-learn's digits, all trained anew in each repetition.

Printed for each entry: its mean claim (value less null) with standard error, on forget and exchanged;
how often the null's interval contained the value; how often the value's interval contained the mean value.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np

from scoring.card.card import ScoreCard
from scoring.card.make import score_card
from scoring.outputs import Outputs
from tests.support import small_networks
from tests.support.swap import advantages, contrasts_of, perfect

Pairs = tuple[tuple[Outputs, Outputs], tuple[Outputs, Outputs]]
"""Unlearned models and references: on the forget set, and exchanged."""


def simulated(repetition: int, models: int) -> Pairs:
    """Return a perfect submission with known distributions."""
    first, second = (perfect(2 * repetition + which, models, 20) for which in (0, 1))
    return (first[0], second[0]), (first[1], second[1])


def digits(repetition: int, models: int) -> Pairs:
    """Return a perfect submission of trained networks; forget and unseen examples are drawn anew."""
    task = small_networks.problem(seed=repetition, forget=60, unseen=60)
    networks = [
        small_networks.retrained(task, models, seed=10 + 2 * repetition + which, epochs=12)
        for which in (0, 1)
    ]
    pairs = []
    for each in (task, task.swapped()):
        original = small_networks.retrained(each, 1, seed=2, epochs=12, forget=True)
        first, second = (small_networks.outputs(each, side, original) for side in networks)
        pairs.append((first, second))
    return pairs[0], pairs[1]


def table(make: Callable[[int, int], Pairs], models: int, repetitions: int) -> list[str]:
    """Return the rows of a table, in Markdown."""
    cards: list[tuple[ScoreCard, ScoreCard]] = []
    for repetition in range(repetitions):
        forget, exchanged = make(repetition, models)
        cards.append((score_card(*forget), score_card(*exchanged)))
    claims = [[advantages(card) for card in pair] for pair in cards]
    contrasts = [dict(contrasts_of(card)) for pair in cards for card in pair]
    rows = []
    for name in claims[0][0]:
        cells = []
        for side in (0, 1):
            values = np.array([pair[side][name] for pair in claims if name in pair[side]])
            cells.append(f"{values.mean():+.4f} ± {values.std(ddof=1) / np.sqrt(values.size):.4f}")
        entries = [each[name] for each in contrasts if name in each]
        if entries:
            mean = np.mean([each.value.estimate for each in entries])
            contained = [each.null.low <= each.value.estimate <= each.null.high for each in entries]
            covered = [each.value.low <= mean <= each.value.high for each in entries]
            cells += [f"{np.mean(contained):.3f}", f"{np.mean(covered):.3f}"]
        else:
            cells += ["", ""]
        rows.append(f"| {name} | {' | '.join(cells)} |")
    flagged = [
        sum(any(flag.kind == kind for flag in card.flags) for pair in cards for card in pair)
        for kind in ("joint-attack", "certified")
    ]
    rows.append(
        f"\nOf {2 * repetitions} cards, {flagged[0]} flag the joint attack, {flagged[1]} certify anything."
    )
    return rows


def main() -> None:
    """Print a table for each kind of models."""
    parser = argparse.ArgumentParser(description="SWAP test of every entry of the score card.")
    parser.add_argument("--models", type=int, default=32)
    parser.add_argument("--repetitions", type=int, default=100)
    parser.add_argument("--kind", choices=("simulated", "digits"), action="append")
    options = parser.parse_args()
    for kind in options.kind or ("simulated", "digits"):
        make = simulated if kind == "simulated" else digits
        print(f"\n{kind}, {options.models} models a side, {options.repetitions} repetitions\n")
        print("| entry | claim on forget | exchanged | null contains value | interval contains mean |")
        print("|---|---|---|---|---|")
        print("\n".join(table(make, options.models, options.repetitions)), flush=True)


if __name__ == "__main__":
    main()
