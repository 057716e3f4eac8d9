"""The process of a fake device: answers tasks by the name of the submission, without engine or challenge.

Run as a script. ``ok``: a score after some progress. ``lost``, ``host``, ``busy``, ``bug``: such an error.
``die``: the process is killed. ``wait``: it runs until it is interrupted. ``noise``: no message, then the end.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from runner.devices.protocol import Count, Ended, Failed, Interrupted, Scoring, Step, Task
from runner.errors import BusyError, HostNotReadyError, RunnerError, SandboxLostError

ERRORS: dict[str, RunnerError] = {
    "lost": SandboxLostError("It went away."),
    "host": HostNotReadyError("The engine does not answer."),
    "busy": BusyError("Another process has it."),
}


def send(message: Count | Ended | Failed | Interrupted | Scoring | Step) -> None:
    sys.stdout.write(message.model_dump_json() + "\n")
    sys.stdout.flush()


def _interrupt(_number: int, _frame: object) -> None:
    send(Interrupted())
    os._exit(130)


def answer(task: Task) -> None:
    name = task.submission_name
    kind = name.partition("-")[0]
    with Path(os.environ["FAKE_DEVICE_LOG"]).open("a") as log:
        log.write(f"{task.executed_on} {name} {os.getpid()}\n")
    if kind == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if kind == "noise":
        sys.stdout.write("this is no message\n")
        sys.exit(7)
    send(Step(text=f"{name}: starting containers"))
    send(Count(text=f"{name}: runs", done=0, total=task.n))
    while kind == "wait":
        time.sleep(0.05)
    if kind == "bug":
        send(Failed.unforeseen("An unforeseen error ended the command (KeyError: 'x')."))
        return
    if kind in ERRORS:
        send(Failed.of(ERRORS[kind]))
        return
    send(Count(text=f"{name}: runs", done=task.n, total=task.n))
    send(Scoring())
    summary = {
        "schema_version": 1,
        "evaluation": "e",
        "submission": name,
        "challenge": "c",
        "n": task.n,
        "verdicts": {"ok": task.n},
        "score": 0.5,
        "seconds": 1.0,
    }
    send(Ended(summary=summary))


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    for line in sys.stdin:
        answer(Task.model_validate_json(line))


if __name__ == "__main__":
    main()
