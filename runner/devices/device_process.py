"""The process that evaluates on a device, as the command sees it: tasks in, summaries or errors out."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any, Final

from runner.devices.device import Device
from runner.devices.protocol import (
    MAX_LINE_BYTES,
    Count,
    Ended,
    Failed,
    Interrupted,
    Scoring,
    Step,
    Task,
    message_of,
)
from runner.errors import SandboxLostError
from runner.progress import Reporter
from runner.results.summary import Summary
from runner.sanitize import sanitize_line

CHILD: Final = (sys.executable, "-m", "runner.devices.child")
_REMARK_BYTES: Final = 4096
_PATIENCE_SECONDS: Final = 60.0
"""In which a process that is to end removes its containers; then it is killed, and the next command does."""


class InterruptedEvaluationError(BaseException):
    """The evaluation was interrupted: it is nobody's failure, and finished runs are saved."""


class DeviceProcess:
    """A process for a device: started when it is needed, and again after it has ended unexpectedly.

    `evaluate` is called by one thread at a time, `interrupt` by any.
    """

    def __init__(self, device: Device, *, command: Sequence[str] = CHILD, folder: Path | None = None) -> None:
        """Prepare; nothing is started yet.

        Args:
            device: On which it evaluates.
            command: Starts a process that speaks `runner.devices.protocol`.
            folder: In which it is started; None for the present one.
        """
        self.device = device
        self._command, self._folder = list(command), folder
        self._process: subprocess.Popen[bytes] | None = None
        self._remarks: IO[bytes] | None = None
        self._lock = threading.Lock()
        self._interrupted = False

    @property
    def pid(self) -> int | None:
        """Return the process's number; None while there is none."""
        process = self._process
        return process.pid if process is not None else None

    def evaluate(
        self, task: Task, reporter: Reporter, before_scoring: Callable[[], object] = lambda: None
    ) -> Summary:
        """Evaluate.

        Args:
            task: What is evaluated, on this device.
            reporter: Receives the progress.
            before_scoring: Called once all runs have ended, unless a result is stored already.

        Raises:
            RunnerError: as `runner.evaluation.evaluate.evaluate`; SandboxLostError also if the process ends.
            UnforeseenError: an error that nobody foresaw, whose traceback is saved.
            InterruptedEvaluationError: `interrupt` was called.
        """
        process = self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        with contextlib.suppress(OSError):  # it has ended, as is noticed below
            process.stdin.write(task.model_dump_json().encode() + b"\n")
            process.stdin.flush()
        while line := process.stdout.readline(MAX_LINE_BYTES):
            try:
                message = message_of(line)
            except ValueError:
                break
            if isinstance(message, Step):
                reporter.step(message.text)
            elif isinstance(message, Count):
                reporter.count(message.text, message.done, message.total)
            elif isinstance(message, Scoring):
                before_scoring()
            elif isinstance(message, Ended):
                return Summary.from_json(message.summary)
            elif isinstance(message, Failed):
                raise message.as_error()
            elif isinstance(message, Interrupted):
                break
        raise self._ended_early(process)

    def interrupt(self) -> None:
        """Interrupt what is evaluated; the process ends, and no other is started."""
        with self._lock:
            self._interrupted = True
            if self._process is not None and self._process.poll() is None:
                self._process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """Kill the process: what it leaves behind is removed by the next command."""
        with self._lock:
            self._interrupted = True
            if self._process is not None and self._process.poll() is None:
                self._process.kill()

    def close(self) -> None:
        """End the process, and wait until it has removed what it started."""
        with self._lock:
            self._interrupted = True
            process = self._process
        if process is not None:
            self._end(process)

    def _started(self) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._interrupted:
                raise InterruptedEvaluationError
            if self._process is not None and self._process.poll() is None:
                return self._process
            ended = self._process
        if ended is not None:
            self._end(ended)
        with self._lock:
            if self._interrupted:
                raise InterruptedEvaluationError
            self._remarks = tempfile.TemporaryFile()  # noqa: SIM115 - `_end` closes it
            self._process = subprocess.Popen(  # noqa: S603 - a command of this project
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._remarks,
                cwd=self._folder,
                start_new_session=True,  # a terminal's Ctrl-C is the command's alone
            )
            return self._process

    def _ended_early(self, process: subprocess.Popen[bytes]) -> BaseException:
        code, remark = self._end(process)
        if self._interrupted:
            return InterruptedEvaluationError()
        how = f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
        return SandboxLostError(
            f"The process that evaluates on {self.device.name} was ended {how}"
            f"{f' ({remark})' if remark else ''}; finished runs are saved."
        )

    def _end(self, process: subprocess.Popen[bytes]) -> tuple[int, str]:
        """Let a process end; return its exit code, and the last line that it wrote to stderr."""
        if process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()
        try:
            code = process.wait(_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        if process.stdout is not None:
            process.stdout.close()
        with self._lock:
            if self._process is process:
                self._process = None
            remarks, self._remarks = self._remarks, None
        return code, _last_line(remarks)


def _last_line(file: IO[bytes] | None) -> str:
    """Return the last line of a file, and close it."""
    if file is None:
        return ""
    with file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _REMARK_BYTES))
        lines = file.read(_REMARK_BYTES).decode(errors="replace").strip().splitlines()
    return sanitize_line(lines[-1], 200) if lines else ""


def task_values(device: Device) -> dict[str, Any]:
    """Return the fields of a task that follow from its device."""
    return {
        "device": device.requested,
        "recorded_device": device.recorded,
        "executed_on": device.name,
        "cores": device.cores,
    }
