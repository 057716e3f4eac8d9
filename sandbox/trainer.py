"""The trainer: a recipe in, a challenge out. Our code on our data.

    host ── job ──>   <── file (public and private splits, original), facts ── container
                      <── group (outputs of some references), progress ... done ──

    host ── measure, data (retain) ──>   <── progress ... measured ── container

References are trained in groups of `GROUP_SIZE`, one process a core; the host names the
groups it has already, so a build goes on where it was interrupted.
"""

from __future__ import annotations

import json
import multiprocessing
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor

from sandbox.data import read_split
from sandbox.jobs import TimingJob, TrainerJob
from sandbox.messages import TO_TRAINER
from sandbox.models import build
from sandbox.outputs import outputs_of
from sandbox.recipes import RECIPES
from sandbox.recipes.recipe import Recipe, RecipeError
from sandbox.stdio import Stdio
from sandbox.timing import timing
from sandbox.training import train_stacked

GROUP_SIZE = 16
_ORIGINAL_SEED_OFFSET = 1 << 40
_REFERENCE_SEED_OFFSET = 1 << 41


def reference_seed(seed: int, index: int) -> int:
    """Return the seed of a reference: distinct from every other and from the original's."""
    return seed + _REFERENCE_SEED_OFFSET + index


def train_original(recipe: Recipe, seed: int, device: str) -> dict[str, Tensor]:
    """Train on retain and forget together, as the network that is to be unlearned was."""
    both = [recipe.splits["retain"], recipe.splits["forget"]]
    (state,) = train_stacked(
        architecture=recipe.architecture,
        classes=recipe.classes,
        images=torch.cat([split["image"] for split in both]).to(device),
        labels=torch.cat([split["label"] for split in both]).to(device),
        seeds=[seed + _ORIGINAL_SEED_OFFSET],
        preset=recipe.preset,
    )
    return state


def train_group(recipe: Recipe, seed: int, first: int, device: str) -> bytes:
    """Train references ``first`` to ``first + GROUP_SIZE - 1`` and return their outputs.

    Returns:
        The logits, float32 [GROUP_SIZE, forget examples, classes], the right answers, int64
        [GROUP_SIZE, 4, classes], and the losses, float32 [GROUP_SIZE, test examples], as bytes.
    """
    retain = recipe.splits["retain"]
    states = train_stacked(
        architecture=recipe.architecture,
        classes=recipe.classes,
        images=retain["image"].to(device),
        labels=retain["label"].to(device),
        seeds=[reference_seed(seed, first + offset) for offset in range(GROUP_SIZE)],
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


def _group_in_a_process(seed: int, first: int, device: str) -> tuple[int, bytes]:
    assert _recipe is not None
    torch.set_num_threads(1)
    return first, train_group(_recipe, seed, first, device)


def _groups(recipe: Recipe, job: TrainerJob) -> Iterator[tuple[int, bytes]]:
    missing = [first for first in range(0, job.references, GROUP_SIZE) if first not in job.groups_done]
    if not missing:
        return
    if job.device != "cpu":
        for first in missing:  # a forked process could not use the device any more
            yield first, train_group(recipe, job.seed, first, job.device)
        return
    fork = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(min(job.processes, len(missing)), mp_context=fork) as pool:
        waiting = [pool.submit(_group_in_a_process, job.seed, first, job.device) for first in missing]
        for ended in as_completed(waiting):
            yield ended.result()


def _train(job: TrainerJob, stdio: Stdio) -> None:
    global _recipe  # noqa: PLW0603 - how forked processes come to share it
    torch.set_num_threads(1)
    recipe = RECIPES[job.recipe](job.seed, job.forget_fraction)
    _recipe = recipe
    progress: Callable[[str, int, int], None] = lambda stage, done, total: stdio.send(  # noqa: E731
        "progress", stage=stage, done=done, total=total
    )
    if not job.skip_original:
        for name, split in recipe.splits.items():
            folder = "private" if name == "test" else "public"
            data = safetensors.torch.save(_contiguous(split))
            stdio.send("file", data, name=f"{folder}/{name}.safetensors")
        progress("original", 0, 1)
        original = train_original(recipe, job.seed, job.device)
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
        }
        progress("original", 1, 1)
        stdio.send("facts", json.dumps(facts).encode())
    done = len(job.groups_done)
    total = -(-job.references // GROUP_SIZE)
    progress("references", done * GROUP_SIZE, job.references)
    for first, outputs in _groups(recipe, job):
        stdio.send("group", outputs, first=first, count=GROUP_SIZE)
        done += 1
        progress("references", min(done * GROUP_SIZE, job.references), job.references)
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
    for frame in stdio.frames():
        if frame.kind == "job":
            job = TrainerJob.from_json(frame.payload)
            stdio.send("ready", seconds=time.monotonic() - begun)
            try:
                _train(job, stdio)
            except RecipeError as error:
                stdio.send("failed", reason=str(error))
            return
        if frame.kind == "measure":
            to_time = TimingJob.from_json(frame.payload)
            stdio.send("ready", seconds=time.monotonic() - begun)
        elif to_time is not None:
            _measure(to_time, frame.payload, stdio)
            return


if __name__ == "__main__":
    main()
