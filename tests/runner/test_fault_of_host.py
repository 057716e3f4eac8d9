"""What the host did to a run is no verdict on the run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from runner.verdict import HOST_GRACE_SECONDS, Observation, RunError, fault_of_host

FINE = Observation(
    host_seconds=1.0, wall_limit_seconds=10.0, ended_by="result", result="checkpoint", run_seconds=1.0
)
SILENT = replace(FINE, ended_by="", result="none")
KILLED = replace(SILENT, exit_code=-9, oom_kills=1)
LATE = 10.0 + HOST_GRACE_SECONDS + 5.0
WORKER_KILLED = RunError(
    stage="call", type="RuntimeError", message="DataLoader worker was killed", traceback=""
)
NO_THREAD = replace(WORKER_KILLED, message="can't start new thread")
NO_PROCESS = replace(
    WORKER_KILLED, type="BlockingIOError", message="[Errno 11] Resource temporarily unavailable"
)

OURS = {
    "no room around the container for a thread": replace(
        SILENT, result="error", error=NO_THREAD, exit_code=1, processes_ran_short=True
    ),
    "no room around the container for a process": replace(
        SILENT, result="error", error=NO_PROCESS, exit_code=1, processes_ran_short=True
    ),
    "a memory kill below its own limit": replace(KILLED, memory_limit_reached=False),
    "the same of a loader's worker": replace(
        SILENT, oom_kills=2, exit_code=1, result="error", error=WORKER_KILLED, memory_limit_reached=False
    ),
    "the same, and it went on until its time was over": replace(
        SILENT, oom_kills=1, ended_by="time", memory_limit_reached=False
    ),
    "paused beyond its limit": replace(SILENT, ended_by="time", frozen_seconds=15.0, host_seconds=20.0),
    "paused, and done when it went on": replace(
        FINE, frozen_seconds=15.0, host_seconds=LATE, run_seconds=LATE
    ),
    "its end arrived late": replace(FINE, host_seconds=LATE),
    "never set up": replace(SILENT, started=False, exit_code=1),
    "never set up in all its time": replace(SILENT, started=False, ended_by="time"),
    "killed for memory while it was set up": replace(KILLED, started=False, memory_limit_reached=True),
}
ITS_OWN = {
    "more threads than it may have": replace(SILENT, result="error", error=NO_THREAD, exit_code=1),
    "another error, where there is no room around the container": replace(
        SILENT, result="error", error=WORKER_KILLED, exit_code=1, processes_ran_short=True
    ),
    "fine": FINE,
    "a memory kill at its own limit": replace(KILLED, memory_limit_reached=True),
    "a memory kill, and nobody knows of the limit": KILLED,
    "fine, though a child was killed for the host's memory": replace(
        FINE, oom_kills=1, memory_limit_reached=False
    ),
    "too slow": replace(SILENT, ended_by="time", run_seconds=10.0, host_seconds=10.1),
    "too slow, and the supervisor says so": replace(FINE, host_seconds=LATE, run_seconds=LATE),
    "paused for a moment, and in time": replace(FINE, frozen_seconds=2.0, host_seconds=4.0),
    "crashed": replace(SILENT, exit_code=1),
    "a stream that broke its rules, whatever else it claims": replace(
        SILENT, stream_violation="garbage", started=False, frozen_seconds=9.0, ended_by="time"
    ),
    "the container ended with it": replace(
        SILENT, container_ended=True, container_exit_code=2, run_seconds=None
    ),
    "an earlier image that tells less": replace(SILENT, exit_code=-9, oom_kills=1, run_seconds=None),
}


@pytest.mark.parametrize("name", OURS)
def test_the_host_is_to_blame(name: str) -> None:
    """One sentence says why, for the attempt that is recorded."""
    assert fault_of_host(OURS[name]).endswith(".")


@pytest.mark.parametrize("name", ITS_OWN)
def test_the_run_is_judged(name: str) -> None:
    """By what it did."""
    assert fault_of_host(ITS_OWN[name]) == ""
