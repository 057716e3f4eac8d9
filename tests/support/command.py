"""The commands, as a user types them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.support.paths import ROOT

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


def type_command(*words: object, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    """Type a command and return its end, whatever it is."""
    return subprocess.run(
        command_line(*words),
        cwd=cwd,
        env=command_environment(**environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


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


def unlearn(*words: object, code: int = 0, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Type a command and require its exit code, and that no traceback was shown."""
    ended = type_command(*words, cwd=cwd)
    assert ended.returncode == code, ended.stderr
    assert "Traceback" not in ended.stderr
    return ended
