"""`unlearn shell` on a real container: a program on stdin sees the data, and can write to the folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from runner.challenge.challenge import Challenge
from tests.support.paths import ROOT

pytestmark = pytest.mark.container

PROGRAM = """
import os
image = next(iter(retain))["image"]
print(tuple(net(image).shape), sorted(os.listdir(".")))
open("written", "w").write("by the shell")
print(os.path.exists("/inputs/test"), open("mine.py").read())
"""


@pytest.mark.slow
def test_a_program_has_what_a_submission_gets(challenge: Challenge, tmp_path: Path) -> None:
    """And the files of the folder; an exception is exit code 1."""
    (tmp_path / "mine.py").write_text("steps = 3")
    words = [sys.executable, "-m", "runner.cli", "shell", str(tmp_path), "-c", str(challenge.folder)]
    done = subprocess.run(words, input=PROGRAM, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["(64, 10) ['mine.py']", "False steps = 3"]
    assert (tmp_path / "written").read_text() == "by the shell"
    assert "not sealed" in done.stderr
    done = subprocess.run(words, input="1/0", capture_output=True, text=True, cwd=ROOT, check=False)
    assert (done.returncode, "ZeroDivisionError" in done.stderr) == (1, True)
