"""Run commands in forks of a process that has imported them: importing costs more than most commands do.

A command is still a process of its own, with its own environment, current folder, stdout and stderr; it ends
with an exit code, and nothing that it changes lasts. What is decided when an interpreter starts (the encoding
of its streams, for one) needs a real start: `tests.support.command` uses one where ``PYTHON...`` is changed.
"""

from __future__ import annotations

import gc
import importlib
import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any, Final, NoReturn

from tests.support.paths import ROOT

_PRELOADED: Final = (
    "runner.cli.main",
    "runner.cli.challenge",
    "runner.cli.clean",
    "runner.cli.export",
    "runner.cli.list",
    "runner.cli.participant.report",
    "runner.cli.run",
    "runner.cli.score",
    "runner.cli.verify",
    "sklearn.discriminant_analysis",
    "sklearn.ensemble",
    "sklearn.model_selection",
    "sklearn.svm",
)


class CommandServer:
    """A process that runs one command after another, each in a fork; it ends with the process that made it."""

    def __init__(self) -> None:
        """Start the process."""
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.tools.command_server"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(
        self,
        words: list[str],
        *,
        cwd: Path,
        environment: dict[str, str],
        encoding: str = "utf-8",
        address_space: int | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command and return its end.

        Args:
            words: What is typed after the command's name.
            cwd: Its current folder.
            environment: All of its environment.
            encoding: Of its stdout and stderr.
            address_space: Bytes of address space that it may use.
        """
        with tempfile.TemporaryDirectory() as folder, self._lock:
            out, err = Path(folder) / "stdout", Path(folder) / "stderr"
            request = {
                "words": words,
                "cwd": str(cwd),
                "environment": environment,
                "encoding": encoding,
                "address_space": address_space,
                "out": str(out),
                "err": str(err),
            }
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            code = int(self._process.stdout.readline())
            return subprocess.CompletedProcess(
                words, code, *(file.read_text(errors="surrogateescape") for file in (out, err))
            )


def _serve() -> None:
    for name in _PRELOADED:
        importlib.import_module(name)
    gc.freeze()
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _execute(json.loads(line))
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def _execute(request: dict[str, Any]) -> NoReturn:
    """Become the command: never return, whatever it does."""
    code = 70
    try:
        for place, (target, flags) in enumerate(
            (
                (os.devnull, os.O_RDONLY),
                (request["out"], os.O_WRONLY | os.O_CREAT),
                (request["err"], os.O_WRONLY | os.O_CREAT),
            )
        ):
            descriptor = os.open(target, flags, 0o600)
            os.dup2(descriptor, place)
            os.close(descriptor)
        os.environ.clear()
        os.environ.update(request["environment"])
        os.chdir(request["cwd"])
        sys.argv = ["unlearn", *request["words"]]
        for stream in (sys.stdout, sys.stderr):
            assert isinstance(stream, io.TextIOWrapper)
            stream.reconfigure(encoding=request["encoding"])
        if request["address_space"] is not None:
            resource.setrlimit(resource.RLIMIT_AS, (request["address_space"],) * 2)
        from runner.cli.main import main

        try:
            main()
            code = 0
        except SystemExit as ending:
            code = ending.code if isinstance(ending.code, int) else int(ending.code is not None)
        sys.stdout.flush()
        sys.stderr.flush()
        for thread in threading.enumerate():
            if thread is not threading.current_thread() and not thread.daemon:
                thread.join()
    finally:
        os._exit(code)


if __name__ == "__main__":
    _serve()
