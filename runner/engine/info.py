"""What an engine reports about itself and its host (``GET /info`` and ``GET /version``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

_UNKNOWN = "?"


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineInfo:
    """An engine and its host, asked once for each command."""

    version: str = _UNKNOWN
    runtimes: tuple[str, ...] = ()
    """Names of the runtimes that a container can ask for, sorted."""
    default_runtime: str = _UNKNOWN
    cgroup_version: str = _UNKNOWN
    cores: int = 1
    """Cores that containers can use."""
    can_assign_cores: bool = False
    """Whether a container can be held to certain cores; where another user runs the engine, often not."""
    memory_bytes: int = 0
    """Of the host; 0 where the engine does not report it."""
    identity: str = _UNKNOWN
    host: str = _UNKNOWN
    architecture: str = _UNKNOWN
    cdi_devices: tuple[str, ...] = ()
    """Devices that the engine discovered, such as ``nvidia.com/gpu=all``."""
    has_cdi: bool = False
    """Whether the engine looks for CDI specifications, discovered devices or not."""
    is_podman: bool = False
    raw: Mapping[str, Any] = field(default_factory=dict)
    """All of ``GET /info``, for diagnosis."""
    raw_version: Mapping[str, Any] = field(default_factory=dict)
    """All of ``GET /version``, for diagnosis."""

    @classmethod
    def of(cls, info: Mapping[str, Any], version: Mapping[str, Any]) -> Self:
        """Return it from the two answers of Docker's API."""
        return cls(
            version=str(version.get("Version", _UNKNOWN)),
            runtimes=tuple(sorted(info.get("Runtimes") or {})),
            default_runtime=str(info.get("DefaultRuntime", _UNKNOWN)),
            cgroup_version=str(info.get("CgroupVersion", _UNKNOWN)),
            cores=int(info.get("NCPU") or 1),
            can_assign_cores=bool(info.get("CPUSet")),
            memory_bytes=int(info.get("MemTotal") or 0),
            identity=str(info.get("ID", _UNKNOWN)),
            host=str(info.get("Name", _UNKNOWN)),
            architecture=str(info.get("Architecture", _UNKNOWN)),
            cdi_devices=tuple(str(device.get("ID")) for device in info.get("DiscoveredDevices") or ()),
            has_cdi=bool(info.get("CDISpecDirs")),
            is_podman=is_podman(version),
            raw=info,
            raw_version=version,
        )

    def for_record(self) -> dict[str, str]:
        """Return what a manifest records of the engine."""
        return {
            "engine": self.version,
            "runtime": self.default_runtime,
            "cgroup": self.cgroup_version,
            "cores": str(self.cores),
        }

    def machine(self) -> dict[str, str]:
        """Return what identifies the engine's machine, and stays the same when the engine is restarted."""
        return {
            "engine": self.identity,
            "name": self.host,
            "architecture": self.architecture,
            "cores": str(self.cores),
        }


def is_podman(version: Mapping[str, Any]) -> bool:
    """Return whether an engine reports itself as Podman (``GET /version``)."""
    return any("podman" in str(part.get("Name", "")).lower() for part in version.get("Components") or [])
