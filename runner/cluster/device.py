"""The process of a node's device: executes shares of evaluations, and evaluates their checkpoints there.

It has an executor of one machine (`runner.execution.local`) and no store. What it makes is passed on one by
one; while nobody takes it, checkpoints wait on the disk, and then no further run is started.
"""

from __future__ import annotations

import contextlib
import os
import queue
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import psutil

from runner.challenge.challenge import Challenge
from runner.challenge.outputs import NetworkOutputs
from runner.clients.evaluator import Rejected
from runner.clients.runs import EndedRun
from runner.cluster.challenge_cache import ChallengeCache, cache_folder
from runner.cluster.orders import Delivered, Evaluated, Message, Order, ProcessMark, Share, Started
from runner.devices.device import Device
from runner.devices.protocol import Failed
from runner.errors import HostNotReadyError, RunnerError, SandboxError
from runner.execution.executor import EvaluatedRun, Executor, OutputsSink
from runner.execution.host_session import HostSession, host_session
from runner.execution.local import LocalExecutor
from runner.parsers.checkpoint import content_sha256
from runner.progress import NullReporter, Reporter
from runner.tracebacks import save_traceback

_MAX_WAITING: Final = 8
"""Messages that wait to be taken; then whoever has another one waits too."""
_WAIT_SECONDS: Final = 0.2
_ABORT_SECONDS: Final = 120.0
"""In which a share that is aborted removes its containers."""


class _AbortedError(BaseException):
    """The share was aborted."""


class _Outbox:
    """Messages of a share, for whoever takes them."""

    def __init__(self) -> None:
        self._messages: queue.Queue[Message | None] = queue.Queue(_MAX_WAITING)
        self.stopped = threading.Event()
        """No other run is to be started."""
        self.aborted = threading.Event()
        """Nobody takes messages any more."""

    def put(self, message: Message | None) -> None:
        while True:
            if self.aborted.is_set():
                raise _AbortedError
            with contextlib.suppress(queue.Full):
                self._messages.put(message, timeout=_WAIT_SECONDS)
                return

    def messages(self) -> Iterator[Message]:
        while not self.aborted.is_set():
            with contextlib.suppress(queue.Empty):
                message = self._messages.get(timeout=_WAIT_SECONDS)
                if message is None:
                    return
                yield message


class _Sink:
    """Keeps checkpoints on the disk until they are evaluated, and then sends their runs."""

    def __init__(self, folder: Path, outbox: _Outbox, *, keep_checkpoints: bool) -> None:
        self._folder, self._outbox, self._keep = folder, outbox, keep_checkpoints
        self._runs: dict[int, EndedRun] = {}
        """Ended, without their checkpoints."""

    def add(self, index: int, checkpoint: bytes, ended: EndedRun | None = None) -> None:
        self._file(index).write_bytes(checkpoint)
        if ended is not None:
            self._runs[index] = replace(ended, checkpoint=b"")

    def read_checkpoint(self, index: int) -> bytes:
        return self._file(index).read_bytes()

    def publish_outputs(self, index: int, outputs: NetworkOutputs) -> None:
        self._send(index, outputs)

    def reject(self, index: int, reason: str) -> None:
        self._send(index, Rejected(reason=reason))

    def _send(self, index: int, outputs: NetworkOutputs | Rejected) -> None:
        ended = self._runs.pop(index, None)
        if ended is None:
            self._outbox.put(Evaluated(index, outputs))
        else:
            checkpoint = self.read_checkpoint(index)
            digest = content_sha256(checkpoint)
            if self._keep:
                ended = replace(ended, checkpoint=checkpoint)
            self._outbox.put(Delivered(EvaluatedRun(ended=ended, outputs=outputs, checkpoint_sha256=digest)))
        self._file(index).unlink()

    def _file(self, index: int) -> Path:
        return self._folder / str(index)


