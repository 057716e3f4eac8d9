"""The trainer's main program: receives a job, builds a challenge or times a retraining, sends the results.

    host ── job, data (the organizer's files), snapshot (unfinished trainings) ──>
                      <── file (public and private splits, original), facts ── container
                      <── group (outputs of some references), snapshot, progress ... done ──

    host ── measure, data (retain, val) ──>   <── progress ... measured ── container

References are trained in groups (`sandbox.trainer.methods`), on a CPU one process per core. The host
lists the groups that it already has, and sends back the last snapshot of each unfinished training, so that a
build resumes where it was interrupted. The organizer's files are parsed here and never on the host.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from sandbox.networks.architectures import build, prepare
from sandbox.networks.custom import ArchitectureFileError
from sandbox.networks.datasets import read_split
from sandbox.networks.last_layer import has_features
from sandbox.networks.precision import exact_arithmetic
from sandbox.networks.same_network import EXAMPLES, NotTheSameNetworkError, check_same_network
from sandbox.protocol.frames import FrameRule, Scalar
from sandbox.protocol.jobs import FILE_ARCHITECTURE, ORIGINAL, TimingJob, TrainerJob
from sandbox.protocol.messages import TO_TRAINER
from sandbox.protocol.probes import ProbePlan
from sandbox.protocol.splits import SPLITS, TIMED_SPLITS
from sandbox.recipes import RECIPES
from sandbox.recipes.api import RecipeError, Request
from sandbox.recipes.assemble import assemble
from sandbox.recipes.dataset import TrainingData
from sandbox.recipes.mislabel import mislabel
from sandbox.recipes.run import run_recipe
from sandbox.seccomp import install, program
from sandbox.stdio import Stdio
from sandbox.surroundings import surroundings
from sandbox.trainer.footprint import Footprint
from sandbox.trainer.methods import METHODS, choose, measure_methods, should_measure
from sandbox.trainer.optimizers import warm_up
from sandbox.trainer.references import (
    ReferenceTraining,
    SnapshotSink,
    original_outputs,
    snapshots_of,
    train_groups,
    train_original,
)
from sandbox.trainer.step_count import StepCount, steps_per_epoch
from sandbox.trainer.timing import time_retraining
from sandbox.trainer.training import group_size


class _LockedStdio(Stdio):
    """Frames of several threads, sent one at a time."""

    def __init__(self, rules: Mapping[str, FrameRule]) -> None:
        super().__init__(rules)
        self._lock = threading.Lock()

    def send(self, kind: str, payload: bytes | memoryview = b"", **fields: Scalar) -> None:
        """Write one whole frame."""
        with self._lock:
            super().send(kind, payload, **fields)


def _contiguous(split: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: column.contiguous() for name, column in split.items()}


def _train(
    job: TrainerJob, files: dict[str, bytes], snapshots: dict[int, bytes], stdio: _LockedStdio
) -> None:
    torch.set_num_threads(1)
    request = Request(
        seed=job.seed,
        forget_fraction=job.forget_fraction,
        files=files,
        max_examples=job.most_examples,
        shared_persons=job.shared_persons,
        architecture=job.architecture,
        training=job.training,
        epochs=job.epochs,
    )
    if job.architecture_source is not None:
        prepare(FILE_ARCHITECTURE, job.architecture_source)
    draft, mislabelled = mislabel(run_recipe(RECIPES[job.recipe], request), job.mislabelled or 0, job.seed)
    data = assemble(draft, request)
    files.clear()
    prepare(data.architecture)
    images = data.splits["retain"]["image"][:EXAMPLES]
    check_same_network(data.architecture, data.classes, images, job.architecture_source)
    probes, remarks = _probe_plan(job, data)
    size = job.group_size or _choose_group_size(job, data, stdio)

    def counted(stage: str, total: int) -> StepCount:
        count = StepCount(total, lambda done, due: stdio.send("progress", stage=stage, done=done, total=due))
        count.report()
        return count

    send_snapshot: SnapshotSink = lambda first, piece, last: stdio.send(  # noqa: E731
        "snapshot", piece, first=first, last=last
    )
    if not job.skip_original:
        _send_splits(data, stdio)
        steps = steps_per_epoch(
            sum(len(data.splits[name]["label"]) for name in ("retain", "forget")), data.preset
        )
        count = counted("original network (steps)", steps * data.preset.epochs)
        warm_up()
        footprint, began = Footprint(), time.monotonic()
        previous = snapshots_of(ORIGINAL, job, snapshots, send_snapshot)
        original = train_original(data, job.seed, job.device, count, previous)
        seconds, peak_bytes = time.monotonic() - began, footprint.peak_bytes()
        count.report()
        stdio.send("file", safetensors.torch.save(original), name="public/original.safetensors")
        answers = original_outputs(data, original, job.device, probes)
        if probes is not None:
            stdio.send("original", answers.to_bytes())
        measured = {
            "epoch_seconds": seconds * steps / count.taken if count.taken else None,
            "training_bytes": peak_bytes if job.device == "cpu" else None,
            "original_correct": dict(zip(SPLITS, answers.correct.sum(dim=1).tolist(), strict=True)),
            "mislabelled": mislabelled,
            "probe_kinds": list(probes.kinds) if probes is not None else [],
        }
        facts = _facts(data, size, remarks)
        stdio.send("facts", json.dumps({**facts, **measured}).encode())
    training = ReferenceTraining(
        data=data,
        job=job,
        group_size=size,
        previous=snapshots,
        send_snapshot=send_snapshot,
        probes=probes,
    )
    count = counted("references (steps)", training.steps)
    for first, outputs in train_groups(training, count):
        stdio.send("group", outputs, first=first, count=size)
    count.report()
    stdio.send("done")


def _probe_plan(job: TrainerJob, data: TrainingData) -> tuple[ProbePlan | None, list[str]]:
    """Return which probes are recorded, and a sentence for each kind that cannot be."""
    if job.probes is None:
        return None, []
    images = data.splits["retain"]["image"][:EXAMPLES]
    return ProbePlan.from_fields(job.probes).recordable(
        examples=len(data.splits["forget"]["label"]),
        classes=data.classes,
        sizes={name: len(split["label"]) for name, split in data.splits.items()},
        has_features=has_features(build(data.architecture, data.classes), images, data.classes),
    )


def _choose_group_size(job: TrainerJob, data: TrainingData, stdio: _LockedStdio) -> int:
    """Return how many references are trained together: on a GPU, as the fastest method has it."""
    if not should_measure(data.architecture, job.device, job.references):
        return group_size(data.architecture, job.device)

    def report(done: int) -> None:
        stdio.send("progress", stage="measuring ways to train", done=done, total=len(METHODS))

    report(0)
    retain = data.splits["retain"]
    rates = measure_methods(
        architecture=data.architecture,
        classes=data.classes,
        images=retain["image"].to(job.device),
        labels=retain["label"].to(job.device),
        preset=data.preset,
        on_measured=report,
    )
    return choose(rates).group_size


def _send_splits(data: TrainingData, stdio: _LockedStdio) -> None:
    for name, split in data.splits.items():
        folder = "private" if name == "test" else "public"
        content = safetensors.torch.save(_contiguous(split))
        stdio.send("file", content, name=f"{folder}/{name}.safetensors")


def _facts(data: TrainingData, size: int, remarks: list[str]) -> dict[str, Any]:
    """Return what the challenge's description records about its data and training."""
    return {
        "architecture": data.architecture,
        "classes": data.classes,
        "class_names": list(data.class_names) or None,
        "batch_size": data.preset.batch_size,
        "forget_examples": len(data.splits["forget"]["label"]),
        "split_sizes": {name: len(split["label"]) for name, split in data.splits.items()},
        "class_counts": {
            name: torch.bincount(split["label"], minlength=data.classes).tolist()
            for name, split in data.splits.items()
        },
        "training": asdict(data.preset),
        "group_size": size,
        "notes": [*data.notes, *remarks],
    }


