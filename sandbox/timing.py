"""How long is one plain retraining here? Some epochs of it, timed and multiplied.

One network at a time through a DataLoader, as the contest's own trainer did and as a
submission would: the yardstick that a submission's time is a fraction of. Start-up, loading
and evaluation are left out. A few steps come first, because torch imports and chooses much
at its first step.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader

from sandbox.data import dataset, loader
from sandbox.jobs import TimingJob
from sandbox.models import build, prepare
from sandbox.training import initial_state

_WARM_UP_STEPS: Final = 5
_LEAST_EPOCHS: Final = 2
_PORTION_SECONDS: Final = 1.0
"""A portion is as many epochs as take about this long: shorter ones measure the scheduler."""
_ENOUGH_SECONDS: Final = 600.0
"""After this no further portion is begun: where epochs are long, they vary little."""


def timing(
    job: TimingJob, retain: Mapping[str, Tensor], on_portion: Callable[[int], None]
) -> dict[str, float | int | list[float]]:
    """Time retraining on the retain split, and return what was found.

    Returns:
        ``epochs`` in each portion, ``epoch_seconds`` (the mean of each portion), and
        ``retrain_seconds``: the median of those times the epochs of a whole training.
    """
    torch.set_num_threads(job.threads)
    torch.manual_seed(0)
    prepare(job.architecture, job.architecture_source)
    net = build(job.architecture, job.classes)
    net.load_state_dict(initial_state(job.architecture, job.classes, 0))
    net.to(job.device).train()
    optimizer = torch.optim.SGD(
        net.parameters(),
        lr=job.learning_rate,
        momentum=job.momentum,
        weight_decay=job.weight_decay,
        nesterov=job.momentum > 0,
    )
    batches = loader(dataset(retain, "tuple"), job.batch_size)
    step = _stepper(net, optimizer, job.device)
    for images, labels in islice(batches, _WARM_UP_STEPS):
        step(images, labels)
    first = _seconds(batches, step, 1, job.device)
    epochs = max(_LEAST_EPOCHS, min(job.epochs, math.ceil(_PORTION_SECONDS / max(first, 1e-6))))
    begun = time.monotonic()
    found: list[float] = []
    while len(found) < job.portions and not (found and time.monotonic() - begun > _ENOUGH_SECONDS):
        found.append(_seconds(batches, step, epochs, job.device) / epochs)
        on_portion(len(found))
    return {
        "epochs": epochs,
        "epoch_seconds": found,
        "retrain_seconds": statistics.median(found) * job.epochs,
    }


def _stepper(
    net: torch.nn.Module, optimizer: torch.optim.Optimizer, device: str
) -> Callable[[Tensor, Tensor], None]:
    def step(images: Tensor, labels: Tensor) -> None:
        optimizer.zero_grad()
        functional.cross_entropy(net(images.to(device)), labels.to(device)).backward()
        optimizer.step()

    return step


def _seconds(
    batches: DataLoader[Any], step: Callable[[Tensor, Tensor], None], epochs: int, device: str
) -> float:
    """Return how long some epochs take; on a GPU, until the last step is done."""
    _wait_for(device)
    begun = time.monotonic()
    for _epoch in range(epochs):
        for images, labels in batches:
            step(images, labels)
    _wait_for(device)
    return time.monotonic() - begun


def _wait_for(device: str) -> None:
    if device != "cpu":
        torch.cuda.synchronize(device)