class DeviceWorker:
    """Executes one share at a time. `stop` and `abort` are called while `execute` is in progress."""

    def __init__(self, device: Device, cache: Path | None = None) -> None:
        """Prepare; the device is locked with the first share.

        Args:
            device: Of this machine.
            cache: Folder of the node's cache; None for the user's.
        """
        self._device = device
        self._challenges = ChallengeCache((cache or cache_folder()) / "challenges")
        self._host: tuple[tuple[str, ...], HostSession] | None = None
        self._resources = ExitStack()
        self._challenge: Challenge | None = None
        self._outbox = _Outbox()
        self._thread: threading.Thread | None = None
        self._turn = threading.Lock()

    def mark(self) -> ProcessMark:
        """Return what identifies this process."""
        return ProcessMark(pid=os.getpid(), created=psutil.Process().create_time())

    def ping(self) -> None:
        """Return, which a process that stands still does not."""

    def execute(self, order: Order, share: Share) -> Iterator[Message]:
        """Execute a share; yield what comes of it, with `Failed` at the end if it failed.

        A run that ends with a checkpoint is yielded once that is evaluated.
        """
        with self._turn:
            outbox = self._outbox = _Outbox()
            self._thread = threading.Thread(
                target=self._work, args=(order, share, outbox), name="share", daemon=True
            )
            self._thread.start()
            try:
                yield from outbox.messages()
            finally:
                outbox.aborted.set()
                self._wait()

    def stop(self) -> None:
        """Start no other run of the share; those in progress end."""
        self._outbox.stopped.set()

    def abort(self) -> None:
        """End the share at once, and remove its containers."""
        outbox = self._outbox
        outbox.stopped.set()
        outbox.aborted.set()
        self._wait()

    def close(self) -> None:
        """End everything, and release the device."""
        self.abort()
        self._resources.close()

    def _wait(self) -> None:
        """Wait until a share that nobody wants has ended; its containers are removed from under it."""
        thread = self._thread
        waited = 0.0
        while thread is not None and thread.is_alive() and waited < _ABORT_SECONDS:
            thread.join(1.0)
            waited += 1.0
            if thread.is_alive() and self._host is not None:
                host = self._host[1]
                with contextlib.suppress(HostNotReadyError):
                    for identity, _labels in host.engine.containers(host.labels):
                        host.engine.remove(identity)

    def _work(self, order: Order, share: Share, outbox: _Outbox) -> None:
        try:
            try:
                self._execute(order, share, outbox)
            except _AbortedError:
                raise
            except RunnerError as error:
                outbox.put(Failed.of(error))
            except Exception as error:  # noqa: BLE001 - whatever it is, the coordinator is to be told
                outbox.put(Failed.unforeseen(save_traceback(error)))
            outbox.put(None)
        except _AbortedError:
            pass

    def _execute(self, order: Order, share: Share, outbox: _Outbox) -> None:
        def enough() -> bool:
            if outbox.aborted.is_set():
                raise _AbortedError
            return outbox.stopped.is_set()

        with tempfile.TemporaryDirectory(prefix="unlearn-share-") as folder:
            sink = _Sink(Path(folder), outbox, keep_checkpoints=order.settings.keep_checkpoints)
            with self.new_executor(order, sink) as executor:
                for index, checkpoint in share.checkpoints.items():
                    sink.add(index, checkpoint)
                    executor.evaluate(index)
                if share.runs:
                    try:
                        self._execute_runs(executor, share, sink, outbox, enough)
                    except SandboxError:
                        with contextlib.suppress(RunnerError):
                            executor.finish()  # what has ended is not to be executed again
                        raise
                executor.finish()

    def _execute_runs(
        self,
        executor: Executor,
        share: Share,
        sink: _Sink,
        outbox: _Outbox,
        enough: Callable[[], bool],
    ) -> None:
        has_started = False

        def enough_or_started() -> bool:
            nonlocal has_started
            if executor.is_executing and not has_started:
                has_started = True
                outbox.put(Started())
            return enough()

        with contextlib.closing(executor.execute(share.runs, enough=enough_or_started)) as runs:
            for run in runs:
                ended = run.ended
                if ended.checkpoint:
                    sink.add(ended.index, ended.checkpoint, ended)
                    executor.evaluate(ended.index)
                else:
                    outbox.put(Delivered(run))

    def new_executor(self, order: Order, sink: OutputsSink) -> Executor:
        """Return an executor of this machine for an evaluation.

        Raises:
            HostNotReadyError: the machine cannot execute it, or its challenge is not in the cache.
        """
        host = self._opened(order)
        return LocalExecutor(
            context=host.execution_context,
            submission=order.submission,
            challenge=self.challenge(order),
            settings=replace(order.settings, placement=host.placement, cores=self._device.cores),
            evaluation=order.evaluation,
            sink=sink,
        )

    def _opened(self, order: Order) -> HostSession:
        """Return this machine with the image and runtime of an order, and with the device's lock."""
        key = (order.image, order.settings.placement.runtime, order.required_device)
        if self._host is not None and self._host[0] == key:
            return self._host[1]
        self._host = None
        self._resources.close()

        @contextmanager
        def reporter() -> Iterator[Reporter]:
            yield NullReporter()

        host = self._resources.enter_context(
            host_session(
                reporter(),
                runtime=order.settings.placement.runtime,
                device=self._device.requested,
                required_device=order.required_device,
                image=order.image,
            )
        )
        self._host = (key, host)
        return host

    def challenge(self, order: Order) -> Challenge:
        """Return the challenge of an evaluation, with the limits in force."""
        if self._challenge is None or self._challenge.sha256 != order.challenge_sha256:
            self._challenge = self._challenges.load(order.challenge_sha256)
        return self._challenge.with_limits(**order.limits)
