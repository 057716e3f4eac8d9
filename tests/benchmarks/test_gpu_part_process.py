"""`benchmarks/gpu.py` ends in time, also if a device holds a part up, and no part costs another its values."""

from __future__ import annotations

import ctypes
import faulthandler
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks import gpu
from benchmarks.gpu_parts import part_process
from benchmarks.gpu_parts.part_process import PartSkippedError, Values, measure_apart, stop_on_signals
from benchmarks.gpu_parts.report import UNDER_WAY, Report
from benchmarks.gpu_parts.report_file import read_measurements
from benchmarks.gpu_parts.time_budget import TimeBudget
from tests.support.paths import ROOT

OnWay = Callable[[Values], None]
PROGRAM = """
import os, signal, sys, time
from pathlib import Path
sys.path.insert(0, ".")
import benchmarks.gpu as gpu
from benchmarks.gpu_parts.report import Report
from benchmarks.gpu_parts.time_budget import TimeBudget

def measure(part, given):
    if part == "b":
        given.on_way({"tried": 1})
        print("b", flush=True)
        time.sleep(600)
    return {"part": part}

gpu.measure = measure
report = Report(path=Path(sys.argv[1]), device="cpu", small=True)
sys.exit(gpu.run_parts(report, ["a", "b", "c"], TimeBudget(float(sys.argv[2]), {"a": 1, "b": 1, "c": 1}), {}))
"""
"""Part (b) does not end."""


@pytest.fixture(autouse=True)
def own_children_only() -> Iterator[None]:
    """Processes that lose their parent are given to this one only as long as a test needs it."""
    yield
    ctypes.CDLL(None).prctl(36, 0, 0, 0, 0)


