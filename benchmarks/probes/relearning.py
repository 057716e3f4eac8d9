"""Suppression told from retraining: score cards of methods that hide the forget set and of honest ones.

Small networks on scikit-learn's digits, trained in NumPy; part of the forget set has wrong labels. The
original network learns the forget set by heart, references never see it. The methods:

* *retrained*: the same as the references, with other seeds;
* *fine-tuned*, *noise, fine-tuned*: a few epochs on retain, without and with noise on the weights before;
* *bias shifted*: the last layer's bias is lowered for the labels of the forget set until its accuracy is
  that of references;
* *last layer steered*: the last layer alone is fitted to the answers of a retrained network on the forget
  set, and to its own answers on retain;
* *answers replaced*: on exactly the forget examples the answers are those of a retrained network, on all
  others those of the fine-tuned original: a limit that no network of this size reaches.

It takes two minutes of one core.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace

import numpy as np

from scoring.card.card import ScoreCard
from scoring.card.make import score_card
from scoring.outputs import Outputs
from scoring.probes.contrast import Contrast
from tests.support.networks.small_networks import (
    CLASSES,
    NORMS,
    Networks,
    Problem,
    copies,
    outputs,
    problem,
    retrained,
    trained,
)

EPOCHS = 100
FORGET_WEIGHT = 30.0
"""Weight of a forget example in the fit of the last layer; a retain example has 1."""


def methods(task: Problem, original: Networks, references: Outputs, models: int) -> dict[str, Outputs]:
    """Return the outputs of every method, by its name."""
    start = copies(original, models)
    fresh = retrained(task, models, seed=3, epochs=EPOCHS)
    tuned = _tuned(task, start, epochs=3, seed=4)
    rng = np.random.default_rng(5)
    noise = [
        each + 0.6 * each.std() * rng.normal(size=each.shape).astype(np.float32)
        for each in (start.first, start.last)
    ]
    noisy = _tuned(task, Networks(first=noise[0], last=noise[1]), epochs=20, seed=6)
    of_tuned, of_fresh = outputs(task, tuned, original), outputs(task, fresh, original)
    return {
        "retrained": of_fresh,
        "fine-tuned": of_tuned,
        "noise, fine-tuned": outputs(task, noisy, original),
        "bias shifted": outputs(task, _bias_shifted(task, tuned, references), original),
        "last layer steered": outputs(task, _steered(task, tuned, fresh), original),
        "answers replaced": replace(
            of_tuned,
            logits=of_fresh.logits,
            correct=np.where([[[False], [True], [False], [False]]], of_fresh.correct, of_tuned.correct),
        ),
    }


def _tuned(task: Problem, networks: Networks, *, epochs: int, seed: int) -> Networks:
    return trained(
        networks, task.images[task.retain], task.labels[task.retain], epochs=epochs, seed=seed, rate=0.1
    )


def _bias_shifted(task: Problem, networks: Networks, references: Outputs) -> Networks:
    """Return the networks with a bias that gives the forget set the accuracy that references have."""
    labels = task.labels[task.forget]
    aim = float((references.logits.argmax(axis=2) == labels).mean())
    direction = -np.bincount(labels, minlength=CLASSES) / np.bincount(labels, minlength=CLASSES).max()
    direction = direction.astype(np.float32)
    low, high = 0.0, 64.0
    for _ in range(12):
        middle = (low + high) / 2
        moved = networks.last.copy()
        moved[:, -1] += np.float32(middle) * direction
        shifted = Networks(first=networks.first, last=moved)
        accuracy = (shifted.logits(task.images[task.forget]).argmax(axis=2) == labels).mean()
        low, high = (middle, high) if accuracy > aim else (low, middle)
    return shifted


def _steered(task: Problem, networks: Networks, answers: Networks) -> Networks:
    """Return the networks with a last layer that answers like others on forget, and as before on retain."""
    rows = np.concatenate([task.forget, task.retain])
    weight = np.where(np.arange(rows.size) < task.forget.size, FORGET_WEIGHT, 1.0)[:, np.newaxis]
    active = networks.features(task.images[rows])
    active = np.concatenate([active, np.ones_like(active[..., :1])], axis=-1).astype(np.float64)
    change = np.zeros((*active.shape[:2], CLASSES))
    forget = slice(0, task.forget.size)
    images = task.images[task.forget]
    change[:, forget] = answers.logits(images) - networks.logits(images)
    turned = active.transpose(0, 2, 1)
    gram = turned @ (weight * active) + 1e-3 * np.eye(active.shape[2])
    step = np.linalg.solve(gram, turned @ (weight * change))
    return Networks(first=networks.first, last=(networks.last + step).astype(np.float32))


def row(name: str, card: ScoreCard) -> str:
    """Return a row of the table, in Markdown."""
    assert card.relearning is not None
    assert card.residual_knowledge is not None
    assert card.features is not None
    assert card.features.separation is not None
    assert card.share_of_ceiling is not None
    assert card.joint is not None
    entries: list[Contrast] = [
        card.relearning.accuracy,
        card.relearning.confidence,
        *(residual.again for residual in card.residual_knowledge),
        card.features.distance,
        card.features.separation,
    ]
    if card.mislabelled is not None:
        entries.append(card.mislabelled.recalled)
    cells = [f"{card.published.score:.3f}", f"{card.share_of_ceiling.estimate:.0%}"]
    cells += [f"{card.joint.auc_svm:.2f}"]
    cells += [_cell(entry) for entry in entries]
    return f"| {name} | {' | '.join(cells)} |"


def _cell(entry: Contrast) -> str:
    """Return a value with its interval, bold where no retraining would be expected to have it."""
    value = entry.value
    text = f"{value.estimate:.3f} ({value.low:.3f} to {value.high:.3f})"
    outside = value.low > entry.null.high or value.high < entry.null.low
    return f"**{text}**" if outside else text


def main() -> None:
    """Print one table for each kind of forget set."""
    parser = argparse.ArgumentParser(description="Tell suppression from retraining.")
    parser.add_argument("--models", type=int, default=64)
    options = parser.parse_args()
    kinds = {
        "digits, 30 % of the forget set mislabelled": problem(seed=0, forget=120, unseen=400, wrong=0.3),
        "digits, forget set from three classes": problem(seed=0, forget=120, unseen=400, classes=3),
    }
    for kind, task in kinds.items():
        started = time.process_time()
        original = retrained(task, 1, seed=1, epochs=EPOCHS, forget=True)
        references = outputs(task, retrained(task, options.models, seed=2, epochs=EPOCHS), original)
        print(f"\n{kind}\n")
        titles = ["method", "score", "of ceiling", "joint AUC", "relearned accuracy", "relearned confidence"]
        titles += [f"recognised again at {norm:g}" for norm in NORMS]
        titles += ["feature distance", "separation", "wrong labels recalled"]
        print(f"| {' | '.join(titles)} |\n|{'---|' * len(titles)}")
        for name, unlearned in methods(task, original, references, options.models).items():
            print(row(name, score_card(unlearned, references)), flush=True)
        print(f"\n({time.process_time() - started:.0f} s of one core)")


if __name__ == "__main__":
    main()
