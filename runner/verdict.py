"""The verdict on a run, decided from the observation alone.

An exit code proves little: a submission chooses its own, and a kill looks the same whoever sent it.
`judge` therefore uses several observations; those that a submission cannot forge come first.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

HOST_GRACE_SECONDS: Final = 1.0
"""Time after a run's limit that the supervisor has to end the run."""

CLEANUP_SECONDS: Final = 60.0
"""Time for the cleanup of a run's processes and files."""

_SIGKILL: Final = -9
_NO_SPACE: Final = ("[Errno 28]", "[Errno 122]")
"""ENOSPC and EDQUOT."""
_NO_PROCESS: Final = ("can't start new thread", "Resource temporarily unavailable")
"""Python's words, and those of the C library for EAGAIN."""


class Verdict(StrEnum):
    """How a run ended."""

    OK = "ok"
    TIME_LIMIT = "time-limit"
    MEMORY_LIMIT = "memory-limit"
    GPU_MEMORY_LIMIT = "gpu-memory-limit"
    OUTPUT_LIMIT = "output-limit"
    CRASHED = "crashed"
    NO_FUNCTION = "no-function"
    BAD_CHECKPOINT = "bad-checkpoint"
    PROTOCOL = "protocol"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunError:
    """An exception as the child described it. Untrusted: the submission may have written it."""

    stage: str
    type: str
    message: str
    traceback: str
    cause: str = ""
    """The message in one line; empty if it has none, or if it was not looked for."""
    place: str = ""
    """The last line of the submission's own files in the traceback; empty if there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What was observed of one run from outside the submission."""

    host_seconds: float
    """From the ``run`` frame to the ``ended`` frame, by the host's clock. The supervisor sends ``ended`` when
    it has the whole result, or when it ends the run without one."""

    wall_limit_seconds: float
    stream_violation: str = ""
    """How the stream broke its rules; empty if it did not."""

    host_killed_for_time: bool = False
    cleanup_failed: bool = False
    """Processes or files of the run still existed `CLEANUP_SECONDS` after its end."""

    container_oom_killed: bool = False
    """Reported by the engine, of a container that ended in mid-run."""

    container_ended: bool = False
    """The container ended in mid-run, and the run caused it (`runner.clients.worker.caused_by_run`)."""

    container_exit_code: int = 0
    ended_by: str = ""
    """Why the supervisor ended the run: ``time``, ``output``, ``garbage``, ``result``, or empty."""

    exit_code: int = 0
    """Of the run's process; negative for a signal."""

    oom_kills: int = 0
    """Increase of the container's counter of memory kills during the run."""

    memory_limit_reached: bool | None = None
    """Whether the container reached its own memory limit during the run; None if that is not known."""

    processes_ran_short: bool = False
    """Whether a group around the container has no room for all processes that a run may have."""

    started: bool = True
    """Whether the run was set up, so that code of the submission could run."""

    run_seconds: float | None = None
    """Duration by the supervisor's clock; None if it reported none."""

    frozen_seconds: float = 0.0
    """How long the container stood still during the run: paused, frozen, or not executed by the machine."""

    alone: bool = False
    """Whether no other run was in progress in the container: then the counter rose because of this one."""

    result: str = "none"
    """What the result pipe delivered: ``checkpoint``, ``error``, ``broken`` or ``none``."""

    error: RunError | None = None
    place: str = ""
    """The line of the submission at which it was shortly before its time was over, by its own log."""

    checkpoint_problem: str = ""
    """Why the checkpoint is refused; empty if it is accepted."""

    checkpoint_remark: str = ""
    """What the participant should know about an accepted checkpoint. Untrusted: the run itself reports it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A verdict and one sentence that explains it."""

    verdict: Verdict
    detail: str


def fault_of_host(observed: Observation) -> str:  # noqa: PLR0911 - a return for each fault
    """Return why the host, and not the run, is to blame for what was observed; empty if it is not.

    Such a run has no verdict: it is attempted again, in another container. A run cannot bring any of this
    about, except by what ends its attempts without a score.
    """
    if observed.stream_violation:
        return ""
    if not observed.started:
        return "A run could not be set up."
    if observed.oom_kills > 0 and observed.memory_limit_reached is False and observed.result != "checkpoint":
        return "The host ran short of memory, and the kernel killed a run that was within its own limit."
    if observed.processes_ran_short and observed.error is not None and is_out_of_processes(observed.error):
        return "A control group around the containers has no room for further processes."
    over_time = observed.host_seconds > observed.wall_limit_seconds + HOST_GRACE_SECONDS
    if observed.frozen_seconds > 0 and (over_time or observed.ended_by == "time"):
        return f"The container stood still for {observed.frozen_seconds:.1f} s of a run's time."
    in_time = observed.run_seconds is not None and observed.run_seconds <= observed.wall_limit_seconds
    if over_time and in_time and observed.ended_by != "time":
        return "The engine delivered the end of a run too late to tell whether it was in time."
    return ""


