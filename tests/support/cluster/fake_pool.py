"""A cluster in memory: nodes whose devices end runs, and are lost, as a test scripts them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from runner.challenge.challenge import Challenge
from runner.challenge.outputs import NetworkOutputs
from runner.clients.evaluator import Rejected
from runner.clients.runs import PlannedRun
from runner.cluster.decisions.poison import Failures
from runner.cluster.device_pool import LostShareError, RemoteDevice, RemoteShare
from runner.cluster.orders import Delivered, Evaluated, Message, Order, Share, Started
from runner.devices.protocol import Failed
from runner.errors import RunnerError
from runner.execution.executor import EvaluatedRun


class FakeShare:
    """A share of a device in memory: a message more each time that it is asked."""

    def __init__(self, device: FakeDevice, share: Share) -> None:
        self._device, self._messages = device, self._all(share)
        self._stopped = False
        self.aborted = False
        self.taken = 0

    @property
    def device(self) -> RemoteDevice:
        """Return the device."""
        return self._device

    def take(self) -> Message | None:
        """Return the next message."""
        assert not self.aborted
        self.taken += 1
        return next(self._messages, None)

    def stop(self) -> None:
        """Start no other run."""
        self._stopped = True

    def abort(self) -> None:
        """End."""
        self.aborted = True

    def _all(self, share: Share) -> Iterator[Message]:
        pool = self._device.pool
        yield Started()
        failures = pool.failing[self._device.name]
        after, error = failures.pop(0) if failures else (-1, None)
        for position, run in enumerate(share.runs):
            if self._stopped:
                return
            if position == after:
                if isinstance(error, RunnerError):
                    yield Failed.of(error)
                    return
                self._device.is_lost = True
                raise LostShareError(f"{self._device.name} is lost.")
            pool.executed.append(run.index)
            yield Delivered(pool.run(run))
        for index, checkpoint in share.checkpoints.items():
            yield Evaluated(index, pool.evaluate(index, checkpoint))


class FakeDevice:
    """A device of a node in memory."""

    def __init__(self, pool: FakePool, node: str, number: int) -> None:
        self.pool, self.node, self.name = pool, node, f"{node} {number}"
        self.node_name, self.device_class = f"machine {node}", "cpu"
        self.is_lost = False

    def start(self, order: Order, share: Share) -> RemoteShare:
        """Start a share."""
        assert order.challenge_sha256
        started = FakeShare(self, share)
        self.pool.shares.append(started)
        return started


class FakePool:
    """Devices in memory (`runner.cluster.device_pool.DevicePool`)."""

    def __init__(
        self,
        nodes: dict[str, int],
        *,
        run: Callable[[PlannedRun], EvaluatedRun],
        evaluate: Callable[[int, bytes], NetworkOutputs | Rejected],
    ) -> None:
        """Have nodes with so many devices each.

        Args:
            nodes: Numbers of devices, by the names of their nodes.
            run: Returns how a run ends, its checkpoint evaluated.
            evaluate: Returns the outputs of a checkpoint.
        """
        self.run, self.evaluate = run, evaluate
        self.failures = Failures()
        self.devices = [
            FakeDevice(self, node, number) for node, count in nodes.items() for number in range(count)
        ]
        self.failing: defaultdict[str, list[tuple[int, RunnerError | None]]] = defaultdict(list)
        """For each share of a device in turn: after how many runs it fails, and with what; None: it is lost."""
        self.executed: list[int] = []
        self.shares: list[FakeShare] = []
        self.provided: list[str] = []
        self._taken: list[Any] = []

    def open(self, evaluation: str, challenge: Challenge) -> None:
        """Record that a challenge is provided."""
        self.provided.append(challenge.sha256)

    def close(self, _evaluation: str) -> None:
        """Require that every device was given back."""
        assert self._taken == []

    def take(self, evaluation: str) -> RemoteDevice | None:
        """Return a free device."""
        usable = self._usable()
        preferred = [each for each in usable if not self.failures.avoids(evaluation, each.node)] or usable
        free = [device for device in preferred if device not in self._taken]
        if not free:
            return None
        self._taken.append(free[0])
        return free[0]

    def give_back(self, device: RemoteDevice, *, problem: str = "") -> None:
        """Take a device back."""
        self._taken.remove(device)
        if problem:
            self.devices = [each for each in self.devices if each.node != device.node]

    def lose(self, device: RemoteDevice, _reason: str) -> None:
        """Take a device back: another process of its name stands in for it at once."""
        self._taken.remove(device)

    def devices_for(self, _evaluation: str) -> int:
        """Return how many can be used."""
        return len(self._usable())

    def nodes(self) -> int:
        """Return how many nodes can be used."""
        return len({device.node for device in self._usable()})

    def problems(self) -> str:
        """Return a sentence."""
        return "b: its image is another one."

    def wait(self, shares: Sequence[RemoteShare], _seconds: float) -> Sequence[RemoteShare]:
        """Return one share after the other."""
        first = min(shares, key=lambda share: share.taken)  # type: ignore[attr-defined]
        return [first]

    def _usable(self) -> list[FakeDevice]:
        return [device for device in self.devices if not device.is_lost]
