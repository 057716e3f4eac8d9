"""Training from scratch: many networks at once, each with its own seed.

A group of networks is trained as one stacked network (`sandbox.networks.stacking`) on images that
stay in memory. Every network has its own initial weights and its own batch order, both from its own
seed; the loss is a sum over networks, so their gradients stay separate. Groups have a fixed size, so
that reference i is the same however many references are requested.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import torch
from torch import Tensor, nn

from sandbox.networks.architectures import build, can_be_stacked, memory_format_of
from sandbox.networks.side_by_side import SideBySide
from sandbox.networks.stacking import State, stack, unstack
from sandbox.protocol.presets import Preset
from sandbox.trainer.best_epoch import BestEpoch
from sandbox.trainer.lr_schedule import learning_rate_at
from sandbox.trainer.optimizers import build_optimizer, class_weights
from sandbox.trainer.snapshots import Snapshots, TrainingState
from sandbox.trainer.step_count import StepCount, steps_per_epoch
from sandbox.trainer.train_step import Captured, Eager, Recorder, Step, Stepper, recorder_for

Split = Mapping[str, Tensor]

GROUP_SIZE: Final = 16
"""Of networks that are stacked."""
_STACKED_ON_GPUS_ONLY: Final = frozenset({"resnet18"})
"""On a CPU core, a stack of two took 1.2 times and a stack of four 1.8 times as long per network as a single
network (32x32 images, batches of 64): oneDNN is better at ungrouped convolutions. On a GPU, stacking is meant
to hide the time that launching kernels takes; this has not been measured."""


def group_size(architecture: str, device: str) -> int:
    """Return how many references are trained as one network.

    A reference depends on it, since the order of float additions does: a challenge records its group size.
    """
    if architecture in _STACKED_ON_GPUS_ONLY and device == "cpu":
        return 1
    return GROUP_SIZE if can_be_stacked(architecture) else 1


def initial_state(architecture: str, classes: int, seed: int) -> State:
    """Return the untrained weights of a seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build(architecture, classes).state_dict()


def train_stacked(
    *,
    architecture: str,
    classes: int,
    images: Tensor,
    labels: Tensor,
    seeds: Sequence[int],
    preset: Preset,
    val: Split | None = None,
    count: StepCount | None = None,
    make_recorder: Callable[[torch.device], Recorder | None] = recorder_for,
    snapshots: Snapshots | None = None,
    side_by_side: bool = False,
) -> list[dict[str, Tensor]]:
    """Train one network per seed and return their weights, in the order of the seeds.

    Args:
        architecture: Name in `sandbox.networks.architectures`.
        classes: Number of classes of the head.
        images: Shape [examples, channels, h, w], on the device to train on.
        labels: Shape [examples].
        seeds: One per network.
        preset: How to train.
        val: On the same device; required if the preset keeps the best epoch by validation.
        count: Counts the steps, each once for each network.
        make_recorder: Returns a device's recorder of steps, or None if it has none.
        snapshots: From which the training resumes after an interruption.
        side_by_side: Whether the networks are computed apart, in place of one stacked network.
    """
    models = len(seeds)
    memory_format = memory_format_of(architecture)
    net: nn.Module
    if side_by_side:
        net = SideBySide((build(architecture, classes) for _ in seeds), memory_format)
    else:
        net = build(architecture, classes, models)
    net.load_state_dict(stack([initial_state(architecture, classes, seed) for seed in seeds]))
    net.to(device=images.device, memory_format=memory_format).train()  # type: ignore[call-overload]  # no stub has both
    torch.manual_seed(seeds[0])  # the source of dropout; networks that may have dropout are never stacked
    # Other networks may draw random numbers or read values back in mid-step, and a failed recording corrupts
    # the generator's state.
    recorder = make_recorder(images.device) if can_be_stacked(architecture) else None
    step = Step(
        net=net,
        optimizer=build_optimizer(net, preset, capturable=recorder is not None),
        images=images,
        labels=labels,
        weights=class_weights(preset, labels, classes),
        memory_format=memory_format,
    )
    stepper: Stepper = Eager(step) if recorder is None else Captured(step, recorder)
    best = None
    if preset.keep == "best-by-validation":
        assert val is not None
        best = BestEpoch(net, val, models, memory_format)
    orders = [torch.Generator().manual_seed(seed) for seed in seeds]
    steps = steps_per_epoch(len(images), preset)
    training = TrainingState(
        net=net, optimizer=step.optimizer, best=best, orders=orders, device=images.device
    )
    done = 0 if snapshots is None or snapshots.previous is None else training.restore(snapshots.previous)
    count = count or StepCount(0)
    count.skip(done * steps * models)
    for epoch in range(done, preset.epochs):
        order = torch.stack([torch.randperm(len(images), generator=order) for order in orders])
        for number, rows in enumerate(order.to(images.device).split(preset.batch_size, dim=1)):
            if rows.shape[1] > 1:  # batch normalisation cannot learn from one value
                stepper.take(rows, learning_rate_at(preset, epoch * steps + number, steps))
            count.advance(models)
            count.report_if_due()
        if best is not None:
            best.update()
        if snapshots is not None and epoch + 1 < preset.epochs:
            snapshots.write_if_due(training, epoch + 1)
    state = net.state_dict() if best is None else best.state_dict()
    return unstack({name: tensor.cpu() for name, tensor in state.items()}, models)