def _measure(job: TimingJob, files: Mapping[str, bytes], stdio: _LockedStdio) -> None:
    def report(done: int) -> None:
        stdio.send("progress", stage="timing retraining", done=done, total=job.portions)

    report(0)
    result = time_retraining(job, {name: read_split(data) for name, data in files.items()}, report)
    stdio.send("measured", json.dumps({**result, "processor": _processor()}).encode())


def _processor() -> str:
    """Return the processor's model name as the kernel reports it."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _colon, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return "unknown"


def _missing_device(device: str) -> str | None:
    """Return the reason why a device cannot be used here, or None."""
    if device == "cpu" or torch.cuda.is_available():
        return None
    return f"torch {torch.__version__} finds no GPU inside the container; the host's driver may be too old"


def main() -> None:
    """Serve one job."""
    start = time.monotonic()
    stdio = _LockedStdio(TO_TRAINER)
    job: TrainerJob | TimingJob | None = None
    files: dict[str, bytes] = {}
    snapshots: dict[int, bytes] = {}
    unfinished: dict[int, bytearray] = {}
    for frame in stdio.frames():
        if frame.kind == "data":
            files[frame.text("name")] = frame.payload
        elif frame.kind == "snapshot":
            first = frame.integer("first")
            unfinished.setdefault(first, bytearray()).extend(frame.payload)
            if frame.fields["last"]:
                snapshots[first] = bytes(unfinished.pop(first))
        else:
            job = (TrainerJob if frame.kind == "job" else TimingJob).from_json(frame.payload)
            stdio.send("ready", surroundings(), seconds=time.monotonic() - start)
        expected = job.data_files if isinstance(job, TrainerJob) else len(TIMED_SPLITS)
        announced = len(job.snapshots) if isinstance(job, TrainerJob) else 0
        if job is not None and len(files) == expected and len(snapshots) == announced:
            break
    else:
        return
    if (reason := _missing_device(job.device)) is not None:
        stdio.send("unready", reason=reason)
        return
    if job.device == "cpu":  # not known to work with every driver of a GPU
        install(program(), in_all_threads=True)
    exact_arithmetic()
    try:
        if isinstance(job, TimingJob):
            _measure(job, files, stdio)
        else:
            _train(job, files, snapshots, stdio)
    except (RecipeError, ArchitectureFileError, NotTheSameNetworkError) as error:
        stdio.send("failed", reason=str(error))
