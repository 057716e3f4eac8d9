"""Steps of training: called one after another, or recorded once and replayed.

A step gathers a batch of every network from images that stay on the device, runs the forward and backward
passes, and lets the optimiser update the weights. `Eager` calls it. `Captured` is for CUDA, where a small
network's step is hundreds of kernels that take less time than launching them: it takes a few real steps as
warm-up, records the next one as a CUDA graph whose inputs (rows, learning rate) have fixed addresses, and
from then on fills these inputs and replays the graph. The recorder is a seam: `CudaRecorder`, or a stand-in
that replays by calling.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from sandbox.networks.stacking import stack_images
from sandbox.trainer.optimizers import set_learning_rate

_WARM_UP_STEPS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step of every network, each on its own batch."""

    net: nn.Module
    optimizer: torch.optim.Optimizer
    images: Tensor
    """Shape [examples, channels, h, w]."""
    labels: Tensor
    """Shape [examples]."""
    weights: Tensor | None
    """Of the classes (`sandbox.trainer.optimizers.class_weights`)."""
    memory_format: torch.memory_format
    """Of a batch."""

    def __call__(self, rows: Tensor) -> None:
        """Take the step; ``rows``, [models, batch], selects the examples of each network."""
        models, batch = rows.shape
        labels = self.labels[rows]
        stacked = stack_images(self.images[rows]).contiguous(memory_format=self.memory_format)
        logits = self.net(stacked).reshape(batch, models, -1).flatten(0, 1)
        self.optimizer.zero_grad(set_to_none=True)
        _loss(logits, labels, self.weights).backward()
        self.optimizer.step()


def _loss(logits: Tensor, labels: Tensor, weights: Tensor | None) -> Tensor:
    """Return the sum over networks of the mean cross-entropy that each would have alone.

    With class weights, torch's mean is a weighted mean: divided by the sum of the weights in that batch.
    """
    batch, flat_labels = labels.shape[1], labels.T.flatten()
    if weights is None:
        return functional.cross_entropy(logits, flat_labels, reduction="sum") / batch
    losses = functional.cross_entropy(logits, flat_labels, weight=weights, reduction="none").view(batch, -1)
    return (losses.sum(dim=0) / weights[labels].sum(dim=1)).sum()


class Stepper(Protocol):
    """Takes steps of training."""

    def take(self, rows: Tensor, rate: float) -> None:
        """Take a step with these examples and this learning rate."""


class Eager:
    """Takes steps by calling them: on the CPU."""

    def __init__(self, step: Step) -> None:
        self._step = step

    def take(self, rows: Tensor, rate: float) -> None:
        """Take a step with these examples and this learning rate."""
        set_learning_rate(self._step.optimizer, rate)
        self._step(rows)


class Recorder(Protocol):
    """A device that can record work and replay it."""

    def warm_up(self, work: Callable[[], None]) -> None:
        """Do the work where recording will happen, so that one-time initialisation is done before."""

    def record(self, work: Callable[[], None]) -> Callable[[], None]:
        """Return a function that repeats the work; recording itself executes none of it.

        Raises:
            RuntimeError: the work cannot be recorded.
        """


class Captured:
    """Takes steps by recording one and replaying it; the optimiser's learning rate must be a tensor.

    A batch whose size differs from the first (the last batch of an epoch) is taken by a call. If recording
    fails, all steps are taken by calls, and stderr gives the reason.
    """

    def __init__(self, step: Step, recorder: Recorder) -> None:
        self._step, self._recorder = step, recorder
        self._rows: Tensor | None = None
        self._steps_taken = 0
        self._replay: Callable[[], None] | None = None

    def take(self, rows: Tensor, rate: float) -> None:
        """Take a step with these examples and this learning rate."""
        set_learning_rate(self._step.optimizer, rate)
        if self._rows is None:
            self._rows = torch.empty(rows.shape, dtype=rows.dtype, device=rows.device)
        if rows.shape != self._rows.shape:
            self._step(rows)
            return
        self._rows.copy_(rows)
        if self._steps_taken < _WARM_UP_STEPS:
            self._recorder.warm_up(self._work)
        else:
            if self._replay is None:
                self._replay = self._record()
            self._replay()
        self._steps_taken += 1

    def _work(self) -> None:
        assert self._rows is not None
        self._step(self._rows)

    def _record(self) -> Callable[[], None]:
        # Without gradients, so that the recorded step allocates its own in the graph's private memory.
        self._step.optimizer.zero_grad(set_to_none=True)
        try:
            return self._recorder.record(self._work)
        except RuntimeError as error:
            sys.stderr.write(f"Steps are not recorded, and are slower: {error}\n")
            return self._work


class CudaRecorder:
    """Records on a separate stream, as torch's notes on CUDA graphs require."""

    def __init__(self) -> None:
        self._stream = torch.cuda.Stream()

    def warm_up(self, work: Callable[[], None]) -> None:
        """Do the work on the stream that will record."""
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            work()
        torch.cuda.current_stream().wait_stream(self._stream)

    def record(self, work: Callable[[], None]) -> Callable[[], None]:
        """Return the replay function of a CUDA graph of the work."""
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=self._stream):
            work()
        return graph.replay


def recorder_for(device: torch.device) -> Recorder | None:
    """Return a recorder for a device, or None where steps cannot be recorded."""
    return CudaRecorder() if device.type == "cuda" else None
