"""The commands, as a user types them."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.support.paths import ROOT
from tests.tools.command_server import CommandServer

QUICK_BUILD: Final = (
    *("--references", 2, "--epochs", 1, "--forget-fraction", 0.1),
    *("--concurrency", 1, "--cpus", 1),
)
"""Options with which `unlearn challenge build` takes seconds."""


def command_line(*words: object) -> list[str]:
    """Return what starts a command of this checkout, wherever its current folder is."""
    return [sys.executable, "-m", "runner.cli", *map(str, words)]


def command_environment(**changes: str) -> dict[str, str]:
    """Return this process's environment for `command_line`, with changes."""
    return {**os.environ, "PYTHONPATH": str(ROOT), **changes}


def type_command(
    *words: object, cwd: Path = ROOT, address_space: int | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Type a command and return its end, whatever it is.

    Bytes that are no text are surrogates in its stdout and stderr. What an interpreter decides by its
    environment when it starts, but for the encoding of its streams, needs `type_in_new_interpreter`.
    """
    return _server().run(
        [str(word) for word in words],
        cwd=cwd,
        environment=command_environment(**environment),
        encoding=environment.get("PYTHONIOENCODING", "utf-8"),
        address_space=address_space,
    )


def type_in_new_interpreter(*words: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Type a command as `type_command` does, in an interpreter of its own."""
    return subprocess.run(
        command_line(*words),
        cwd=ROOT,
        env=command_environment(**environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="surrogateescape",
        check=False,
    )


@functools.cache
def _server() -> CommandServer:
    return CommandServer()


def start_command(*words: object, **environment: str) -> subprocess.Popen[str]:
    """Start a command whose stdout and stderr can be read, and return its process."""
    return subprocess.Popen(
        command_line(*words),
        cwd=ROOT,
        env=command_environment(**environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def unlearn(
    *words: object, code: int = 0, cwd: Path = ROOT, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Type a command and require its exit code, and that no traceback was shown."""
    ended = type_command(*words, cwd=cwd, address_space=None, **(environment or {}))
    assert ended.returncode == code, ended.stderr
    assert "Traceback" not in ended.stderr
    return ended
