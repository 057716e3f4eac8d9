"""What a CDI specification may add to a container with a GPU: devices and driver libraries, and nothing else.

CDI (Container Device Interface) lets a file on the host add device nodes, mounts and hooks to every
container that asks for a device; the engine shows none of it afterwards. What `nvidia-ctk cdi generate`
writes by default also mounts sockets of daemons of the host, which a run could speak to. Pure: a
specification in, sentences out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, Final

KIND: Final = "nvidia.com/gpu"
_NODES: Final = re.compile(r"/dev/(nvidia\d+|nvidiactl|nvidia-uvm|nvidia-caps/nvidia-cap\d+)")
"""All that computing needs; no displays and debuggers: `nvidia-modeset`, `nvidia-uvm-tools`, `/dev/dri`."""
_FOLDERS: Final = (
    "/usr/lib",
    "/usr/lib64",
    "/lib",
    "/lib64",
    "/usr/bin",
    "/usr/share/nvidia",
    "/lib/firmware/nvidia",
)
_FILES: Final = re.compile(
    r"(lib(nvidia|cuda|nvcuvid|nvoptix|nvrm|nvsandboxutils)[A-Za-z0-9_.-]*\.so[0-9.]*"
    r"|nvidia-(smi|debugdump|cuda-mps-control|cuda-mps-server|persistenced)|gsp_[a-z0-9_]+\.bin"
    r"|nvoptix\.bin|nvidia-application-profiles-[0-9.]+-[a-z-]+)"
)
"""Names of the driver's libraries, programs and firmware."""
_HOOKS: Final = frozenset(
    {"create-symlinks", "update-ldcache", "enable-cuda-compat", "disable-device-node-modification"}
)
"""Hooks of NVIDIA's toolkit that change the container's own folders of libraries only."""
_HELP: Final = (
    "Write a specification without it: nvidia-ctk cdi generate --feature-flag disable-ipc-discoverer, and "
    "remove from the file what this names"
)


def problems_of(specification: Mapping[str, Any], device: str) -> list[str]:
    """Return a sentence for each thing that a device's specification must not add to a container.

    Args:
        specification: The content of a CDI file.
        device: The name of one of its devices, or ``all`` for every one.
    """
    entries = [entry for entry in _list(specification.get("devices")) if isinstance(entry, Mapping)]
    chosen = [entry for entry in entries if device in (entry.get("name"), "all")]
    edits = [part.get("containerEdits") for part in (specification, *chosen)]
    return [problem for each in edits if each is not None for problem in _problems(each)]


def names_of(specification: Mapping[str, Any]) -> list[str]:
    """Return the names of the devices in a specification."""
    entries = _list(specification.get("devices"))
    return [str(entry["name"]) for entry in entries if isinstance(entry, Mapping) and "name" in entry]


def advice(problems: Sequence[str]) -> str:
    """Return one sentence that says what is refused, and what to do."""
    first, more = problems[0], len(problems) - 1
    others = f" (and {more} more)" if more else ""
    return f"the container would get {first}{others}. {_HELP}; see docs/gpu.md."


def _problems(edits: object) -> Iterator[str]:
    if not isinstance(edits, Mapping):
        yield "edits that are not a table"
        return
    known = {"deviceNodes", "mounts", "hooks", "env"}
    for name in edits.keys() - known:
        if edits[name]:
            yield f"`{name}`, which this version does not know"
    for node in _list(edits.get("deviceNodes")):
        yield from _node_problem(node)
    for mount in _list(edits.get("mounts")):
        yield from _mount_problem(mount)
    for hook in _list(edits.get("hooks")):
        yield from _hook_problem(hook)
    for setting in _list(edits.get("env")):
        if not str(setting).startswith("NVIDIA_"):
            yield f"the variable {str(setting).partition('=')[0]!r}"


def _node_problem(node: object) -> Iterator[str]:
    paths = [node.get(key) for key in ("path", "hostPath")] if isinstance(node, Mapping) else [None]
    for path in paths:
        if path is None and paths[0] is not None:
            continue
        if not isinstance(path, str) or not is_gpu_node(path):
            yield f"the device {path!r}"
            return


def _mount_problem(mount: object) -> Iterator[str]:
    host, inside, options = (
        (mount.get("hostPath"), mount.get("containerPath"), _list(mount.get("options")))
        if isinstance(mount, Mapping)
        else (None, None, [])
    )
    if not isinstance(host, str) or not isinstance(inside, str):
        yield "a mount without paths"
    elif not (is_driver_file(host) and is_driver_file(inside)):
        yield f"{host!r}, which is no file of the driver"
    elif "ro" not in options or "rw" in options:
        yield f"{host!r}, which could be written to"


def is_gpu_node(path: str) -> bool:
    """Return whether a path is a device node that computing on a GPU needs."""
    return _NODES.fullmatch(path) is not None


def is_driver_file(name: str) -> bool:
    """Return whether a path is a library, a program or firmware of NVIDIA's driver."""
    path = PurePosixPath(name)
    in_folder = any(path.is_relative_to(folder) for folder in _FOLDERS) and ".." not in path.parts
    return in_folder and _FILES.fullmatch(path.name) is not None


def _hook_problem(hook: object) -> Iterator[str]:
    arguments = [str(each) for each in _list(hook.get("args"))] if isinstance(hook, Mapping) else []
    if arguments[1:2] == ["hook"]:  # nvidia-ctk hook NAME; nvidia-cdi-hook NAME
        arguments = arguments[1:]
    name = arguments[1] if len(arguments) > 1 else "without a name"
    program = PurePosixPath(str(hook.get("path", ""))).name if isinstance(hook, Mapping) else ""
    if program not in ("nvidia-ctk", "nvidia-cdi-hook") or name not in _HOOKS:
        yield f"the hook {name!r} of {program!r}, which the host executes as root"


def _list(value: object) -> list[Any]:
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str | bytes) else []
