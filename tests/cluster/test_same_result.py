"""An evaluation on a cluster has the result that it has on one machine, whatever is killed meanwhile."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import psutil
import pytest

from runner.challenge.challenge import Challenge
from runner.engine.api import Engine
from runner.engine.container_spec import EVALUATION_LABEL
from runner.errors import RunnerError
from runner.store.open_store import open_store
from tests.support.cluster.ray_cluster import ENVIRONMENT, RayCluster, ray_cluster
from tests.support.command import start_command

pytestmark = [pytest.mark.cluster, pytest.mark.container]
N: Final = 8
PATIENCE_SECONDS: Final = 800.0
NOISE: Final = """
import time, torch

def unlearning(net, retain, forget, val):
    time.sleep(0.5)
    with torch.no_grad():
        for weight in net.parameters():
            weight.add_(torch.randn_like(weight) * 0.01)
"""

Act = Callable[[], Any]


@pytest.fixture(scope="module")
def submission(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("noise")
    (folder / "submission.py").write_text(NOISE)
    return folder


def evaluate(
    challenge: Challenge, submission: Path, store: Path, *more: object, act: Act | None = None
) -> Any:
    """Evaluate with a command, acting once two runs are published; return what must not depend on where."""
    words = ("run", submission, "-c", challenge.folder, "-n", N, "--keep-going", "--store", store, "--json")
    process = start_command(*words, *more, **ENVIRONMENT)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while act is not None and process.poll() is None:
        assert time.monotonic() < deadline
        if len(runs_in(store)) >= 2:
            act()
            break
        time.sleep(0.2)
    out, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0, err
    summary = json.loads(out)
    return runs_in(store), summary["score"], summary["verdicts"]


def runs_in(store: Path) -> dict[int, tuple[Any, ...]]:
    try:
        with closing(open_store(store, create=False)) as opened:
            names = opened.evaluations()
            runs = opened.runs(names[0].id) if names else []
    except RunnerError:
        return {}  # the store does not exist yet
    return {run.index: (run.seed, run.verdict, run.checkpoint_sha256, run.outputs_sha256) for run in runs}


@pytest.fixture(scope="module")
def on_this_machine(challenge: Challenge, submission: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return the result of the evaluation without a cluster."""
    return evaluate(challenge, submission, tmp_path_factory.mktemp("local") / "store")


@pytest.fixture(scope="module")
def cluster() -> Iterator[RayCluster]:
    with ray_cluster(1) as cluster:
        yield cluster


def kill_a_device() -> None:
    """Kill the process of a device of this process's nodes."""
    for process in psutil.Process().children(recursive=True):
        if process.cmdline()[:1] and process.cmdline()[0].startswith("ray::DeviceWorker"):
            os.kill(process.pid, signal.SIGKILL)
            return
    raise AssertionError("there is no device")


def test_on_one_node(
    cluster: RayCluster, challenge: Challenge, submission: Path, on_this_machine: Any, tmp_path: Path
) -> None:
    """The same checkpoints, outputs and score."""
    result = evaluate(challenge, submission, tmp_path / "store", "--cluster", cluster.address)
    assert result == on_this_machine


def test_on_three_nodes_of_which_one_is_lost(
    cluster: RayCluster,
    challenge: Challenge,
    submission: Path,
    on_this_machine: Any,
    tmp_path: Path,
    engine: Engine,
) -> None:
    """The same checkpoints, outputs and score, and no container is left."""
    for _ in range(2):
        cluster.add_node()
    result = evaluate(
        challenge, submission, tmp_path / "store", "--cluster", cluster.address, act=kill_a_device
    )
    assert result == on_this_machine
    with closing(open_store(tmp_path / "store", create=False)) as store:
        name = store.evaluations()[0].id
    deadline = time.monotonic() + 60
    while engine.containers({EVALUATION_LABEL: name}):
        assert time.monotonic() < deadline, "a container is left"
        time.sleep(0.5)
