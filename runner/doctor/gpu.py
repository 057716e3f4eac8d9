"""Check one GPU, for ``unlearn doctor --device``: pure functions from its facts to findings.

Written from NVIDIA's documentation; not yet proven on a GPU.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from runner.doctor.advisories import (
    DRIVER_BULLETIN,
    DRIVER_CVES,
    GPU_TOOLKIT_LEAST,
    KNOWN_UNTIL,
    PatchStatus,
    patch_status,
)
from runner.doctor.findings import Finding, Status, make_finding
from runner.doctor.gpu_facts import GpuFacts
from runner.engine.gpus.gpu_parent import parents
from runner.engine.placement import ALL_GPUS

_NOT_KNOWN: Final = "not known"
_OPEN_TO_ALL: Final = 0o006
_NO_LEAK: Final = "that a run cannot read what an earlier one left in the GPU's memory"
_NO_WAY_OUT: Final = "that a container with a GPU reaches no daemon and no file of the host"
_FAIR_BLAME: Final = "that no run is blamed for a fault of the GPU"
_SCRUB: Final = re.compile(r"RMDisableScrubOnFree\s*[=:]\s*(0x[0-9a-fA-F]+|\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """A line of what ``nvidia-smi`` answers about a GPU."""

    uuid: str
    name: str
    driver: str
    persistence: str
    compute: str
    mig: str


def examine_gpu(facts: GpuFacts) -> list[Finding]:
    """Return the findings about a GPU, beginning with whether the host has it."""
    return [check(facts) for check in GPU_CHECKS]


def check_device(facts: GpuFacts) -> Finding:
    """Check that the host lists the device."""
    rows = _rows(facts)
    if rows:
        names = ", ".join(f"{row.name} ({row.uuid})" for row in rows)
        return make_finding("gpu-device", Status.OK, f"{names}; not yet proven on a GPU: docs/gpu.md")
    observation = f"nvidia-smi lists no {facts.uuid}" if facts.query else "nvidia-smi does not answer"
    advice = "Install NVIDIA's driver, or choose a GPU that `nvidia-smi -L` lists."
    return make_finding("gpu-device", Status.BROKEN, observation, advice)


def check_driver(facts: GpuFacts) -> Finding:
    """Report the driver and its advisories; their fixed versions differ by branch and are not known here."""
    versions = sorted({row.driver for row in _rows(facts)})
    observation = ", ".join(versions) or _NOT_KNOWN
    advice = (
        f"Compare with NVIDIA's security bulletin {DRIVER_BULLETIN} ({DRIVER_CVES}): the fixed version "
        f"differs by branch. Known until {KNOWN_UNTIL}."
    )
    supported = facts.gvisor_drivers.split()
    if supported and not set(versions) <= set(supported):
        advice += " gVisor does not pass on this driver (runsc nvproxy list-supported-drivers)."
    return make_finding("gpu-driver", Status.WARNING, observation, advice)


def check_toolkit(facts: GpuFacts) -> Finding:
    """Check the toolkit that adds the device to containers."""
    lines = facts.toolkit.strip().splitlines()
    observation = lines[0] if lines else _NOT_KNOWN
    least = ".".join(map(str, GPU_TOOLKIT_LEAST[0][:3]))
    status = patch_status(observation, GPU_TOOLKIT_LEAST)
    if status is PatchStatus.FIXED:
        return make_finding("gpu-toolkit", Status.OK, observation)
    advice = f"Install the NVIDIA container toolkit {least} or later: earlier ones let containers out."
    return make_finding("gpu-toolkit", Status.WARNING, observation, advice, lost=_NO_WAY_OUT)


def check_nodes(facts: GpuFacts) -> Finding:
    """Check that runs, which are in no group of the host, may open the device's nodes."""
    if not facts.nodes:
        return make_finding(
            "gpu-nodes", Status.BROKEN, "no device nodes", "Load the driver: nvidia-modprobe -u"
        )
    paths = {node.path.rpartition("/")[2] for node in facts.nodes}
    missing = sorted({"nvidiactl", "nvidia-uvm"} - paths)
    loaded = {line.partition(" ")[0] for line in facts.modules.splitlines()}
    if missing or (loaded and "nvidia_uvm" not in loaded):
        observation = f"no {', '.join(missing)}" if missing else "the module nvidia_uvm is not loaded"
        return make_finding("gpu-nodes", Status.BROKEN, observation, "Load it: nvidia-modprobe -u -c=0")
    closed = [
        node
        for node in facts.nodes
        if "nvidia-caps" not in node.path and node.mode & _OPEN_TO_ALL != _OPEN_TO_ALL
    ]
    if closed:
        first = closed[0]
        observation = f"{first.path} has mode {first.mode:04o} and group {first.group}"
        advice = "Runs are in no group: set the driver's option NVreg_DeviceFileMode=0666."
        return make_finding("gpu-nodes", Status.BROKEN, observation, advice)
    return make_finding("gpu-nodes", Status.OK, f"{len(facts.nodes)}, open to all users")


