"""How a run ended, decided from what was observed and from nothing else.

Exit codes lie: a submission chooses its own, and a kill looks the same whoever sent it.
So the verdict comes from several signals, the ones that a submission cannot forge first.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

HOST_GRACE_SECONDS: Final = 1.0
"""How long after a run's limit the host waits for the supervisor to end it."""

CLEANUP_SECONDS: Final = 60.0
"""How long clearing away what a run has left, processes and files, may take."""

_SIGKILL: Final = -9
_NO_SPACE: Final = ("[Errno 28]", "[Errno 122]")
"""ENOSPC and EDQUOT."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What was seen of one run from outside the submission."""

    host_seconds: float
    """From the ``run`` frame to the ``ended`` frame, by the host's clock: the supervisor sends
    it when it has the whole result, or ends the run without one."""

    wall_limit_seconds: float
    stream_violation: str = ""
    """What broke the stream's rules, if anything did."""

    host_killed_for_time: bool = False
    cleanup_failed: bool = False
    """Processes or files of the run still existed `CLEANUP_SECONDS` after its end."""

    container_oom_killed: bool = False
    """The engine says so, of a container that ended in mid-run."""

    container_ended: bool = False
    """It ended in mid-run, and `is_the_runs_doing`."""

    container_exit_code: int = 0
    ended_by: str = ""
    """Why the supervisor ended the run: ``time``, ``output``, ``garbage``, ``result`` or not at all."""

    exit_code: int = 0
    """Of the run's process; negative for a signal."""

    oom_kills: int = 0
    """How far the container's counter of memory kills moved during the run."""

    alone: bool = False
    """No other run went on in the container, so that the counter moved for this one."""

    result: str = "none"
    """``checkpoint``, ``error``, ``broken`` or ``none``: what came through the result pipe."""

    error: RunError | None = None
    checkpoint_problem: str = ""
    """What is wrong with the checkpoint, if anything is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A verdict and one sentence that explains it."""

    verdict: Verdict
    detail: str


def judge(seen: Observation) -> Judgement:  # noqa: PLR0911 - a return for each rule, in their order
    """Return the verdict on a run; a pure function of what was observed."""
    limit = seen.wall_limit_seconds
    if seen.stream_violation:
        return _say(Verdict.PROTOCOL, seen.stream_violation)
    if seen.host_killed_for_time or seen.ended_by == "time" or seen.host_seconds > limit + HOST_GRACE_SECONDS:
        return _say(Verdict.TIME_LIMIT, f"not finished within {limit:g} s")
    if seen.cleanup_failed:
        return _say(Verdict.CRASHED, f"cleanup after the run did not finish within {CLEANUP_SECONDS:g} s")
    if seen.result == "checkpoint":
        if seen.checkpoint_problem:
            return _say(Verdict.BAD_CHECKPOINT, seen.checkpoint_problem)
        return _say(Verdict.OK, "")
    if seen.ended_by == "garbage":
        return _say(Verdict.PROTOCOL, "something else than a result was written where the result goes")
    if seen.ended_by == "output":
        return _say(Verdict.OUTPUT_LIMIT, "the checkpoint is larger than the reference allows")
    if seen.container_oom_killed or (seen.oom_kills > 0 and seen.exit_code == _SIGKILL):
        return _say(Verdict.MEMORY_LIMIT, "killed by the kernel for its use of memory")
    if seen.container_ended:
        code = seen.container_exit_code
        return _say(Verdict.CRASHED, f"the whole container ended during the run, with exit code {code}")
    if seen.oom_kills > 0 and seen.alone:
        return _say(Verdict.MEMORY_LIMIT, "a process of it was killed by the kernel for its use of memory")
    if seen.result == "error" and seen.error is not None:
        return _judge_error(seen.error)
    if seen.exit_code < 0:
        return _say(Verdict.CRASHED, f"ended by signal {-seen.exit_code}")
    return _say(
        Verdict.CRASHED, f"the process ended with exit code {seen.exit_code} before a result was sent"
    )


def _judge_error(error: RunError) -> Judgement:
    name = error.type or "an exception without a name"
    what = f"{name}: {error.message}" if error.message else name
    if _is_out_of_gpu_memory(error):
        return _say(Verdict.GPU_MEMORY_LIMIT, what)
    if _is_out_of_memory(error):
        return _say(Verdict.MEMORY_LIMIT, what)
    if _is_out_of_space(error):
        return _say(Verdict.OUTPUT_LIMIT, f"its scratch space is used up: {what}")
    if error.stage == "import":
        missing = error.type == "_NoFunctionError"
        return _say(Verdict.NO_FUNCTION, error.message if missing else f"import failed: {what}")
    if error.stage == "checkpoint":
        return _say(Verdict.BAD_CHECKPOINT, f"the network could not be saved: {what}")
    return _say(Verdict.CRASHED, what)


def _is_out_of_memory(error: RunError) -> bool:
    return error.type == "MemoryError" or "can't allocate memory" in error.message


def _is_out_of_gpu_memory(error: RunError) -> bool:
    """As torch says it: a class of its own since 1.13, a RuntimeError of the driver's before and beside."""
    return error.type == "OutOfMemoryError" or "CUDA out of memory" in error.message


def _is_out_of_space(error: RunError) -> bool:
    return error.type == "OSError" and error.message.startswith(_NO_SPACE)


def _say(verdict: Verdict, detail: str) -> Judgement:
    return Judgement(verdict=verdict, detail=detail)
