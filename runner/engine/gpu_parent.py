"""Find the GPU that a MIG instance is a part of, from what NVIDIA's driver lists on this host."""

from __future__ import annotations

import re
import subprocess
from typing import Final

from runner.errors import HostNotReadyError

_LIST: Final = ("nvidia-smi", "-L")
_SECONDS: Final = 30.0
_GPU: Final = re.compile(r"^GPU \d+: .*\(UUID: (GPU-[0-9A-Za-z-]+)\)\s*$")
_MIG: Final = re.compile(r"^\s+MIG .*\(UUID: (MIG-[0-9A-Za-z-]+)\)\s*$")


def parent_gpu(mig: str) -> str:
    """Return the UUID of the GPU that a MIG instance is a part of.

    Args:
        mig: UUID of the instance, beginning with ``MIG-``, in letters of either case.

    Raises:
        HostNotReadyError: the driver does not list it, or cannot be asked.
    """
    try:
        listed = subprocess.run(  # noqa: S603 - a fixed command
            _LIST, capture_output=True, text=True, check=True, timeout=_SECONDS
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise HostNotReadyError(
            f"The GPU that {mig} is a part of is not known, because `nvidia-smi -L` failed: another "
            "evaluation could use it at the same time. Install NVIDIA's tools, or use a whole GPU."
        ) from error
    parent = parents(listed).get(mig.lower())
    if parent is None:
        raise HostNotReadyError(f"This host has no {mig}; `nvidia-smi -L` lists its GPUs and MIG instances.")
    return parent


def parents(listed: str) -> dict[str, str]:
    """Return the GPU of each MIG instance, both in lower case, from the output of ``nvidia-smi -L``."""
    instances, gpu = dict[str, str](), ""
    for line in listed.splitlines():
        if match := _GPU.match(line):
            gpu = match[1].lower()
        elif gpu and (match := _MIG.match(line)):
            instances[match[1].lower()] = gpu
    return instances
