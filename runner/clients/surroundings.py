"""Decide whether what stands in a container is what belongs there: mounts, devices, variables, as it reports.

The engine decides what it mounts, and tells nothing of what its plug-ins add: CDI, NVIDIA's runtime, mounts
and variables that an administrator made the default for every container. A container whose surroundings are
not those of this list is not used. Pure: a report in, sentences out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from runner.engine.gpus.cdi_rules import is_driver_file, is_gpu_node
from runner.engine.masked_paths import HOST_FILES
from runner.engine.placement import ALL_GPUS, GVISOR, Placement
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
_OF_PODMAN: Final = frozenset({"/run", "/var/tmp"})  # noqa: S108 - paths in a container
"""Folders that Podman fills; `runner.engine.podman` has it mount empty ones, read-only."""
_NUMBERS: Final = {
    "/dev/console": r"c(5:1|136:\d+)",
    "/dev/full": "c1:7",
    "/dev/null": "c1:3",
    "/dev/ptmx": "c5:2",
    "/dev/pts/ptmx": "c5:2",
    "/dev/random": "c1:8",
    "/dev/tty": "c5:0",
    "/dev/urandom": "c1:9",
    "/dev/zero": "c1:5",
}
"""Devices of every container and their numbers: a node may have any name. Source: devices.txt of Linux."""
_NODES: Final = frozenset(_NUMBERS)
_GPU: Final = re.compile(r"/dev/nvidia\d+")
_VARIABLES: Final = frozenset(
    {
        *("PATH", "HOME", "LANG", "PYTHONPATH", "PYTHONHASHSEED", "PYTHONDONTWRITEBYTECODE"),
        *("PYTHONUNBUFFERED", "OMP_NUM_THREADS", "MPLBACKEND", "MPLCONFIGDIR"),
        *("HOSTNAME", "TERM", "container"),  # of Docker, of Podman
    }
)
"""Of the specification, of the image, and those that engines add."""
_VARIABLES_OF_GPUS: Final = ("NVIDIA_", "CUDA_", "CUBLAS_")
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
    numbers: dict[str, str] = {}
    """Of device nodes, by path, such as ``c1:3``; empty from images that do not report them."""
    variables: list[str] = []
    """Names of the variables of its environment that are not empty."""
    process: int = 1
    """The number of the container's first process: 1 in a list of processes of its own."""


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
            "Look for default mounts, variables, hooks and CDI specifications in the configuration of the "
            "engine and of its runtimes; see docs/gpu.md for GPUs."
        )


def problems_of(surroundings: Surroundings, placement: Placement) -> Iterator[str]:
    """Yield a phrase for each mount, device and variable that does not belong there."""
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
    for path, number in surroundings.numbers.items():
        if number.startswith("b") or not re.fullmatch(_NUMBERS.get(path, ".*"), number):
            yield f"the device {_shown(path)} with the number {_shown(number)}"
    gpus = [path for path in surroundings.devices if _GPU.fullmatch(path)]
    if placement.gpu is not None and placement.gpu.name != ALL_GPUS and len(gpus) > 1:
        yield f"{len(gpus)} GPUs in place of one"
    for name in surroundings.variables:
        if name not in _VARIABLES and not (with_gpu and name.startswith(_VARIABLES_OF_GPUS)):
            yield f"the variable {_shown(name)}"
    if surroundings.process != 1:
        yield "the list of all processes of the host"


def _may_be_mounted(path: str, kind: str, *, is_read_only: bool, with_gpu: bool) -> bool:
    if path == "/":
        return is_read_only
    if path in _FOLDERS or path.startswith(_TREES) or path in _NODES:
        return kind in _KERNEL
    if path in _OF_PODMAN:
        return is_read_only and kind == "tmpfs"
    if path in HOST_FILES or path in _MARKS:
        return is_read_only or kind in _KERNEL  # what is in memory hides the host's file
    return with_gpu and ((is_driver_file(path) and is_read_only) or (is_gpu_node(path) and kind in _KERNEL))


def _shown(text: str) -> str:
    return sanitize_line(text, _SHOWN_CHARACTERS)
