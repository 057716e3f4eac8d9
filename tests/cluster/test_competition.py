"""The queue of a competition is worked on the nodes of a cluster, which `unlearn cluster status` shows."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import pytest
import tomli_w

from runner.challenge.challenge import Challenge
from runner.competition.competition import COMPETITION_FILE
from runner.engine.api import Engine
from runner.engine.container_spec import EVALUATION_LABEL
from runner.store.open_store import open_store
from tests.contest.files import FAR, LONG_AGO
from tests.support.cluster.ray_cluster import ENVIRONMENT, RayCluster, ray_cluster
from tests.support.command import start_command

pytestmark = [pytest.mark.cluster, pytest.mark.container]
RUNS: Final = 4
PHASE: Final = {
    "name": "feedback",
    "kind": "feedback",
    "challenges": ["challenges/feedback"],
    "opens": LONG_AGO,
    "closes": FAR,
    "runs": RUNS,
    "quota": {"per_day": 6, "failed_per_day": 6},
}
NOISE: Final = """
import torch

def unlearning(net, retain, forget, val):
    with torch.no_grad():
        for weight in net.parameters():
            weight.add_(torch.randn_like(weight) * 0.01)
"""
CRASH: Final = "def unlearning(net, retain, forget, val):\n    raise ValueError('mine')\n"


@pytest.fixture(scope="module")
def cluster() -> Iterator[RayCluster]:
    with ray_cluster(2) as cluster:
        yield cluster


@pytest.fixture
def contest(challenge: Challenge, tmp_path: Path) -> Path:
    """Return the folder of a competition with one phase and two teams, one of which hands in a crash."""
    folder = tmp_path / "contest"
    type_words("competition", "init", folder, "--name", "Small", "--time-zone", "AoE")
    shutil.copytree(challenge.folder, folder / "challenges" / "feedback")
    fields = {"schema_version": 1, "name": "Small", "time_zone": "AoE", "phases": [PHASE]}
    (folder / COMPETITION_FILE).write_text(tomli_w.dumps(fields))
    for team, source in (("alpha", NOISE), ("beta", CRASH)):
        (tmp_path / "inbox" / team).mkdir(parents=True)
        (tmp_path / "inbox" / team / f"{team}.py").write_text(source)
        type_words("competition", "team", "add", folder, team, "--store", tmp_path / "store")
    inbox = tmp_path / "inbox"
    type_words("competition", "sync", folder, inbox, "--phase", "feedback", "--store", tmp_path / "store")
    return folder


def type_words(*words: object, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Type a command with the cluster's token; require its exit code, and that no traceback is shown."""
    process = start_command(*words, **ENVIRONMENT)
    out, err = process.communicate(timeout=800)
    assert process.returncode == code, err
    assert "Traceback" not in err
    return subprocess.CompletedProcess(process.args, code, out, err)


def test_the_status_of_a_cluster(cluster: RayCluster) -> None:
    """Each node with what it has, as a table and as JSON; the head, which executes nothing, is none."""
    words = ("cluster", "status", "--cluster", cluster.address)
    nodes: list[dict[str, Any]] = json.loads(type_words(*words, "--json").stdout)["nodes"]
    assert len(nodes) == 2
    for node in nodes:
        assert (node["ready"], node["problem"], node["devices"]) == (True, None, ["cpu 1/1"])
        assert node["cores"] > 0
        assert node["memory_bytes"] > 0
    shown = type_words(*words, "--devices", "cpu:2").stdout
    assert shown.count("ready") == 2


def test_a_status_that_cannot_be_asked_is_a_sentence(cluster: RayCluster) -> None:
    """No cluster, which is told at once, an address of another form, and nodes none of which would be used."""
    begun = time.monotonic()
    nowhere = type_words("cluster", "status", "--cluster", "127.0.0.1:1", code=3)
    assert "No Ray cluster can be joined at 127.0.0.1:1" in " ".join(nowhere.stderr.split())
    assert time.monotonic() - begun < 60
    for address in ("local", "10.0.0.1", "ray://10.0.0.1:10001", ":6379"):  # the first would start one
        wrong = type_words("cluster", "status", "--cluster", address, code=2)
        assert "HOST:PORT" in " ".join(wrong.stderr.split())
    words = ("cluster", "status", "--cluster", cluster.address, "--devices", "cuda:NVIDIA-H200")
    refused = type_words(*words, "--json", code=3)
    assert [node["ready"] for node in json.loads(refused.stdout)["nodes"]] == [False, False]


@pytest.mark.slow
def test_the_queue_is_worked_on_all_nodes(
    cluster: RayCluster, contest: Path, engine: Engine, tmp_path: Path
) -> None:
    """Every entry ends as on one machine, each run says which machine executed it, no container is left."""
    store = tmp_path / "store"
    words = ("competition", "evaluate", contest, "--drain", "--store", store)
    ended = type_words(*words, "--cluster", cluster.address)
    status = json.loads(type_words("cluster", "status", "--cluster", cluster.address, "--json").stdout)
    names = {node["name"] for node in status["nodes"]}
    assert ended.stdout.splitlines()[-1] == "2 evaluations"
    status = json.loads(type_words("competition", "status", contest, "--store", store, "--json").stdout)
    assert status["queue"] == status["held"] == status["stuck"] == [], status
    with closing(open_store(store, create=False)) as opened:
        evaluations = {each.submission: each for each in opened.evaluations()}
        runs = {name: opened.runs(each.id) for name, each in evaluations.items()}
        devices = {each.device for each in opened.attempts(evaluations["alpha"].id)}
    assert [run.verdict for run in runs["alpha"]] == ["ok"] * RUNS
    assert {run.verdict for run in runs["beta"]} == {"crashed"}
    assert devices == {"cluster"}
    for run in (*runs["alpha"], *runs["beta"]):
        assert run.node in names
        assert run.device_class == "cpu"
    name = evaluations["alpha"].id
    shown = type_words("show", name, "--store", store).stdout
    assert f"Executed on {runs['alpha'][0].node}, cpu: {RUNS} runs." in shown
    for each in evaluations.values():
        assert not engine.containers({EVALUATION_LABEL: each.id})
