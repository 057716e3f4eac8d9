"""Measure how fast references are trained against a plain loop, and whether both give the same networks.

Both train the same number of networks on the same data for the same epochs on the same cores, inside the
trainer's container. Then the scorer tries to distinguish the two populations: by the joint attack, and by
held-out epsilon compared with that between two halves of one population.

On a GPU, at the size of the contest (random images, so that nothing is downloaded)::

    python -m benchmarks.references --device cuda --architecture resnet18 --examples 24000 --models 4

This also reports the share of the chip's float32 limit that the training reaches.
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

from benchmarks.errors import errors_as_sentences
from runner.clients.channel import Channel
from runner.engine.api import Engine
from runner.engine.connect import connect_engine
from runner.engine.container_spec import trainer_container
from runner.engine.placement import ALL_GPUS, CPU, Placement, resolve_placement
from runner.engine.session import container_session
from runner.execution.gpu_lock import gpu_lock
from runner.image.image import require_image
from runner.parsers.npz import split_buffer
from sandbox.protocol.jobs import TrainerJob
from sandbox.protocol.messages import from_trainer
from sandbox.protocol.splits import SPLITS
from scoring import Outputs, certified_epsilon, held_out_epsilon, joint_attack

SCRIPT = (Path(__file__).parent / "plain_training.py").read_text()
_SILENCE_SECONDS = 3600.0


def measure(
    engine: Engine, labels: dict[str, str], job: TrainerJob, placement: Placement
) -> tuple[dict[str, Any], list[bytes]]:
    """Return the container's measurements, and the outputs of the plain and of the stacked networks."""
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
    """Return the outputs of several groups as one population."""
    row = 4 * facts["examples"] * facts["classes"] + 8 * len(SPLITS) * facts["classes"] + 4 * facts["unseen"]
    parts = [
        split_buffer(
            group,
            logits=("<f4", (len(group) // row, facts["examples"], facts["classes"])),
            correct=("<i8", (len(group) // row, len(SPLITS), facts["classes"])),
            unseen_losses=("<f4", (len(group) // row, facts["unseen"])),
        )
        for group in data
    ]
    whole: dict[str, Any] = {
        name: np.concatenate([part[name] for part in parts])[: facts["models"]] for name in parts[0]
    }
    return Outputs(labels=np.array(facts["labels"]), class_counts=np.array(facts["class_counts"]), **whole)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--models", type=int, default=128, help="for each method; use a multiple of a group")
    parser.add_argument("--device", default=CPU, help="cpu, cuda (this host's only GPU), or cuda:UUID")
    parser.add_argument("--examples", type=int, help="train on so many random images instead of the digits")
    parser.add_argument("--architecture", help="with --examples; default convnet-3")
    parser.add_argument("--epochs", type=int, help="default on random images: 30")
    parser.add_argument("--peak-tflops", type=float, help="the chip's limit in float32; default: measured")
    options = parser.parse_args()
    if options.architecture and not options.examples:
        parser.error("--architecture requires --examples")
    engine = connect_engine()
    device = ALL_GPUS if options.device == "cuda" else options.device
    placement = resolve_placement(runtime="", device=device, required_device=CPU, info=engine.info())
    job = TrainerJob(
        recipe="digits",
        seed=0,
        forget_fraction=0.05,
        references=options.models,
        groups_done=[],
        skip_original=True,
        device=placement.torch_device,
        processes=engine.info().cores,
        data_files=0,
        most_examples=options.examples,
        architecture=options.architecture,
        training={},
        epochs=options.epochs,
    )
    with container_session(engine) as labels, gpu_lock(device):
        facts, groups = measure(engine, labels, job, placement)

    console = Console(width=120)
    console.print(speed_table(facts, options.peak_tflops))
    if options.examples is None:
        console.print(sameness_table(facts, groups))


def speed_table(facts: dict[str, Any], peak_tflops: float | None) -> Table:
    """Return the speed of each method, and the share of the device's limit that it reached."""
    limit = peak_tflops * 1e12 if peak_tflops else facts["flops_a_second"]
    models, data = facts["models"], f"{facts['retain']} examples, {facts['epochs']} epochs"
    table = Table(
        title=f"{models} networks {facts['architecture']} by each method, {data}, {facts['device']}"
    )
    share = f"of {limit / 1e12:.3g} TFLOP/s ({'given' if peak_tflops else 'large float32 product'})"
    for column in ("", "seconds", "models per hour", "ratio", share):
        table.add_column(column, justify="right" if column else "left")
    for name, seconds in (
        (f"plain loop, one at a time, {facts['plain_threads']} threads", facts["plain_seconds"]),
        (f"trainer: {facts['group']} at a time", facts["stacked_seconds"]),
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
    """Return how well the two populations can be distinguished."""
    plain, stacked = outputs_of(facts, groups[:1]), outputs_of(facts, groups[1:])
    left, right = stacked.confidences(), plain.confidences()
    order, half = np.random.default_rng(1).permutation(len(right)), len(right) // 2
    table = Table(title="Can the two populations be distinguished?")
    for column in ("", "stacked against plain", "half of plain against the other half"):
        table.add_column(column, justify="right" if column else "left")
    pairs = ((left, right), (right[order[:half]], right[order[half:]]))
    attacks = [joint_attack(*pair, seed=0) for pair in pairs]
    table.add_row("joint attack: AUC, support vectors", *(f"{attack.auc_svm:.3f}" for attack in attacks))
    table.add_row("joint attack: AUC, trees", *(f"{attack.auc_trees:.3f}" for attack in attacks))
    table.add_row("joint attack: p", *(f"{attack.p_value:.3g}" for attack in attacks))
    table.add_row("held-out epsilon, mean", *(f"{held_out_epsilon(*p, seed=0).mean():.3f}" for p in pairs))
    table.add_row(
        "certified epsilon, maximum", *(f"{certified_epsilon(*p, seed=0).max():.3f}" for p in pairs)
    )
    for index, split in enumerate(SPLITS):
        accuracies = [
            outputs.correct[:, index].sum(axis=1) / outputs.class_counts[index].sum()
            for outputs in (stacked, plain)
        ]
        cell = " and ".join(f"{values.mean():.4f} ± {values.std(ddof=1):.4f}" for values in accuracies)
        table.add_row(f"accuracy on {split}: stacked and plain", cell, "")
    return table


if __name__ == "__main__":
    with errors_as_sentences():
        main()
