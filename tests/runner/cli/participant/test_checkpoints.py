"""`unlearn checkpoints` lists, fetches and prunes what an evaluation kept."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load, save

from runner.challenge.description import Visibility
from runner.challenge.load import load_challenge
from runner.parsers.checkpoint import content_sha256
from runner.store.open_store import open_store
from runner.store.paths import EvaluationPaths
from runner.store.records import EvaluationRecord
from runner.verdict import Verdict
from tests.runner.conftest import ChallengeFolder
from tests.support.command import type_command
from tests.support.records import run_record

ID = "0123456789ab"


class Kept:
    """A store in which four runs of an evaluation kept checkpoints: run 2 is not evaluated, run 3 was refused."""

    def __init__(self, folder: Path, challenge_folder: Path) -> None:
        self.folder, self.paths = folder, EvaluationPaths(folder=folder / ID)
        challenge = load_challenge(challenge_folder)
        self.paths.checkpoint(0).parent.mkdir(parents=True)
        with closing(open_store(folder, create=True)) as store:
            store.begin(
                EvaluationRecord(
                    id=ID,
                    submission_sha256="a" * 64,
                    submission="mine",
                    archive_bytes=1,
                    challenge="tiny",
                    challenge_sha256=challenge.sha256,
                    image="c" * 64,
                    n=5,
                    challenge_folder=str(challenge_folder),
                )
            )
            for index in range(3):
                data = save({"weight": np.full(5, index, np.float32)})
                self.paths.checkpoint(index).write_bytes(data)
                store.publish(ID, run_record(index=index, seed=index, checkpoint_sha256=content_sha256(data)))
                if index < 2:
                    store.mark_evaluated(ID, index, outputs_sha256="d" * 64)
            refused = save({"weight": np.full(5, 3, np.float32)})
            self.paths.checkpoint(3).write_bytes(refused)
            sha256 = content_sha256(refused)
            store.publish(ID, run_record(index=3, verdict=Verdict.BAD_CHECKPOINT, checkpoint_sha256=sha256))
            store.publish(ID, run_record(index=4, verdict=Verdict.CRASHED))

    def indices(self) -> list[int]:
        return [index for index in range(5) if self.paths.checkpoint(index).exists()]


@pytest.fixture
def visibility() -> Visibility:
    return "public"


@pytest.fixture
def kept(tmp_path: Path, challenge_folder: ChallengeFolder, visibility: Visibility) -> Kept:
    return Kept(tmp_path / "store", challenge_folder.describe(visibility=visibility))


def test_they_are_listed_with_hashes(kept: Kept) -> None:
    """Of one evaluation each, and of all a line for each evaluation."""
    listed = type_command("checkpoints", "list", ID, "--store", kept.folder, "--json")
    rows = [json.loads(line) for line in listed.stdout.splitlines()]
    assert [(row["run"], row["is_evaluated"]) for row in rows] == [
        (0, True),
        (1, True),
        (2, False),
        (3, True),
    ]
    assert [row["checkpoint_sha256"] for row in rows] == [
        content_sha256(kept.paths.checkpoint(index).read_bytes()) for index in range(4)
    ]
    line = json.loads(type_command("checkpoints", "list", "--store", kept.folder, "--json").stdout)
    assert (line["evaluation"], line["checkpoints"]) == (ID, 4)
    table = type_command("checkpoints", "list", ID, "--store", kept.folder)
    assert (table.returncode, "4 checkpoints" in table.stdout) == (0, True)


def test_they_are_fetched_once_and_whole(kept: Kept, tmp_path: Path) -> None:
    """Files that exist are not replaced, and one that was changed in the store is refused."""
    out = tmp_path / "out"
    words = ("checkpoints", "fetch", ID, "--store", kept.folder, "--out", out)
    fetched = type_command(*words, "-r", 1, "-r", 2)
    assert (fetched.returncode, fetched.stderr) == (0, "")
    assert sorted(file.name for file in out.iterdir()) == [
        f"{ID}-00001.safetensors",
        f"{ID}-00002.safetensors",
    ]
    assert load((out / f"{ID}-00001.safetensors").read_bytes())["weight"].tolist() == [1.0] * 5
    again = type_command(*words)
    assert (again.returncode, "exists already" in again.stderr) == (2, True)
    missing = type_command(*words, "-r", 4)
    assert (missing.returncode, "no checkpoint of run 4" in missing.stderr) == (2, True)
    kept.paths.checkpoint(0).write_bytes(kept.paths.checkpoint(1).read_bytes())
    changed = type_command(*words, "-r", 0)
    assert (changed.returncode, "was changed since" in changed.stderr) == (2, True)
    assert len(list(out.iterdir())) == 2


@pytest.mark.parametrize("visibility", ["public", "private"])
def test_torch_files_are_for_public_challenges(kept: Kept, tmp_path: Path, visibility: Visibility) -> None:
    """Where results count, the format stays one that holds nothing but data."""
    out = tmp_path / "out"
    fetched = type_command(
        *("checkpoints", "fetch", ID, "--store", kept.folder, "--out", out, "--format", "pt")
    )
    if visibility == "public":
        assert fetched.returncode == 0, fetched.stderr
        assert all(file.read_bytes().startswith(b"PK") for file in out.iterdir())
        assert len(list(out.iterdir())) == 4
    else:
        assert (fetched.returncode, "is private" in fetched.stderr) == (2, True)
        assert not out.exists()


def test_those_that_are_needed_stay(kept: Kept) -> None:
    """What is to be pruned is named; a checkpoint without outputs is still needed."""
    unnamed = type_command("checkpoints", "prune", "--store", kept.folder)
    assert (unnamed.returncode, kept.indices()) == (2, [0, 1, 2, 3])
    pruned = type_command("checkpoints", "prune", ID, "--store", kept.folder)
    assert (pruned.returncode, pruned.stdout) == (0, "Removed 3 checkpoints.\n")
    assert kept.indices() == [2]
    assert type_command("checkpoints", "prune", "--all", "--store", kept.folder).returncode == 0