def check_modes(facts: GpuFacts) -> Finding:
    """Check persistence and compute mode."""
    rows = _rows(facts)
    if not rows:
        return make_finding("gpu-modes", Status.WARNING, _NOT_KNOWN)
    observation = "; ".join(f"persistence {row.persistence}, compute {row.compute}" for row in rows)
    if any(row.compute.lower() not in ("default", "exclusive_process") for row in rows):
        advice = "No process may compute there: nvidia-smi -c DEFAULT"
        return make_finding("gpu-modes", Status.BROKEN, observation, advice)
    if any(row.compute.lower() == "exclusive_process" for row in rows):
        advice = "Runs and the evaluator each need a context: nvidia-smi -c DEFAULT"
        return make_finding("gpu-modes", Status.BROKEN, observation, advice)
    if any(row.persistence.lower() != "enabled" for row in rows):
        advice = "Each context takes seconds more without persistence mode: nvidia-smi -pm 1"
        return make_finding("gpu-modes", Status.WARNING, observation, advice)
    return make_finding("gpu-modes", Status.OK, observation)


def check_cdi(facts: GpuFacts) -> Finding:
    """Check what the CDI specification adds to a container."""
    if not facts.cdi_problem:
        return make_finding("gpu-cdi", Status.OK, "adds the device and the driver's files only")
    advice = "Runs by CDI are refused until then; what NVIDIA's own runtime mounts is not checked."
    return make_finding("gpu-cdi", Status.WARNING, facts.cdi_problem, advice, lost=_NO_WAY_OUT)


def check_mig(facts: GpuFacts) -> Finding:
    """Check that a GPU that is partitioned is used by one of its instances."""
    instances = parents(facts.listing)
    rows = _rows(facts)
    if not any(row.mig.lower() == "enabled" for row in rows):
        return make_finding("gpu-mig", Status.NOT_AVAILABLE, "not partitioned" if rows else _NOT_KNOWN)
    own = [mig for mig, gpu in instances.items() if any(gpu == row.uuid.lower() for row in rows)]
    observation = f"{len(own)} instances of {', '.join(row.uuid for row in rows)}"
    if facts.uuid.lower() in own:
        return make_finding("gpu-mig", Status.OK, observation)
    advice = "A partitioned GPU computes by its instances only: --device cuda:MIG-UUID, or nvidia-smi -mig 0"
    return make_finding("gpu-mig", Status.BROKEN, observation, advice)


def check_scrubbing(facts: GpuFacts) -> Finding:
    """Check that the driver clears memory that is freed."""
    if not facts.driver_parameters:
        return make_finding("gpu-scrub", Status.WARNING, _NOT_KNOWN, lost=_NO_LEAK)
    match = _SCRUB.search(facts.driver_parameters)
    if match is not None and int(match[1], 0) != 0:
        advice = "Remove RMDisableScrubOnFree from NVreg_RegistryDwords, and load the driver again."
        return make_finding("gpu-scrub", Status.BROKEN, match[0], advice, lost=_NO_LEAK)
    observation = "the driver's default: memory is cleared when it is freed"
    return make_finding("gpu-scrub", Status.OK, observation)


def check_watch(facts: GpuFacts) -> Finding:
    """Check that the host can ask the driver for errors and memory."""
    if facts.uuid == ALL_GPUS:
        advice = "Choose one GPU: --device cuda:0"
        return make_finding("gpu-watch", Status.WARNING, "all GPUs together", advice, lost=_FAIR_BLAME)
    if facts.is_watchable:
        return make_finding("gpu-watch", Status.OK, "nvidia-ml-py is installed")
    advice = "pip install nvidia-ml-py"
    return make_finding("gpu-watch", Status.WARNING, "no nvidia-ml-py", advice, lost=_FAIR_BLAME)


GPU_CHECKS: Final[tuple[Callable[[GpuFacts], Finding], ...]] = (
    check_device,
    check_driver,
    check_toolkit,
    check_nodes,
    check_modes,
    check_cdi,
    check_mig,
    check_scrubbing,
    check_watch,
)


def _rows(facts: GpuFacts) -> list[_Row]:
    """Return the lines about the device: of its whole GPU for a MIG instance."""
    uuid = facts.uuid.lower()
    whole = parents(facts.listing).get(uuid, uuid)
    return [row for row in _all_rows(facts.query) if whole in (ALL_GPUS, row.uuid.lower())]


def _all_rows(query: str) -> Iterator[_Row]:
    for line in query.splitlines():
        cells = [cell.strip() for cell in line.split(",")]
        if len(cells) == 6:
            uuid, name, driver, persistence, compute, mig = cells
            yield _Row(uuid=uuid, name=name, driver=driver, persistence=persistence, compute=compute, mig=mig)
