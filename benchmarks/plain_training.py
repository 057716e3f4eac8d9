"""References twice over: one network at a time, as the contest's trainer does, then ours. Runs in the image.

Sent to the container as ``python -c``; is told a trainer's job, answers with the outputs of both
populations, and with what each took. The plain loop gets the number of threads that it is fastest with.
"""

import json
import time
from collections.abc import Sequence

import torch
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from sandbox.jobs import TrainerJob, reference_seed
from sandbox.messages import TO_TRAINER
from sandbox.models import build
from sandbox.outputs import outputs_of
from sandbox.recipes import RECIPES
from sandbox.recipes.assembling import assemble
from sandbox.recipes.draft import Request
from sandbox.references import group_size, groups
from sandbox.stdio import Stdio
from sandbox.training import initial_state

stdio = Stdio(TO_TRAINER)
job = TrainerJob.from_json(next(iter(stdio.frames())).payload)
request = Request(seed=job.seed, forget_fraction=job.forget_fraction)
recipe = assemble(RECIPES[job.recipe](request), request)
retain, preset = recipe.splits["retain"], recipe.preset


def train_plainly(seed: int) -> torch.nn.Module:
    """Train one network through a DataLoader, with the optimiser and schedule that the stacked ones have."""
    net = build(recipe.architecture, recipe.classes)
    net.load_state_dict(initial_state(recipe.architecture, recipe.classes, seed))
    net.train()
    optimizer = torch.optim.SGD(
        net.parameters(), lr=preset.learning_rate, momentum=preset.momentum,
        weight_decay=preset.weight_decay, nesterov=True,
    )  # fmt: skip
    batches = DataLoader(
        TensorDataset(retain["image"], retain["label"]), batch_size=preset.batch_size, shuffle=True,
        generator=torch.Generator().manual_seed(seed),
    )  # fmt: skip
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=preset.learning_rate, total_steps=preset.epochs * len(batches), pct_start=0.2,
        cycle_momentum=False,
    )  # fmt: skip
    for _epoch in range(preset.epochs):
        for images, labels in batches:
            optimizer.zero_grad()
            functional.cross_entropy(net(images), labels).backward()
            optimizer.step()
            schedule.step()
    return net


def seconds_for(threads: int, seeds: Sequence[int]) -> float:
    """Return how long networks take with so many threads, one after another."""
    torch.set_num_threads(threads)
    begun = time.monotonic()
    for seed in seeds:
        train_plainly(seed)
    return time.monotonic() - begun


seconds_for(1, [0])  # torch imports and chooses much at its first step
tried = {threads: seconds_for(threads, [1, 2, 3]) for threads in {1, job.processes}}
threads = min(tried, key=lambda one: tried[one])
torch.set_num_threads(threads)
# Seeds of references that are never asked for: the two populations share no network.
seeds = [reference_seed(job.seed, 1_000_000 + index) for index in range(job.references)]
begun = time.monotonic()
plain = []
for done, seed in enumerate(seeds):
    plain.append(outputs_of(train_plainly(seed), recipe.splits, recipe.classes))
    stdio.send("progress", stage="plain loop", done=done + 1, total=job.references)
plain_seconds = time.monotonic() - begun
parts = zip(*((one.logits, one.correct, one.unseen_losses) for one in plain), strict=True)
stdio.send(
    "group", b"".join(torch.stack(part).numpy().tobytes() for part in parts), first=0, count=job.references
)

torch.set_num_threads(1)
begun = time.monotonic()
trained = dict(groups(recipe, job, lambda: None))
stacked_seconds = time.monotonic() - begun
for first in sorted(trained):
    stdio.send("group", trained[first], first=1 + first, count=group_size(recipe.architecture))
facts = {
    "plain_seconds": plain_seconds,
    "plain_threads": threads,
    "stacked_seconds": stacked_seconds,
    "models": job.references,
    "examples": len(recipe.splits["forget"]["label"]),
    "unseen": len(recipe.splits["test"]["label"]),
    "classes": recipe.classes,
    "labels": recipe.splits["forget"]["label"].tolist(),
    "class_counts": [
        torch.bincount(recipe.splits[split]["label"], minlength=recipe.classes).tolist()
        for split in ("retain", "forget", "val", "test")
    ],
}
stdio.send("facts", json.dumps(facts).encode())
stdio.send("done")
