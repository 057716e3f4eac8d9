"""Decide which devices the nodes of a command use: shares of cores, or GPUs of one class."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final

from runner.devices.device import ALL
from runner.engine.placement import CPU, gpu_class
from runner.errors import ConfigurationError, HostNotReadyError, UnmetRequirementError

ONE_SLOT: Final = "cpu:1"
"""The devices of a node, where none are named: all its cores."""
_SLOTS: Final = f"{CPU}:"


def devices_of_nodes(typed: str, *, required_device: str, classes: Callable[[], Collection[str]]) -> str:
    """Return the devices of each node as ``--devices`` has them: ``cpu:NUMBER``, or ``cuda:MODEL``.

    Args:
        typed: As it was typed; empty for one slot with all cores, or for all GPUs where one is needed.
        required_device: ``cpu`` or ``cuda``.
        classes: Returns the classes of the nodes' GPUs; called where no class is named.

    Raises:
        ConfigurationError: the text has another form, or the nodes have several classes.
        UnmetRequirementError: a GPU is needed, and slots are named.
        HostNotReadyError: no node has a GPU.
    """
    text = typed or (ONE_SLOT if required_device == CPU else ALL)
    if text.startswith(_SLOTS):
        if required_device != CPU:
            raise UnmetRequirementError(
                "The challenge needs a GPU; on a cluster, name its nodes' GPUs: --devices all or cuda:MODEL."
            )
        return text
    if gpu_class(text) is not None:
        return text
    if text != ALL:
        raise ConfigurationError(
            "With --cluster, --devices must be all or cuda:MODEL (the GPUs of each node), or cpu:NUMBER (so "
            f"many shares of its cores); not {typed!r}."
        )
    known = sorted(set(classes()))
    if not known:
        raise HostNotReadyError("No node of the cluster has a GPU that `nvidia-smi -L` lists there.")
    if len(known) > 1:
        raise ConfigurationError(
            f"The cluster has GPUs of several classes: {', '.join(known)}. Times on them do not compare, so "
            f"name one: --devices cuda:{known[0]}"
        )
    return f"cuda:{known[0]}"


def recorded_class(devices: str) -> str:
    """Return the class that evaluations on such devices are recorded with: ``cpu``, or ``cuda:MODEL``."""
    return CPU if devices.startswith(_SLOTS) else devices
