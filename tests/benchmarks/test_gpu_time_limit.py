"""`benchmarks/gpu.py` ends in time, also if a device holds it up, and loses nothing that it has measured."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.gpu_parts.report import Report
from benchmarks.gpu_parts.report_file import read_measurements
from benchmarks.gpu_parts.time_limit import complete, run_within


def hang() -> int:
    """Like a driver's call that does not return: deaf to signals that can be ignored, and with a child."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM):
        signal.signal(number, signal.SIG_IGN)
    os.fork()
    time.sleep(600)
    return 0


def end_by_signal() -> int:
    os.kill(os.getpid(), signal.SIGSEGV)
    return 0


@pytest.mark.parametrize(
    ("work", "seconds", "code"),
    [
        (lambda: 0, 30.0, 0),
        (lambda: 3, 30.0, 3),
        (lambda: sys.exit(2), 30.0, 2),
        (end_by_signal, 30.0, 1),
        (hang, 0.5, None),
    ],
)
def test_the_work_ends_by_itself_or_in_time(
    work: Callable[[], int], seconds: float, code: int | None
) -> None:
    """With its exit code; a crash is 1; None means that it was killed."""
    began = time.monotonic()
    assert run_within(seconds, work) == code
    assert time.monotonic() - began < 20


def test_all_of_a_killed_measurement_is_gone(tmp_path: Path) -> None:
    """Its children too, if they are of its group."""

    def work() -> int:
        if os.fork() == 0:
            (tmp_path / "child").write_text(str(os.getpid()))
        return hang()

    assert run_within(1.5, work) is None
    child = int((tmp_path / "child").read_text())
    deadline = time.monotonic() + 20
    while Path(f"/proc/{child}/stat").exists() and "Z" not in Path(f"/proc/{child}/stat").read_text().split():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_file_says_what_was_stopped(tmp_path: Path) -> None:
    """A part in progress keeps what it had, the next ones are skipped, and ended ones stay."""
    report = Report(path=tmp_path / "gpu.json", device="cuda", small=False)
    report.skipped = {"f": "not asked for"}
    complete(report.path, report, "abd", "stopped")
    content = read_measurements(report.path)
    assert (content.failed, set(content.skipped)) == ({"a": "stopped"}, {"b", "d", "f"})

    report.parts, report.seconds = {"a": {"cores": 2}, "b": {"alone": 1}}, {"a": 1.0}
    report.write()
    complete(report.path, report, "abd", "stopped")
    content = read_measurements(report.path)
    assert content.parts == {"a": {"cores": 2}, "b": {"alone": 1, "stopped": "stopped"}}
    assert (content.failed, set(content.skipped)) == ({}, {"d", "f"})
    assert json.loads(report.path.read_text())["seconds"] == {"a": 1.0}
