"""The trainer: a recipe in, a challenge out. Our code on our data.

    host ── job, data (the organizer's files), snapshot (what was begun) ──>
                      <── file (public and private splits, original), facts ── container
                      <── group (outputs of some references), snapshot, progress ... done ──

    host ── measure, data (retain, val) ──>   <── progress ... measured ── container

References are trained in groups of `sandbox.trainer.training.group_size`, one process a core; the host names the
groups it has already, and sends back the last snapshot of what was in training, so a build goes on
where it was interrupted. The organizer's files are read here and never on the host.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor

from sandbox.networks.architectures import prepare
from sandbox.networks.custom import ArchitectureFileError
from sandbox.networks.datasets import read_split
from sandbox.networks.precision import exact_arithmetic
from sandbox.protocol.frames import FrameRule, Scalar
from sandbox.protocol.jobs import FILE_ARCHITECTURE, ORIGINAL, TimingJob, TrainerJob
from sandbox.protocol.messages import TO_TRAINER
from sandbox.protocol.splits import TIMED_SPLITS
from sandbox.recipes import RECIPES
from sandbox.recipes.api import RecipeError, Request
from sandbox.recipes.assemble import assemble
from sandbox.stdio import Stdio
from sandbox.trainer.references import ReferenceTraining, SnapshotSink, groups, snapshots_of, train_original
from sandbox.trainer.timing import timing
from sandbox.trainer.training import group_size


class _Orderly(Stdio):
    """Frames of several threads, one after the other."""

    def __init__(self, rules: Mapping[str, FrameRule]) -> None:
        super().__init__(rules)
        self._turn = threading.Lock()

    def send(self, kind: str, payload: bytes | memoryview = b"", **fields: Scalar) -> None:
        """Write one frame whole."""
        with self._turn:
            super().send(kind, payload, **fields)


def _contiguous(split: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: column.contiguous() for name, column in split.items()}


def _train(job: TrainerJob, files: dict[str, bytes], snapshots: dict[int, bytes], stdio: _Orderly) -> None:
    torch.set_num_threads(1)
    request = Request(
        seed=job.seed,
        forget_fraction=job.forget_fraction,
        files=files,
        most_examples=job.most_examples,
        shared_persons=job.shared_persons,
        architecture=job.architecture,
        training=job.training,
        epochs=job.epochs,
    )
    if job.architecture_source is not None:
        prepare(FILE_ARCHITECTURE, job.architecture_source)
    recipe = assemble(RECIPES[job.recipe](request), request)
    files.clear()
    prepare(recipe.architecture)
    size = job.group_size or group_size(recipe.architecture, job.device)
    progress: Callable[[str, int, int], None] = lambda stage, done, total: stdio.send(  # noqa: E731
        "progress", stage=stage, done=done, total=total
    )
    keep: SnapshotSink = lambda first, piece, last: stdio.send("snapshot", piece, first=first, last=last)  # noqa: E731
    if not job.skip_original:
        for name, split in recipe.splits.items():
            folder = "private" if name == "test" else "public"
            data = safetensors.torch.save(_contiguous(split))
            stdio.send("file", data, name=f"{folder}/{name}.safetensors")
        epochs = recipe.preset.epochs
        progress("original", 0, epochs)
        original = train_original(
            recipe,
            job.seed,
            job.device,
            lambda done: progress("original", done, epochs),
            snapshots_of(ORIGINAL, job, snapshots, keep),
        )
        stdio.send("file", safetensors.torch.save(original), name="public/original.safetensors")
        facts = {
            "architecture": recipe.architecture,
            "classes": recipe.classes,
            "batch_size": recipe.preset.batch_size,
            "forget_examples": len(recipe.splits["forget"]["label"]),
            "split_sizes": {name: len(split["label"]) for name, split in recipe.splits.items()},
            "class_counts": {
                name: torch.bincount(split["label"], minlength=recipe.classes).tolist()
                for name, split in recipe.splits.items()
            },
            "training": asdict(recipe.preset),
            "group_size": size,
        }
        stdio.send("facts", json.dumps(facts).encode())
    done = len(job.groups_done)
    total = -(-job.references // size)

    def tell() -> None:
        progress("references", min(done * size, job.references), job.references)

    tell()
    wanted = ReferenceTraining(recipe=recipe, job=job, group=size, earlier=snapshots, keep=keep)
    for first, outputs in groups(wanted, tell):
        stdio.send("group", outputs, first=first, count=size)
        done += 1
        tell()
    assert done == total
    stdio.send("done")


def _measure(job: TimingJob, files: Mapping[str, bytes], stdio: _Orderly) -> None:
    def tell(done: int) -> None:
        stdio.send("progress", stage="timing retraining", done=done, total=job.portions)

    tell(0)
    found = timing(job, {name: read_split(data) for name, data in files.items()}, tell)
    stdio.send("measured", json.dumps({**found, "processor": _processor()}).encode())


def _processor() -> str:
    """Return what the kernel calls the processor here."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _colon, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return "unknown"


def _missing_device(device: str) -> str | None:
    """Return why a device cannot be used here, or None."""
    if device == "cpu" or torch.cuda.is_available():
        return None
    return f"torch {torch.__version__} finds no GPU inside the container; the host's driver may be too old"


def main() -> None:
    """Serve one job."""
    begun = time.monotonic()
    stdio = _Orderly(TO_TRAINER)
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
            stdio.send("ready", seconds=time.monotonic() - begun)
        expected = job.data_files if isinstance(job, TrainerJob) else len(TIMED_SPLITS)
        announced = len(job.snapshots) if isinstance(job, TrainerJob) else 0
        if job is not None and len(files) == expected and len(snapshots) == announced:
            break
    else:
        return
    if (reason := _missing_device(job.device)) is not None:
        stdio.send("unready", reason=reason)
        return
    exact_arithmetic()
    try:
        if isinstance(job, TimingJob):
            _measure(job, files, stdio)
        else:
            _train(job, files, snapshots, stdio)
    except (RecipeError, ArchitectureFileError) as error:
        stdio.send("failed", reason=str(error))