def judge(observed: Observation) -> Judgement:  # noqa: PLR0911 - a return for each rule, in their order
    """Return the verdict on a run; a pure function of the observation."""
    limit = observed.wall_limit_seconds
    if observed.stream_violation:
        return _judgement(Verdict.PROTOCOL, observed.stream_violation)
    if (
        observed.host_killed_for_time
        or observed.ended_by == "time"
        or observed.host_seconds > limit + HOST_GRACE_SECONDS
    ):
        place = f" ({observed.place})" if observed.place else ""
        return _judgement(Verdict.TIME_LIMIT, f"not finished within {limit:g} s{place}")
    if observed.cleanup_failed:
        return _judgement(
            Verdict.CRASHED, f"cleanup after the run did not finish within {CLEANUP_SECONDS:g} s"
        )
    if observed.result == "checkpoint":
        if observed.checkpoint_problem:
            return _judgement(Verdict.BAD_CHECKPOINT, observed.checkpoint_problem)
        return _judgement(Verdict.OK, observed.checkpoint_remark)
    if observed.ended_by == "garbage":
        return _judgement(Verdict.PROTOCOL, "something other than a result was written to the result pipe")
    if observed.ended_by == "output":
        return _judgement(Verdict.OUTPUT_LIMIT, "the checkpoint is larger than the reference allows")
    if observed.container_oom_killed or (observed.oom_kills > 0 and observed.exit_code == _SIGKILL):
        return _judgement(Verdict.MEMORY_LIMIT, "killed by the kernel for its use of memory")
    if observed.container_ended:
        code = observed.container_exit_code
        return _judgement(Verdict.CRASHED, f"the whole container ended during the run, with exit code {code}")
    if observed.oom_kills > 0 and observed.alone:
        return _judgement(
            Verdict.MEMORY_LIMIT, "one of its processes was killed by the kernel for its use of memory"
        )
    if observed.result == "error" and observed.error is not None:
        return _judge_error(observed.error)
    if observed.exit_code < 0:
        return _judgement(Verdict.CRASHED, f"ended by signal {-observed.exit_code}")
    return _judgement(
        Verdict.CRASHED, f"the process ended with exit code {observed.exit_code} before a result was sent"
    )


def _judge_error(error: RunError) -> Judgement:
    name = error.type or "an exception without a name"
    text = error.cause or error.message
    description = f"{name}: {text}" if text else name
    if error.place:
        description += f" ({error.place})"
    if _is_out_of_gpu_memory(error):
        return _judgement(Verdict.GPU_MEMORY_LIMIT, description)
    if _is_out_of_memory(error):
        return _judgement(Verdict.MEMORY_LIMIT, description)
    if _is_out_of_space(error):
        return _judgement(Verdict.OUTPUT_LIMIT, f"its scratch space is used up: {description}")
    if error.stage == "import":
        missing = error.type == "_NoFunctionError"
        return _judgement(Verdict.NO_FUNCTION, error.message if missing else f"import failed: {description}")
    if error.stage == "checkpoint":
        return _judgement(Verdict.BAD_CHECKPOINT, f"the network could not be saved: {description}")
    return _judgement(Verdict.CRASHED, description)


def is_out_of_processes(error: RunError) -> bool:
    """Return whether an exception says that no process or thread could be started; a run may forge that."""
    return error.type == "BlockingIOError" or any(words in error.message for words in _NO_PROCESS)


def _is_out_of_memory(error: RunError) -> bool:
    return error.type == "MemoryError" or "can't allocate memory" in error.message


def _is_out_of_gpu_memory(error: RunError) -> bool:
    """Recognize torch's error: its own class since 1.13; a RuntimeError before, and still from the driver."""
    return error.type == "OutOfMemoryError" or "CUDA out of memory" in error.message


def _is_out_of_space(error: RunError) -> bool:
    return error.type == "OSError" and error.message.startswith(_NO_SPACE)


def _judgement(verdict: Verdict, detail: str) -> Judgement:
    return Judgement(verdict=verdict, detail=detail)
