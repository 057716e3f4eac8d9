"""The nodes of a Ray cluster and their devices, as a coordinator uses them.

One thread renews leases, asks devices whether they answer and leaves lost nodes out. Another takes new nodes
in and brings them the challenges, which takes long: whoever takes a device waits for no node.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, Self

from runner.challenge.challenge import Challenge
from runner.challenge.limits import Limits
from runner.cluster.answers import NodeRefusedError
from runner.cluster.decisions.fitness import Requirements
from runner.cluster.decisions.poison import Failures
from runner.cluster.decisions.sharing import devices_of_each
from runner.cluster.decisions.timing import BEAT_SECONDS, LEASE_SECONDS, POLL_SECONDS
from runner.cluster.device_pool import RemoteDevice, RemoteShare
from runner.cluster.handles import Node, RayDevice, RayShare
from runner.cluster.node.device import DeviceWorker
from runner.cluster.nodes import Nodes
from runner.cluster.opening import open_node
from runner.cluster.providing import ChallengeProvider
from runner.cluster.repeating import Repetition
from runner.errors import HostNotReadyError

_NODES_AT_ONCE: Final = 16
_OPEN_SECONDS: Final = 180.0
"""In which the first node has to be usable; the processes of a coordinator that was killed end meanwhile."""
_OTHERS_SECONDS: Final = 20.0
"""In which others may join the first, so that it does not get all of what there is to do."""


class ClusterPool:
    """The devices of a cluster (`runner.cluster.device_pool.DevicePool`). Use as a context manager."""

    def __init__(
        self,
        ray: Any,  # noqa: ANN401 - a library without types
        *,
        required: Requirements,
        devices: str,
        limits: Limits,
        runtime: str,
        report: Callable[[str], object],
        lease_seconds: float = LEASE_SECONDS,
        worker: type[DeviceWorker] = DeviceWorker,
    ) -> None:
        """Prepare.

        Args:
            ray: The library, in a cluster that this process has joined.
            required: What nodes have to be.
            devices: Of each node, as ``--devices`` has them.
            limits: Of the challenge; every node has to have room for them.
            runtime: Of containers; empty for the engine's default.
            report: Shows a sentence about a node that is used, refused or lost.
            lease_seconds: After which a device that does not answer is lost.
            worker: What executes shares on a device.
        """
        self._report, self._lease_seconds, self._required = report, lease_seconds, required
        self._coordinator = uuid.uuid4().hex
        self._cluster = Nodes(
            ray,
            self._coordinator,
            devices=devices,
            limits=limits,
            runtime=runtime,
            image=required.image,
            worker=worker,
        )
        self.failures, self._provider = Failures(), ChallengeProvider(self._cluster)
        self._nodes: dict[str, Node] = {}
        self._free: list[RayDevice] = []
        self._taken: dict[RayDevice, str] = {}
        """By which evaluation."""
        self._challenges: dict[str, Challenge] = {}
        """Of evaluations in progress."""
        self._lock, self._repetition = threading.RLock(), Repetition(BEAT_SECONDS)
        self._openers = ThreadPoolExecutor(_NODES_AT_ONCE, thread_name_prefix="node")
        """Opening a node takes seconds, or as long as a call may where it does not answer."""

    def __enter__(self) -> Self:
        """Open the nodes.

        Raises:
            HostNotReadyError: none can be used.
        """
        deadline = time.monotonic() + _OPEN_SECONDS
        self._repetition.start(self._beat)
        while True:
            self._look_at_nodes()
            nodes, is_late = self.overview(), time.monotonic() > deadline
            is_opening = any(node.is_opening for node in nodes)
            if self.nodes():
                if is_late or not is_opening:
                    break
                deadline = min(deadline, time.monotonic() + _OTHERS_SECONDS)
            elif is_late or not (is_opening or any(node.is_retried for node in nodes)):
                self.__exit__()
                why = self.problems() or "It has no nodes."
                raise HostNotReadyError(f"No node of the cluster can be used. {why}")
            time.sleep(POLL_SECONDS)
        self._repetition.start(self._look_at_nodes)
        return self

    def __exit__(self, *_error: object) -> None:
        """End what this coordinator started on the nodes."""
        self._repetition.stop()
        self._openers.shutdown()
        self._cluster.leave(self.overview())

    def open(self, evaluation: str, challenge: Challenge) -> None:
        """Let an evaluation have devices, and provide its challenge to their nodes."""
        with self._lock:
            self._challenges[evaluation] = challenge
            nodes = [node for node in self._nodes.values() if node.devices]
        self._provide(nodes, [challenge])

    def close(self, evaluation: str) -> None:
        """End that; devices that it has not given back are free again."""
        with self._lock:
            self._challenges.pop(evaluation, None)
            for device in [device for device, user in self._taken.items() if user == evaluation]:
                self.give_back(device)
        self.failures.forget(evaluation)

    def take(self, evaluation: str) -> RayDevice | None:
        """Return a free device, one of a node with which the evaluation failed only for want of others."""
        with self._lock:
            usable = self._usable(evaluation)
            mine = sum(taken == evaluation for taken in self._taken.values())
            if mine >= devices_of_each(len(usable), len(self._challenges)):
                return None
            sha256 = self._challenges[evaluation].sha256
            for device in self._free:
                node = self._nodes.get(device.node)
                if node is not None and device in usable and sha256 in node.challenges:
                    self._free.remove(device)
                    self._taken[device] = evaluation
                    return device
        return None

    def give_back(self, device: RemoteDevice, *, problem: str = "") -> None:
        """Let others have a device; with a problem, nobody until its node is examined again."""
        assert isinstance(device, RayDevice)
        with self._lock:
            if self._taken.pop(device, None) is None or device.is_lost:
                return
            if not problem:
                self._free.append(device)
            node = self._nodes.get(device.node)
        if problem and node is not None:  # one that is gone loses its devices itself
            self._refuse(node, problem)

    def devices_for(self, evaluation: str) -> int:
        """Return how many devices an evaluation may use at present."""
        with self._lock:
            usable = len(self._usable(evaluation))
            return min(usable, devices_of_each(usable, len(self._challenges)))

    def nodes(self) -> int:
        """Return how many nodes can be used at present."""
        return len({device.node for device in self._not_drained()})

    def problems(self) -> str:
        """Return why other nodes are not used."""
        return " ".join(f"{node.name}: {node.problem}" for node in self.overview() if node.problem)

    def overview(self) -> list[Node]:
        """Return the nodes, in the order in which they came."""
        with self._lock:
            return list(self._nodes.values())

    def wait(self, shares: Sequence[RemoteShare], seconds: float) -> Sequence[RemoteShare]:
        """Return shares from which something can be taken, or that are lost; none after ``seconds``."""
        known = [share for share in shares if isinstance(share, RayShare)]
        lost = [share for share in known if share.device.is_lost]
        return lost or self._cluster.wait(known, seconds)

    def _all_devices(self) -> list[RayDevice]:
        with self._lock:
            return [*self._free, *self._taken]

    def _not_drained(self) -> list[RayDevice]:
        """Return the devices of nodes that are not drained; of all nodes, if no other is left."""
        devices = self._all_devices()
        return [device for device in devices if not self.failures.is_drained(device.node)] or devices

    def _usable(self, evaluation: str) -> list[RayDevice]:
        """Return the devices that an evaluation may use, whoever has them at present."""
        devices = self._not_drained()
        preferred = [device for device in devices if not self.failures.avoids(evaluation, device.node)]
        return preferred or devices

    def _provide(self, nodes: Sequence[Node], challenges: Sequence[Challenge]) -> None:
        """Bring challenges to the nodes that lack them; refuse those where they cannot be stored."""
        for node, error in self._provider.provide_all(nodes, challenges):
            self._refuse(node, str(error))

    def _beat(self) -> None:
        """Renew leases; give up devices that do not answer, and nodes that are gone."""
        for node in self.overview():
            if node.devices:
                self._cluster.renew(node, self._lease_seconds)
        for device in self._all_devices():
            if self._cluster.is_silent(device, self._lease_seconds):
                self.lose(device, f"is dead, or does not answer for {self._lease_seconds:.0f} s")
        alive = self._cluster.alive()
        for node in self.overview():
            if node.id not in alive:
                with self._lock:  # none of its devices is taken in from now on
                    del self._nodes[node.id]
                for device in node.devices:
                    self._lose(device, node, "its node is gone")
                self._report(f"node {node.name} is gone")

    def _look_at_nodes(self) -> None:
        """Have nodes opened that are new, or have lost devices; wait for none of them."""
        alive, now = self._cluster.alive(), time.monotonic()
        with self._lock:
            nodes = [self._nodes.setdefault(key, node) for key, node in alive.items()]
        for node in nodes:
            if node.lacks_devices and not node.is_opening and now >= node.examine_at:
                node.is_opening = True
                self._openers.submit(self._open_and_provide, node)

    def _open_and_provide(self, node: Node) -> None:
        """Open a node, and bring it the challenges of evaluations in progress."""
        try:
            self._open_node(node)
            with self._lock:
                challenges = list(self._challenges.values())
            self._provide([node] if node.devices else [], challenges)
        finally:
            node.is_opening = False

    def _open_node(self, node: Node) -> None:
        """Examine a node, and take in the devices that it lacks if it is fit.

        Otherwise it gets no device. Those that it has go on with what they execute, unless its software is
        another one now.
        """
        before = node.problem
        node.is_retried = False
        try:
            devices = open_node(self._cluster, node, self._required)
        except NodeRefusedError as error:
            node.is_retried = error.is_temporary
            if node.devices and error.has_other_software:
                self._refuse(node, str(error))
                return
            node.problem = str(error)
            node.examine_later(at_once=error.is_temporary and not node.devices)  # not often beside timed runs
            if node.problem != before and not error.is_temporary:
                what = "does not get a device back" if node.devices else "is refused"
                self._report(f"node {node.name} {what}: {node.problem}")
            return
        node.problem = ""
        with self._lock:
            is_known = self._nodes.get(node.id) is node  # it may be gone meanwhile
            if is_known:
                node.devices = [*node.devices, *devices]
                self._free.extend(devices)
        if is_known:
            self._cluster.renew(node, self._lease_seconds)
        for device in [] if is_known else devices:
            self._cluster.end(device, node)

    def lose(self, device: RemoteDevice, reason: str) -> None:
        """End a device's process, which may still execute a share that nobody takes; it is started again."""
        assert isinstance(device, RayDevice)
        with self._lock:
            node = self._nodes.get(device.node)
        if node is not None:  # one that is gone loses its devices itself
            self._lose(device, node, reason)

    def _lose(self, device: RayDevice, node: Node, reason: str) -> None:
        with self._lock:
            if device.is_lost:
                return
            device.is_lost, device.loss = True, reason
            node.lose(device)
            self._taken.pop(device, None)
            if device in self._free:
                self._free.remove(device)
        self._cluster.end(device, node)

    def _refuse(self, node: Node, problem: str) -> None:
        """Use no device of a node until it is examined again."""
        for device in node.devices:
            self._lose(device, node, problem)
        node.problem = problem
        node.examine_later()
        self._report(f"node {node.name} is refused: {problem}")
