"""The evaluator: checkpoints in, outputs out. Our code, strangers' weights as data.

host ── job, data (four splits) ──>        <── ready ── container
host ── checkpoint i, checkpoint k ... ──>           <── outputs i | rejected i | exhausted ... ──
host ── side_by_side n ──>

Checkpoints are read while others are evaluated, so none waits for the stream. Each is evaluated by
itself, on one thread: first one at a time, beside the runs, and once the host says so n at a time. What
is answered depends on the checkpoint alone, byte for byte, in whatever order it comes.
"""

from __future__ import annotations

import os
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from sandbox.networks.architectures import build, layout_of, prepare
from sandbox.networks.datasets import read_split
from sandbox.networks.outputs import outputs_of
from sandbox.networks.precision import exact_arithmetic
from sandbox.protocol.jobs import EvaluatorJob
from sandbox.protocol.messages import TO_EVALUATOR
from sandbox.protocol.splits import SPLITS
from sandbox.stdio import Stdio

_SIGN_OF_LIFE_SECONDS = 60.0
_SHORTAGE = ("out of memory", "can't allocate memory", "alloc_failed")
"""What errors say, in small letters, where memory is used up: torch's, CUDA's and those of its libraries."""


class ShortageError(Exception):
    """There is not enough memory, perhaps because of a run; the checkpoint is not to blame."""


class UnfitError(Exception):
    """A checkpoint cannot be used; the text says why."""


class Evaluator:
    """The data, and a network for each thread, filled with one checkpoint after another."""

    def __init__(self, job: EvaluatorJob, data: Mapping[str, bytes]) -> None:
        """Lay out the data on the device; the network is imported already (`prepare`)."""
        torch.set_num_threads(1)
        exact_arithmetic()  # as references were computed
        self._job, self._mine = job, threading.local()
        self._splits: dict[str, dict[str, Tensor]] = {
            split: {
                name: column.to(job.device)
                for name, column in read_split(data[split]).items()
                if name in ("image", "label")
            }
            for split in SPLITS
        }

    def _net(self) -> nn.Module:
        """Return this thread's network, built when it is first asked for."""
        if not hasattr(self._mine, "net"):
            torch.set_num_threads(1)  # torch keeps it for each thread
            self._mine.net = build(self._job.architecture, self._job.classes).to(self._job.device)
        net: nn.Module = self._mine.net
        return net

    def outputs(self, checkpoint: bytes, on_batch: Callable[[], None] = lambda: None) -> bytes:
        """Return the bytes of the outputs of a checkpoint.

        Raises:
            UnfitError: it does not fit the network, or the network fails with it or answers nonsense.
            ShortageError: memory is used up.
        """
        try:
            return self._outputs(checkpoint, on_batch)
        except RuntimeError as error:
            if _is_shortage(error):
                raise ShortageError(str(error)) from error
            raise

    def _outputs(self, checkpoint: bytes, on_batch: Callable[[], None]) -> bytes:
        net = self._net()
        try:
            net.load_state_dict(safetensors.torch.load(checkpoint), strict=True)
        except (safetensors.SafetensorError, RuntimeError) as error:
            if _is_shortage(error) or self._job.device != "cpu":
                raise  # the host has looked at names and shapes: it is the device
            raise UnfitError("it does not fit the network") from error
        layout = layout_of(self._job.architecture)
        try:
            found = outputs_of(net, self._splits, self._job.classes, layout, on_batch)
        except (IndexError, ValueError) as error:
            raise UnfitError("the network fails with it") from error
        if not bool(torch.isfinite(found.logits).all()):
            raise UnfitError("its logits on the forget examples are not finite")
        return found.to_bytes()


def _is_shortage(error: Exception) -> bool:
    return any(words in str(error).lower() for words in _SHORTAGE)


class _Desk:
    """Hands checkpoints to threads, and what comes of them to the host."""

    def __init__(self, evaluator: Evaluator, stdio: Stdio) -> None:
        """Begin with one thread."""
        self._evaluator, self._stdio = evaluator, stdio
        self._sending, self._said = threading.Lock(), time.monotonic()
        self._pool = ThreadPoolExecutor(1)

    def side_by_side(self, checkpoints: int) -> None:
        """Evaluate so many at a time from now on, beside the one that is going on."""
        self._pool.shutdown(wait=False)  # or nobody would read what the host is sending
        self._pool = ThreadPoolExecutor(checkpoints)

    def take(self, index: int, checkpoint: bytes) -> None:
        """Evaluate a checkpoint as soon as a thread is free."""
        self._pool.submit(self._answer, index, checkpoint).add_done_callback(_end_if_failed)

    def _answer(self, index: int, checkpoint: bytes) -> None:
        try:
            outputs = self._evaluator.outputs(checkpoint, self._show_life)
        except UnfitError as error:
            self._send("rejected", index=index, reason=str(error))
        except ShortageError:
            self._send("exhausted")
        else:
            self._send("outputs", outputs, index=index)

    def _show_life(self) -> None:
        """Say now and then that work goes on: a large network takes long for one checkpoint."""
        if time.monotonic() - self._said > _SIGN_OF_LIFE_SECONDS:
            self._send("progress")

    def _send(self, kind: str, payload: bytes = b"", **fields: int | str) -> None:
        with self._sending:
            self._stdio.send(kind, payload, **fields)
            self._said = time.monotonic()


def _end_if_failed(done: Future[None]) -> None:
    """End the program if our own code failed in a thread: the host sees it, and starts another."""
    error = done.exception()
    if error is not None:
        traceback.print_exception(error)
        os._exit(1)


def _of_no_use(job: EvaluatorJob) -> str | None:
    """Return why the network cannot be built, or None; each thread builds one of its own later."""
    torch.set_num_threads(1)
    try:
        prepare(job.architecture, job.architecture_source)
        build(job.architecture, job.classes)
    except ValueError as error:
        return str(error)
    return None


def main() -> None:
    """Serve until the host says stop or goes away."""
    begun = time.monotonic()
    stdio = Stdio(TO_EVALUATOR)
    job: EvaluatorJob | None = None
    data: dict[str, bytes] = {}
    desk: _Desk | None = None
    for frame in stdio.frames():
        if frame.kind == "job":
            job = EvaluatorJob.from_json(frame.payload)
        elif frame.kind == "data":
            data[frame.text("name")] = frame.payload
            if job is not None and data.keys() >= set(SPLITS):
                if (reason := _of_no_use(job)) is not None:
                    stdio.send("unready", reason=reason)
                    return
                desk = _Desk(Evaluator(job, data), stdio)
                data.clear()
                stdio.send("ready", seconds=time.monotonic() - begun)
        elif frame.kind == "checkpoint" and desk is not None:
            desk.take(frame.integer("index"), frame.payload)
        elif frame.kind == "side_by_side" and desk is not None:
            desk.side_by_side(frame.integer("checkpoints"))
        else:
            return


if __name__ == "__main__":
    main()
