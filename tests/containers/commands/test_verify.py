"""An evaluation can be verified, and its runs done again, by the command as a user types it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runner.challenge.challenge import Challenge
from tests.support.command import type_command
from tests.support.paths import SAMPLES

pytestmark = pytest.mark.container


NOT_DETERMINISTIC = """
import os, torch

def unlearning(net, retain, forget, val):
    torch.manual_seed(int.from_bytes(os.urandom(7), "big"))
    with torch.no_grad():
        for weight in net.parameters():
            weight.add_(torch.randn_like(weight) * 0.01)
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="module")
def evaluated(
    challenge: Challenge, store: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, Any]]:
    """Return the summaries of three submissions: one deterministic, one not, and a copy of the first."""
    folder = tmp_path_factory.mktemp("submissions")
    source = (SAMPLES / "finetune" / "submission.py").read_text()
    for name, text in (("copied", source + "\n# mine\n"), ("unsteady", NOT_DETERMINISTIC)):
        (folder / name).mkdir()
        (folder / name / "submission.py").write_text(text)
    done = type_command(
        *("run", SAMPLES / "finetune", folder / "unsteady", folder / "copied"),
        *("-c", challenge.folder, "-n", 8, "--store", store, "--json", "--keep-checkpoints", "all"),
    )
    assert done.returncode == 0, done.stderr
    return {summary["submission"]: summary for summary in map(json.loads, done.stdout.splitlines())}


def test_a_deterministic_submission_can_be_done_again(
    evaluated: dict[str, dict[str, Any]], store: Path
) -> None:
    """The runs that are done again give the same checkpoints and outputs, bit for bit."""
    done = type_command(
        "verify", evaluated["finetune"]["evaluation"][:8], "--store", store, "--rerun", 3, "--json"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["matches"] is True
    assert report["rerun"] == [0, 2, 5]
    assert report["checked"] == {"archive": 1, "checkpoints": 8, "outputs": 8}


def test_a_submission_that_is_not_deterministic_is_named(
    evaluated: dict[str, dict[str, Any]], store: Path
) -> None:
    """All hashes match, but no run gives the checkpoint again: exit code 1, a line for each."""
    name = evaluated["unsteady"]["evaluation"]
    assert type_command("verify", name, "--store", store).returncode == 0
    done = type_command("verify", name, "--store", store, "--rerun", 2, "--json")
    assert done.returncode == 1
    mismatches = json.loads(done.stdout)["mismatches"]
    assert [line.split(":")[0] for line in mismatches] == ["run 0", "run 4"]
    assert all("not deterministic" in line for line in mismatches)


def test_a_copied_submission_is_warned_of(evaluated: dict[str, dict[str, Any]]) -> None:
    """Where it was done second, with how many checkpoints, whose, and in which evaluation."""
    first = evaluated["finetune"]
    assert evaluated["copied"]["warnings"] == [
        f"8 of 8 checkpoints equal those of another submission: finetune (evaluation {first['evaluation']})"
    ]
    assert first["warnings"] == []
    assert evaluated["unsteady"]["warnings"] == []


def test_what_was_changed_is_named(evaluated: dict[str, dict[str, Any]], store: Path) -> None:
    """A changed file: exit code 1 and its name."""
    name = evaluated["copied"]["evaluation"]
    file = store / name / "outputs" / "00003.npz"
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    done = type_command("verify", name, "--store", store)
    assert done.returncode == 1
    assert "outputs/00003.npz is not the file that the manifest names" in done.stdout


def test_the_challenge_must_be_there(
    evaluated: dict[str, dict[str, Any]], challenge: Challenge, store: Path, tmp_path: Path
) -> None:
    """Where it was, or where the option says; elsewhere it is wrong usage."""
    name = evaluated["finetune"]["evaluation"]
    assert type_command("verify", name, "--store", store, "-c", challenge.folder).returncode == 0
    done = type_command("verify", name, "--store", store, "-c", tmp_path)
    assert done.returncode == 2
    assert "name its folder with --challenge" in " ".join(done.stderr.split())
