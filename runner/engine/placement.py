"""Where containers run: under which runtime, in how many containers, and on which device.

Pure: from what was asked for and what the engine says of itself to options or a sentence
that says why not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from runner.errors import ConfigurationError, HostNotReadyError

Isolation = Literal["process", "container"]
"""``process``: the runs of a submission are forked in one worker container, each with a uid of its
own. ``container``: every run has a container to itself, at the price of loading torch each time."""

GVISOR: Final = "runsc"
CPU: Final = "cpu"
ALL_GPUS: Final = "all"
_UUID: Final = re.compile(r"cuda:((?:GPU|MIG)-[0-9A-Za-z-]{8,64})")
_CDI_KIND: Final = "nvidia.com/gpu"


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Runtime and device of a container."""

    runtime: str = ""
    """As the engine knows it; empty for the engine's default."""
    device_requests: tuple[Mapping[str, Any], ...] = ()
    """As the engine's API takes them; empty for the CPU alone."""

    @property
    def torch_device(self) -> str:
        """Return what torch calls the device inside the container."""
        return "cuda" if self.device_requests else "cpu"


DEFAULT_PLACEMENT: Final = Placement()
"""The engine's default runtime, without a GPU."""


def resolve_placement(
    *, runtime: str, device: str, wanted_device: str, engine_info: Mapping[str, Any]
) -> Placement:
    """Return the placement for what was asked for.

    Args:
        runtime: Name of a runtime, or empty.
        device: ``cpu``, ``all``, or ``cuda:`` and the UUID of a GPU or of a MIG instance.
        wanted_device: What the challenge says that it needs: ``cpu`` or ``cuda``.
        engine_info: What the engine says of itself (``GET /info``).

    Raises:
        ConfigurationError: the device is none of these.
        HostNotReadyError: this host has no such runtime or device.
    """
    runtimes = sorted(engine_info.get("Runtimes") or {})
    if runtime and runtime not in runtimes:
        raise HostNotReadyError(
            f"The engine has no runtime {runtime!r}; it has {', '.join(runtimes)}. "
            f"See: unlearn setup --runtime {runtime}"
        )
    if wanted_device != CPU and device == CPU:
        raise HostNotReadyError("The challenge needs a GPU; choose one with --device cuda:UUID or all.")
    return Placement(runtime=runtime, device_requests=_device_requests(device, engine_info))


def _device_requests(device: str, info: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    if device == CPU:
        return ()
    matched = _UUID.fullmatch(device)
    if device != ALL_GPUS and matched is None:
        raise ConfigurationError(
            f"--device must be cpu, all, or cuda:UUID as printed by nvidia-smi -L, not {device!r}."
        )
    name = matched[1] if matched is not None else ALL_GPUS
    found = {str(one.get("ID")) for one in info.get("DiscoveredDevices") or []}
    if f"{_CDI_KIND}={name}" in found:
        return (_cdi(name),)
    if "nvidia" in (info.get("Runtimes") or {}):
        return (_legacy(name),)
    if info.get("CDISpecDirs"):
        return (_cdi(name),)
    raise HostNotReadyError(
        "The engine offers no GPU: it has neither the NVIDIA runtime nor CDI devices; "
        "install the NVIDIA container toolkit, or use --device cpu."
    )


def _cdi(name: str) -> Mapping[str, Any]:
    return {"Driver": "cdi", "DeviceIDs": [f"{_CDI_KIND}={name}"]}


def _legacy(name: str) -> Mapping[str, Any]:
    which = {"Count": -1} if name == ALL_GPUS else {"DeviceIDs": [name]}
    return {"Driver": "nvidia", **which, "Capabilities": [["gpu", "compute", "utility"]]}
