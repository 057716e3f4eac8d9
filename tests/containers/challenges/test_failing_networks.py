"""An organizer's own network that fails with some weights: the submission is to blame, and nothing else is lost.

For values that a submission may well choose, its forward raises an error, crashes as a library may, has other
logits than classes, or never answers. What ends the evaluator it takes for a failure of our own code.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from numpy.typing import NDArray
from safetensors.numpy import load as load_safetensors
from safetensors.numpy import save

from runner.challenge.load import load_challenge
from runner.challenge.outputs import NetworkOutputs
from runner.engine.api import Engine
from runner.engine.container_spec import evaluator_container
from runner.execution import evaluator_queue as evaluating
from runner.execution.evaluator_queue import EVALUATOR_FAILED_TWICE
from runner.image.image import Image
from tests.support.command import unlearn

pytestmark = pytest.mark.container

OWN = """
import ctypes

from torch import nn

class Touchy(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.head = nn.Linear(64, classes)

    def forward(self, image):
        first = float(self.head.bias[0])
        if 1000 < first < 2000:
            raise RuntimeError("not with such a bias")
        if 2000 < first < 3000:
            ctypes.string_at(0)
        while 3000 < first < 4000:
            pass
        logits = self.head(image.flatten(1))
        return logits if first < 4000 else logits[:, :2]

def build(classes):
    return Touchy(classes)
"""
SUBMISSION = """
def unlearning(net, retain, forget, val):
    net.head.bias.data[0] {change}
    return net
"""
SLOW = """
import time

import torch

def unlearning(net, retain, forget, val):
    time.sleep(0.25)
    net.head.weight.data[:] = 3e38
    net.head.bias.data += torch.rand(1).item()
"""
CHANGES = {"raises": "= 1500.0", "crashes": "= 2500.0", "narrow": "= 4500.0", "honest": "+= 0.1"}
REASONS = {
    "raises": EVALUATOR_FAILED_TWICE,
    "crashes": EVALUATOR_FAILED_TWICE,
    "narrow": "the network fails with it",
}


@pytest.fixture(scope="module")
def touchy(challenge_with_network: Callable[[str], Path]) -> Path:
    """Return the folder of a challenge with such a network."""
    return challenge_with_network(OWN)


@pytest.fixture(scope="module")
def summaries(touchy: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Return the summary of each submission from one command, the honest one last."""
    place = tmp_path_factory.mktemp("submissions")
    for name, change in CHANGES.items():
        (place / name).mkdir()
        (place / name / "submission.py").write_text(SUBMISSION.format(change=change))
    done = unlearn(
        *("run", *(place / name for name in CHANGES), "--challenge", touchy),
        *("-n", 2, "--store", place / "store", "--json"),
        code=1,
    )
    return {summary["submission"]: summary for summary in map(json.loads, done.stdout.splitlines())}


@pytest.mark.parametrize("name", REASONS)
def test_a_checkpoint_that_ends_the_evaluator_is_a_bad_checkpoint(
    summaries: dict[str, dict[str, Any]], name: str
) -> None:
    """Rather than a failure of the sandbox that keeps every later command from its end."""
    summary = summaries[name]
    assert summary["score"] is None
    assert set(summary["verdicts"]) <= {"bad-checkpoint", "ok"}, "what two fail with ends the evaluation"
    assert REASONS[name] in summary["reason"]


def test_the_honest_submission_after_them_is_scored(summaries: dict[str, dict[str, Any]]) -> None:
    """In the same command."""
    assert summaries["honest"]["verdicts"] == {"ok": 2}
    assert isinstance(summaries["honest"]["score"], float)


def test_a_checkpoint_that_is_refused_ends_the_evaluation_as_a_failed_run_does(
    touchy: Path, tmp_path: Path
) -> None:
    """Of 480 runs, which would take two minutes, no more is begun once the first answers are not finite."""
    (tmp_path / "submission.py").write_text(SLOW)
    command = ("run", tmp_path / "submission.py", "--challenge", touchy, "-n", 480)
    done = unlearn(*command, "--store", tmp_path / "store", "--json", code=1)
    summary = json.loads(done.stdout)
    assert set(summary["verdicts"]) == {"bad-checkpoint"}
    assert summary["verdicts"]["bad-checkpoint"] < 480
    assert "not finite" in summary["reason"]


class Sink:
    """A sink that records what it is sent."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.evaluated: list[int] = []
        self.rejected: list[tuple[int, str]] = []

    def read_checkpoint(self, index: int) -> bytes:
        return (self.folder / f"{index}.checkpoint").read_bytes()

    def publish_outputs(self, index: int, _outputs: NetworkOutputs) -> None:
        self.evaluated.append(index)

    def reject(self, index: int, reason: str) -> None:
        self.rejected.append((index, reason))


def test_a_checkpoint_that_is_never_answered(
    engine: Engine,
    built_image: Image,
    labels: dict[str, str],
    touchy: Path,
    tmp_path: Path,
) -> None:
    """Real evaluators, with seconds in the place of minutes: what was sent along with it is evaluated."""
    challenge, notes = load_challenge(touchy), Sink(tmp_path)
    for index, first in enumerate((0.5, 3500.0, 0.7)):
        tensors: dict[str, NDArray[Any]] = load_safetensors(challenge.data("original"))
        tensors["head.bias"] = tensors["head.bias"].copy()
        tensors["head.bias"][0] = first
        (tmp_path / f"{index}.checkpoint").write_bytes(save(tensors))
    backlog = evaluating.EvaluatorQueue(
        start=lambda: engine.start(evaluator_container(image=built_image.tag, cpus=1.0, labels=labels)),
        challenge=challenge,
        sink=notes,
        min_checkpoint_seconds=3.0,
    )
    for index in range(3):
        backlog.add(index)
    with backlog:
        backlog.finish()
    assert notes.rejected == [(1, EVALUATOR_FAILED_TWICE)]
    assert sorted(notes.evaluated) == [0, 2]
    assert engine.containers(labels) == []
