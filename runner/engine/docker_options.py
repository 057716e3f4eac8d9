"""Translate a container's specification to the options of Docker's API.

`_host_config` also sets the options that are the same for every container. No option replaces Docker's
default seccomp and AppArmor profiles, so both apply.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from runner.engine.container_spec import EVALUATION_LABEL, SYSCTLS, ContainerSpec, Tmpfs
from runner.engine.placement import ALL_GPUS, GpuRequest

CDI_KIND: Final = "nvidia.com/gpu"
_NAME: Final = re.compile("[0-9A-Za-z_.-]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class DockerOptions:
    """Everything that Docker's API is sent to create a container."""

    image: str
    command: tuple[str, ...]
    user: str
    environment: dict[str, str]
    labels: dict[str, str]
    host_config: dict[str, Any]


def docker_options(spec: ContainerSpec) -> DockerOptions:
    """Return the options of a container; nothing in them is shared with another call's."""
    return DockerOptions(
        image=spec.image,
        command=spec.command,
        user=spec.user,
        environment=dict(spec.environment),
        labels=dict(spec.labels),
        host_config=_host_config(spec),
    )


def container_name(spec: ContainerSpec) -> str:
    """Return a new name for a container: its role, its evaluation if it has one, and a random end.

    ``docker ps`` then tells what each container does. Only labels decide what is removed.
    """
    evaluation = spec.labels.get(EVALUATION_LABEL, "")
    parts = [
        "unlearn",
        spec.role,
        *([evaluation] if _NAME.fullmatch(evaluation) else []),
        secrets.token_hex(4),
    ]
    return "-".join(parts)


def device_requests(gpu: GpuRequest | None) -> tuple[dict[str, Any], ...]:
    """Return the device requests for a GPU: by CDI, or by NVIDIA's own runtime."""
    if gpu is None:
        return ()
    if gpu.by_cdi:
        return ({"Driver": "cdi", "DeviceIDs": [f"{CDI_KIND}={gpu.name}"]},)
    which: dict[str, Any] = {"Count": -1} if gpu.name == ALL_GPUS else {"DeviceIDs": [gpu.name]}
    return ({"Driver": "nvidia", **which, "Capabilities": [["gpu", "compute", "utility"]]},)


def _host_config(spec: ContainerSpec) -> dict[str, Any]:
    optional: Mapping[str, Any] = {
        "CapAdd": list(spec.capabilities),
        "GroupAdd": [str(group) for group in spec.groups],
        "CpusetCpus": spec.cpu_set,
        "Runtime": spec.placement.runtime,
        "DeviceRequests": list(device_requests(spec.placement.gpu)),
    }
    return {
        "NetworkMode": "none",
        "CgroupnsMode": "private",
        "ReadonlyRootfs": True,
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges"],
        "MaskedPaths": list(spec.masked_paths),
        "Memory": spec.memory_bytes,
        "MemorySwap": spec.memory_bytes,  # memory and swap together: no swap
        "PidsLimit": spec.processes,
        "NanoCpus": round(spec.cpus * 1_000_000_000),
        "IpcMode": "private",
        "ShmSize": spec.shared_memory_bytes,
        "Tmpfs": {mount.path: _tmpfs(mount) for mount in spec.tmpfs},
        "LogConfig": {"Type": "none"},
        "Ulimits": [{"Name": name, "Soft": most, "Hard": most} for name, most in spec.ulimits.items()],
        "Sysctls": dict(SYSCTLS),
        "RestartPolicy": {"Name": "no"},
        "AutoRemove": False,
        "Privileged": False,
        "Init": False,  # the supervisor is process 1, whatever the engine adds by default
        "Binds": [],
        **{name: value for name, value in optional.items() if value},
    }


def _tmpfs(mount: Tmpfs) -> str:
    noexec = "noexec," if mount.noexec else ""
    size = f"size={mount.size_bytes},nr_inodes={mount.inodes}"
    return f"rw,nosuid,nodev,{size},{noexec}mode={mount.mode}"
