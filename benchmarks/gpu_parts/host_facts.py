"""Part (a): the facts of the host and its device."""

from __future__ import annotations

import os
import platform
import shutil
import stat
import subprocess
import time
from pathlib import Path
from typing import Any, Final

import torch

_QUERY: Final = (
    *("name", "uuid", "driver_version", "vbios_version", "memory.total", "memory.used", "compute_mode"),
    *(
        "persistence_mode",
        "mig.mode.current",
        "ecc.mode.current",
        "clocks.max.sm",
        "power.limit",
        "compute_cap",
    ),
)
_DRIVER_FILES: Final = ("version", "params", "registry")
_MODULES: Final = ("nvidia", "nvidia_uvm", "nvidia_modeset", "nvidia_drm")


def host_facts(device: str, seconds: float = 10.0) -> dict[str, Any]:
    """Return what is known of the machine, by name; a fact that cannot be read is left out.

    ``seconds``: for the questions to `nvidia-smi`.
    """
    facts: dict[str, Any] = {
        "kernel": platform.release(),
        "machine": platform.machine(),
        "version": _text(Path("/proc/version")).strip(),
        "cores": os.cpu_count(),
        "usable_cores": len(os.sched_getaffinity(0)),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "torch_cuda": torch.version.cuda,
        "uid": os.getuid(),
        "unreadable_to_runs": unreadable_to_runs((Path(torch.__file__).parent, Path(__file__).parent)),
        "cgroup_version": 2 if Path("/sys/fs/cgroup/cgroup.controllers").exists() else 1,
        "is_container": Path("/.dockerenv").exists() or Path("/run/.containerenv").exists(),
        "status": _fields_of(Path("/proc/self/status"), ("CapEff", "NoNewPrivs", "Seccomp")),
        "sysctls": _sysctls(("vm/memfd_noexec", "vm/overcommit_memory", "kernel/yama/ptrace_scope")),
    }
    if device == "cpu":
        return facts
    return {
        **facts,
        "devices": _devices(time.monotonic() + seconds),
        "nodes": device_nodes(Path("/dev")),
        "modules": [name for name in _MODULES if Path("/sys/module", name).exists()],
        "driver": {
            name: text for name in _DRIVER_FILES if (text := _text(Path("/proc/driver/nvidia", name)))
        },
        "cdi_files": sorted(
            str(file) for folder in ("/etc/cdi", "/var/run/cdi") for file in Path(folder).glob("*")
        ),
    }


def device_nodes(folder: Path) -> list[dict[str, Any]]:
    """Return name, mode in octal, owner and group of each of the driver's device nodes."""
    nodes = []
    for path in sorted((*folder.glob("nvidia*"), *folder.glob("nvidia-caps/*"), *folder.glob("dri/*"))):
        status = path.lstat()
        if stat.S_ISCHR(status.st_mode):
            mode = f"{stat.S_IMODE(status.st_mode):04o}"
            nodes.append({"path": str(path), "mode": mode, "uid": status.st_uid, "gid": status.st_gid})
    return nodes


def unreadable_to_runs(folders: tuple[Path, ...]) -> list[str]:
    """Return the folders on the way to these that a run's user cannot enter.

    Libraries of CUDA are loaded when they are first called, by then as that user.
    """
    ways = {folder for last in folders for folder in (last.resolve(), *last.resolve().parents)}
    return sorted(str(folder) for folder in ways if not folder.stat().st_mode & stat.S_IXOTH)


def _devices(deadline: float) -> list[dict[str, str]]:
    """Return the answers of `nvidia-smi` for each device; a question that it does not know is left out."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    devices: list[dict[str, str]] = []
    for name in _QUERY:
        try:
            answer = subprocess.run(
                [program, f"--query-gpu={name}", "--format=csv,noheader"],
                capture_output=True,
                text=True,
                timeout=max(0.1, deadline - time.monotonic()),
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            break
        if answer.returncode == 0:
            for number, line in enumerate(answer.stdout.splitlines()):
                if number == len(devices):
                    devices.append({})
                devices[number][name] = line.strip()
    return devices


def _fields_of(file: Path, names: tuple[str, ...]) -> dict[str, str]:
    pairs = (line.partition(":") for line in _text(file).splitlines())
    return {name: value.strip() for name, _colon, value in pairs if name in names}


def _sysctls(names: tuple[str, ...]) -> dict[str, str]:
    return {name: text.strip() for name in names if (text := _text(Path("/proc/sys", name)))}


def _text(file: Path) -> str:
    try:
        return file.read_text(errors="replace")
    except OSError:
        return ""
