"""Train references in the image by a plain loop, one network at a time, and by the project's trainer.

The text is sent to the container as ``python -c``. It receives a trainer's job and answers with the outputs
of both populations and the seconds that each took. The plain loop uses the number of threads that it is
fastest with. A job with ``most_examples`` trains on that many random colour images: only the speed counts.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.flop_counter import FlopCounterMode

from sandbox.networks.architectures import build
from sandbox.networks.outputs import outputs_of
from sandbox.networks.precision import exact_arithmetic
from sandbox.protocol.jobs import TrainerJob
from sandbox.protocol.messages import TO_TRAINER
from sandbox.protocol.presets import Preset
from sandbox.protocol.seeds import reference_seed
from sandbox.protocol.splits import SPLITS
from sandbox.recipes import RECIPES
from sandbox.recipes.api import Request
from sandbox.recipes.assemble import assemble
from sandbox.recipes.dataset import TrainingData
from sandbox.stdio import Stdio
from sandbox.trainer.lr_schedule import learning_rate_at
from sandbox.trainer.optimizers import build_optimizer, class_weights, set_learning_rate
from sandbox.trainer.references import ReferenceTraining, train_group, train_groups
from sandbox.trainer.step_count import StepCount
from sandbox.trainer.training import group_size, initial_state


def noise(job: TrainerJob) -> TrainingData:
    """Return random images of 32x32 in three channels with random labels of ten classes."""
    generator = torch.Generator().manual_seed(job.seed)
    sizes = {"retain": job.most_examples or 0, "forget": 512, "val": 1024, "test": 1024}
    splits = {
        name: {
            "image": torch.rand(size, 3, 32, 32, generator=generator),
            "label": torch.randint(10, (size,), generator=generator),
        }
        for name, size in sizes.items()
    }
    default = Preset(epochs=30, batch_size=64, learning_rate=0.1, momentum=0.9, weight_decay=5e-4)
    preset = replace(default, epochs=job.epochs or default.epochs)
    return TrainingData(
        architecture=job.architecture or "convnet-3", classes=10, preset=preset, splits=splits
    )


stdio = Stdio(TO_TRAINER)
job = TrainerJob.from_json(next(iter(stdio.frames())).payload)
exact_arithmetic()
if job.most_examples is None:
    request = Request(
        seed=job.seed, forget_fraction=job.forget_fraction, training=job.training, epochs=job.epochs
    )
    data = assemble(RECIPES[job.recipe](request), request)
else:
    data = noise(job)
retain, preset, device = data.splits["retain"], data.preset, torch.device(job.device)
steps = -(-len(retain["label"]) // preset.batch_size)


def synchronize() -> None:
    """Wait until a GPU has finished its queue."""
    if device.type == "cuda":
        torch.cuda.synchronize()


def train_plainly(seed: int) -> torch.nn.Module:
    """Train one network through a DataLoader, with the optimizer and schedule of the stacked networks."""
    net = build(data.architecture, data.classes)
    net.load_state_dict(initial_state(data.architecture, data.classes, seed))
    net.to(device).train()
    torch_optimizer = build_optimizer(net, preset)
    weights = class_weights(preset, retain["label"].to(device), data.classes)
    batches = DataLoader(
        TensorDataset(retain["image"], retain["label"]), batch_size=preset.batch_size, shuffle=True,
        generator=torch.Generator().manual_seed(seed), pin_memory=device.type == "cuda",
    )  # fmt: skip
    for epoch in range(preset.epochs):
        for number, (images, labels) in enumerate(batches):
            set_learning_rate(torch_optimizer, learning_rate_at(preset, epoch * steps + number, steps))
            torch_optimizer.zero_grad()
            logits = net(images.to(device, non_blocking=True))
            functional.cross_entropy(logits, labels.to(device, non_blocking=True), weight=weights).backward()
            torch_optimizer.step()
    synchronize()
    return net


def seconds_for(threads: int, seeds: Sequence[int]) -> float:
    """Return the seconds for training networks one after another with so many threads."""
    torch.set_num_threads(threads)
    started_at = time.monotonic()
    for seed in seeds:
        train_plainly(seed)
    return time.monotonic() - started_at


def flops_of_a_model() -> int:
    """Return the floating-point operations of training one network, as torch counts them."""
    net = build(data.architecture, data.classes).to(device).train()
    batch = min(preset.batch_size, len(retain["label"]))
    images, labels = retain["image"][:batch].to(device), retain["label"][:batch].to(device)
    with FlopCounterMode(display=False) as counted:
        functional.cross_entropy(net(images), labels).backward()
    return int(counted.get_total_flops()) * len(retain["label"]) // batch * preset.epochs


def flops_a_second() -> float:
    """Return the device's operations per second in a large float32 product: the best of ten."""
    size = 8192 if device.type == "cuda" else 1024
    left, right = torch.rand(size, size, device=device), torch.rand(size, size, device=device)
    best = float("inf")
    for _attempt in range(10):
        synchronize()
        started_at = time.monotonic()
        left @ right
        synchronize()
        best = min(best, time.monotonic() - started_at)
    return 2 * size**3 / best


