"""The process of a node's device: executes shares of evaluations, and evaluates their checkpoints there.

It has an executor of one machine (`runner.execution.local`) and no store. What it makes is passed on one by
one; while nobody takes it, checkpoints wait on the disk, and then no further run is started.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import psutil

from runner.challenge.challenge import Challenge
from runner.cluster.code_version import code_version
from runner.cluster.node.challenge_cache import ChallengeCache, cache_folder
from runner.cluster.node.outbox import AbortedError, EvaluatedSink, Outbox
from runner.cluster.node.share_folders import share_prefix
from runner.cluster.orders import Delivered, Message, Order, ProcessMark, Share, Started, TimingOrder
from runner.devices.device import Device
from runner.devices.protocol import Failed
from runner.errors import HostNotReadyError, RunnerError, SandboxError
from runner.execution.executor import Executor, OutputsSink
from runner.execution.host_session import HostSession, host_session
from runner.execution.local import LocalExecutor
from runner.progress import NullReporter, Reporter
from runner.time_limits.retraining import get_or_measure
from runner.tracebacks import save_traceback

VISIBLE_GPUS: Final = "CUDA_VISIBLE_DEVICES"
_MAX_SHARES: Final = 64
_ABORT_SECONDS: Final = 120.0
"""In which a share that is aborted removes its containers."""


class DeviceWorker:
    """Executes one share at a time. All methods are called by any thread, in any order."""

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
        self._outboxes: dict[str, Outbox] = {}
        """Of the last shares that were executed, stopped or aborted: a call may come before its share."""
        self._running: Outbox | None = None
        self._is_closed = False
        self._thread: threading.Thread | None = None
        self._turn = threading.Lock()
        self._lock = threading.Lock()
        """Of what is above. Held while containers of an aborted share are removed: another cannot begin."""
        self._version = code_version()  # before an upgrade of the files could change what it says

    def version(self) -> str:
        """Return a digest of the project's code that this process has loaded."""
        return self._version

    def mark(self) -> ProcessMark:
        """Return what identifies this process."""
        return ProcessMark(pid=os.getpid(), created=psutil.Process().create_time())

    def ping(self) -> None:
        """Return, which a process that stands still does not."""

    def execute(self, order: Order, share: Share) -> Iterator[Message]:
        """Execute a share; yield what comes of it, with `Failed` at the end if it failed.

        A run that ends with a checkpoint is yielded once that is evaluated.
        """
        outbox = self._outbox(share.id)
        with self._turn:
            with self._lock:
                if self._is_closed or outbox.stopped.is_set():
                    return
                self._running = outbox
                self._thread = threading.Thread(
                    target=self._work, args=(order, share, outbox), name="share", daemon=True
                )
                self._thread.start()
            try:
                yield from outbox.messages()
            finally:
                outbox.aborted.set()
                self._wait(outbox)

    def time_retraining(self, order: TimingOrder) -> dict[str, Any]:
        """Return how long retraining takes on this device, as `Measurement.model_validate` reads it.

        Raises:
            ConfigurationError: the organizer's own network cannot be used.
            HostNotReadyError: the machine cannot execute it, or its challenge is not in the cache.
            SandboxError: the trainer failed.
        """
        with self._turn:
            host = self._opened(order)
            _key, measurement = get_or_measure(
                engine=host.engine,
                image=host.image,
                challenge=self.challenge(order),
                labels=host.labels,
                reporter=host.reporter,
                placement=host.placement,
            )
        return measurement.model_dump(mode="json")

    def visible_gpus(self) -> list[str]:
        """Return what Ray gave this process: UUIDs, or numbers where its node was started without them."""
        return [each for each in os.environ.get(VISIBLE_GPUS, "").split(",") if each]

    def use(self, device: Device) -> None:
        """Use another device than the one that was named first; nothing has been executed yet."""
        self._device = device

    def stop(self, share: str) -> None:
        """Start no other run of a share; those in progress end. Another share of this device goes on."""
        self._outbox(share).stopped.set()

    def abort(self, share: str) -> None:
        """End a share at once, and remove its containers; one that comes later is not begun.

        Raises:
            HostNotReadyError: it does not end.
        """
        outbox = self._outbox(share)
        outbox.stopped.set()
        outbox.aborted.set()
        self._wait(outbox)

    def close(self) -> None:
        """End everything, and release the device.

        Raises:
            HostNotReadyError: what it executes does not end, so the device stays locked.
        """
        with self._lock:
            self._is_closed = True
            running = self._running
        if running is not None:
            running.stopped.set()
            running.aborted.set()
            self._wait(running)
        self._resources.close()

    def _outbox(self, share: str) -> Outbox:
        with self._lock:
            outbox = self._outboxes.setdefault(share, Outbox())
            while len(self._outboxes) > _MAX_SHARES:
                del self._outboxes[next(iter(self._outboxes))]
            return outbox

    def _wait(self, outbox: Outbox) -> None:
        """Wait until a share that nobody wants has ended; its containers are removed from under it.

        Raises:
            HostNotReadyError: it does not end, so this process has to be.
        """
        with self._lock:
            thread = self._thread if self._running is outbox else None
        deadline = time.monotonic() + _ABORT_SECONDS
        while thread is not None and thread.is_alive() and time.monotonic() < deadline:
            thread.join(1.0)
            with self._lock:
                if thread.is_alive() and self._host is not None:
                    host = self._host[1]
                    with contextlib.suppress(HostNotReadyError):
                        for identity, _labels in host.engine.containers(host.labels):
                            host.engine.remove(identity)
        if thread is not None and thread.is_alive():
            raise HostNotReadyError(f"A share does not end within {_ABORT_SECONDS:.0f} s.")

    def _work(self, order: Order, share: Share, outbox: Outbox) -> None:
        try:
            try:
                self._execute(order, share, outbox)
            except AbortedError:
                raise
            except RunnerError as error:
                outbox.put(Failed.of(error))
            except Exception as error:  # noqa: BLE001 - whatever it is, the coordinator is to be told
                outbox.put(Failed.unforeseen(save_traceback(error)))
            outbox.put(None)
        except AbortedError:
            pass

    def _execute(self, order: Order, share: Share, outbox: Outbox) -> None:
        def enough() -> bool:
            if outbox.aborted.is_set():
                raise AbortedError
            return outbox.stopped.is_set()

        with tempfile.TemporaryDirectory(prefix=share_prefix(os.getpid())) as folder:
            sink = EvaluatedSink(Path(folder), outbox, keep_checkpoints=order.settings.keep_checkpoints)
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
        sink: EvaluatedSink,
        outbox: Outbox,
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
                if run.ended.checkpoint:
                    sink.add(run.ended.index, run.ended.checkpoint, run)
                    executor.evaluate(run.ended.index)
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

    def _opened(self, order: Order | TimingOrder) -> HostSession:
        """Return this machine with the image and runtime of an order, and with the device's lock."""
        key = (order.image, order.runtime, order.required_device)
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
                runtime=order.runtime,
                device=self._device.requested,
                required_device=order.required_device,
                image=order.image,
            )
        )
        self._host = (key, host)
        return host

    def challenge(self, order: Order | TimingOrder) -> Challenge:
        """Return the challenge of an evaluation, with the limits in force."""
        if self._challenge is None or self._challenge.sha256 != order.challenge_sha256:
            self._challenge = self._challenges.load(order.challenge_sha256)
        return self._challenge.with_limits(**order.limits)
