"""The executor of a cluster: hands runs to devices of its nodes, and yields each as it comes.

What a device fails with, or what is lost with it, goes to another device in the same call: it was not
published, so nothing is executed twice for the store. `runner.cluster.decisions.poison` says when that ends.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from typing import Final, Self

from runner.challenge.challenge import Challenge
from runner.challenge.outputs import NetworkOutputs
from runner.clients.evaluator import Rejected
from runner.clients.runs import PlannedRun
from runner.cluster.decisions.sharing import RunShares
from runner.cluster.decisions.timing import POLL_SECONDS
from runner.cluster.device_pool import DevicePool, LostShareError, RemoteDevice, RemoteShare
from runner.cluster.orders import Delivered, Evaluated, Message, Order, Share, Started
from runner.devices.protocol import Failed
from runner.errors import HostNotReadyError, RunnerError, SandboxError, SandboxLostError
from runner.execution.context import ExecutionContext
from runner.execution.executor import EvaluatedRun, OutputsSink
from runner.execution.settings import Settings
from runner.submission.load import Submission

PATIENCE_SECONDS: Final = 120.0
"""How long no device may be usable, for example while a node is started again, before the command ends."""
_CHECKPOINTS: Final = 8
"""Sent to a device at once, where they are evaluated apart from their runs."""


class ClusterExecutor:
    """The executor of a cluster (`runner.execution.executor.Executor`)."""

    def __init__(
        self,
        *,
        pool: DevicePool,
        context: ExecutionContext,
        submission: Submission,
        challenge: Challenge,
        settings: Settings,
        evaluation: str,
        sink: OutputsSink,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        """Prepare; no device is used yet.

        Args:
            pool: Whose devices are used.
            context: Of this process; only its image matters, which nodes need too.
            submission: To be executed.
            challenge: On which, with the limits in force.
            settings: As requested.
            evaluation: Its name.
            sink: Source of checkpoints that are still to be evaluated, and destination of their outputs.
            patience_seconds: How long no device may be usable.
        """
        self._pool, self._challenge, self._sink = pool, challenge, sink
        self._reporter, self._patience = context.reporter, patience_seconds
        self._evaluation = evaluation
        self._order = Order(
            evaluation=evaluation,
            submission=submission,
            challenge_sha256=challenge.sha256,
            limits=challenge.description.limits.model_dump(),
            image=context.image.digest,
            required_device=challenge.description.device,
            settings=settings,
        )
        self._queued: list[int] = []
        self._is_executing = False
        self._rejected = 0

    def __enter__(self) -> Self:
        """Claim devices."""
        self._pool.open(self._evaluation, self._challenge)
        return self

    def __exit__(self, *_error: object) -> None:
        """Leave the devices to others."""
        self._pool.close(self._evaluation)

    @property
    def is_executing(self) -> bool:
        """Return whether a container of a node was ready for its first run."""
        return self._is_executing

    @property
    def rejected(self) -> int:
        """Return how many checkpoints were rejected that were evaluated apart from their runs."""
        return self._rejected

    def execute(
        self, planned: Sequence[PlannedRun], *, enough: Callable[[], bool]
    ) -> Generator[EvaluatedRun]:
        """Execute runs on all devices that the evaluation may use; yield each as it comes."""
        shares = RunShares(planned)
        active: list[RemoteShare] = []
        stopping = False
        idle_since = time.monotonic()
        try:
            while True:
                if not stopping and enough():
                    stopping = True
                    for remote in active:
                        remote.stop()
                if stopping:
                    shares.drop_waiting()
                self._start(shares, active)
                if not active:
                    if not shares.waiting:
                        return
                    self._require_patience(idle_since)
                    time.sleep(POLL_SECONDS)
                    continue
                for remote in self._pool.wait(active, POLL_SECONDS):
                    run = self._take(remote, shares, active)
                    if run is not None:
                        yield run
                idle_since = time.monotonic()
        finally:
            self._abort(active)

    def evaluate(self, index: int) -> None:
        """Queue a published checkpoint; `finish` has it evaluated."""
        self._queued.append(index)

    def await_ready(self) -> None:
        """Wait for a node that can be used.

        Raises:
            HostNotReadyError: there is none in time.
        """
        since = time.monotonic()
        while not self._pool.devices_for(self._evaluation):
            self._require_patience(since)
            time.sleep(POLL_SECONDS)

    def finish(self) -> None:
        """Have every queued checkpoint evaluated."""
        while self._queued:
            checkpoints = {index: self._sink.read_checkpoint(index) for index in self._queued[:_CHECKPOINTS]}
            device = self._await_device()
            shares = RunShares(())
            try:
                active = [device.start(self._order, Share(checkpoints=checkpoints))]
            except LostShareError as error:
                self._fail(device, error, list(checkpoints))
                continue
            try:
                while active:
                    for remote in self._pool.wait(active, POLL_SECONDS):
                        self._take(remote, shares, active)
            finally:
                self._abort(active)

    def _abort(self, active: Sequence[RemoteShare]) -> None:
        """End shares, and give their devices back."""
        for remote in active:
            try:
                remote.abort()
            except LostShareError as error:
                self._pool.lose(remote.device, str(error))
            else:
                self._pool.give_back(remote.device)

    def _start(self, shares: RunShares, active: list[RemoteShare]) -> None:
        """Give each free device a share, while runs wait."""
        while shares.waiting and (device := self._pool.take(self._evaluation)) is not None:
            token = object()
            others = self._pool.devices_for(self._evaluation) - len(active)
            runs = shares.hand_out(token, max(1, others))
            try:
                remote = device.start(self._order, Share(runs=tuple(runs)))
            except LostShareError as error:
                self._fail(device, error, shares.end(token))
                continue
            shares.rename(token, remote)
            active.append(remote)

    def _take(self, remote: RemoteShare, shares: RunShares, active: list[RemoteShare]) -> EvaluatedRun | None:
        """Take a message of a share; return the run that it delivers, if it does.

        Raises:
            RunnerError: the evaluation cannot go on.
        """
        failure: Exception | None = None
        message: Message | None = None
        try:
            message = remote.take()
        except LostShareError as error:
            failure = error
        if isinstance(message, Delivered):
            self._is_executing = True
            index = message.run.ended.index
            self._pool.failures.delivered(self._evaluation, remote.device.node, index)
            if not shares.delivered(remote, index):
                return None
            return replace(message.run, node=remote.device.node_name, device_class=remote.device.device_class)
        if isinstance(message, Evaluated):
            self._pool.failures.delivered(self._evaluation, remote.device.node, message.index)
            self._deliver(message.index, message.outputs)
            return None
        if isinstance(message, Started):
            self._is_executing = True
            return None
        if isinstance(message, Failed):
            failure = message.as_error()
        active.remove(remote)
        left = shares.end(remote) or self._queued[:_CHECKPOINTS]
        if failure is None:
            self._pool.give_back(remote.device)
        else:
            self._fail(remote.device, failure, left)
        return None

    def _fail(self, device: RemoteDevice, error: Exception, left: Sequence[int]) -> None:
        """Record that a share failed on our side, so that another device takes what is left of it.

        Args:
            device: Which had the share.
            error: Why.
            left: Indices of the runs that it has not delivered.

        Raises:
            RunnerError: no other device is to be tried.
        """
        if isinstance(error, LostShareError):
            self._pool.lose(device, str(error))
        else:
            may_be_node = isinstance(error, HostNotReadyError)
            self._pool.give_back(device, problem=str(error) if may_be_node else "")
        if isinstance(error, RunnerError) and not isinstance(error, SandboxError | HostNotReadyError):
            raise error  # wrong usage: it is the same everywhere
        nodes = self._pool.nodes()
        by_sandbox = isinstance(error, SandboxError)
        self._pool.failures.failed(self._evaluation, device.node, left, by_sandbox=by_sandbox)
        self._reporter.step(f"{device.name}: {error} Its runs are executed again.")
        if self._pool.failures.is_held(self._evaluation, nodes=nodes):
            if isinstance(error, SandboxError):
                raise error
            raise SandboxLostError(
                f"A run was lost on node after node, the last time on {device.name}: {error}"
            )

    def _await_device(self) -> RemoteDevice:
        since = time.monotonic()
        while (device := self._pool.take(self._evaluation)) is None:
            self._require_patience(since)
            time.sleep(POLL_SECONDS)
        return device

    def _require_patience(self, since: float) -> None:
        """Raise if no device could be used for too long; those that others use are waited for."""
        if self._pool.devices_for(self._evaluation) or time.monotonic() - since < self._patience:
            return
        problems = self._pool.problems()
        raise HostNotReadyError(
            "No node of the cluster can execute runs; finished runs are saved. Repeat the command to go on."
            + (f" {problems}" if problems else "")
        )

    def _deliver(self, index: int, outputs: NetworkOutputs | Rejected) -> None:
        if index not in self._queued:
            return
        self._queued.remove(index)
        if isinstance(outputs, Rejected):
            self._rejected += 1
            self._sink.reject(index, outputs.reason)
        else:
            self._sink.publish_outputs(index, outputs)