if device.type == "cpu":
    seconds_for(1, [0])  # warm-up: torch imports modules and chooses kernels at its first step
    seconds_by_threads = {threads: seconds_for(threads, [1, 2, 3]) for threads in {1, job.processes}}
    threads = min(seconds_by_threads, key=lambda count: seconds_by_threads[count])
else:
    warm_up = replace(data, preset=replace(preset, epochs=1))
    train_group(warm_up, job.seed, 0, group_size(data.architecture, job.device), job.device)
    threads = job.processes
torch.set_num_threads(job.processes)
limit = flops_a_second()
torch.set_num_threads(threads)
splits = {
    name: {column: split[column].to(device) for column in ("image", "label")}
    for name, split in data.splits.items()
}
# Seeds of references that no challenge requests, so that the two populations share no network.
seeds = [reference_seed(job.seed, 1_000_000 + index) for index in range(job.references)]
started_at = time.monotonic()
plain = []
for done, seed in enumerate(seeds):
    plain.append(outputs_of(train_plainly(seed), splits, data.classes))
    stdio.send("progress", stage="plain loop", done=done + 1, total=job.references)
plain_seconds = time.monotonic() - started_at
parts = zip(*((outputs.logits, outputs.correct, outputs.unseen_losses) for outputs in plain), strict=True)
stdio.send(
    "group", b"".join(torch.stack(part).numpy().tobytes() for part in parts), first=0, count=job.references
)

torch.set_num_threads(1)
started_at = time.monotonic()
size = group_size(data.architecture, job.device)
trained = dict(train_groups(ReferenceTraining(data=data, job=job, group_size=size), StepCount(0)))
stacked_seconds = time.monotonic() - started_at
for first in sorted(trained):
    stdio.send("group", trained[first], first=1 + first, count=size)
facts = {
    "plain_seconds": plain_seconds,
    "plain_threads": threads,
    "stacked_seconds": stacked_seconds,
    "flops_of_a_model": flops_of_a_model(),
    "flops_a_second": limit,
    "device": torch.cuda.get_device_name() if device.type == "cuda" else f"{job.processes} cores",
    "epochs": preset.epochs,
    "group": size,
    "architecture": data.architecture,
    "models": job.references,
    "examples": len(data.splits["forget"]["label"]),
    "retain": len(retain["label"]),
    "unseen": len(data.splits["test"]["label"]),
    "classes": data.classes,
    "labels": data.splits["forget"]["label"].tolist(),
    "class_counts": [
        torch.bincount(data.splits[split]["label"], minlength=data.classes).tolist() for split in SPLITS
    ],
}
stdio.send("facts", json.dumps(facts).encode())
stdio.send("done")
