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
from typing import TypeVar

import numpy as np

from scoring.baselines.margin import classification_margin, cross_entropy
from scoring.baselines.mia import loss_mia
from scoring.baselines.ulira import u_lira
from scoring.card.probe_parts import probe_parts
from scoring.checks import FloatArray
from scoring.epsilon.held_out import certified_epsilon, held_out_epsilon
from scoring.flags.joint_attack import joint_attack
from scoring.outputs import Outputs
from scoring.probes.contrast import Contrast
from scoring.statistics.interval import CONFIDENCE
from tests.support.networks import small_networks
from tests.support.networks.swap import contrasts_of, perfect

JOINT_EVERY = 3
"""The joint attack is repeated once in this many repetitions."""

T = TypeVar("T")

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


def claims_of(
    unlearned: Outputs, references: Outputs, seed: int, *, joint: bool
) -> dict[str, float | Contrast]:
    """Return a contrast for each entry of a card, or an advantage, 0 where nothing is seen.

    Args:
        unlearned: Of perfect unlearning.
        references: Of references.
        seed: Of all random choices.
        joint: Whether the joint attack is among them, which takes most of the time.
    """
    confidences = unlearned.confidences(), references.confidences()
    losses = [
        loss_mia(_losses(side), np.asarray(side.unseen_losses), seed=seed) for side in (unlearned, references)
    ]
    parts = probe_parts(
        _compute,
        unlearned,
        references,
        confidences=confidences,
        held_out=held_out_epsilon(*confidences, seed=seed),
        loss_attack=(losses[0], losses[1]),
        seed=seed,
        confidence=CONFIDENCE,
    )
    claims: dict[str, float | Contrast] = {
        label: each for name, part in parts.items() for label, each in contrasts_of(part, name)
    }
    lira = u_lira(*confidences, seed=seed)
    claims["U-LiRA, AUC less 1/2"], claims["U-LiRA, accuracy less 1/2"] = (
        lira.auc_mean - 0.5,
        lira.accuracy_mean - 0.5,
    )
    claims["certified, share of examples"] = float((certified_epsilon(*confidences, seed=seed) > 0).mean())
    if joint:
        attack = joint_attack(*confidences, seed=seed)
        claims["joint attack, AUC of support vectors less 1/2"] = attack.auc_svm - 0.5
        claims["joint attack, AUC of trees less 1/2"] = attack.auc_trees - 0.5
        claims["joint attack, flagged"] = float(attack.flagged)
    return claims


def _compute(_name: str, function: Callable[[], T]) -> T | None:
    """Return what a function computes, None where its inputs are missing."""
    try:
        return function()
    except ValueError:
        return None


def _losses(outputs: Outputs) -> FloatArray:
    margins = [classification_margin(each, outputs.labels) for each in outputs.logits]
    return cross_entropy(np.stack(margins))


def table(make: Callable[[int, int], Pairs], models: int, repetitions: int) -> list[str]:
    """Return the rows of a table, in Markdown."""
    claims = []
    for repetition in range(repetitions):
        joint = repetition % JOINT_EVERY == 0
        claims.append([claims_of(*pair, repetition, joint=joint) for pair in make(repetition, models)])
    rows = []
    for name in claims[0][0]:
        cells, contrasts = [], []
        for side in (0, 1):
            entries = [pair[side][name] for pair in claims if name in pair[side]]
            contrasts += [entry for entry in entries if isinstance(entry, Contrast)]
            values = np.array(
                [
                    entry.value.estimate - entry.null.estimate if isinstance(entry, Contrast) else entry
                    for entry in entries
                ]
            )
            cells.append(f"{values.mean():+.4f} ± {values.std(ddof=1) / np.sqrt(values.size):.4f}")
        if contrasts:
            mean = np.mean([each.value.estimate for each in contrasts])
            contained = [each.null.low <= each.value.estimate <= each.null.high for each in contrasts]
            covered = [each.value.low <= mean <= each.value.high for each in contrasts]
            cells += [f"{np.mean(contained):.1%}", f"{np.mean(covered):.1%}"]
        else:
            cells += ["", ""]
        rows.append(f"| {name.replace('_', ' ')} | {' | '.join(cells)} |")
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
