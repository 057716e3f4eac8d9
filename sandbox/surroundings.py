"""What of the host stands in a container: mounts, devices, variables, as `ready` reports them.

Engines and their plug-ins (CDI, NVIDIA's runtime, an engine's default mounts and variables) add to a
container what no specification of this project names, and what the engine does not show afterwards. So each
container looks for itself, before anything of a stranger is in it.

Source: proc_pid_mountinfo(5).
"""

from __future__ import annotations

import json
import os
import re
import stat
from pathlib import Path
from typing import Final

_DEVICES: Final = "/dev"
_MOUNTS: Final = Path("/proc/self/mountinfo")
_VARIABLES: Final = Path("/proc/self/environ")
_ESCAPE: Final = re.compile(r"\\([0-7]{3})")


def surroundings() -> bytes:
    """Return mounts, devices, variables of the environment, and this process's number as JSON.

    ``{"mounts": [[path, type, read-only], ...], "devices": [path, ...], "numbers": {path: "c1:3", ...},
    "variables": [name, ...], "process": 1}``. A device is anything below /dev that is no folder, no link and
    no regular file; what is mounted below /dev is among the mounts, too. Its number is the driver's, after
    ``c`` for characters or ``b`` for blocks.
    """
    devices = sorted(_devices(_DEVICES))
    report = {
        "mounts": mounts(_MOUNTS.read_text()),
        "devices": devices,
        "numbers": {path: number for path in devices if (number := _number(path))},
        "variables": variables(_environ()),
        "process": os.getpid(),
    }
    return json.dumps(report).encode()


def _environ() -> bytes:
    try:
        return _VARIABLES.read_bytes()
    except PermissionError:  # of a process that cannot read its own program (`sandbox.worker.unreadable`)
        return b"\0".join(name + b"=" + value for name, value in os.environb.items())


def variables(environ: bytes) -> list[str]:
    """Return the names of the variables in the bytes of ``environ`` that are not empty."""
    pairs = (entry.partition(b"=") for entry in environ.split(b"\0"))
    return sorted(name.decode(errors="replace") for name, _, value in pairs if value)


def mounts(mountinfo: str) -> list[tuple[str, str, bool]]:
    """Return the path, the type and whether it is read-only of each mount in the text of ``mountinfo``."""
    listed = []
    for line in mountinfo.splitlines():
        own, _, of_file_system = line.partition(" - ")
        columns = own.split(" ")
        path = _ESCAPE.sub(lambda match: chr(int(match[1], 8)), columns[4])
        listed.append((path, of_file_system.split(" ")[0], "ro" in columns[5].split(",")))
    return listed


def _devices(folder: str) -> list[str]:
    paths = []
    for entry in os.scandir(folder):
        mode = entry.stat(follow_symlinks=False).st_mode
        if stat.S_ISDIR(mode):
            try:
                paths += _devices(entry.path)
            except PermissionError:  # closed to this container, so to what runs in it
                continue
        elif not (stat.S_ISLNK(mode) or stat.S_ISREG(mode)):
            paths.append(entry.path)
    return paths


def _number(path: str) -> str:
    """Return the kind and number of a device node; empty for sockets and pipes."""
    status = Path(path).lstat()
    kind = {stat.S_IFCHR: "c", stat.S_IFBLK: "b"}.get(stat.S_IFMT(status.st_mode))
    return f"{kind}{os.major(status.st_rdev)}:{os.minor(status.st_rdev)}" if kind else ""
