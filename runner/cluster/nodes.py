"""Calls to the actors of nodes: the agent of each node, and the process of each of its devices."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from runner.challenge.limits import Limits
from runner.cluster.answers import CALL_SECONDS, NodeRefusedError, answer, reason
from runner.cluster.code_version import code_version
from runner.cluster.decisions.timing import POLL_SECONDS
from runner.cluster.device_pool import LostShareError
from runner.cluster.handles import Node, RayDevice, RayShare
from runner.cluster.node.agent import NodeAgent
from runner.cluster.node.device import DeviceWorker
from runner.cluster.opening import GPU
from runner.cluster.orders import Message, Order, Share, TimingOrder
from runner.devices.device import Device

_COPY_SECONDS: Final = 1800.0
"""In which the largest challenge has reached a node."""
_TAKE_SECONDS: Final = 120.0
_ABORT_SECONDS: Final = 150.0
_CLOSE_SECONDS: Final = 30.0
_UNTAKEN: Final = 4
"""Messages that a device sends ahead of what is taken."""
_THREADS: Final = 6
"""Of an actor: a share, and the calls beside it."""


class Nodes:
    """The actors of one coordinator, by way of Ray."""

    def __init__(
        self,
        ray: Any,  # noqa: ANN401 - a library without types
        coordinator: str,
        *,
        devices: str,
        limits: Limits,
        runtime: str,
        image: str,
        worker: type[DeviceWorker] = DeviceWorker,
    ) -> None:
        """Use a cluster that this process has joined; the other arguments are those of `ClusterPool`."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy  # noqa: PLC0415 - an extra

        self._ray, self._coordinator = ray, coordinator
        self._on = NodeAffinitySchedulingStrategy
        self._devices, self._limits, self._runtime = devices, limits.model_dump(), runtime
        self._image = image
        self._agents = self.actor_class(NodeAgent, max_restarts=-1)
        self._workers = self.actor_class(worker)

    def actor_class(self, wrapped: type, *, max_restarts: int = 0) -> Any:  # noqa: ANN401 - Ray's
        """Return the class of actors that wraps a class; Ray repeats none of their calls."""
        return self._ray.remote(
            num_cpus=0, max_task_retries=0, max_concurrency=_THREADS, max_restarts=max_restarts
        )(wrapped)

    def alive(self) -> dict[str, Node]:
        """Return new handles of the nodes that are alive, by their identities.

        One that was started without processors and GPUs for Ray executes nothing.
        """
        return {
            str(node["NodeID"]): Node(
                id=str(node["NodeID"]),
                name=f"{node['NodeManagerHostname']} ({node['NodeManagerAddress']})",
                resources=node["Resources"],
            )
            for node in self._ray.nodes()
            if node["Alive"] and (node["Resources"].get("CPU") or node["Resources"].get(GPU))
        }

    def examine(self, node: Node) -> None:
        """Ask a node what it is, by its agent, which is started if there is none.

        Raises:
            NodeRefusedError: it does not answer.
        """
        self.meet(node)
        node.facts = self.ask(
            self._agent(node).facts.remote(self._devices, self._image, self._limits, self._runtime)
        )
        node.challenges.clear()

    def meet(self, node: Node) -> None:
        """Require an agent of this version, which is started if there is none.

        Raises:
            NodeRefusedError: it does not answer.
        """
        node.agent = None  # the one that is known may have been ended by another command
        agent = self._agent(node)
        version = self.ask(agent.version.remote())
        if version != code_version():  # an agent of an earlier version: what is installed now decides
            self.kill(agent)
            deadline = time.monotonic() + CALL_SECONDS
            while version != code_version() and time.monotonic() < deadline:
                node.agent = None
                with contextlib.suppress(NodeRefusedError):
                    version = self.ask(self._agent(node).version.remote())
                    break
                time.sleep(0.5)

    def gpu_classes(self, node: Node) -> list[str]:
        """Return the classes of a node's GPUs.

        Raises:
            NodeRefusedError: it does not answer.
        """
        self.meet(node)
        return [str(name) for name in self.ask(self._agent(node).gpu_classes.remote())]

    def _agent(self, node: Node) -> Any:  # noqa: ANN401 - a handle
        agent = node.agent  # read once: another thread may forget it meanwhile
        if agent is None:
            agent = node.agent = self._agents.options(
                name=f"agent {node.id}",
                get_if_exists=True,
                lifetime="detached",
                scheduling_strategy=self._on(node_id=node.id, soft=False),
            ).remote()
        return agent

    def start_worker(self, node: Node, device: Device, resources: Mapping[str, float]) -> Any:  # noqa: ANN401 - a handle
        """Start the process of a device.

        Raises:
            ValueError: there is one of its name: another coordinator has it.
        """
        named = {name: amount for name, amount in resources.items() if name != GPU}
        return self._workers.options(
            name=f"device {node.id} {device.name}",
            num_gpus=resources.get(GPU, 0),
            resources=named,
            scheduling_strategy=self._on(node_id=node.id, soft=False),
        ).remote(device)

    def kill(self, actor: Any) -> None:  # noqa: ANN401 - a handle
        """End the process of an actor."""
        with contextlib.suppress(Exception):
            self._ray.kill(actor)

    def renew(self, node: Node, seconds: float) -> None:
        """Renew the lease on the processes of a node; nothing is waited for."""
        self._forget_dead_agent(node)
        with contextlib.suppress(Exception):
            marks = [device.mark for device in node.devices]
            node.renewal = self._agent(node).renew.remote(self._coordinator, seconds, marks)

    def _forget_dead_agent(self, node: Node) -> None:
        """Forget an agent for good that another command has ended: the next call reaches its successor."""
        renewal = node.renewal
        if renewal is None:
            return
        try:
            if self._ray.wait([renewal], timeout=0)[0]:
                self._ray.get(renewal, timeout=CALL_SECONDS)
                node.renewal = None
        except Exception:  # noqa: BLE001 - of many classes; asking for its name again is right in each case
            node.agent = node.renewal = None

    def is_silent(self, device: RayDevice, seconds: float) -> bool:
        """Ask whether a device answers; return whether it has not for so long, or is dead."""
        now = time.monotonic()
        if device.question is not None:
            ready, _pending = self._ray.wait([device.question], timeout=0)
            if ready:
                try:
                    self._ray.get(device.question, timeout=CALL_SECONDS)
                except Exception:  # noqa: BLE001 - of many classes, and all mean that it is dead
                    return True
                device.answered_at, device.question = now, None
        if device.question is None:
            device.question = device.actor.ping.remote()
        return now - device.answered_at > seconds

    def has_challenge(self, node: Node, sha256: str) -> bool:
        """Return whether a challenge is in a node's cache.

        Raises:
            NodeRefusedError: it does not answer.
        """
        return bool(self.ask(self._agent(node).has_challenge.remote(sha256)))

    def put(self, files: Mapping[str, bytes]) -> Any:  # noqa: ANN401 - a reference
        """Put files into Ray's store, from which nodes take them."""
        return self._ray.put(dict(files))

    def store_challenge(self, node: Node, sha256: str, files: Any) -> None:  # noqa: ANN401 - a reference
        """Store a challenge in a node's cache.

        Raises:
            NodeRefusedError: it cannot be stored there.
        """
        self.ask(self._agent(node).store_challenge.remote(sha256, files), seconds=_COPY_SECONDS)

    def time_retraining(self, device: RayDevice, order: TimingOrder) -> dict[str, Any]:
        """Have a device time retraining.

        Raises:
            LostShareError: it is lost.
            NodeRefusedError: it failed.
        """
        reference = device.actor.time_retraining.remote(order)
        while not self._ray.wait([reference], timeout=POLL_SECONDS)[0]:
            if device.is_lost:
                raise LostShareError(f"{device.name} is lost: {device.loss}.")
        return dict(self.ask(reference))

    def start_share(self, device: RayDevice, order: Order, share: Share) -> RayShare:
        """Start a share on a device."""
        generator = device.actor.execute.options(
            num_returns="streaming", _generator_backpressure_num_objects=_UNTAKEN
        ).remote(order, share)
        return RayShare(self, device, share.id, generator)

    def wait(self, shares: Sequence[RayShare], seconds: float) -> list[RayShare]:
        """Return shares from which something can be taken; none after ``seconds``."""
        by_generator = {id(share.generator): share for share in shares}
        ready, _pending = self._ray.wait([share.generator for share in shares], timeout=seconds)
        return [by_generator[id(generator)] for generator in ready]

    def take(self, share: RayShare) -> Message | None:
        """Return the next message of a share.

        Raises:
            LostShareError: its device is lost.
        """
        try:
            reference = next(share.generator)
            deadline = time.monotonic() + _TAKE_SECONDS
            while not self._ray.wait([reference], timeout=POLL_SECONDS)[0]:  # it may die with its node
                if share.device.is_lost or time.monotonic() > deadline:
                    why = share.device.loss or "it does not send what it announced"
                    raise LostShareError(f"{share.device.name} is lost: {why}.")
            message: Message = self._ray.get(reference, timeout=CALL_SECONDS)
        except StopIteration:
            return None
        except self._ray.exceptions.RayError as error:
            raise LostShareError(f"{share.device.name} is lost: {reason(error)}") from error
        return message

    def stop(self, share: RayShare) -> None:
        """Have no other run of a share started, and wait for nothing."""
        with contextlib.suppress(Exception):
            share.device.actor.stop.remote(share.id)

    def abort(self, share: RayShare) -> None:
        """End a share, and wait until it has ended.

        Raises:
            LostShareError: it does not end in time, or nobody knows whether it has.
        """
        device, deadline = share.device, time.monotonic() + _ABORT_SECONDS
        try:
            ended = device.actor.abort.remote(share.id)
            while not self._ray.wait([ended], timeout=1.0)[0]:
                if device.is_lost:
                    return
                if time.monotonic() > deadline:
                    raise LostShareError(f"{device.name} does not end what it executes.")
            self._ray.get(ended, timeout=CALL_SECONDS)
        except self._ray.exceptions.RayError as error:
            raise LostShareError(f"{device.name} does not end what it executes: {reason(error)}") from error

    def end(self, device: RayDevice, node: Node) -> None:
        """End the process of a device, even one that stands still; its containers are removed."""
        self.kill(device.actor)
        with contextlib.suppress(Exception):
            self._agent(node).end.remote(device.mark)

    def leave(self, nodes: Sequence[Node]) -> None:
        """End all processes of this coordinator; wait until their containers are removed.

        One that stands still, or does not end in time, is killed.
        """
        devices = [device for node in nodes for device in node.devices]
        with contextlib.suppress(Exception):
            closing = [device.actor.close.remote() for device in devices]
            if closing:
                self._ray.wait(closing, num_returns=len(closing), timeout=_CLOSE_SECONDS)
        released = []
        for node in nodes:
            self._forget_dead_agent(node)
            if node.agent is not None or node.devices:  # a successor of its agent has heard of none of them
                with contextlib.suppress(Exception):
                    marks = [device.mark for device in node.devices]
                    released.append(self._agent(node).release.remote(self._coordinator, marks))
        with contextlib.suppress(Exception):
            if released:
                self._ray.wait(released, num_returns=len(released), timeout=CALL_SECONDS)

    def ask(self, reference: Any, *, seconds: float = CALL_SECONDS) -> Any:  # noqa: ANN401 - any value
        """Return the answer of an agent or a device; see `runner.cluster.answers.answer`."""
        return answer(self._ray, reference, seconds=seconds)
