"""Where checkpoints are to be kept, the disk must have room for those of all runs that are still to come."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

from runner.challenge.challenge import Challenge
from runner.challenge.load import load_challenge
from runner.errors import HostNotReadyError
from runner.evaluation.pending_runs import PendingRuns
from runner.evaluation.room import require_room
from runner.parsers.checkpoint import max_checkpoint_bytes
from runner.store.open_store import open_store
from runner.store.paths import EvaluationPaths
from runner.store.records import EvaluationRecord
from tests.runner.conftest import ChallengeFolder
from tests.support.records import run_record

ID = "0123456789ab"


@dataclass
class Part:
    """What is asked of the runs of an evaluation."""

    challenge: Challenge
    indices: range
    paths: EvaluationPaths
    name: str = ID


def test_only_missing_runs_need_room(tmp_path: Path, challenge_folder: ChallengeFolder) -> None:
    """Three do not fit where two have room, until the first of them is published: it has its own already."""
    challenge = load_challenge(challenge_folder.describe())
    room = 2 * max_checkpoint_bytes(challenge.spec)
    paths = EvaluationPaths(folder=tmp_path / ID)
    parts = [cast(PendingRuns, Part(challenge, runs, paths)) for runs in (range(2), range(2, 3))]
    with closing(open_store(tmp_path, create=True)) as store:
        store.begin(
            EvaluationRecord(
                id=ID,
                submission_sha256="a" * 64,
                submission="mine",
                archive_bytes=1,
                challenge="tiny",
                challenge_sha256=challenge.sha256,
                image="c" * 64,
                n=4,
            )
        )
        require_room(parts[:1], store, free_bytes=lambda _folder: room)
        with pytest.raises(HostNotReadyError, match=r"3 runs.*unlearn checkpoints prune"):
            require_room(parts, store, free_bytes=lambda _folder: room)
        store.publish(ID, run_record(index=0))
        require_room(parts, store, free_bytes=lambda _folder: room)
        require_room(parts, store)
