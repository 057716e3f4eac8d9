"""The trainer: a recipe in, a challenge out. Our code on our data.

    host ── job, data (the organizer's files) ──>
                      <── file (public and private splits, original), facts ── container
                      <── group (outputs of some references), progress ... done ──

    host ── measure, data (retain) ──>   <── progress ... measured ── container

References are trained in groups of `sandbox.training.group_size`, one process a core; the host names the
groups it has already, so a build goes on where it was interrupted. The organizer's files are
read here and never on the host.
"""

from __future__ import annotations

import json
import multiprocessing
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import asdict
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor

from sandbox.data import read_split
from sandbox.jobs import FILE_ARCHITECTURE, TimingJob, TrainerJob
from sandbox.messages import TO_TRAINER
from sandbox.models import build, prepare
from sandbox.outputs import outputs_of
from sandbox.own_architecture import ArchitectureFileError
from sandbox.recipes import RECIPES
from sandbox.recipes.assembling import assemble
from sandbox.recipes.draft import RecipeError, Request
from sandbox.recipes.recipe import Recipe
from sandbox.stdio import Stdio
from sandbox.timing import timing
from sandbox.training import group_size, train_stacked

_SIGN_OF_LIFE_SECONDS = 60.0
_ORIGINAL_SEED_OFFSET = 1 << 40
_REFERENCE_SEED_OFFSET = 1 << 41


def reference_seed(seed: int, index: int) -> int:
    """Return the seed of a reference: distinct from every other and from the original's."""
    return seed + _REFERENCE_SEED_OFFSET + index


def train_original(
    recipe: Recipe, seed: int, device: str, on_epoch: Callable[[int], None]
) -> dict[str, Tensor]:
    """Train on retain and forget together, as the network that is to be unlearned was."""
    both = [recipe.splits["retain"], recipe.splits["forget"]]
    (state,) = train_stacked(
        architecture=recipe.architecture,
        classes=recipe.classes,
        images=torch.cat([split["image"] for split in both]).to(device),
        labels=torch.cat([split["label"] for split in both]).to(device),
        seeds=[seed + _ORIGINAL_SEED_OFFSET],
        preset=recipe.preset,
        on_epoch=on_epoch,
    )
    return state


def train_group(recipe: Recipe, seed: int, first: int, size: int, device: str) -> bytes:
    """Train the ``size`` references that begin with ``first`` as one network and return their outputs.

    Returns:
        The logits, float32 [group, forget examples, classes], the right answers, int64
        [group, 4, classes], and the losses, float32 [group, test examples], as bytes.
    """
    retain = recipe.splits["retain"]
    members = range(first, first + size)
    states = train_stacked(
        architecture=recipe.architecture,
        classes=recipe.classes,
        images=retain["image"].to(device),
        labels=retain["label"].to(device),
        seeds=[reference_seed(seed, member) for member in members],
        preset=recipe.preset,
    )
    net = build(recipe.architecture, recipe.classes).to(device)
    found = []
    splits = {
        name: {"image": split["image"].to(device), "label": split["label"].to(device)}
        for name, split in recipe.splits.items()
    }
    for state in states:
        net.load_state_dict(state)
        found.append(outputs_of(net, splits, recipe.classes))
    parts = zip(*((one.logits, one.correct, one.unseen_losses) for one in found), strict=True)
    return b"".join(torch.stack(part).numpy().tobytes() for part in parts)


def _contiguous(split: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: column.contiguous() for name, column in split.items()}


_recipe: Recipe | None = None
"""Set before the processes are forked, so that they share it."""


def _group_in_a_process(seed: int, first: int, size: int, device: str) -> tuple[int, bytes]:
    assert _recipe is not None
    torch.set_num_threads(1)
    return first, train_group(_recipe, seed, first, size, device)


def _groups(
    recipe: Recipe, job: TrainerJob, size: int, sign_of_life: Callable[[], None]
) -> Iterator[tuple[int, bytes]]:
    missing = [first for first in range(0, job.references, size) if first not in job.groups_done]
    if not missing:
        return
    if job.device != "cpu":
        for first in missing:  # a forked process could not use the device any more
            yield first, train_group(recipe, job.seed, first, size, job.device)
        return
    fork = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(min(job.processes, len(missing)), mp_context=fork) as pool:
        waiting = {pool.submit(_group_in_a_process, job.seed, first, size, job.device) for first in missing}
        while waiting:
            ended, waiting = wait(waiting, _SIGN_OF_LIFE_SECONDS, FIRST_COMPLETED)
            for group in ended:
                yield group.result()
            if not ended:
                sign_of_life()


def _train(job: TrainerJob, files: dict[str, bytes], stdio: Stdio) -> None:
    global _recipe  # noqa: PLW0603 - how forked processes come to share it
    torch.set_num_threads(1)
    request = Request(
        seed=job.seed,
        forget_fraction=job.forget_fraction,
        files=files,
        most_examples=job.most_examples,
        architecture=job.architecture,
        epochs=job.epochs,
    )
    if job.architecture_source is not None:
        prepare(FILE_ARCHITECTURE, job.architecture_source)
    recipe = assemble(RECIPES[job.recipe](request), request)
    files.clear()
    prepare(recipe.architecture)
    _recipe = recipe
    size = job.group_size or group_size(recipe.architecture, job.device)
    progress: Callable[[str, int, int], None] = lambda stage, done, total: stdio.send(  # noqa: E731
        "progress", stage=stage, done=done, total=total
    )
    if not job.skip_original:
        for name, split in recipe.splits.items():
            folder = "private" if name == "test" else "public"
            data = safetensors.torch.save(_contiguous(split))
            stdio.send("file", data, name=f"{folder}/{name}.safetensors")
        epochs = recipe.preset.epochs
        progress("original", 0, epochs)
        original = train_original(
            recipe, job.seed, job.device, lambda done: progress("original", done, epochs)
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
    for first, outputs in _groups(recipe, job, size, tell):
        stdio.send("group", outputs, first=first, count=size)
        done += 1
        tell()
    assert done == total
    stdio.send("done")


def _measure(job: TimingJob, retain: bytes, stdio: Stdio) -> None:
    def tell(done: int) -> None:
        stdio.send("progress", stage="timing retraining", done=done, total=job.portions)

    tell(0)
    found = timing(job, read_split(retain), tell)
    stdio.send("measured", json.dumps({**found, "processor": _processor()}).encode())


def _processor() -> str:
    """Return what the kernel calls the processor here."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _colon, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return "unknown"


def main() -> None:
    """Serve one job."""
    begun = time.monotonic()
    stdio = Stdio(TO_TRAINER)
    to_time: TimingJob | None = None
    to_build: TrainerJob | None = None
    files: dict[str, bytes] = {}
    for frame in stdio.frames():
        if frame.kind == "job":
            to_build = TrainerJob.from_json(frame.payload)
            stdio.send("ready", seconds=time.monotonic() - begun)
        elif frame.kind == "measure":
            to_time = TimingJob.from_json(frame.payload)
            stdio.send("ready", seconds=time.monotonic() - begun)
        elif to_time is not None:
            _measure(to_time, frame.payload, stdio)
            return
        else:
            files[frame.text("name")] = frame.payload
        if to_build is not None and len(files) == to_build.data_files:
            break
    else:
        return
    try:
        _train(to_build, files, stdio)
    except (RecipeError, ArchitectureFileError) as error:
        stdio.send("failed", reason=str(error))


if __name__ == "__main__":
    main()
