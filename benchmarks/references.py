"""How fast are references trained, against a plain loop, and are they the same kind of network?

Both train the same number of networks on the same data for the same epochs on the same cores, inside the
trainer's container. Then the scorer's own judges are asked whether the two populations can be told
apart: the joint attack, and held-out epsilon beside what two halves of one population show.

On a GPU, at the size of the contest (noise for images, so that nothing has to be fetched)::

    python benchmarks/references.py --device cuda --architecture resnet18 --examples 24000 --models 4

which also tells what share of the chip's limit in float32 the training reaches.
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

from runner.clients.channel import Channel
from runner.engine.api import Engine
from runner.engine.client import connect_engine
from runner.engine.container_spec import trainer_container
from runner.engine.gpu_lock import gpu_lock
from runner.engine.placement import ALL_GPUS, CPU, Placement, resolve_placement
from runner.engine.session import container_session
from runner.image.image import require_image
from runner.parsers.npz import split_buffer
from sandbox.protocol.jobs import TrainerJob
from sandbox.protocol.messages import from_trainer
from sandbox.protocol.splits import SPLITS
from scoring import Outputs, certified_epsilon, held_out_epsilon, joint_attack

SCRIPT = (Path(__file__).parent / "plain_training.py").read_text()
_SILENCE_SECONDS = 3600.0


def race(
    engine: Engine, labels: dict[str, str], job: TrainerJob, placement: Placement
) -> tuple[dict[str, Any], list[bytes]]:
    """Return what the container measured, and the outputs of the plain and of the stacked networks."""
    tag = require_image(engine).tag
    spec = trainer_container(image=tag, cpus=float(engine.info().cores), labels=labels, placement=placement)
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
        split_buffer(
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
    parser.add_argument("--device", default=CPU, help="cpu, cuda (the GPU there is), or cuda:UUID")
    parser.add_argument("--examples", type=int, help="train on so many images of noise, not on the digits")
    parser.add_argument("--architecture", help="with --examples; convnet-3 unless said")
    parser.add_argument("--epochs", type=int, help="30 on noise unless said")
    parser.add_argument(
        "--peak-tflops", type=float, help="the chip's limit in float32; measured unless given"
    )
    asked = parser.parse_args()
    if asked.architecture and not asked.examples:
        parser.error("--architecture goes with --examples")
    engine = connect_engine()
    device = ALL_GPUS if asked.device == "cuda" else asked.device
    placement = resolve_placement(runtime="", device=device, required_device=CPU, info=engine.info())
    job = TrainerJob(
        recipe="digits",
        seed=0,
        forget_fraction=0.05,
        references=asked.models,
        groups_done=[],
        skip_original=True,
        device=placement.torch_device,
        processes=engine.info().cores,
        data_files=0,
        most_examples=asked.examples,
        architecture=asked.architecture,
        training={},
        epochs=asked.epochs,
    )
    with container_session(engine) as labels, gpu_lock(device):
        facts, groups = race(engine, labels, job, placement)

    console = Console(width=120)
    console.print(speed_table(facts, asked.peak_tflops))
    if asked.examples is None:
        console.print(sameness_table(facts, groups))


def speed_table(facts: dict[str, Any], peak_tflops: float | None) -> Table:
    """Return how fast each way was, and what share of the device's limit it reached."""
    limit = peak_tflops * 1e12 if peak_tflops else facts["flops_a_second"]
    models, data = facts["models"], f"{facts['retain']} examples, {facts['epochs']} epochs"
    table = Table(title=f"{models} networks {facts['architecture']} each way, {data}, {facts['device']}")
    share = f"of {limit / 1e12:.3g} TFLOP/s ({'given' if peak_tflops else 'large float32 product'})"
    for column in ("", "seconds", "models per hour", "ratio", share):
        table.add_column(column, justify="right" if column else "left")
    for name, seconds in (
        (f"plain loop, one at a time, {facts['plain_threads']} threads", facts["plain_seconds"]),
        (f"ours: {facts['group']} at a time", facts["ours_seconds"]),
    ):
        table.add_row(
            name,
            f"{seconds:.1f}",
            f"{3600 * models / seconds:.0f}",
            f"{facts['plain_seconds'] / seconds:.2f}",
            f"{models * facts['flops_of_a_model'] / seconds / limit:.1%}",
        )
    return table


def sameness_table(facts: dict[str, Any], groups: list[bytes]) -> Table:
    """Return whether the two populations can be told apart."""
    plain, stacked = outputs_of(facts, groups[:1]), outputs_of(facts, groups[1:])
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
    return same


if __name__ == "__main__":
    main()
