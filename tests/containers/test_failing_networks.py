"""An organizer's own network that fails with some weights: whose fault is it, and is anything else lost?

Its forward raises an error, or ends the process, as a library that crashes does, for values that a submission may
well choose. Both end the evaluator, which takes them for failures of our own code.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from runner.evaluating import TO_BLAME

pytestmark = pytest.mark.container

ROOT = Path(__file__).parent.parent.parent
QUICK = (
    "--references",
    "2",
    "--epochs",
    "1",
    "--forget-fraction",
    "0.1",
    "--limit-examples",
    "100",
    "--seed",
    "7",
)
OWN = """
import os

from torch import nn

class Touchy(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.head = nn.Linear(64, classes)

    def forward(self, image):
        first = float(self.head.bias[0])
        if 1000 < first < 2000:
            raise RuntimeError("not with such a bias")
        if first > 2000:
            os._exit(0)
        return self.head(image.flatten(1))

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
CHANGES = {"raises": "= 1500.0", "ends": "= 2500.0", "honest": "+= 0.1"}


def unlearn(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "runner.cli", *map(str, words)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def touchy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a challenge with such a network."""
    place = tmp_path_factory.mktemp("touchy")
    (place / "net.py").write_text(OWN)
    built = unlearn(
        *("challenge", "build", "digits", place / "built", *QUICK), "--architecture-file", place / "net.py"
    )
    assert built.returncode == 0, built.stderr
    return place / "built"


@pytest.fixture(scope="module")
def summaries(touchy: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Return by name what one command made of all submissions, the honest one last."""
    place = tmp_path_factory.mktemp("submissions")
    for name, change in CHANGES.items():
        (place / name).mkdir()
        (place / name / "submission.py").write_text(SUBMISSION.format(change=change))
    done = unlearn(
        *("run", *(place / name for name in CHANGES), "--challenge", touchy),
        *("-n", 2, "--store", place / "store", "--json"),
    )
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return {one["submission"]: one for one in found}


@pytest.mark.parametrize("name", ["raises", "ends"])
def test_a_checkpoint_that_ends_the_evaluator_is_a_bad_checkpoint(
    summaries: dict[str, dict[str, Any]], name: str
) -> None:
    """Rather than a failure of the sandbox that keeps every later command from its end."""
    found = summaries[name]
    assert found["score"] is None
    assert found["verdicts"] == {"bad-checkpoint": 2}
    assert TO_BLAME in found["reason"]


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
    done = unlearn(*command, "--store", tmp_path / "store", "--json")
    assert done.returncode == 1, done.stderr
    found = json.loads(done.stdout)
    assert set(found["verdicts"]) == {"bad-checkpoint"}
    assert found["verdicts"]["bad-checkpoint"] < 480
    assert "not finite" in found["reason"]
