"""The facts about one GPU of this host, each read by a probe of its own."""

from __future__ import annotations

import grp
import shutil
import stat
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from runner.engine.gpus.cdi_files import CDI_FOLDERS, require_closed_cdi
from runner.engine.placement import GpuRequest
from runner.errors import HostNotReadyError
from runner.execution.nvml import load_nvml

_SECONDS: Final = 30.0
_MAX_CHARACTERS: Final = 100_000
_DRIVER: Final = Path("/proc/driver/nvidia")
_MODULES: Final = Path("/proc/modules")
_DEVICES: Final = Path("/dev")
_QUERY: Final = (
    "nvidia-smi",
    "--query-gpu=uuid,name,driver_version,persistence_mode,compute_mode,mig.mode.current",
    "--format=csv,noheader",
)
_LIST: Final = ("nvidia-smi", "-L")
_TOOLKIT: Final = ("nvidia-ctk", "--version")
_GVISOR_DRIVERS: Final = ("runsc", "nvproxy", "list-supported-drivers")


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A device node."""

    path: str
    mode: int
    """Its permission bits."""
    group: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuFacts:
    """What the host says about a GPU. Empty stands for what could not be read."""

    uuid: str
    """Of the GPU or MIG instance, or ``all``."""
    query: str = ""
    """A line for each GPU: UUID, name, driver, persistence mode, compute mode, MIG mode."""
    listing: str = ""
    """As ``nvidia-smi -L`` prints it."""
    driver_parameters: str = ""
    """Of `/proc/driver/nvidia/params`."""
    modules: str = ""
    """Of `/proc/modules`."""
    nodes: Sequence[Node] = ()
    cdi_problem: str = ""
    """Why the CDI specification is refused; empty if it is not."""
    toolkit: str = ""
    """As ``nvidia-ctk --version`` prints it."""
    gvisor_drivers: str = ""
    """Versions of drivers that gVisor passes on, one a line."""
    is_watchable: bool = False
    """Whether the package is installed by which the host asks the driver."""


def gather_gpu(uuid: str) -> GpuFacts:
    """Return the facts about a GPU of this host.

    Args:
        uuid: Of a GPU or of a MIG instance, or ``all``.
    """
    return GpuFacts(
        uuid=uuid,
        query=run_text(_QUERY),
        listing=run_text(_LIST),
        driver_parameters=read_text(_DRIVER / "params"),
        modules=read_text(_MODULES),
        nodes=device_nodes(_DEVICES),
        cdi_problem=cdi_problem(uuid, CDI_FOLDERS),
        toolkit=run_text(_TOOLKIT),
        gvisor_drivers=run_text(_GVISOR_DRIVERS),
        is_watchable=load_nvml() is not None,
    )


def run_text(command: Sequence[str]) -> str:
    """Return what a program prints; empty if it is not installed or fails."""
    if shutil.which(command[0]) is None:
        return ""
    try:
        process = subprocess.run(  # noqa: S603 - commands of this module
            command, capture_output=True, text=True, errors="replace", timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return process.stdout[:_MAX_CHARACTERS] if process.returncode == 0 else ""


def read_text(file: Path) -> str:
    """Return the content of a file; empty if it cannot be read."""
    try:
        return file.read_text(errors="replace")[:_MAX_CHARACTERS]
    except OSError:
        return ""


def device_nodes(folder: Path) -> list[Node]:
    """Return the nodes of NVIDIA's devices that a computation opens, sorted by path."""
    names = ("nvidiactl", "nvidia-uvm", "nvidia[0-9]*", "nvidia-caps/nvidia-cap[0-9]*")
    files = sorted(file for name in names for file in folder.glob(name))
    return list(_nodes(files))


def _nodes(files: Iterable[Path]) -> Iterable[Node]:
    for file in files:
        try:
            status = file.stat()
        except OSError:
            continue
        try:
            group = grp.getgrgid(status.st_gid).gr_name
        except KeyError:
            group = str(status.st_gid)
        yield Node(path=str(file), mode=stat.S_IMODE(status.st_mode), group=group)


def cdi_problem(uuid: str, folders: Sequence[Path]) -> str:
    """Return why a GPU's CDI specification is refused; empty if it is not."""
    try:
        require_closed_cdi(GpuRequest(name=uuid, by_cdi=True), folders)
    except HostNotReadyError as error:
        return str(error)
    return ""
