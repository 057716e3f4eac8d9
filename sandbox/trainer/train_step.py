"""How steps of training are taken: one call after another, or recorded once and replayed.

A step gathers a batch of every network from images that stay on the device, goes forward and back,
and lets the optimiser move. `Eager` calls it. `Captured` is for CUDA, where a small network's step is
hundreds of kernels that take less time than launching them: it takes a few real steps aside, records
the next one as a CUDA graph whose inputs (rows, learning rate) have fixed places, and from then on
fills these and replays. The recorder is a seam: `CudaRecorder`, or a stand-in that replays by calling.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from sandbox.networks.stacking import images_side_by_side
from sandbox.trainer.optimizers import set_rate

_WARM_UP_STEPS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step of every network on its own batch."""

    net: nn.Module
    optimizer: torch.optim.Optimizer
    images: Tensor
    """Shape [examples, channels, h, w]."""
    labels: Tensor
    weights: Tensor | None
    """Of the classes (`sandbox.trainer.optimizers.class_weights`)."""
    layout: torch.memory_format
    """Of a batch."""

    def __call__(self, rows: Tensor) -> None:
        """Take the step; ``rows``, [models, batch], says which examples each network gets."""
        models, batch = rows.shape
        labels = self.labels[rows]
        stacked = images_side_by_side(self.images[rows]).contiguous(memory_format=self.layout)
        logits = self.net(stacked).reshape(batch, models, -1).flatten(0, 1)
        self.optimizer.zero_grad(set_to_none=True)
        _loss(logits, labels, self.weights).backward()
        self.optimizer.step()


def _loss(logits: Tensor, labels: Tensor, weights: Tensor | None) -> Tensor:
    """Return the sum over networks of the mean cross-entropy that each would have alone.

    With class weights torch's mean is a weighted one: by the sum of the weights in that batch.
    """
    batch, told = labels.shape[1], labels.T.flatten()
    if weights is None:
        return functional.cross_entropy(logits, told, reduction="sum") / batch
    each = functional.cross_entropy(logits, told, weight=weights, reduction="none").view(batch, -1)
    return (each.sum(dim=0) / weights[labels].sum(dim=1)).sum()


class Stepper(Protocol):
    """Takes steps of training."""

    def take(self, rows: Tensor, rate: float) -> None:
        """Take one with these examples and this learning rate."""


class Eager:
    """Steps one call after another: on the CPU."""

    def __init__(self, step: Step) -> None:
        self._step = step

    def take(self, rows: Tensor, rate: float) -> None:
        """Take one with these examples and this learning rate."""
        set_rate(self._step.optimizer, rate)
        self._step(rows)


class Recorder(Protocol):
    """What can be asked of a device that records."""

    def aside(self, work: Callable[[], None]) -> None:
        """Do the work where recording will happen, so that what it needs once is there."""

    def record(self, work: Callable[[], None]) -> Callable[[], None]:
        """Return what does the work anew; recording itself does nothing of it.

        Raises:
            RuntimeError: it cannot be recorded.
        """


class Captured:
    """Steps that are recorded once and replayed; the optimiser's rate has to be a tensor.

    A batch of another size than the first, which is the last of an epoch, is taken by a call.
    Where recording fails, all are: then stderr says why.
    """

    def __init__(self, step: Step, recorder: Recorder) -> None:
        self._step, self._recorder = step, recorder
        self._rows: Tensor | None = None
        self._taken = 0
        self._replay: Callable[[], None] | None = None

    def take(self, rows: Tensor, rate: float) -> None:
        """Take one with these examples and this learning rate."""
        set_rate(self._step.optimizer, rate)
        if self._rows is None:
            self._rows = torch.empty(rows.shape, dtype=rows.dtype, device=rows.device)
        if rows.shape != self._rows.shape:
            self._step(rows)
            return
        self._rows.copy_(rows)
        if self._taken < _WARM_UP_STEPS:
            self._recorder.aside(self._work)
        else:
            if self._replay is None:
                self._replay = self._record()
            self._replay()
        self._taken += 1

    def _work(self) -> None:
        assert self._rows is not None
        self._step(self._rows)

    def _record(self) -> Callable[[], None]:
        # Without gradients, so that the recorded step makes its own where the graph keeps its memory.
        self._step.optimizer.zero_grad(set_to_none=True)
        try:
            return self._recorder.record(self._work)
        except RuntimeError as error:
            sys.stderr.write(f"Steps are not recorded, and slower: {error}\n")
            return self._work


class CudaRecorder:
    """Records on a stream of its own, as torch's notes on CUDA graphs ask for."""

    def __init__(self) -> None:
        self._stream = torch.cuda.Stream()

    def aside(self, work: Callable[[], None]) -> None:
        """Do the work on the stream that will record."""
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            work()
        torch.cuda.current_stream().wait_stream(self._stream)

    def record(self, work: Callable[[], None]) -> Callable[[], None]:
        """Return the replay of a graph of the work."""
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=self._stream):
            work()
        return graph.replay


def recorder_for(device: torch.device) -> Recorder | None:
    """Return what records on a device, or None where nothing does."""
    return CudaRecorder() if device.type == "cuda" else None
