"""The protocols of a cluster's devices, as its executor uses them: by way of Ray, or in a test's memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from runner.challenge.challenge import Challenge
from runner.cluster.decisions.poison import Failures
from runner.cluster.orders import Message, Order, Share


class LostShareError(Exception):
    """A device is gone, or does not answer any more, and what it had not delivered with it."""


class RemoteShare(Protocol):
    """A share that a device executes."""

    @property
    def device(self) -> RemoteDevice:
        """Return the device."""

    def take(self) -> Message | None:
        """Return the next message, which has come; None at the end.

        Raises:
            LostShareError: the device is lost.
        """

    def stop(self) -> None:
        """Start no other run of it."""

    def abort(self) -> None:
        """End it at once; nothing of it is taken any more.

        Raises:
            LostShareError: it does not end.
        """


class RemoteDevice(Protocol):
    """A device of a node."""

    @property
    def name(self) -> str:
        """Return its name, with that of its node."""

    @property
    def node(self) -> str:
        """Return what identifies its node."""

    @property
    def node_name(self) -> str:
        """Return the name of its node, as people know it."""

    @property
    def device_class(self) -> str:
        """Return its class (`runner.devices.device.Device.recorded`)."""

    def start(self, order: Order, share: Share) -> RemoteShare:
        """Start a share.

        Raises:
            LostShareError: the device is lost.
        """


class DevicePool(Protocol):
    """The devices of a cluster, which evaluations share. Safe to use from several threads."""

    failures: Failures

    def open(self, evaluation: str, challenge: Challenge) -> None:
        """Let an evaluation have devices, and provide its challenge to their nodes."""

    def close(self, evaluation: str) -> None:
        """End that."""

    def take(self, evaluation: str) -> RemoteDevice | None:
        """Return a free device, which an evaluation has until it is given back; None if there is none now."""

    def give_back(self, device: RemoteDevice, *, problem: str = "") -> None:
        """Let others have a device; with a problem, nobody until its node is examined again."""

    def lose(self, device: RemoteDevice, reason: str) -> None:
        """End a device's process, which may still execute a share that nobody takes; it is started again."""

    def devices_for(self, evaluation: str) -> int:
        """Return how many devices an evaluation may use at present."""

    def nodes(self) -> int:
        """Return how many nodes can be used at present."""

    def problems(self) -> str:
        """Return why other nodes are not used; empty without any."""

    def wait(self, shares: Sequence[RemoteShare], seconds: float) -> Sequence[RemoteShare]:
        """Return shares from which something can be taken, or that are lost; none after ``seconds``."""
