"""`unlearn doctor` as it is typed, where no engine answers; and its table."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

from rich.console import Console

from runner.doctor.findings import Finding, Status
from runner.doctor.table import show_findings


def doctor(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    nowhere = {"DOCKER_HOST": f"unix://{folder}/no-engine.sock", "HOME": str(folder)}
    return subprocess.run(
        [sys.executable, "-m", "runner.cli", "doctor", *arguments],
        cwd=folder,
        env={**os.environ, **nowhere},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def test_no_engine_gives_a_table_and_exit_code_3(tmp_path: Path) -> None:
    """The table says so, stderr says it in one sentence, and nothing is a traceback."""
    done = doctor(tmp_path)
    assert done.returncode == 3
    assert "No container engine answers" in done.stdout
    assert "that submissions can be run at all" in done.stdout
    assert done.stderr == "unlearn: This host is not ready for submissions: container engine.\n"


def test_json_says_the_same(tmp_path: Path) -> None:
    """One object on stdout, with the same exit code."""
    done = doctor(tmp_path, "--json")
    said = json.loads(done.stdout)
    assert done.returncode == 3
    assert said["ready"] is False
    assert {one["id"]: one["status"] for one in said["findings"]} == {"engine": "broken", "store": "ok"}
    assert said["guarantees_not_given"] == ["that submissions can be run at all"]


def test_no_such_challenge_is_wrong_usage(tmp_path: Path) -> None:
    """Exit code 2, before the host is looked at."""
    done = doctor(tmp_path, "--challenge", str(tmp_path / "none"))
    assert done.returncode == 2
    assert "There is no challenge" in done.stderr
    assert not done.stdout


def test_nothing_is_written(tmp_path: Path) -> None:
    """Looking whether the store can be written leaves nothing there, not even the folder."""
    doctor(tmp_path, "--store", str(tmp_path / "kept" / "here"))
    assert not (tmp_path / "kept").exists()


def test_what_the_engine_says_is_shown_as_plain_text() -> None:
    """No markup, no escape sequence, no second line."""
    shown = io.StringIO()
    odd = Finding(id="x", title="X", status=Status.OK, found="[red]a\x1b[2Jb\nc", advice="[bold]d")
    show_findings([odd], Console(file=shown, width=100))
    assert "[red]a" in shown.getvalue()
    assert "[bold]d" in shown.getvalue()
    assert "\x1b" not in shown.getvalue()
    assert "none that was looked for is missing" in shown.getvalue()
