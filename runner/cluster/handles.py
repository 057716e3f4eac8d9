"""What a coordinator holds of a node, of the process of a device there, and of a share that it executes."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from runner.cluster.decisions.fitness import NodeFacts
from runner.cluster.device_pool import LostShareError
from runner.cluster.orders import Message, Order, ProcessMark, Share, TimingOrder

if TYPE_CHECKING:
    from runner.cluster.nodes import Nodes

_EXAMINE_AGAIN_SECONDS: Final = 30.0
_LOSSES_SECONDS: Final = 60.0
"""Between two devices that a node loses: if they are closer, the second is started again after a pause."""


@dataclass(slots=True, eq=False)
class Node:
    """A node, as its coordinator sees it."""

    id: str
    name: str
    resources: Mapping[str, float] = field(default_factory=dict)
    """What Ray hands out there, by name: ``GPU``, and what was named when it was started."""
    agent: Any = None
    renewal: Any = None
    """The renewal of its lease that is not known to have arrived yet."""
    facts: NodeFacts | None = None
    devices: list[RayDevice] = field(default_factory=list)
    challenges: set[str] = field(default_factory=set)
    """Hashes of those in its cache."""
    problem: str = ""
    """Why it, or a device that it lost, is not used; empty if all of it is."""
    is_retried: bool = False
    """Whether it is examined again at once."""
    is_opening: bool = False
    """Whether a thread examines it, and starts the devices that it lacks."""
    examine_at: float = 0.0
    """When it is examined again, by the monotonic clock."""
    lost_at: float = -math.inf
    """When it lost a device last."""

    @property
    def lacks_devices(self) -> bool:
        """Return whether it has devices of which none are used, or were lost."""
        if self.facts is None or self.problem:  # facts with a problem name no devices
            return True
        return len(self.devices) < max(1, len(self.facts.devices))

    def examine_later(self, *, at_once: bool = False) -> None:
        """Have it examined again, at once or after a while."""
        self.examine_at = 0.0 if at_once else time.monotonic() + _EXAMINE_AGAIN_SECONDS

    def lose(self, device: RayDevice) -> None:
        """Do without a device, and have it started again: at once, unless others went wrong just before."""
        self.devices = [each for each in self.devices if each is not device]
        now = time.monotonic()
        self.examine_later(at_once=not self.devices or now - self.lost_at >= _LOSSES_SECONDS)
        self.lost_at = now


@dataclass(slots=True, eq=False)
class RayDevice:
    """A device of a node (`runner.cluster.device_pool.RemoteDevice`)."""

    cluster: Nodes
    node: str
    node_name: str
    device_name: str
    """As the node has it."""
    device_class: str
    slot: str
    """Name of the device for which its process was started; Ray may have given it another GPU of its node."""
    actor: Any
    mark: ProcessMark
    is_lost: bool = False
    loss: str = ""
    """Why it is lost."""
    answered_at: float = field(default_factory=time.monotonic)
    question: Any = None
    """The ping that is not answered yet."""

    @property
    def name(self) -> str:
        """Return its name, with that of its node."""
        return f"{self.node_name} {self.device_name}"

    def time_retraining(self, order: TimingOrder) -> dict[str, Any]:
        """Return what its process measures; see `runner.cluster.node.device.DeviceWorker.time_retraining`.

        Raises:
            LostShareError: it is lost.
            NodeRefusedError: it failed.
        """
        return self.cluster.time_retraining(self, order)

    def start(self, order: Order, share: Share) -> RayShare:
        """Start a share."""
        if self.is_lost:
            raise LostShareError(f"{self.name} is lost: {self.loss}.")
        return self.cluster.start_share(self, order, share)


class RayShare:
    """A share that an actor executes (`runner.cluster.device_pool.RemoteShare`)."""

    def __init__(self, cluster: Nodes, device: RayDevice, identity: str, generator: Any) -> None:  # noqa: ANN401 - Ray's
        self._cluster, self._device, self.id, self.generator = cluster, device, identity, generator

    @property
    def device(self) -> RayDevice:
        """Return the device."""
        return self._device

    def take(self) -> Message | None:
        """Return the next message; None at the end."""
        if self._device.is_lost:
            raise LostShareError(f"{self._device.name} is lost: {self._device.loss}.")
        return self._cluster.take(self)

    def stop(self) -> None:
        """Start no other run of it."""
        self._cluster.stop(self)

    def abort(self) -> None:
        """End it at once, and wait until its containers are removed."""
        self._cluster.abort(self)
