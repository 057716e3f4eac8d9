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
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from sandbox.networks.architectures import build, prepare
from sandbox.networks.datasets import dataset, loader
from sandbox.protocol.jobs import TimingJob
from sandbox.protocol.presets import Preset
from sandbox.trainer.optimizers import class_weights, optimizer
from sandbox.trainer.training import initial_state

_WARM_UP_STEPS: Final = 5
_LEAST_EPOCHS: Final = 2
_PORTION_SECONDS: Final = 1.0
"""A portion is as many epochs as take about this long: shorter ones measure the scheduler."""
_ENOUGH_SECONDS: Final = 600.0
"""After this no further portion is begun: where epochs are long, they vary little."""


def timing(
    job: TimingJob, splits: Mapping[str, Mapping[str, Tensor]], on_portion: Callable[[int], None]
) -> dict[str, float | int | list[float]]:
    """Time retraining on the retain split, and return what was found.

    Where the challenge's networks are the best by validation, an epoch has its pass over val.

    Returns:
        ``epochs`` in each portion, ``epoch_seconds`` (the mean of each portion), and
        ``retrain_seconds``: the median of those times the epochs of a whole training.
    """
    torch.set_num_threads(job.threads)
    torch.manual_seed(0)
    prepare(job.architecture, job.architecture_source)
    plain = _Plain(job, splits)
    plain.steps(islice(plain.batches, _WARM_UP_STEPS))
    first = _seconds(plain, 1, job.device)
    preset = plain.preset
    epochs = max(_LEAST_EPOCHS, min(preset.epochs, math.ceil(_PORTION_SECONDS / max(first, 1e-6))))
    begun = time.monotonic()
    found: list[float] = []
    while len(found) < job.portions and not (found and time.monotonic() - begun > _ENOUGH_SECONDS):
        found.append(_seconds(plain, epochs, job.device) / epochs)
        on_portion(len(found))
    return {
        "epochs": epochs,
        "epoch_seconds": found,
        "retrain_seconds": statistics.median(found) * preset.epochs,
    }


class _Plain:
    """One network, its optimiser and its loaders."""

    def __init__(self, job: TimingJob, splits: Mapping[str, Mapping[str, Tensor]]) -> None:
        self.preset = preset = Preset(**job.training)
        self._device = job.device
        self._net = build(job.architecture, job.classes)
        self._net.load_state_dict(initial_state(job.architecture, job.classes, 0))
        self._net.to(job.device).train()
        self._optimizer = optimizer(self._net, preset)
        weights = class_weights(preset, splits["retain"]["label"], job.classes)
        self._weights = None if weights is None else weights.to(job.device)
        self.batches = loader(dataset(splits["retain"], "tuple"), preset.batch_size)
        self._val = loader(dataset(splits["val"], "tuple"), preset.batch_size)

    def steps(self, batches: Iterable[tuple[Tensor, Tensor]]) -> None:
        """Take a step a batch."""
        for images, labels in batches:
            self._optimizer.zero_grad()
            logits = self._net(images.to(self._device))
            functional.cross_entropy(logits, labels.to(self._device), weight=self._weights).backward()
            self._optimizer.step()

    def epoch(self) -> None:
        """Go through retain, and through val where the best is to be found."""
        self.steps(self.batches)
        if self.preset.keep == "best-by-validation":
            self._net.eval()
            with torch.no_grad():
                correct = [
                    (self._net(images.to(self._device)).argmax(dim=1) == labels.to(self._device)).sum()
                    for images, labels in self._val
                ]
                torch.stack(correct).sum().item()
            self._net.train()


def _seconds(plain: _Plain, epochs: int, device: str) -> float:
    """Return how long some epochs take; on a GPU, until the last step is done."""
    _wait_for(device)
    begun = time.monotonic()
    for _epoch in range(epochs):
        plain.epoch()
    _wait_for(device)
    return time.monotonic() - begun


def _wait_for(device: str) -> None:
    if device != "cpu":
        torch.cuda.synchronize(device)
