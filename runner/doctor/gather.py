"""Gather the facts about this host: the engine's answers, kernel files and program versions."""

from __future__ import annotations

import math
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import platformdirs
import psutil

from runner.doctor.facts import Facts
from runner.engine.api import Engine
from runner.errors import HostNotReadyError
from runner.image.image import find_image

_PROGRAM_SECONDS: Final = 10.0
_RUNTIMES: Final = ("runc", "crun", "runsc")
_TOOLKIT: Final = "nvidia-ctk"
_CORE_PATTERN: Final = Path("/proc/sys/kernel/core_pattern")
_SUID_DUMPABLE: Final = Path("/proc/sys/fs/suid_dumpable")
_OVERCOMMIT: Final = Path("/proc/sys/vm/overcommit_memory")
_PROC: Final = Path("/proc")
_ENGINES: Final = ("dockerd", "podman")
_PROFILES: Final = Path("/sys/kernel/security/apparmor/profiles")
_FILE_MAX: Final = Path("/proc/sys/fs/file-max")
_PRINTED_CHARACTERS: Final = 2000


def gather_facts(engine: Engine | None, engine_problem: str, store: Path) -> Facts:
    """Return the facts about this host.

    Args:
        engine: The engine, if one answers.
        engine_problem: Why none answers.
        store: The folder in which evaluations are to be stored.
    """
    store_problem, store_free = _check_folder(store)
    if engine is None:
        return Facts(
            engine_problem=engine_problem,
            store=str(store),
            store_problem=store_problem,
            store_free_bytes=store_free,
        )
    reported = engine.info()
    info = reported.raw
    is_local = _is_local(info)
    tag, image_problem = _find_image_tag(engine)
    return Facts(
        info=info,
        version=reported.raw_version,
        is_local=is_local,
        programs=_versions(info) if is_local else {},
        image=tag,
        image_problem=image_problem,
        store=str(store),
        store_problem=store_problem,
        store_free_bytes=store_free,
        engine_free_bytes=_free(Path(str(info.get("DockerRootDir", "")))) if is_local else None,
        wheels_free_bytes=_free(Path(platformdirs.user_cache_dir("unlearn"))),
        memory_available_bytes=psutil.virtual_memory().available if is_local else None,
        swap_bytes=psutil.swap_memory().total if is_local else None,
        overcommit_memory=_read(_OVERCOMMIT) if is_local else "",
        load_1min=os.getloadavg()[0] if is_local else None,
        core_pattern=_read(_CORE_PATTERN) if is_local else "",
        suid_dumpable=_read(_SUID_DUMPABLE) if is_local else "",
        engine_core_limit=rootless_core_limit(info) if is_local else "",
        crun_is_profiled=is_local and any(line.startswith("crun ") for line in _read(_PROFILES).splitlines()),
        file_max=_number(_FILE_MAX) if is_local else None,
        gpu_devices=sorted(str(device) for device in Path("/dev").glob("nvidia[0-9]*")) if is_local else (),
    )


def rootless_core_limit(
    info: Mapping[str, Any], processes: Iterable[psutil.Process] | None = None, proc: Path = _PROC
) -> str:
    """Return the lowest hard limit of core dumps of engines without root; empty for others, or if unknown.

    Args:
        info: What the engine reports.
        processes: Of this host; None for all.
        proc: The kernel's folder of processes.
    """
    if not any("rootless" in str(option) for option in info.get("SecurityOptions") or []):
        return ""
    listed = psutil.process_iter(["name", "uids"]) if processes is None else processes
    engines = [
        process
        for process in listed
        if process.info["name"] in _ENGINES and getattr(process.info["uids"], "real", 0) != 0
    ]
    lines = [
        line
        for engine in engines
        for line in _read(proc / str(engine.pid) / "limits").splitlines()
        if line.startswith("Max core file size")
    ]
    hard = [line.split()[5] for line in lines]
    return min(hard, key=lambda limit: int(limit) if limit.isdigit() else math.inf, default="")


def _is_local(info: Mapping[str, Any]) -> bool:
    """Return whether the engine's host is this machine: same name, kernel and memory."""
    memory = int(info.get("MemTotal") or 0)
    here = psutil.virtual_memory().total
    return (
        info.get("Name") == platform.node()
        and info.get("KernelVersion") == platform.release()
        and abs(memory - here) < here // 100
    )


def _versions(info: Mapping[str, Any]) -> dict[str, str]:
    """Return the version text of each registered runtime in `_RUNTIMES` and of the GPU toolkit, by name."""
    registered = info.get("Runtimes") or {}
    programs = {
        name: str((registered[name] or {}).get("path") or name) for name in _RUNTIMES if name in registered
    }
    programs[_TOOLKIT] = _TOOLKIT
    return {name: text for name, path in programs.items() if (text := _version(path))}


def _version(program: str) -> str:
    path = shutil.which(program, path=os.environ.get("PATH", os.defpath) + ":/usr/sbin:/usr/local/sbin")
    if path is None:
        return ""
    try:
        process = subprocess.run(
            [path, "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PROGRAM_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return process.stdout.strip()[:_PRINTED_CHARACTERS] if process.returncode == 0 else ""


def _find_image_tag(engine: Engine) -> tuple[str, str]:
    """Return the image's tag and the reason why it cannot be found; each is empty if it does not apply."""
    try:
        image = find_image(engine)
    except HostNotReadyError as error:
        return "", str(error)
    return (image.tag, "") if image is not None else ("", "")


def _check_folder(folder: Path) -> tuple[str, int | None]:
    """Return why a folder cannot be written, empty if it can, and its free bytes; create nothing in it."""
    existing = _existing_ancestor(folder.absolute())
    try:
        with tempfile.TemporaryFile(dir=existing) as file:
            file.write(b"doctor")
    except OSError as error:
        return error.strerror or str(error), None
    return "", _free(existing)


def _existing_ancestor(folder: Path) -> Path:
    """Return the folder itself if it exists, else its nearest parent that does."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder


def _free(folder: Path) -> int | None:
    """Return the free bytes on the disk of a folder, which need not exist; None if unknown."""
    try:
        return shutil.disk_usage(_existing_ancestor(folder)).free
    except OSError:
        return None


def _read(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        return ""


def _number(file: Path) -> int | None:
    text = _read(file)
    return int(text) if text.isdigit() else None
