"""Isolation and runtime change how safely a submission runs, and nothing of its results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runner.challenge.challenge import Challenge
from runner.engine.api import Engine
from runner.engine.container_spec import EVALUATION_LABEL
from runner.store.open_store import open_store
from tests.support.command import type_command
from tests.support.paths import SAMPLES

pytestmark = pytest.mark.container

SAMPLE = SAMPLES / "noisy_finetune"

MIXED = """
import os, time, torch
def unlearning(net, retain, forget, val):
    if os.path.exists("/tmp/mark"): raise AssertionError("an earlier run was here")
    open("/tmp/mark", "w").close()
    with torch.no_grad(): net.fc.bias.add_(torch.randn(10))
"""


def run(submission: Path, challenge: Challenge, store: Path, *options: str) -> dict[str, Any]:
    done = type_command(
        *("run", submission, "-c", challenge.folder, "-n", 4, "--json", "--store", store), *options
    )
    assert done.returncode == 0, done.stderr
    summary: dict[str, Any] = json.loads(done.stdout)
    return summary


def checkpoints(store: Path, summary: dict[str, Any]) -> list[str]:
    return [
        run_record.checkpoint_sha256
        for run_record in open_store(store, create=False).runs(summary["evaluation"])
    ]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="module")
def usual(challenge: Challenge, store: Path) -> dict[str, Any]:
    """Return the summary of an evaluation as it is done when nothing else is asked for."""
    return run(SAMPLE, challenge, store)


@pytest.mark.parametrize("options", [("--isolation", "container"), ("--runtime", "runsc")], ids=" ".join)
def test_the_same_comes_out(
    engine: Engine, challenge: Challenge, store: Path, usual: dict[str, Any], options: tuple[str, str]
) -> None:
    """Bit-identical checkpoints and the same score, recorded as a separate evaluation."""
    if options[1] not in ("container", *engine.info().runtimes):
        pytest.skip(f"this engine has no runtime {options[1]}; see: unlearn setup --runtime {options[1]}")
    other = run(SAMPLE, challenge, store, *options)
    assert other["evaluation"] != usual["evaluation"]
    assert other["score"] == usual["score"]
    assert checkpoints(store, other) == checkpoints(store, usual)
    for result in (usual, other):
        assert engine.containers({EVALUATION_LABEL: result["evaluation"]}) == []


def test_a_container_for_each_run_leaves_even_tmp_to_nobody(challenge: Challenge, tmp_path: Path) -> None:
    """Two runs at once share nothing: each finds an empty /tmp and keeps it to itself."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "submission.py").write_text(MIXED)
    summary = run(tmp_path / "mine", challenge, tmp_path / "store", "--isolation", "container")
    assert summary["verdicts"] == {"ok": 4}


def test_a_gpu_where_there_is_none_is_the_hosts_matter(
    engine: Engine, challenge: Challenge, tmp_path: Path
) -> None:
    """Exit 3 and the reason, before anything is started."""
    if "nvidia" in engine.info().runtimes or engine.info().has_cdi:
        pytest.skip("this engine offers GPUs")
    done = type_command(
        *("run", SAMPLE, "-c", challenge.folder, "-n", 4, "--device", "all", "--store", tmp_path)
    )
    assert done.returncode == 3
    assert "offers no GPU" in done.stderr
