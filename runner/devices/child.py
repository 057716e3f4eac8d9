"""The process of a device (``python -m runner.devices.child``): evaluates one task at a time.

It ends when its stdin does, because the command that started it has ended. An evaluation in progress is then
interrupted as by Ctrl-C: containers are removed, finished runs are saved.
"""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import BinaryIO, Final

from pydantic import BaseModel

from runner.challenge.challenge import Challenge
from runner.challenge.load import load_challenge
from runner.devices.protocol import Count, Ended, Failed, Interrupted, Scoring, Step, Task
from runner.errors import ConfigurationError, RunnerError
from runner.evaluation.evaluate import evaluate
from runner.execution.host_session import HostSession, host_session
from runner.execution.settings import Settings
from runner.progress import Reporter
from runner.results.summary import Summary
from runner.store.open_store import open_store
from runner.store.paths import archive_path
from runner.store.store import Store
from runner.submission.load import Submission, load_submission
from runner.tracebacks import save_traceback

INTERRUPTED: Final = 130
"""Exit code."""
_PENDING_SECONDS: Final = 0.2


class _Pipe:
    """Writes messages; a command that is gone is noticed by the end of stdin."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._lock = threading.Lock()

    def send(self, message: BaseModel) -> None:
        with self._lock:
            try:
                self._file.write(message.model_dump_json().encode() + b"\n")
                self._file.flush()
            except BrokenPipeError:
                pass


class _PipeReporter:
    """Reports progress to the command."""

    def __init__(self, pipe: _Pipe) -> None:
        self._pipe = pipe

    def step(self, text: str) -> None:
        self._pipe.send(Step(text=text))

    def count(self, text: str, done: int, total: int) -> None:
        self._pipe.send(Count(text=text, done=done, total=total))


@dataclass(frozen=True, slots=True)
class _Opened:
    """What tasks after each other share: an image, a device, a challenge, and a store."""

    key: tuple[object, ...]
    host: HostSession
    challenge: Challenge
    store: Store


@contextmanager
def _opened(task: Task, reporter: Reporter) -> Iterator[_Opened]:
    challenge = load_challenge(task.challenge)
    if challenge.sha256 != task.challenge_sha256:
        raise ConfigurationError(f"The challenge in {task.challenge} was changed meanwhile.")

    @contextmanager
    def entered() -> Iterator[Reporter]:
        yield reporter

    with (
        host_session(
            entered(),
            runtime=task.runtime,
            device=task.device,
            required_device=task.required_device,
            image=task.image,
        ) as host,
        closing(open_store(task.store, create=False)) as store,
    ):
        yield _Opened(_key(task), host, challenge, store)


def _key(task: Task) -> tuple[object, ...]:
    return (
        *(task.store, task.challenge, task.challenge_sha256, task.image),
        *(task.runtime, task.device, task.required_device),
    )


def _evaluate(task: Task, opened: _Opened, pipe: _Pipe) -> Summary:
    settings = Settings(
        n=task.n,
        keep_going=task.keep_going,
        keep_checkpoints=task.keep_checkpoints,
        isolation=task.isolation,
        placement=opened.host.placement,
        device=task.recorded_device,
        cores=task.cores,
        executed_on=task.executed_on,
    )
    return evaluate(
        opened.host.evaluation_context(opened.store, task.store),
        _submission(task),
        opened.challenge,
        settings,
        before_scoring=lambda: pipe.send(Scoring()),
    )


def _submission(task: Task) -> Submission:
    submission = load_submission(archive_path(task.store, task.submission_sha256))
    if submission.sha256 != task.submission_sha256:
        raise ConfigurationError(f"The stored archive {task.submission_sha256[:12]} was changed; restore it.")
    return replace(submission, name=task.submission_name)


class _Child:
    """Takes tasks and answers them; keeps open what the next task may need too."""

    def __init__(self, lines: BinaryIO, pipe: _Pipe) -> None:
        self._lines, self._pipe = lines, pipe
        self._tasks: queue.SimpleQueue[Task] = queue.SimpleQueue()

    def serve(self) -> None:
        """Answer tasks until the process is interrupted, which the end of its stdin does too."""
        threading.Thread(target=self._read, name="tasks", daemon=True).start()
        task = self._next()
        while True:
            answered = task
            try:
                with _opened(task, _PipeReporter(self._pipe)) as opened:
                    while _key(task) == opened.key:
                        self._answer(task, opened)
                        answered, task = task, self._next()
            except Exception as error:  # noqa: BLE001 - whatever it is, the command is to be told
                if task is not answered:
                    continue  # the task before was answered, and closing what it needed failed
                self._send_failure(error)
                task = self._next()

    def _answer(self, task: Task, opened: _Opened) -> None:
        try:
            summary = _evaluate(task, opened, self._pipe)
        except Exception as error:  # noqa: BLE001 - a bug that one submission shows must not stop the others
            self._send_failure(error)
        else:
            self._pipe.send(Ended(summary=summary.to_json()))

    def _send_failure(self, error: Exception) -> None:
        if isinstance(error, RunnerError):
            self._pipe.send(Failed.of(error))
        else:
            self._pipe.send(Failed.unforeseen(save_traceback(error)))

    def _next(self) -> Task:
        while True:
            try:
                return self._tasks.get(timeout=_PENDING_SECONDS)  # in portions, so that a signal is handled
            except queue.Empty:
                continue

    def _read(self) -> None:
        for line in self._lines:
            self._tasks.put(Task.model_validate_json(line))
        os.kill(os.getpid(), signal.SIGINT)


def _interrupt_once(_number: int, _frame: object) -> None:
    """Interrupt; another signal would disturb the removal of containers."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def main() -> None:
    """Serve the command at the other end of stdin and stdout."""
    with os.fdopen(os.dup(1), "wb") as file:
        os.dup2(2, 1)  # what a library prints is no message
        pipe = _Pipe(file)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _interrupt_once)
        try:
            _Child(sys.stdin.buffer, pipe).serve()
        except KeyboardInterrupt:
            pipe.send(Interrupted())
    sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
