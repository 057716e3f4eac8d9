"""Processes of fake devices, and tasks for them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from runner.devices.device import Device
from runner.devices.device_process import DeviceProcess, task_values
from runner.devices.protocol import Task
from tests.support.paths import ROOT

NewProcess = Callable[[str], DeviceProcess]


def device(name: str = "cpu 1/2") -> Device:
    return Device(name=name, requested="cpu", recorded="cpu", cores=1.0)


def task(name: str, on: Device | None = None, **changes: Any) -> Task:
    """Return a task; the name tells a fake device what to do."""
    values = {
        "store": Path("store"),
        "submission_sha256": "a" * 64,
        "submission_name": name,
        "challenge": Path("challenge"),
        "challenge_sha256": "b" * 64,
        "image": "c" * 64,
        "n": 4,
        "keep_going": False,
        "keep_checkpoints": False,
        "isolation": "process",
        "runtime": "",
        "required_device": "cpu",
        **task_values(on or device()),
    }
    return Task.model_validate({**values, **changes})


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the file in which fake devices write what they are told."""
    file = tmp_path / "devices.log"
    monkeypatch.setenv("FAKE_DEVICE_LOG", str(file))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    return file


@pytest.fixture
def new_process(log: Path) -> Iterator[NewProcess]:
    """Return what makes processes of fake devices; they are ended afterwards."""
    assert log.parent.is_dir()
    made: list[DeviceProcess] = []

    def make(name: str) -> DeviceProcess:
        made.append(
            DeviceProcess(device(name), command=[sys.executable, "-m", "tests.runner.devices.fake_device"])
        )
        return made[-1]

    yield make
    for process in made:
        process.close()
