"""A network of namespaces: a switch in one, and machines in others, each of which can be cut off."""

from __future__ import annotations

import os
import subprocess
from typing import Final

_SUBNET: Final = "10.213.77"
_BRIDGE: Final = "bridge"


class Network:
    """A switch to which this machine is connected. Needs root; use `close` at the end.

    The switch is in a namespace too: packets that cross it do not meet this machine's firewall.
    """

    def __init__(self) -> None:
        self._name = f"unl{os.getpid() % 100_000}"
        self._switch = f"{self._name}-switch"
        self._namespaces: list[str] = []
        self.address = f"{_SUBNET}.1"
        """Of this machine."""
        self._add_namespace(self._switch)
        _ip("-n", self._switch, "link", "add", _BRIDGE, "type", "bridge")
        _ip("-n", self._switch, "link", "set", _BRIDGE, "up")
        _ip("link", "add", self._name, "type", "veth", "peer", "name", "port0", "netns", self._switch)
        self._connect(0)
        _ip("addr", "add", f"{self.address}/24", "dev", self._name)
        _ip("link", "set", self._name, "up")

    def add_machine(self, number: int) -> tuple[str, str]:
        """Add a machine; return the name of its namespace, and its address.

        Args:
            number: From 1 to 200, of no other.
        """
        namespace, address = f"{self._name}-{number}", f"{_SUBNET}.{number + 1}"
        self._add_namespace(namespace)
        port = f"port{number}"
        _ip(
            "-n",
            namespace,
            "link",
            "add",
            "eth0",
            "type",
            "veth",
            "peer",
            "name",
            port,
            "netns",
            self._switch,
        )
        self._connect(number)
        _ip("-n", namespace, "addr", "add", f"{address}/24", "dev", "eth0")
        for device in ("eth0", "lo"):
            _ip("-n", namespace, "link", "set", device, "up")
        return namespace, address

    def cut(self, number: int) -> None:
        """Cut a machine off: what is sent is lost, and nobody hears of it."""
        _ip("-n", self._switch, "link", "set", f"port{number}", "down")

    def heal(self, number: int) -> None:
        """Connect a machine again."""
        _ip("-n", self._switch, "link", "set", f"port{number}", "up")

    def close(self) -> None:
        """Delete everything."""
        for namespace in reversed(self._namespaces):
            _ip("netns", "delete", namespace, check=False)
        _ip("link", "delete", self._name, check=False)

    def _add_namespace(self, name: str) -> None:
        _ip("netns", "add", name)
        self._namespaces.append(name)

    def _connect(self, number: int) -> None:
        _ip("-n", self._switch, "link", "set", f"port{number}", "master", _BRIDGE)
        _ip("-n", self._switch, "link", "set", f"port{number}", "up")


def processes_in(namespace: str) -> list[int]:
    """Return the numbers of all processes in a namespace."""
    listed = subprocess.run(["ip", "netns", "pids", namespace], capture_output=True, text=True, check=True)
    return [int(word) for word in listed.stdout.split()]


def _ip(*words: str, check: bool = True) -> None:
    subprocess.run(["ip", *words], check=check, stderr=None if check else subprocess.DEVNULL)
