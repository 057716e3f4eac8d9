"""How fast are references trained, against a plain loop, and are they the same kind of network?

Both train the same number of networks on the same data for the same epochs on the same cores, inside the
trainer's container. Then the scorer's own judges are asked whether the two populations can be told
apart: the joint attack, and held-out epsilon beside what two halves of one population show.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from runner import arrays, image, options
from runner.channel import Channel
from runner.engine import Engine
from runner.session import session
from sandbox.jobs import SPLITS, TrainerJob
from sandbox.messages import from_trainer
from scoring import Outputs, certified_epsilon, held_out_epsilon, joint_attack

SCRIPT = (Path(__file__).parent / "plain_training.py").read_text()
_SILENCE_SECONDS = 3600.0


def race(engine: Engine, labels: dict[str, str], job: TrainerJob) -> tuple[dict[str, Any], list[bytes]]:
    """Return what the container measured, and the outputs of the plain and of the stacked networks."""
    spec = options.trainer(image=image.require(engine).tag, cpus=float(engine.cores()), labels=labels)
    environment = {name: value for name, value in spec.environment.items() if name != "OMP_NUM_THREADS"}
    container = engine.start(
        replace(spec, command=("/opt/venv/bin/python", "-c", SCRIPT), environment=environment)
    )
    groups: dict[int, bytes] = {}
    facts: dict[str, Any] = {}
    try:
        channel = Channel(container, from_trainer())
        channel.send("job", job.to_json())
        while (frame := channel.await_frame(_SILENCE_SECONDS)).kind != "done":
            if frame.kind == "group":
                groups[frame.integer("first")] = frame.payload
            elif frame.kind == "facts":
                facts = json.loads(frame.payload)
    finally:
        container.remove()
    return facts, [groups[first] for first in sorted(groups)]


def outputs_of(facts: dict[str, Any], data: list[bytes]) -> Outputs:
    """Return groups of outputs as one population."""
    row = 4 * facts["examples"] * facts["classes"] + 8 * len(SPLITS) * facts["classes"] + 4 * facts["unseen"]
    parts = [
        arrays.divide(
            one,
            logits=("<f4", (len(one) // row, facts["examples"], facts["classes"])),
            correct=("<i8", (len(one) // row, len(SPLITS), facts["classes"])),
            unseen_losses=("<f4", (len(one) // row, facts["unseen"])),
        )
        for one in data
    ]
    whole = {name: np.concatenate([part[name] for part in parts])[: facts["models"]] for name in parts[0]}
    return Outputs(labels=np.array(facts["labels"]), class_counts=np.array(facts["class_counts"]), **whole)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--models", type=int, default=128, help="each way; a multiple of a group is fair")
    asked = parser.parse_args()
    engine = Engine()
    job = TrainerJob(
        recipe="digits",
        seed=0,
        forget_fraction=0.05,
        references=asked.models,
        groups_done=[],
        skip_original=True,
        device="cpu",
        processes=engine.cores(),
        data_files=0,
        most_examples=None,
        architecture=None,
        training={},
        epochs=None,
    )
    with session(engine) as labels:
        facts, groups = race(engine, labels, job)
    plain, stacked = outputs_of(facts, groups[:1]), outputs_of(facts, groups[1:])

    console = Console(width=120)
    speed = Table(title=f"{asked.models} networks of the digits challenge each way, {engine.cores()} cores")
    for column in ("", "seconds", "models per hour", "ratio"):
        speed.add_column(column, justify="right" if column else "left")
    for name, seconds in (
        (f"plain loop, one at a time, {facts['plain_threads']} threads", facts["plain_seconds"]),
        ("ours: stacked, one process a core", facts["stacked_seconds"]),
    ):
        speed.add_row(
            name,
            f"{seconds:.1f}",
            f"{3600 * asked.models / seconds:.0f}",
            f"{facts['plain_seconds'] / seconds:.2f}",
        )
    console.print(speed)

    ours, theirs = stacked.confidences(), plain.confidences()
    order, half = np.random.default_rng(1).permutation(len(theirs)), len(theirs) // 2
    same = Table(title="Can they be told apart?")
    for column in ("", "stacked against plain", "half of plain against the other"):
        same.add_column(column, justify="right" if column else "left")
    pairs = ((ours, theirs), (theirs[order[:half]], theirs[order[half:]]))
    attacks = [joint_attack(*pair, seed=0) for pair in pairs]
    same.add_row("joint attack: AUC, support vectors", *(f"{one.auc_svm:.3f}" for one in attacks))
    same.add_row("joint attack: AUC, trees", *(f"{one.auc_trees:.3f}" for one in attacks))
    same.add_row("joint attack: p", *(f"{one.p_value:.3g}" for one in attacks))
    same.add_row("held-out epsilon, mean", *(f"{held_out_epsilon(*p, seed=0).mean():.3f}" for p in pairs))
    same.add_row("certified epsilon, largest", *(f"{certified_epsilon(*p, seed=0).max():.3f}" for p in pairs))
    for at, split in enumerate(SPLITS):
        accuracies = [one.correct[:, at].sum(axis=1) / one.class_counts[at].sum() for one in (stacked, plain)]
        told = " and ".join(f"{one.mean():.4f} ± {one.std(ddof=1):.4f}" for one in accuracies)
        same.add_row(f"accuracy on {split}: stacked and plain", told, "")
    console.print(same)


if __name__ == "__main__":
    main()
