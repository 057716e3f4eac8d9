"""Find a GPU by number, model or MIG instance, from what NVIDIA's driver lists on this host."""

from __future__ import annotations

import re
import subprocess
from typing import Final

from runner.errors import UnmetRequirementError

_LIST: Final = ("nvidia-smi", "-L")
_SECONDS: Final = 30.0
_GPU: Final = re.compile(r"^GPU (\d+): .*\(UUID: (GPU-[0-9A-Za-z-]+)\)\s*$")
_MIG: Final = re.compile(r"^\s+MIG .*\(UUID: (MIG-[0-9A-Za-z-]+)\)\s*$")
_MODEL: Final = re.compile(r"^GPU \d+: (.*?)\s*\(UUID: ")
_PROFILE: Final = re.compile(r"^\s+(MIG \S+)\s")
_NO_NAME: Final = re.compile(r"[^0-9A-Za-z._]+")


def parent_gpu(mig: str) -> str:
    """Return the UUID of the GPU that a MIG instance is a part of.

    Args:
        mig: UUID of the instance, beginning with ``MIG-``, in letters of either case.

    Raises:
        UnmetRequirementError: the driver does not list it, or cannot be asked.
    """
    listed = _list_gpus(
        f"The GPU that {mig} is a part of is not known, so another evaluation could use it at the same time",
        "use a whole GPU",
    )
    parent = parents(listed).get(mig.lower())
    if parent is None:
        raise UnmetRequirementError(
            f"This host has no {mig}; `nvidia-smi -L` lists its GPUs and MIG instances."
        )
    return parent


def gpu_by_number(number: int) -> str:
    """Return the UUID of a GPU, by its number in ``nvidia-smi -L``.

    Numbers may change when the host starts again, so it is the UUID that is locked and recorded.

    Raises:
        UnmetRequirementError: the driver lists no such GPU, or cannot be asked.
    """
    listed = _list_gpus(f"The UUID of GPU {number} is not known", "name the UUID: --device cuda:UUID")
    numbers = uuids_by_number(listed)
    if number not in numbers:
        known = ", ".join(map(str, numbers)) or "none"
        raise UnmetRequirementError(f"This host has no GPU {number}; `nvidia-smi -L` lists: {known}.")
    return numbers[number]


def gpu_classes() -> dict[str, str]:
    """Return the class of each GPU and MIG instance by its UUID, in the order of their numbers.

    Raises:
        UnmetRequirementError: the driver cannot be asked.
    """
    return classes(_list_gpus("The GPUs of this host are not known", "use shares of its cores, as cpu:2"))


def gpu_of_class(name: str) -> str:
    """Return the UUID of this host's first GPU or MIG instance of a class.

    Args:
        name: As `classes` has it.

    Raises:
        UnmetRequirementError: the driver lists none, or cannot be asked.
    """
    listed = classes(_list_gpus(f"GPUs of class {name} are not known", "name the UUID: --device cuda:UUID"))
    for uuid, its_class in listed.items():
        if its_class == name:
            return uuid
    known = ", ".join(dict.fromkeys(listed.values())) or "none"
    raise UnmetRequirementError(f"This host has no GPU of class {name}; it has: {known}.")


def _list_gpus(unknown: str, instead: str) -> str:
    """Return what the driver lists; else raise with what is not known then, and what to do instead."""
    try:
        return subprocess.run(  # noqa: S603 - a fixed command
            _LIST, capture_output=True, text=True, check=True, timeout=_SECONDS
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise UnmetRequirementError(
            f"{unknown}: `nvidia-smi -L` failed. Install NVIDIA's tools, or {instead}."
        ) from error


def uuids_by_number(listed: str) -> dict[int, str]:
    """Return the UUID of each GPU by its number, from the output of ``nvidia-smi -L``."""
    matches = filter(None, map(_GPU.match, listed.splitlines()))
    return {int(match[1]): match[2] for match in matches}


def parents(listed: str) -> dict[str, str]:
    """Return the GPU of each MIG instance, both in lower case, from the output of ``nvidia-smi -L``."""
    instances, gpu = dict[str, str](), ""
    for line in listed.splitlines():
        if match := _GPU.match(line):
            gpu = match[2].lower()
        elif gpu and (match := _MIG.match(line)):
            instances[match[1].lower()] = gpu
    return instances


def classes(listed: str) -> dict[str, str]:
    """Return the class of each GPU and MIG instance by its UUID, from the output of ``nvidia-smi -L``.

    A class is the GPU's model, such as ``NVIDIA-H200``, and the instance's profile after it:
    ``NVIDIA-H200.MIG-1g.18gb``.
    """
    listed_classes, model = dict[str, str](), ""
    for line in listed.splitlines():
        if (match := _GPU.match(line)) and (named := _MODEL.match(line)):
            model = _NO_NAME.sub("-", named[1])
            listed_classes[match[2]] = model
        elif model and (match := _MIG.match(line)) and (named := _PROFILE.match(line)):
            listed_classes[match[1]] = f"{model}.{_NO_NAME.sub('-', named[1])}"
    return listed_classes
