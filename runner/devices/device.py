"""Devices on which evaluations are executed at the same time, and whether the machine has what they need.

A CPU slot is a share of the cores. It decides how many runs go on at once, and never how many cores a run
has: the same evaluation gives the same result and has the same time limit on every slot, and its name is that
of an evaluation on the whole processor. GPUs of one command are of one class, by which evaluations are named:
whichever of them is free continues an evaluation.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from runner.challenge.limits import Limits
from runner.engine.container_spec import all_workers_memory_bytes
from runner.engine.info import EngineInfo
from runner.engine.placement import CPU, gpu_class
from runner.errors import ConfigurationError, UnmetRequirementError
from runner.execution.settings import slot_limits
from runner.units import MIB
from runner.wording import quantity

ALL: Final = "all"
MAX_DEVICES: Final = 256
_SLOTS: Final = re.compile(r"cpu:([0-9]{1,4})")
_EPSILON: Final = 1e-9
_USAGE: Final = (
    "--devices must be all (each GPU of this host), cpu:NUMBER (so many shares of its cores), cuda:MODEL "
    "(its GPUs of a class), or a list of GPUs such as cuda:0,cuda:1 or GPU-UUID,GPU-UUID"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """Where one evaluation at a time is executed."""

    name: str
    """Shown and recorded with what is executed on it: ``cpu 1/4`` or ``cuda:GPU-...``."""
    requested: str
    """Its name as ``--device`` has it: ``cpu``, or ``cuda:`` and a UUID."""
    recorded: str
    """Its class, which is part of the names of evaluations: ``cpu``, or ``cuda:`` and a model."""
    cores: float
    """Its share of the machine's cores."""


def parse_devices(text: str, *, cores: int, classes: Callable[[], Mapping[str, str]]) -> list[Device]:
    """Return the devices that ``--devices`` names, at least one.

    Args:
        text: As it was typed.
        cores: Of the engine's host.
        classes: Returns the class of each GPU and MIG instance of this host by its UUID, in the order of
            their numbers; called where GPUs are named.

    Raises:
        ConfigurationError: it has another form, names a device twice, or GPUs of several classes.
        UnmetRequirementError: this host has no such GPU.
        HostNotReadyError: the driver cannot be asked.
    """
    if match := _SLOTS.fullmatch(text):
        return _slots(int(match[1]), cores)
    listed = classes() if text == ALL or text.lower().startswith(("cuda:", "gpu-", "mig-")) else None
    if listed is None:
        raise ConfigurationError(f"{_USAGE}; not {text!r}.")
    whole = [uuid for uuid in listed if not uuid.lower().startswith("mig-")]
    if text == ALL:
        uuids = _all(listed)
    elif (name := gpu_class(text)) is not None:
        uuids = _of_class(name, listed)
    else:
        uuids = [_uuid(word.strip(), listed, whole) for word in text.split(",")]
    if not uuids:
        raise UnmetRequirementError("This host has no GPU; for shares of its cores: --devices cpu:NUMBER")
    if len(set(uuids)) < len(uuids):
        raise ConfigurationError("--devices names a GPU twice.")
    models = dict.fromkeys(listed[uuid] for uuid in uuids)
    if len(models) > 1:
        raise ConfigurationError(
            f"--devices names GPUs of several classes: {', '.join(models)}. Times on them do not compare, so "
            "use a command for each class."
        )
    return [
        Device(
            name=f"cuda:{uuid}",
            requested=f"cuda:{uuid}",
            recorded=f"cuda:{listed[uuid]}",
            cores=cores / len(uuids),
        )
        for uuid in uuids
    ]


def require_shares(devices: Sequence[Device], limits: Limits, info: EngineInfo) -> None:
    """Refuse devices whose shares are too small for the runs of a challenge.

    Args:
        devices: Of this machine, each of which executes runs of the challenge at the same time.
        limits: Of the challenge.
        info: What the engine reports; where it reports no memory, none is compared.

    Raises:
        UnmetRequirementError: a device has fewer cores than a run, or together they may use more memory than
            the host has.
    """
    run_cores = limits.cpus / limits.concurrency
    share = min(device.cores for device in devices)
    if len(devices) > 1 and run_cores > share + _EPSILON:
        most = int(info.cores / run_cores + _EPSILON)
        kind = "devices" if devices[0].requested != CPU else "slots"
        raise UnmetRequirementError(
            f"{len(devices)} {kind} share {quantity(info.cores, 'core')}, {share:g} each, and the challenge "
            f"gives a run {run_cores:g}: use at most {max(1, most)}, or build the challenge with less."
        )
    required = sum(all_workers_memory_bytes(slot_limits(limits, device.cores)) for device in devices)
    if info.memory_bytes and required > info.memory_bytes:
        raise UnmetRequirementError(
            f"This host has {info.memory_bytes // MIB} MiB of memory; runs on {len(devices)} devices may use "
            f"{required // MIB} MiB: use fewer, or a challenge built with a lower --memory-mib."
        )


def _slots(number: int, cores: int) -> list[Device]:
    if not 1 <= number <= MAX_DEVICES:
        raise ConfigurationError(f"--devices cpu:{number} must name from 1 to {MAX_DEVICES} slots.")
    return [
        Device(name=f"{CPU} {slot}/{number}", requested=CPU, recorded=CPU, cores=cores / number)
        for slot in range(1, number + 1)
    ]


def _all(listed: Mapping[str, str]) -> list[str]:
    """Return the MIG instances where there are some, and else the whole GPUs."""
    instances = [uuid for uuid in listed if uuid.lower().startswith("mig-")]
    return instances or list(listed)


def _of_class(name: str, listed: Mapping[str, str]) -> list[str]:
    """Return the GPUs of a class, without those that are divided: they cannot be used themselves."""
    uuids = list(listed)
    divided = {
        uuid
        for uuid, following in pairwise(uuids)
        if following.lower().startswith("mig-") and not uuid.lower().startswith("mig-")
    }
    chosen = [uuid for uuid in uuids if listed[uuid] == name and uuid not in divided]
    if not chosen:
        known = ", ".join(dict.fromkeys(listed[uuid] for uuid in uuids if uuid not in divided)) or "none"
        raise UnmetRequirementError(f"This host has no GPU of class {name}; it has: {known}.")
    return chosen


def _uuid(word: str, listed: Mapping[str, str], whole: Sequence[str]) -> str:
    """Return the UUID of a GPU, which is named by it or by its number."""
    name = word.removeprefix("cuda:")
    if name.isascii() and name.isdigit() and word != name and int(name) < len(whole):
        return whole[int(name)]
    for uuid in listed:
        if uuid.lower() == name.lower():
            return uuid
    if not name.lower().startswith(("gpu-", "mig-")) and not (word != name and name.isdigit()):
        raise ConfigurationError(f"{_USAGE}; not {word!r}.")
    known = ", ".join(listed) or "none"
    raise UnmetRequirementError(f"This host has no GPU {name}; `nvidia-smi -L` lists: {known}.")
