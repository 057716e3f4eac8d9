"""The verdict follows from what a submission cannot forge."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from runner.verdict import HOST_GRACE_SECONDS, Observation, RunError, Verdict, judge

FINE = Observation(host_seconds=1.0, wall_limit_seconds=10.0, ended_by="result", result="checkpoint")
SILENT = Observation(host_seconds=1.0, wall_limit_seconds=10.0)
RAISED = replace(SILENT, ended_by="result", result="error", exit_code=1)


def error(stage: str, kind: str = "ValueError", message: str = "no") -> Observation:
    """Return a run that sent an error."""
    return replace(RAISED, error=RunError(stage=stage, type=kind, message=message, traceback=""))


OK, TIME, MEMORY = Verdict.OK, Verdict.TIME_LIMIT, Verdict.MEMORY_LIMIT
OUTPUT, CRASHED = Verdict.OUTPUT_LIMIT, Verdict.CRASHED
NO_FUNCTION, BAD, PROTOCOL = Verdict.NO_FUNCTION, Verdict.BAD_CHECKPOINT, Verdict.PROTOCOL

CASES: list[tuple[str, Observation, Verdict, str]] = [
    # What is observed, the verdict, and a part of the sentence that explains it.
    ("checkpoint in time", FINE, OK, ""),
    ("checkpoint, then a lying exit code", replace(FINE, exit_code=3), OK, ""),
    ("checkpoint, then SIGKILL by the janitor", replace(FINE, exit_code=-9), OK, ""),
    ("checkpoint, exit 0, but a child was killed for memory", replace(FINE, oom_kills=2), OK, ""),
    ("checkpoint just within limit and grace", replace(FINE, host_seconds=10 + HOST_GRACE_SECONDS), OK, ""),
    (
        "checkpoint over limit and grace",
        replace(FINE, host_seconds=10.001 + HOST_GRACE_SECONDS),
        TIME,
        "10 s",
    ),
    ("checkpoint, but ended by the supervisor for time", replace(FINE, ended_by="time"), TIME, "10 s"),
    ("killed by the host for time", replace(SILENT, host_killed_for_time=True), TIME, "10 s"),
    (
        "time, though the kernel killed as well",
        replace(SILENT, ended_by="time", exit_code=-9, oom_kills=1),
        TIME,
        "10 s",
    ),
    ("time, though an error was sent", replace(error("call"), ended_by="time"), TIME, "10 s"),
    (
        "bad checkpoint",
        replace(FINE, checkpoint_problem="weight has shape [1]"),
        BAD,
        "weight has shape [1]",
    ),
    (
        "bad checkpoint and a memory kill",
        replace(FINE, checkpoint_problem="too short", oom_kills=1, exit_code=-9),
        BAD,
        "too short",
    ),
    ("too much output", replace(SILENT, ended_by="output", result="broken", exit_code=-9), OUTPUT, "larger"),
    (
        "too much output and another run's memory kill",
        replace(SILENT, ended_by="output", exit_code=-9, oom_kills=1),
        OUTPUT,
        "larger",
    ),
    ("killed, and the counter moved", replace(SILENT, exit_code=-9, oom_kills=1), MEMORY, "memory"),
    ("killed, and the counter did not move", replace(SILENT, exit_code=-9), CRASHED, "signal 9"),
    ("counter moved, but it ended by itself", replace(SILENT, exit_code=0, oom_kills=1), CRASHED, "code 0"),
    ("counter moved, but a segfault", replace(SILENT, exit_code=-11, oom_kills=1), CRASHED, "signal 11"),
    ("exit code 137 is no signal", replace(SILENT, exit_code=137, oom_kills=1), CRASHED, "code 137"),
    (
        "alone, and a child of it was killed for memory",
        replace(error("call", "RuntimeError", "a worker died"), oom_kills=1, alone=True),
        MEMORY,
        "one of its processes",
    ),
    (
        "alone, exit 0 without a result, and the counter moved",
        replace(SILENT, oom_kills=1, alone=True),
        MEMORY,
        "one of its processes",
    ),
    (
        "a checkpoint in spite of the memory kill",
        replace(FINE, oom_kills=1, alone=True),
        OK,
        "",
    ),
    (
        "torch is out of the GPU's memory",
        error("call", "OutOfMemoryError", "CUDA out of memory. Tried to allocate 2.00 GiB"),
        Verdict.GPU_MEMORY_LIMIT,
        "CUDA out of memory",
    ),
    (
        "an older torch is out of the GPU's memory",
        error("call", "RuntimeError", "CUDA out of memory. Tried to allocate 2.00 GiB"),
        Verdict.GPU_MEMORY_LIMIT,
        "CUDA out of memory",
    ),
    (
        "scratch is full",
        error("call", "OSError", "[Errno 28] No space left on device: 'x'"),
        OUTPUT,
        "scratch space is used up",
    ),
    ("another error of the system", error("call", "OSError", "[Errno 13] Permission denied"), CRASHED, "13"),
    (
        "whole container killed for memory",
        replace(SILENT, container_ended=True, container_oom_killed=True),
        MEMORY,
        "memory",
    ),
    ("whole container ended", replace(SILENT, container_ended=True), CRASHED, "whole container"),
    ("exit 0 without a result", SILENT, CRASHED, "code 0 before"),
    ("exit 3 without a result", replace(SILENT, exit_code=3), CRASHED, "code 3 before"),
    ("half a result", replace(SILENT, result="broken", exit_code=0), CRASHED, "code 0 before"),
    ("half a result, then a signal", replace(SILENT, result="broken", exit_code=-6), CRASHED, "signal 6"),
    ("result of an unknown kind", replace(SILENT, result="ok"), CRASHED, "code 0 before"),
    ("ended for an unknown reason", replace(SILENT, ended_by="ok"), CRASHED, "code 0 before"),
    ("error without its description", RAISED, CRASHED, "code 1 before"),
    ("error on import", error("import"), NO_FUNCTION, "import failed: ValueError: no"),
    ("no function", error("import", "_NoFunctionError", "there is none"), NO_FUNCTION, "there is none"),
    ("error in the call", error("call"), CRASHED, "ValueError: no"),
    ("error without a message", error("call", "KeyError", ""), CRASHED, "KeyError"),
    ("error in the state dict", error("checkpoint"), BAD, "could not be saved: ValueError: no"),
    ("error at an invented stage", error("ok"), CRASHED, "ValueError: no"),
    ("error at no stage", error(""), CRASHED, "ValueError: no"),
    ("_NoFunctionError raised in the call", error("call", "_NoFunctionError"), CRASHED, "_NoFunctionError"),
    ("MemoryError", error("call", "MemoryError", ""), MEMORY, "MemoryError"),
    ("MemoryError on import", error("import", "MemoryError"), MEMORY, "MemoryError"),
    (
        "torch's allocator",
        error("call", "RuntimeError", "DefaultCPUAllocator: can't allocate memory"),
        MEMORY,
        "allocator",
    ),
    ("broken stream", replace(FINE, stream_violation="a frame of unknown kind"), PROTOCOL, "unknown kind"),
    (
        "broken stream and everything else",
        replace(
            FINE,
            stream_violation="garbage",
            host_killed_for_time=True,
            container_oom_killed=True,
            container_ended=True,
            ended_by="time",
            oom_kills=1,
        ),
        PROTOCOL,
        "garbage",
    ),
]


@pytest.mark.parametrize(
    ("observed", "verdict", "detail"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_case(observed: Observation, verdict: Verdict, detail: str) -> None:
    """Each row: the observation leads to this verdict, and the sentence gives the reason."""
    judgement = judge(observed)
    assert judgement.verdict is verdict
    assert detail.lower() in judgement.detail.lower()


def test_every_verdict_has_a_case() -> None:
    """The table covers every verdict."""
    assert {verdict for _name, _observed, verdict, _detail in CASES} == set(Verdict)


def test_ok_needs_a_valid_checkpoint_in_time_whatever_else_is_claimed() -> None:
    """For all combinations of signals: ``ok`` if and only if a valid checkpoint arrived in time."""
    for result, problem, ended_by, killed, violation, exit_code, oom_kills in product(
        ("checkpoint", "error", "broken", "none"),
        ("", "bad"),
        ("", "time", "output", "result"),
        (False, True),
        ("", "garbage"),
        (0, 1, -9),
        (0, 1),
    ):
        observed = Observation(
            host_seconds=1.0,
            wall_limit_seconds=10.0,
            stream_violation=violation,
            host_killed_for_time=killed,
            ended_by=ended_by,
            exit_code=exit_code,
            oom_kills=oom_kills,
            result=result,
            checkpoint_problem=problem,
        )
        earned = (
            result == "checkpoint" and not problem and not killed and not violation and ended_by != "time"
        )
        judgement = judge(observed)
        assert (judgement.verdict is Verdict.OK) == earned, observed
        assert bool(judgement.detail) != earned, "a failure has a reason, and success needs none"
