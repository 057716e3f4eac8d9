"""Who is to blame for what was observed of a GPU during a run: pure decisions from evidence of the host.

The numbers of errors (Xid) are those of NVIDIA's driver. A submission cannot forge them, and can
cause some of them: a wild access to memory is a program's fault, a broken memory cell is not.
Source: NVIDIA's catalogue of Xid errors. Not yet proven on a GPU.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass, replace
from typing import Final

from runner.units import size_text
from runner.verdict import Judgement, Verdict

DEVICE_XIDS: Final = {
    48: "a double-bit memory error",
    79: "the GPU has fallen off the bus",
    119: "the GPU's system processor timed out",
    120: "an error of the GPU's system processor",
}
"""Errors of the device or its driver: the run is attempted again, and the device is used no more."""

SUBMISSION_XIDS: Final = {
    13: "an illegal instruction or access of a kernel",
    31: "an access to memory that was not allocated",
    43: "a kernel that was stopped after an error",
}
"""Errors of the program that runs on the device."""

FOREIGN_SHARE: Final = 0.125
"""Share of the GPU's memory that processes other than the run may hold before a lack of it is their fault."""

_AFTER_RELOAD: Final = frozenset({Verdict.CRASHED, Verdict.NO_FUNCTION, Verdict.BAD_CHECKPOINT})


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuProcess:
    """A process that uses the GPU, as the driver lists it."""

    pid: int
    """On the host."""
    uid: int | None
    """None if this host does not know the process; that of a process that is gone stays known."""
    memory_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuEvidence:
    """What was observed of GPU and host during a run, from outside its container."""

    xids: frozenset[int] = frozenset()
    """Errors that the driver reported."""
    lost: str = ""
    """Why the driver no longer answers for the device; empty if it does."""
    used_bytes: int = 0
    """Largest amount of the device's memory in use, by whomever."""
    total_bytes: int = 0
    run_bytes: int = 0
    """Largest amount in use by processes of the run; 0 also if they could not be recognized."""
    foreign_bytes: int = 0
    """Largest amount in use by all other processes."""
    host_free_bytes: int | None = None
    """The host's free memory when the run was ended for it; None if it was not."""
    was_reloaded: bool = False
    """Whether systemd reloaded its units since the container started: that can take its devices away."""


def device_fault(evidence: GpuEvidence) -> str:
    """Return why the device must not be used any more; empty if it may."""
    if evidence.lost:
        return f"the driver no longer answers for it ({evidence.lost})"
    reported = sorted(evidence.xids & DEVICE_XIDS.keys())
    return ", ".join(f"Xid {xid}: {DEVICE_XIDS[xid]}" for xid in reported)


def fault_of_surroundings(evidence: GpuEvidence, verdict: Verdict | None) -> str:
    """Return why host or neighbours, and not the run, are to blame; empty if they are not.

    Args:
        evidence: What was observed during the run.
        verdict: On the run; None if it ended without one.
    """
    if verdict is Verdict.OK:
        return ""
    if evidence.host_free_bytes is not None:
        return (
            f"The host had only {size_text(evidence.host_free_bytes)} of memory left during a run on the "
            "GPU, and the run was ended; memory of the driver counts towards no container."
        )
    if evidence.was_reloaded and verdict in _AFTER_RELOAD:
        return "systemd reloaded its units while a run used the GPU, which can take the device away from it."
    allowed = FOREIGN_SHARE * evidence.total_bytes
    if verdict is Verdict.GPU_MEMORY_LIMIT and evidence.run_bytes > 0 and evidence.foreign_bytes > allowed:
        return (
            f"A run lacked memory of the GPU while other processes held {size_text(evidence.foreign_bytes)} "
            f"of {size_text(evidence.total_bytes)}."
        )
    return ""


def with_evidence(judgement: Judgement, evidence: GpuEvidence) -> Judgement:
    """Return the judgement, its explanation extended by what the driver reported; the verdict stays."""
    notes = [f"Xid {xid}: {SUBMISSION_XIDS[xid]}" for xid in sorted(evidence.xids & SUBMISSION_XIDS.keys())]
    if judgement.verdict is Verdict.GPU_MEMORY_LIMIT and evidence.total_bytes > 0:
        used, total = size_text(evidence.used_bytes), size_text(evidence.total_bytes)
        notes.append(f"at most {used} of the GPU's {total} were in use")
    if judgement.verdict is Verdict.OK or not notes:
        return judgement
    return replace(judgement, detail=f"{judgement.detail} ({'; '.join(notes)})")


def leftover_pids(processes: Iterable[GpuProcess], run_uids: Container[int]) -> list[int]:
    """Return the processes that still hold the GPU although no run is in progress.

    Args:
        processes: All that the driver lists.
        run_uids: User ids of runs.
    """
    return sorted(process.pid for process in processes if process.uid in run_uids)


def add_sample(
    evidence: GpuEvidence,
    *,
    used_bytes: int,
    total_bytes: int,
    processes: Iterable[GpuProcess],
    run_uids: Container[int],
) -> GpuEvidence:
    """Return the evidence with another sample of the device's memory: the largest amounts stay."""
    run, foreign = 0, 0
    for process in processes:
        if process.uid in run_uids:
            run += process.memory_bytes
        else:
            foreign += process.memory_bytes
    return replace(
        evidence,
        used_bytes=max(evidence.used_bytes, used_bytes),
        total_bytes=max(evidence.total_bytes, total_bytes),
        run_bytes=max(evidence.run_bytes, run),
        foreign_bytes=max(evidence.foreign_bytes, foreign),
    )
