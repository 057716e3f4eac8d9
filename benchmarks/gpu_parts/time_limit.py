"""The whole measurement ends in time, also if a device hangs: another process waits, and ends it.

A call of a driver that does not return holds up every thread and every signal handler of its process.
"""

from __future__ import annotations

import json
import os
import signal
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.gpu_parts.report import Report

_TICK_SECONDS: Final = 0.1
_DEATH_SECONDS: Final = 5.0


def run_within(seconds: float, work: Callable[[], int]) -> int | None:
    """Return what ``work`` returns in a forked child; None if it was killed because the time was over.

    The child leads a process group, and all of the group are killed. A child that a driver holds in the
    kernel is left behind. A child that ends by a signal counts as 1.
    """
    process = os.fork()
    if process == 0:
        code = 1
        try:
            os.setpgid(0, 0)
            code = work()
        except SystemExit as ending:
            code = ending.code if isinstance(ending.code, int) else 1
        except BaseException:  # noqa: BLE001 - printed, and no child may continue as its parent
            traceback.print_exc()
        finally:
            os._exit(code)
    try:
        status = _wait(process, seconds)
    except KeyboardInterrupt:
        _kill_group(process)
        raise
    if status is None:
        _kill_group(process)
        _wait(process, _DEATH_SECONDS)
        return None
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 1


def complete(file: Path, report: Report, chosen: Sequence[str], reason: str) -> None:
    """Complete the file of a measurement that was killed: the part in progress and later ones get the reason.

    Args:
        file: As far as the measurement has written it.
        report: As it was before the measurement, if there is no file yet.
        chosen: The parts, in order.
        reason: Why it was killed.
    """
    text = file.read_text() if file.exists() else json.dumps(report.as_json())
    content: dict[str, Any] = json.loads(text)
    rest = [part for part in chosen if part not in content["seconds"]]
    for number, part in enumerate(rest):
        if part in content["parts"]:  # what it had until then
            content["parts"][part]["stopped"] = reason
        elif number == 0:
            content["failed"][part] = reason
        else:
            content["skipped"][part] = reason
    new = file.with_name(file.name + ".new")
    new.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n")
    new.replace(file)


def _wait(process: int, seconds: float) -> int | None:
    """Return the wait status of a child that ends within so many seconds, or None."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        ended, status = os.waitpid(process, os.WNOHANG)
        if ended:
            return status
        time.sleep(_TICK_SECONDS)
    return None


def _kill_group(process: int) -> None:
    try:
        os.killpg(process, signal.SIGKILL)
    except ProcessLookupError:  # it has not made its group yet
        os.kill(process, signal.SIGKILL)
