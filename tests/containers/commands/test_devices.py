"""Two submissions on two CPU slots at once, in real containers: scored, recorded, continued after a kill."""

from __future__ import annotations

import json
import os
import signal
import time
from contextlib import closing
from pathlib import Path

import pytest

from runner.challenge.challenge import Challenge
from runner.engine.api import Engine
from runner.engine.container_spec import EVALUATION_LABEL
from runner.errors import RunnerError
from runner.store.open_store import open_store
from tests.support.command import start_command, type_command

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

SOURCE = """\
import time, torch

def unlearning(net, retain, forget, val):  # {name}
    time.sleep(0.5)
    with torch.no_grad():
        for weight in net.parameters():
            weight.add_(torch.randn_like(weight) * 0.01)
"""
RUNS = 6


def test_two_slots_and_a_killed_process(challenge: Challenge, engine: Engine, tmp_path: Path) -> None:
    """The process of a slot is killed in mid-evaluation: its entry alone is held, and the command continues it.

    Both are evaluated at the same time, on a slot each; nothing is executed twice, and no container is left.
    """
    files, store = [tmp_path / f"{name}.py" for name in ("first", "second")], tmp_path / "store"
    for file in files:
        file.write_text(SOURCE.format(name=file.stem))
    words = ("run", *files, "-c", challenge.folder, "-n", RUNS, "--store", store, "--json")
    if (os.cpu_count() or 1) < 2:
        pytest.skip("slots of a run's core need two cores")
    process = start_command(*words, "--devices", "cpu:2")
    devices: dict[str, str] = {}
    deadline = time.monotonic() + 240
    while len(devices) < 2 or not all(_published(store, name) for name in devices):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        devices = _devices(store)
        time.sleep(0.05)
    assert sorted(devices.values()) == ["cpu 1/2", "cpu 2/2"]  # at the same moment
    victim = _children(process.pid)[0]
    os.kill(victim, signal.SIGKILL)
    out, err = process.communicate(timeout=240)
    assert "Traceback" not in err
    assert process.returncode == 4, err
    first = [json.loads(line) for line in out.splitlines()]
    reasons = {each["submission"]: each.get("reason") for each in first}
    assert sorted(each["outcome"] for each in first) == ["held", "scored"], (reasons, err)
    assert "SIGKILL" in err
    with closing(open_store(store, create=False)) as opened:
        before = {name: opened.runs(name) for name in devices}
    ended = type_command(*words, "--devices", "cpu:2")
    assert ended.returncode == 0, ended.stderr
    assert [json.loads(line)["verdicts"] for line in ended.stdout.splitlines()] == [{"ok": RUNS}] * 2
    with closing(open_store(store, create=False)) as opened:
        for name, runs in before.items():
            after = {run.index: run.checkpoint_sha256 for run in opened.runs(name)}
            assert len(after) == RUNS
            assert all(after[run.index] == run.checkpoint_sha256 for run in runs)
    for name in devices:
        assert not engine.containers({EVALUATION_LABEL: name})


def _published(store: Path, evaluation: str) -> int:
    with closing(open_store(store, create=False)) as opened:
        return len(opened.runs(evaluation))


def _devices(store: Path) -> dict[str, str]:
    """Return the evaluations that are executed now, with their devices."""
    try:
        with closing(open_store(store, create=False)) as opened:
            return opened.devices_at_work([stored.id for stored in opened.evaluations()])
    except RunnerError:
        return {}


def _children(process: int) -> list[int]:
    """Return the processes that a process has started and that are alive."""
    tasks = Path(f"/proc/{process}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]
