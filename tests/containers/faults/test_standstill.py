"""A container that is paused or frozen costs no run its verdict."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from runner.challenge.challenge import Challenge
from runner.engine.api import Engine
from runner.engine.container_spec import EVALUATION_LABEL, LABEL
from runner.evaluation.evaluate import evaluation_id_of
from runner.execution.settings import Settings
from runner.image.image import Image
from runner.submission.load import load_submission
from tests.support.command import start_command

pytestmark = pytest.mark.container

LIMIT_SECONDS = 4.0
SLEEPS = """
import time, torch
def unlearning(net, retain, forget, val):
    time.sleep(1.5)
    with torch.no_grad(): net.fc.bias.add_(torch.randn(10))
"""
FREEZER = Path("/sys/fs/cgroup/freezer/docker")


def set_stopped(how: str, identity: str, *, stopped: bool) -> None:
    """Pause or freeze a container, or let it go on."""
    if how == "freezer":
        (FREEZER / identity / "freezer.state").write_text("FROZEN" if stopped else "THAWED")
    else:
        word = "pause" if stopped else "unpause"
        subprocess.run(["docker", word, identity], check=True, capture_output=True)


@pytest.mark.parametrize(
    ("how", "seconds"),
    [("pause", 7.0), pytest.param("pause", 3.5, marks=pytest.mark.slow), ("freezer", 9.0)],
    ids=["paused beyond the limit", "paused and resumed in time", "frozen by the control group"],
)
def test_a_worker_that_stands_still(
    engine: Engine,
    built_image: Image,
    build_with_limits: Callable[..., Challenge],
    tmp_path: Path,
    how: str,
    seconds: float,
) -> None:
    """Its runs are done again; none is `time-limit`, and the command ends as if nothing had been."""
    if how == "freezer" and not FREEZER.is_dir():
        pytest.skip("no freezer of control groups 1 here")
    challenge = build_with_limits(wall_seconds=LIMIT_SECONDS)
    (tmp_path / "sleeps.py").write_text(SLEEPS)
    settings = Settings(n=3, keep_going=False, keep_checkpoints=False)
    name = evaluation_id_of(load_submission(tmp_path / "sleeps.py"), challenge, built_image, settings)
    store = tmp_path / "store"
    process = start_command(
        *("run", tmp_path / "sleeps.py", "-c", challenge.folder, "-n", 3, "--store", store, "--json")
    )
    workers = _await_workers(engine, name)
    time.sleep(1.0)
    for identity in workers:
        set_stopped(how, identity, stopped=True)
    time.sleep(seconds)
    for identity in workers:
        try:
            set_stopped(how, identity, stopped=False)
        except (OSError, subprocess.CalledProcessError):
            continue  # the command has given it up and removed it
    out, err = process.communicate(timeout=240)
    assert process.returncode == 0, err
    assert json.loads(out)["verdicts"] == {"ok": 3}


def _await_workers(engine: Engine, name: str) -> list[str]:
    """Return the workers of an evaluation, once one has been up for the time that its start takes."""
    deadline = time.monotonic() + 120
    while not (workers := engine.containers({EVALUATION_LABEL: name, LABEL: "worker"})):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    time.sleep(4.0)
    return [identity for identity, _labels in workers]
