"""`unlearn doctor` reports a missing engine in a table, in JSON and by its exit code, and changes nothing."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from runner.cli.doctor import _gpu_uuid
from runner.doctor.findings import Finding, Status
from runner.doctor.table import show_findings
from runner.errors import ConfigurationError


def doctor(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    no_engine = {"DOCKER_HOST": f"unix://{folder}/no-engine.sock", "HOME": str(folder)}
    return subprocess.run(
        [sys.executable, "-m", "runner.cli", "doctor", *arguments],
        cwd=folder,
        env={**os.environ, **no_engine},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def test_a_missing_engine_is_reported_with_exit_code_3(tmp_path: Path) -> None:
    """The table on stdout reports it; stderr holds one sentence and no traceback."""
    process = doctor(tmp_path)
    assert process.returncode == 3
    assert "No container engine answers" in process.stdout
    assert "that submissions can be run at all" in process.stdout
    assert process.stderr == "unlearn: This host is not ready for submissions: container engine.\n"


def test_json_reports_the_same_as_the_table(tmp_path: Path) -> None:
    """Stdout holds one JSON object; the exit code is the same."""
    process = doctor(tmp_path, "--json")
    result = json.loads(process.stdout)
    assert process.returncode == 3
    assert result["ready"] is False
    statuses = {finding["id"]: finding["status"] for finding in result["findings"]}
    assert statuses == {"engine": "broken", "store": "ok"}
    assert result["guarantees_not_given"] == ["that submissions can be run at all"]


@pytest.mark.parametrize("device", ["cuda", "gpu:0", "cuda:GPU-1;rm"])
def test_a_device_of_another_form_is_wrong_usage(device: str) -> None:
    """The command ends before it examines the host."""
    with pytest.raises(ConfigurationError, match="--device must be"):
        _gpu_uuid(device)


def test_a_gpu_that_nothing_lists_is_broken(tmp_path: Path) -> None:
    """Its checks are added to the others; without a driver there is no traceback."""
    process = doctor(tmp_path, "--json", "--device", "cuda:GPU-00000000-0000")
    result = json.loads(process.stdout)
    assert process.returncode == 3
    statuses = {finding["id"]: finding["status"] for finding in result["findings"]}
    assert statuses["gpu-device"] == "broken"
    assert len([name for name in statuses if name.startswith("gpu-")]) == 9


def test_a_missing_challenge_is_wrong_usage(tmp_path: Path) -> None:
    """The command ends with exit code 2 before it examines the host."""
    process = doctor(tmp_path, "--challenge", str(tmp_path / "none"))
    assert process.returncode == 2
    assert "No challenge exists" in process.stderr
    assert not process.stdout


def test_doctor_writes_nothing(tmp_path: Path) -> None:
    """The check of the store neither writes a file nor creates the folder."""
    doctor(tmp_path, "--store", str(tmp_path / "new" / "store"))
    assert not (tmp_path / "new").exists()


def test_text_from_the_engine_is_shown_as_plain_text() -> None:
    """Markup is not interpreted; escape sequences and line breaks are removed."""
    output = io.StringIO()
    hostile = Finding(id="x", title="X", status=Status.OK, observation="[red]a\x1b[2Jb\nc", advice="[bold]d")
    show_findings([hostile], Console(file=output, width=100))
    assert "[red]a" in output.getvalue()
    assert "[bold]d" in output.getvalue()
    assert "\x1b" not in output.getvalue()
    assert "none: all checked guarantees hold" in output.getvalue()


def shown(*statuses: Status, verbose: bool = False) -> list[str]:
    output = io.StringIO()
    title = "Attack with a name that is far longer than the titles of all other checks"
    findings = [
        Finding(id=str(at), title=title if at == 0 else f"Check{at}", status=status, observation="seen " * 12)
        for at, status in enumerate(statuses)
    ]
    show_findings(findings, Console(file=output, width=80), verbose=verbose)
    return output.getvalue().splitlines()


WARNING, OK, MISSING, BROKEN = Status.WARNING, Status.OK, Status.NOT_AVAILABLE, Status.BROKEN


@pytest.mark.parametrize(
    ("statuses", "verdict"),
    [
        ((OK, MISSING), "ready"),
        ((OK, WARNING), "ready, with 1 warning"),
        ((WARNING, OK, WARNING, MISSING), "ready, with 2 warnings"),
        ((OK, WARNING, BROKEN, BROKEN), "not ready: check2, check3"),
    ],
)
def test_the_verdict_comes_first(statuses: tuple[Status, ...], verdict: str) -> None:
    """Below it is only what is not ok; the rest is counted, and shown with -v."""
    lines = shown(*statuses)
    assert lines[0] == verdict
    bad = sum(status in (WARNING, BROKEN) for status in statuses)
    assert sum(line.strip().startswith(("warning", "broken")) for line in lines) == bad
    assert not any(line.strip().startswith(("ok ", "not available ")) for line in lines)
    assert any(line.startswith(f"{len(statuses) - bad} more are ok or not needed") for line in lines)
    assert sum("Check" in line for line in shown(*statuses, verbose=True)) == len(statuses) - 1


def test_a_long_title_does_not_squeeze_the_observations() -> None:
    """Of 80 columns more than 40 are for what was observed."""
    assert max(line.count("seen") for line in shown(WARNING, WARNING)) >= 8
