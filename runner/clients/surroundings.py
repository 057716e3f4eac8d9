"""Decide whether what stands in a container is what belongs there: mounts and devices, as it reports them.

The engine decides what it mounts, and tells nothing of what its plug-ins add: CDI, NVIDIA's runtime, mounts
that an administrator made the default for every container. A container whose surroundings are not those of
this list is not used. Pure: a report in, sentences out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from runner.engine.cdi_rules import is_driver_file, is_gpu_node
from runner.engine.masked_paths import HOST_FILES
from runner.engine.placement import GVISOR, Placement
from runner.errors import HostNotReadyError, SandboxStartError
from runner.sanitize import sanitize_line
from runner.wording import quantity

_KERNEL: Final = frozenset(
    {"cgroup", "cgroup2", "devpts", "devtmpfs", "mqueue", "proc", "securityfs", "sysfs", "tmpfs"}
)
"""File systems that the kernel makes, and those in memory."""
_TREES: Final = ("/proc/", "/sys/")
"""Below these, engines mount only what hides something."""
_FOLDERS: Final = frozenset(
    {"/", "/proc", "/sys", "/dev", "/dev/pts", "/dev/mqueue", "/dev/shm", "/tmp", "/scratch/0"}  # noqa: S108
)
_NODES: Final = frozenset(
    f"/dev/{name}"
    for name in ("console", "full", "null", "ptmx", "pts/ptmx", "random", "tty", "urandom", "zero")
)
_OF_GVISOR: Final = frozenset({"/dev/fuse", "/dev/net/tun"})
"""Devices of gVisor's own kernel; none of the host's."""
_MARKS: Final = frozenset({"/run/.containerenv", "/.dockerenv"})
"""Files by which Podman and Docker mark a container."""
_SHOWN_CHARACTERS: Final = 200


class Surroundings(BaseModel):
    """What a container reports of itself (`sandbox.surroundings`)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mounts: list[tuple[str, str, bool]]
    """Path, type of file system, and whether it is mounted read-only."""
    devices: list[str]
    """Paths of device nodes, sockets and pipes below /dev."""


def require_closed(report: bytes, placement: Placement) -> None:
    """Check that nothing stands in a container but what belongs there.

    Args:
        report: The payload of its `ready`; empty from images that report nothing, which is accepted without
            a GPU.
        placement: Of the container.

    Raises:
        HostNotReadyError: something else stands there, or a container with a GPU does not tell.
        SandboxStartError: the report cannot be read.
    """
    if not report:
        if placement.gpu is not None:
            raise HostNotReadyError(
                "This image is too old for a GPU: it does not tell what the engine has added to its "
                "containers. Build the present one: unlearn setup"
            )
        return
    try:
        surroundings = Surroundings.model_validate_json(report)
    except ValidationError as error:
        raise SandboxStartError("The container's report on its mounts cannot be read.") from error
    problems = list(problems_of(surroundings, placement))
    if problems:
        more = f", and {quantity(len(problems) - 1, 'more thing')}" if len(problems) > 1 else ""
        raise HostNotReadyError(
            f"The engine has added {problems[0]}{more} to a container, and no submission may see that. "
            "Look for default mounts, hooks and CDI specifications in the configuration of the engine and of "
            "its runtimes; see docs/gpu.md for GPUs."
        )


def problems_of(surroundings: Surroundings, placement: Placement) -> Iterator[str]:
    """Yield a phrase for each mount and device that does not belong there."""
    with_gpu = placement.gpu is not None
    for path, kind, is_read_only in surroundings.mounts:
        if not _may_be_mounted(path, kind, is_read_only=is_read_only, with_gpu=with_gpu):
            access = "" if is_read_only else ", which can be written to"
            yield f"the mount {_shown(path)} ({_shown(kind)}{access})"
    for path in surroundings.devices:
        if not (
            path in _NODES
            or path.startswith(("/dev/pts/", "/dev/shm/", "/dev/mqueue/"))  # noqa: S108 - names in a container
            or (placement.runtime == GVISOR and path in _OF_GVISOR)
            or (with_gpu and is_gpu_node(path))
        ):
            yield f"the device {_shown(path)}"


def _may_be_mounted(path: str, kind: str, *, is_read_only: bool, with_gpu: bool) -> bool:
    if path == "/":
        return is_read_only
    if path in _FOLDERS or path.startswith(_TREES) or path in _NODES:
        return kind in _KERNEL
    if path in HOST_FILES or path in _MARKS:
        return is_read_only or kind in _KERNEL  # what is in memory hides the host's file
    return with_gpu and ((is_driver_file(path) and is_read_only) or (is_gpu_node(path) and kind in _KERNEL))


def _shown(text: str) -> str:
    return sanitize_line(text, _SHOWN_CHARACTERS)
