"""Decide where containers run: under which runtime, in how many containers, and on which device.

Pure: from the request and what the engine reports to a placement, or to an error with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from runner.engine.info import EngineInfo
from runner.errors import ConfigurationError, UnmetRequirementError

Isolation = Literal["process", "container"]
"""``process``: the runs of a submission are forked in one worker container, each with a uid of its
own. ``container``: every run has a container to itself, at the price of loading torch each time."""

GVISOR: Final = "runsc"
CPU: Final = "cpu"
ALL_GPUS: Final = "all"
_NUMBER: Final = re.compile(r"cuda:([0-9]{1,4})")
_UUID: Final = re.compile(r"cuda:((?:GPU|MIG)-[0-9A-Za-z-]{8,64})")
_CLASS: Final = re.compile(r"cuda:(?!GPU-|MIG-)([A-Za-z][0-9A-Za-z._-]{1,99})")
_CDI_PREFIX: Final = "nvidia.com/gpu="
_NVIDIA_RUNTIME: Final = "nvidia"


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuRequest:
    """The GPU, or all GPUs, that a container gets."""

    name: str
    """`ALL_GPUS`, or the UUID of a GPU or of a MIG instance."""
    by_cdi: bool
    """Requested as a CDI device, and not through NVIDIA's own runtime."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Runtime and device of a container."""

    runtime: str = ""
    """As the engine knows it; empty for the engine's default."""
    gpu: GpuRequest | None = None
    """None for the CPU alone."""

    @property
    def torch_device(self) -> str:
        """Return torch's name of the device inside the container."""
        return "cuda" if self.gpu is not None else "cpu"


DEFAULT_PLACEMENT: Final = Placement()
"""The engine's default runtime, without a GPU."""


def resolve_placement(*, runtime: str, device: str, required_device: str, info: EngineInfo) -> Placement:
    """Return the placement for what was requested.

    Args:
        runtime: Name of a runtime, or empty.
        device: ``cpu``, ``all``, or ``cuda:`` and the UUID of a GPU or of a MIG instance.
        required_device: What the challenge needs: ``cpu`` or ``cuda``.
        info: What the engine reports.

    Raises:
        ConfigurationError: ``device`` has another form.
        UnmetRequirementError: this host has no such runtime or device.
    """
    if runtime and runtime not in info.runtimes:
        raise UnmetRequirementError(
            f"The engine has no runtime {runtime!r}; it has {', '.join(info.runtimes)}. "
            f"See: unlearn setup --runtime {runtime}"
        )
    if required_device != CPU and device == CPU:
        raise UnmetRequirementError("The challenge needs a GPU; choose one with --device cuda:UUID or all.")
    return Placement(runtime=runtime, gpu=_gpu_request(device, info))


def device_by_uuid(device: str, gpu_by_number: Callable[[int], str]) -> str:
    """Return a device with a UUID in place of a number: ``cuda:GPU-...`` for ``cuda:0``, others unchanged.

    Args:
        device: As the user typed it.
        gpu_by_number: Returns the UUID of a GPU (`runner.engine.gpus.gpu_parent`); called for a number only.
    """
    match = _NUMBER.fullmatch(device)
    return device if match is None else f"cuda:{gpu_by_number(int(match[1]))}"


def gpu_class(device: str) -> str | None:
    """Return the class of GPUs that ``cuda:MODEL`` names, such as ``NVIDIA-H200``; None for other devices."""
    match = _CLASS.fullmatch(device)
    return match[1] if match is not None else None


def offers_gpu(info: EngineInfo) -> bool:
    """Return whether the engine reports a GPU, or the means to pass one to a container."""
    return bool(info.cdi_devices) or _NVIDIA_RUNTIME in info.runtimes


def gpu_name(device: str) -> str:
    """Return the UUID in ``cuda:UUID``, or ``all``.

    Raises:
        ConfigurationError: the device has another form.
    """
    match = _UUID.fullmatch(device)
    if device != ALL_GPUS and match is None:
        raise ConfigurationError(
            "--device must be cpu, all, cuda:NUMBER, or cuda:UUID as nvidia-smi -L prints it, "
            f"not {device!r}."
        )
    return match[1] if match is not None else ALL_GPUS


def _gpu_request(device: str, info: EngineInfo) -> GpuRequest | None:
    if device == CPU:
        return None
    name = gpu_name(device)
    if f"{_CDI_PREFIX}{name}" in info.cdi_devices:
        return GpuRequest(name=name, by_cdi=True)
    if _NVIDIA_RUNTIME in info.runtimes:
        return GpuRequest(name=name, by_cdi=False)
    if info.has_cdi:
        return GpuRequest(name=name, by_cdi=True)
    raise UnmetRequirementError(
        "The engine offers no GPU: it has neither the NVIDIA runtime nor CDI devices; "
        "install the NVIDIA container toolkit, or use --device cpu."
    )
