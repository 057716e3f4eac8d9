"""Check that the host refuses a hostile file: offer it to `unlearn run` in a process with a deadline."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from runner.engine.placement import Isolation
from runner.errors import ConfigurationError
from runner.gallery.attacks import Attack
from runner.gallery.batches import Role
from runner.gallery.judge import Result, judge_refusal
from runner.submission.load import load_submission

_SECONDS: Final = 60.0
_NO_SCORE: Final = 1
"""Exit code where a submission earned no score."""


def attempt_refusal(
    attack: Attack, *, make: Callable[[Role], Path], challenge: Path, runtime: str, isolation: Isolation
) -> Result:
    """Offer the attack's file to ``unlearn run`` and its control's file to the loader."""
    problems: list[str] = []
    try:
        load_submission(make("control"))
    except ConfigurationError as error:
        problems.append(f"its control was refused: {error}")
    refusal: str | None = None
    with tempfile.TemporaryDirectory(prefix="unlearn-gallery-") as folder:
        command = [sys.executable, "-m", "runner.cli", "run", str(make("attack")), "-n", "2"]
        try:
            process = subprocess.run(
                [*command, "--challenge", str(challenge), "--store", folder, "--json"],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            problems.append(f"the command did not finish within {_SECONDS:g} s")
        else:
            message = process.stderr.decode(errors="replace")
            if "Traceback" in message:
                problems.append("the command printed a traceback")
            if process.returncode == _NO_SCORE and _is_refused(process.stdout):
                refusal = message.strip()
            else:
                problems.append(f"the command ended with exit code {process.returncode}")
    return judge_refusal(
        attack=attack, runtime=runtime, isolation=isolation, refusal=refusal, problems=problems
    )


def _is_refused(output: bytes) -> bool:
    """Return whether the command's JSON says that the files are no submission."""
    try:
        summary = json.loads(output)
    except ValueError:
        return False
    return isinstance(summary, dict) and summary.get("refused") is True
