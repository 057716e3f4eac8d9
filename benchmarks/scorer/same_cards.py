"""Whether score cards are the same, to the last character, as those of the scorer at another commit.

    python benchmarks/scorer/same_cards.py COMMIT [--large]

Random populations of several kinds and sizes are scored by both, each in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scoring.outputs import Outputs

ROOT = Path(__file__).resolve().parents[2]
CLASSES = 5
KINDS = ("equal", "shifted", "wide", "narrow", "ties", "saturated", "two groups", "copies", "constant")
SIZES = ((2, 3, 7), (5, 4, 12), (17, 24, 40), (40, 33, 25), (64, 64, 60))
LARGE = ((512, 512, 700), (300, 512, 200))


def logits_of(
    kind: str, models: int, examples: int, side: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return logits; some kinds affect side 0 alone, the unlearned models."""
    logits = rng.normal(size=(models, examples, CLASSES)) + rng.normal(size=(models, 1, 1)) / 2
    logits[:, :, 0] += 2
    if kind == "shifted" and side == 0:
        logits[:, :, 0] += rng.uniform(0, 6, size=examples)
    if kind == "two groups" and side == 0:
        logits[:, :, 0] += np.where(rng.random(models) < 0.5, -3, 3)[:, np.newaxis]
    if kind == "copies" and side == 0:
        logits[1::2] = logits[: 2 * (models // 2) : 2]
    if kind == "constant":
        logits[:, ::2] = logits[:1, ::2]
    logits *= {"wide": 8, "narrow": 0.02, "saturated": 60}.get(kind, 1)
    return (np.round(logits * 2) / 2 if kind == "ties" else logits).astype(np.float32)


def population(kind: str, models: int, examples: int, side: int) -> Outputs:
    """Return outputs of random models with all probes."""
    from scoring.outputs import Outputs  # noqa: PLC0415 - of either commit
    from scoring.probes.arrays import Probes  # noqa: PLC0415

    rng = np.random.default_rng([KINDS.index(kind), models, examples, side])
    shared = np.random.default_rng(examples)
    labels = np.zeros(examples, dtype=np.intp)

    def outputs_of(*shape: int) -> NDArray[np.float32]:
        return rng.normal(size=(models, *shape, CLASSES)).astype(np.float32)

    return Outputs(
        logits=logits_of(kind, models, examples, side, rng),
        labels=labels,
        correct=rng.binomial(50, 0.9, size=(models, 4, CLASSES)),
        class_counts=np.full((4, CLASSES), 50),
        unseen_losses=rng.exponential(size=(models, 40 + examples // 2)),
        seconds=rng.uniform(1, 2, size=models),
        original_logits=shared.normal(size=(examples, CLASSES)).astype(np.float32),
        mislabelled=shared.random(examples) < 0.3,
        probes=Probes(
            retain_logits=outputs_of(9),
            retain_labels=np.arange(9) % CLASSES,
            test_logits=outputs_of(9),
            test_labels=np.arange(9) % CLASSES,
            perturbed_logits=outputs_of(2, 3, examples),
            norms=np.array([0.1, 0.2]),
            features=rng.normal(size=(models, examples, 4)).astype(np.float32),
            relearned_logits=outputs_of(examples),
        ),
    )


def texts(sizes: tuple[tuple[int, int, int], ...]) -> Iterator[str]:
    """Yield each card as JSON text on one line, after its kind and size."""
    from scoring.card.make import score_card  # noqa: PLC0415 - of either commit
    from scoring.card.options import CardOptions  # noqa: PLC0415

    for models, references, examples in sizes:
        for kind in KINDS if models < LARGE[1][0] else KINDS[:3]:
            sides = population(kind, models, examples, 0), population(kind, references, examples, 1)
            controls = [sides[::-1]] if models > 16 else []
            card = score_card(*sides, CardOptions(retraining_seconds=20.0), controls=controls)
            yield f"{kind} {models} {references} {examples}: {json.dumps(json.loads(card.to_json()))}"


def cards(folder: Path, *options: str) -> list[str]:
    """Return the cards of the scorer in a folder, from a process of its own."""
    environment = os.environ | {"PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-P", str(Path(__file__).resolve()), "--print", *options]
    process = subprocess.run(
        command, env=environment, cwd=folder, check=True, stdout=subprocess.PIPE, text=True
    )
    return process.stdout.splitlines()


def main() -> None:
    """Compare, and exit with 1 if a card differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("commit", nargs="?", default="HEAD")
    parser.add_argument("--large", action="store_true", help="the contest's size, for several minutes")
    parser.add_argument("--print", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.print:
        for text in texts(LARGE if options.large else SIZES):
            print(text, flush=True)
        return
    with tempfile.TemporaryDirectory() as folder:
        archive = subprocess.run(
            ["git", "archive", options.commit, "scoring"], cwd=ROOT, check=True, stdout=subprocess.PIPE
        ).stdout
        subprocess.run(["tar", "-x", "-C", folder], input=archive, check=True)
        large = ["--large"] * options.large
        before, after = cards(Path(folder), *large), cards(ROOT, *large)
    different = [new.split(":")[0] for old, new in zip(before, after, strict=True) if old != new]
    print(f"{len(after)} cards, {len(different)} different from {options.commit}")
    for name in different:
        print(name)
    sys.exit(1 if different else 0)


if __name__ == "__main__":
    main()
