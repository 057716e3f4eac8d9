"""The evaluator: checkpoints in, outputs out. Trusted code; a submission's weights are data to it.

host ── job, data (four splits) ──>        <── ready ── container
host ── checkpoint i, checkpoint k ... ──>           <── outputs i | rejected i | exhausted ... ──
host ── side_by_side n ──>

Checkpoints are received while others are evaluated, so that none waits for the stream. Each is evaluated by
itself, on one thread: first one at a time, while runs are in progress, and n at a time once the host sends
``side_by_side``. The result depends on the checkpoint alone, byte for byte, and not on their order.
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

from sandbox.networks.architectures import build, memory_format_of, prepare
from sandbox.networks.datasets import read_split
from sandbox.networks.outputs import outputs_of
from sandbox.networks.precision import exact_arithmetic
from sandbox.networks.probes import Probes
from sandbox.protocol.jobs import EvaluatorJob
from sandbox.protocol.messages import TO_EVALUATOR
from sandbox.protocol.probes import ProbePlan
from sandbox.protocol.splits import SPLITS
from sandbox.seccomp import install, program
from sandbox.stdio import Stdio
from sandbox.surroundings import surroundings

_HEARTBEAT_SECONDS = 60.0
_SHORTAGE = ("out of memory", "can't allocate memory", "alloc_failed")
"""Parts of error messages about exhausted memory, in lower case: of torch, CUDA and their libraries."""


class ShortageError(Exception):
    """Memory was refused, perhaps because others use it."""


class UnfitError(Exception):
    """A checkpoint cannot be used; the message gives the reason."""


class Evaluator:
    """Computes the outputs of checkpoints: holds the data, and one network per thread to load them into."""

    def __init__(self, job: EvaluatorJob, data: Mapping[str, bytes]) -> None:
        """Load the data onto the device; the network is already imported (`prepare`)."""
        torch.set_num_threads(1)
        exact_arithmetic()  # as references were computed
        self._job, self._local = job, threading.local()
        self._splits: dict[str, dict[str, Tensor]] = {
            split: {
                name: column.to(job.device)
                for name, column in read_split(data[split]).items()
                if name in ("image", "label")
            }
            for split in SPLITS
        }
        self._probes = (
            Probes(ProbePlan.from_fields(job.probes), self._splits) if job.probes is not None else None
        )

    def _net(self) -> nn.Module:
        """Return this thread's network, built at its first use."""
        if not hasattr(self._local, "net"):
            torch.set_num_threads(1)  # a setting of each thread
            self._local.net = build(self._job.architecture, self._job.classes).to(self._job.device)
        net: nn.Module = self._local.net
        return net

    def outputs(self, checkpoint: bytes, on_batch: Callable[[], None] = lambda: None) -> bytes:
        """Return the bytes of the outputs of a checkpoint.

        Raises:
            UnfitError: it does not fit the network, the network fails with it, or its logits are not finite.
            ShortageError: memory is exhausted.
        """
        try:
            return self._outputs(checkpoint, on_batch)
        except (RuntimeError, MemoryError) as error:
            if _is_shortage(error):
                raise ShortageError(str(error)) from error
            raise

    def _outputs(self, checkpoint: bytes, on_batch: Callable[[], None]) -> bytes:
        net = self._net()
        try:
            net.load_state_dict(safetensors.torch.load(checkpoint), strict=True)
        except (safetensors.SafetensorError, RuntimeError) as error:
            if _is_shortage(error) or self._job.device != "cpu":
                raise  # the host has checked names and shapes, so the device is the cause
            raise UnfitError("it does not fit the network") from error
        memory_format = memory_format_of(self._job.architecture)
        try:
            outputs = outputs_of(
                net, self._splits, self._job.classes, memory_format, on_batch, probes=self._probes
            )
        except (IndexError, ValueError) as error:
            raise UnfitError("the network fails with it") from error
        if not bool(torch.isfinite(outputs.logits).all()):
            raise UnfitError("its logits on the forget examples are not finite")
        return outputs.to_bytes()


def _is_shortage(error: Exception) -> bool:
    """Return whether memory was refused; the host decides whose fault it is (`runner.clients.evaluator`)."""
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or any(
        words in str(error).lower() for words in _SHORTAGE
    )


class _EvaluationThreads:
    """Evaluates checkpoints in threads, and sends the results to the host."""

    def __init__(self, evaluator: Evaluator, stdio: Stdio) -> None:
        """Start with one thread."""
        self._evaluator, self._stdio = evaluator, stdio
        self._send_lock, self._last_sent = threading.Lock(), time.monotonic()
        self._pool = ThreadPoolExecutor(1)

    def set_concurrency(self, checkpoints: int) -> None:
        """Evaluate so many at a time from now on, besides those already submitted."""
        self._pool.shutdown(wait=False)  # waiting would stop this thread from reading what the host sends
        self._pool = ThreadPoolExecutor(checkpoints)

    def submit(self, index: int, checkpoint: bytes) -> None:
        """Evaluate a checkpoint as soon as a thread is free."""
        self._pool.submit(self._evaluate, index, checkpoint).add_done_callback(_exit_on_error)

    def _evaluate(self, index: int, checkpoint: bytes) -> None:
        try:
            outputs = self._evaluator.outputs(checkpoint, self._heartbeat)
        except UnfitError as error:
            self._send("rejected", index=index, reason=str(error))
        except ShortageError:
            self._send("exhausted")
        else:
            self._send("outputs", outputs, index=index)

    def _heartbeat(self) -> None:
        """Report progress if nothing was sent for a while: a large network needs long for one checkpoint."""
        if time.monotonic() - self._last_sent > _HEARTBEAT_SECONDS:
            self._send("progress")

    def _send(self, kind: str, payload: bytes = b"", **fields: int | str) -> None:
        with self._send_lock:
            self._stdio.send(kind, payload, **fields)
            self._last_sent = time.monotonic()


def _exit_on_error(done: Future[None]) -> None:
    """End the program if the evaluator itself failed in a thread: the host notices, and starts a new one."""
    error = done.exception()
    if error is not None:
        traceback.print_exception(error)
        os._exit(1)


def _build_error(job: EvaluatorJob) -> str | None:
    """Return the reason why the network cannot be built, or None; each thread builds its own later."""
    torch.set_num_threads(1)
    try:
        prepare(job.architecture, job.architecture_source)
        build(job.architecture, job.classes)
    except ValueError as error:
        return str(error)
    return None


def main() -> None:
    """Serve until the host sends stop or closes the stream."""
    start = time.monotonic()
    stdio = Stdio(TO_EVALUATOR)
    job: EvaluatorJob | None = None
    data: dict[str, bytes] = {}
    threads: _EvaluationThreads | None = None
    for frame in stdio.frames():
        if frame.kind == "job":
            job = EvaluatorJob.from_json(frame.payload)
        elif frame.kind == "data":
            data[frame.text("name")] = frame.payload
            if job is not None and data.keys() >= set(SPLITS):
                seen = surroundings()
                if job.device == "cpu":  # not known to work with every driver of a GPU
                    install(program(), in_all_threads=True)
                if (reason := _build_error(job)) is not None:
                    stdio.send("unready", reason=reason)
                    return
                threads = _EvaluationThreads(Evaluator(job, data), stdio)
                data.clear()
                stdio.send("ready", seen, seconds=time.monotonic() - start)
        elif frame.kind == "checkpoint" and threads is not None:
            threads.submit(frame.integer("index"), frame.payload)
        elif frame.kind == "side_by_side" and threads is not None:
            threads.set_concurrency(frame.integer("checkpoints"))
        else:
            return