def hang(_on_way: OnWay) -> Values:
    """Like a driver's call that does not return: deaf to signals that can be ignored."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    time.sleep(600)
    return {}


def crash_on_way(on_way: OnWay) -> Values:
    on_way({"ways": 1})
    on_way({"ways": 2})
    faulthandler.disable()  # pytest has it write where it would look like a fault of the tests
    os.kill(os.getpid(), signal.SIGSEGV)
    return {}


def leave(_on_way: OnWay) -> Values:
    sys.exit(3)


def skip(_on_way: OnWay) -> Values:
    raise PartSkippedError("safetensors is not installed")


def odd_values(_on_way: OnWay) -> Values:
    return {"infinite": float("inf"), "path": Path("/x"), "none": None}


@pytest.mark.parametrize(
    ("work", "seconds", "values", "error", "skipped"),
    [
        (lambda _on_way: {"cores": 2}, 30.0, {"cores": 2}, "", ""),
        (odd_values, 30.0, {"infinite": float("inf"), "path": "/x", "none": None}, "", ""),
        (lambda _on_way: {"text": "x" * 500_000}, 30.0, {"text": "x" * 500_000}, "", ""),
        (crash_on_way, 30.0, {"ways": 2}, "its process was ended by SIGSEGV", ""),
        (lambda _on_way: os._exit(0), 30.0, {}, "its process ended without a result", ""),
        (leave, 30.0, {}, "SystemExit: 3", ""),
        (lambda _on_way: 1 / 0, 30.0, {}, "ZeroDivisionError: division by zero", ""),
        (skip, 30.0, {}, "", "safetensors is not installed"),
        (hang, 1.0, {}, "stopped after 1 s", ""),
    ],
)
def test_whatever_a_part_does_its_outcome_is_known(
    work: Callable[[OnWay], Any], seconds: float, values: Values, error: str, skipped: str
) -> None:
    """Its values, also those on the way, or why there are none; in time."""
    began = time.monotonic()
    outcome = measure_apart(work, seconds)
    assert (outcome.values, outcome.error, outcome.skipped) == (values, error, skipped)
    assert time.monotonic() - began < 20


@pytest.mark.parametrize("has_session", [False, True])
def test_the_children_of_a_part_end_with_it(tmp_path: Path, has_session: bool) -> None:
    """Also one in a session of its own, as runs have it, that would hold the device for the next part."""

    def work(on_way: OnWay) -> Values:
        if os.fork() == 0:
            if has_session:
                os.setsid()
            (tmp_path / "new").write_text(str(os.getpid()))
            (tmp_path / "new").rename(tmp_path / "child")
            time.sleep(600)
        return hang(on_way)

    assert measure_apart(work, 3.0).error == "stopped after 3 s"
    assert not Path("/proc", (tmp_path / "child").read_text()).exists()


def test_other_children_of_the_program_are_left_alone() -> None:
    """They were there before."""
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        measure_apart(lambda _on_way: {}, 30.0)
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_measurement_leaves_a_whole_file(tmp_path: Path, number: signal.Signals) -> None:
    """The part in progress keeps what it had, ended ones stay, and the next ones are skipped with the reason."""
    file = tmp_path / "gpu.json"
    command = [sys.executable, "-c", PROGRAM, str(file), "600"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == b"b\n"
        program.send_signal(number)
        assert program.wait(timeout=30) == 1
    content, reason = read_measurements(file), f"stopped by {number.name}"
    assert content.parts == {"a": {"part": "a"}, "b": {"tried": 1, "stopped": reason}}
    assert (content.failed, content.skipped) == ({}, {"c": reason})


def test_a_part_that_hangs_costs_no_other_its_values(tmp_path: Path) -> None:
    """It is stopped, the file says so, and the next part is measured."""
    program = PROGRAM.replace("small=True", "small=False")
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "gpu.json"), "9"], cwd=ROOT, timeout=60, check=False
    )
    content = read_measurements(tmp_path / "gpu.json")
    assert done.returncode == 1
    assert content.parts.keys() == {"a", "b", "c"}
    assert "stopped after" in str(content.parts["b"]["stopped"])
    assert content.parts["c"] == {"part": "c"}


def test_values_on_the_way_are_in_the_file_at_once(tmp_path: Path) -> None:
    """Whatever ends the program itself: SIGKILL for want of memory, a machine that is taken away."""
    file = tmp_path / "gpu.json"
    command = [sys.executable, "-c", PROGRAM, str(file), "600"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == b"b\n"
        deadline = time.monotonic() + 20
        while "b" not in read_measurements(file).parts and time.monotonic() < deadline:
            time.sleep(0.05)
        program.kill()
    content = read_measurements(file)
    assert content.parts == {"a": {"part": "a"}, "b": {"tried": 1, "stopped": UNDER_WAY}}
    assert content.seconds.keys() == {"a"}


def test_values_on_the_way_are_handed_on_as_they_come() -> None:
    """To the program, which writes them; the last ones are the outcome."""
    seen: list[Values] = []
    outcome = measure_apart(crash_on_way, 30.0, on_way=lambda values: seen.append(dict(values)))
    assert seen[-1] == outcome.values == {"ways": 2}


@pytest.mark.parametrize(
    ("error", "skipped", "place"), [("", "", "parts"), ("Error: x", "", "failed"), ("", "y", "skipped")]
)
def test_the_end_of_a_part_replaces_what_it_had_on_the_way(
    tmp_path: Path, error: str, skipped: str, place: str
) -> None:
    """A part has one place in the file."""
    report = Report(path=tmp_path / "gpu.json", device="cpu", small=True)
    report.add_so_far("d", {"runs": 1})
    report.add("d", {} if error or skipped else {"runs": 2}, error, skipped, 1.0)
    report.write()
    content = read_measurements(report.path).model_dump()
    assert [name for name in ("parts", "failed", "skipped") if "d" in content[name]] == [place]
    assert content["parts"] == ({"d": {"runs": 2}} if place == "parts" else {})


def test_a_part_that_hangs_at_the_end_does_not_make_it_later_than_promised() -> None:
    """Nine minutes, in which its end is counted."""
    assert gpu._SECONDS + part_process.OVERTIME_SECONDS < 9 * 60
    assert part_process.OVERTIME_SECONDS >= 3 * part_process._DEATH_SECONDS


def test_no_part_is_begun_without_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each that hangs then would take some seconds more."""
    monkeypatch.setattr(gpu, "measure", lambda _part, _given: {})
    report = Report(path=tmp_path / "gpu.json", device="cpu", small=True)
    now = [0.0]
    budget = TimeBudget(10.0, {"a": 1, "b": 1}, lambda: now[0])
    now[0] = 10.0
    assert gpu.run_parts(report, ["a", "b"], budget, {}) == 1
    content = read_measurements(report.path)
    assert (content.parts, content.skipped) == ({}, dict.fromkeys("ab", "no time left"))


def test_requests_to_end_are_forgotten_afterwards() -> None:
    """The program's own handlers come back."""
    before = signal.getsignal(signal.SIGTERM)
    with stop_on_signals():
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before


def test_each_outcome_has_its_place_in_the_file(tmp_path: Path) -> None:
    """A part has one of values, a failure and a reason why it was skipped; infinite numbers become text."""
    report = Report(path=tmp_path / "gpu.json", device="cuda", small=False)
    report.add("a", {"rates": [1.0, float("nan")], "epsilon": float("inf")}, "", "", 1.0)
    report.add("b", {"tried": 1}, "stopped after 2 s", "", 2.0)
    report.add("c", {}, "RuntimeError: no memory", "", 3.0)
    report.add("d", {}, "", "safetensors is not installed", 4.0)
    report.write()
    content = read_measurements(report.path)
    assert content.parts == {
        "a": {"rates": [1.0, "nan"], "epsilon": "inf"},
        "b": {"tried": 1, "stopped": "stopped after 2 s"},
    }
    assert content.failed == {"c": "RuntimeError: no memory"}
    assert content.skipped == {"d": "safetensors is not installed"}
    assert json.loads(report.path.read_text())["seconds"] == {"a": 1.0, "b": 2.0, "c": 3.0}
