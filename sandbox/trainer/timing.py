"""Timing of one plain retraining: some epochs of it are timed, and multiplied.

One network at a time through a DataLoader, as the contest's own trainer did and as a submission would: a
submission's time limit is a fraction of this time. Start-up, loading and evaluation are not included. A few
warm-up steps come first, because torch imports modules and selects algorithms at its first step.

Processor time is what the host reads of this container, as it does of a run's. It reads when it hears that a
portion begins or ends, so this side does nothing for a moment then: its work would be counted as training.
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
from sandbox.trainer.optimizers import build_optimizer, class_weights
from sandbox.trainer.training import initial_state

_WARM_UP_STEPS: Final = 5
_MIN_EPOCHS: Final = 2
_PORTION_SECONDS: Final = 1.0
"""A portion is as many epochs as take about this long where nothing else goes on: shorter ones measure the
scheduler."""
_PAUSE_SECONDS: Final = 0.2
"""What the host has to read a counter, after the beginning and after the end of each portion."""
_MAX_SECONDS: Final = 600.0
"""After this, no further portion is started: where epochs are long, they vary little."""


def time_retraining(
    job: TimingJob, splits: Mapping[str, Mapping[str, Tensor]], on_portion: Callable[[int], None]
) -> dict[str, float | int | list[float]]:
    """Time retraining on the retain split, and return the measurements.

    Where the challenge's networks are the best by validation, an epoch includes its pass over val.

    Args:
        job: What is trained, and how.
        splits: ``retain`` and ``val``.
        on_portion: Told how many portions are over: 0 before the first, with the warm-up over. After each
            call there is a pause.

    Returns:
        ``epochs`` in each portion, ``epoch_seconds`` (the mean of each portion), ``retrain_seconds``: the
        median of those times the epochs of a whole training, and ``pause_seconds``, which earlier images
        did not have: the length of the pauses.
    """
    torch.set_num_threads(job.threads)
    torch.manual_seed(0)
    prepare(job.architecture, job.architecture_source)
    training = _PlainTraining(job, splits)
    training.steps(islice(training.batches, _WARM_UP_STEPS))
    first = _time_one_epoch(training, job)
    preset = training.preset
    epochs = max(_MIN_EPOCHS, min(preset.epochs, math.ceil(_PORTION_SECONDS / max(first, 1e-6))))
    _report(on_portion, 0)
    start = time.monotonic()
    epoch_seconds: list[float] = []
    while len(epoch_seconds) < job.portions and not (
        epoch_seconds and time.monotonic() - start > _MAX_SECONDS
    ):
        epoch_seconds.append(_time_epochs(training, epochs, job.device) / epochs)
        _report(on_portion, len(epoch_seconds))
    return {
        "epochs": epochs,
        "epoch_seconds": epoch_seconds,
        "retrain_seconds": statistics.median(epoch_seconds) * preset.epochs,
        "pause_seconds": _PAUSE_SECONDS,
    }


def _report(on_portion: Callable[[int], None], portions: int) -> None:
    """Report how many portions are over, and leave the processor alone for a moment."""
    on_portion(portions)
    time.sleep(_PAUSE_SECONDS)


class _PlainTraining:
    """One network, its optimiser and its loaders."""

    def __init__(self, job: TimingJob, splits: Mapping[str, Mapping[str, Tensor]]) -> None:
        self.preset = preset = Preset(**job.training)
        self._device = job.device
        self._net = build(job.architecture, job.classes)
        self._net.load_state_dict(initial_state(job.architecture, job.classes, 0))
        self._net.to(job.device).train()
        self._optimizer = build_optimizer(self._net, preset)
        weights = class_weights(preset, splits["retain"]["label"], job.classes)
        self._weights = None if weights is None else weights.to(job.device)
        self.batches = loader(dataset(splits["retain"], "tuple"), preset.batch_size)
        self._val = loader(dataset(splits["val"], "tuple"), preset.batch_size)

    def steps(self, batches: Iterable[tuple[Tensor, Tensor]]) -> None:
        """Take a step for each batch."""
        for images, labels in batches:
            self._optimizer.zero_grad()
            logits = self._net(images.to(self._device))
            functional.cross_entropy(logits, labels.to(self._device), weight=self._weights).backward()
            self._optimizer.step()

    def epoch(self) -> None:
        """Train on retain once, and evaluate val if the best epoch is selected by validation."""
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


def _time_epochs(training: _PlainTraining, epochs: int, device: str) -> float:
    """Return how many seconds some epochs take; on a GPU, until the last step is done."""
    _synchronize(device)
    start = time.monotonic()
    for _epoch in range(epochs):
        training.epoch()
    _synchronize(device)
    return time.monotonic() - start


def _time_one_epoch(training: _PlainTraining, job: TimingJob) -> float:
    """Return about how many seconds an epoch would take on a machine without other work."""
    used = time.process_time()
    elapsed = _time_epochs(training, 1, job.device)
    return elapsed if job.device != "cpu" else min(elapsed, (time.process_time() - used) / job.threads)


def _synchronize(device: str) -> None:
    if device != "cpu":
        torch.cuda.synchronize(device)
